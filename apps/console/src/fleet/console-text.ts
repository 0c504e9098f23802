/**
 * What was said since: both are the end of the same console, as much of it as one answer holds. The longest end of
 * `before` with which `now` begins is known already (the failure function of Knuth, Morris and Pratt finds it).
 */
export function appended(before: string, now: string): string {
  const border = new Int32Array(now.length);
  for (let at = 1, length = 0; at < now.length; at++) {
    while (length > 0 && now[at] !== now[length]) length = border[length - 1] ?? 0;
    if (now[at] === now[length]) length++;
    border[at] = length;
  }
  let matched = 0;
  for (let at = Math.max(0, before.length - now.length); at < before.length; at++) {
    while (matched > 0 && (matched === now.length || before[at] !== now[matched])) matched = border[matched - 1] ?? 0;
    if (before[at] === now[matched]) matched++;
  }
  return now.slice(matched);
}
