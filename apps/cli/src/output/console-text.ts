/** Length of the longest end of `before` that `now` begins with, by the failure function of Knuth, Morris and Pratt. */
function overlap(before: string, now: string): number {
  const failure = new Int32Array(now.length);
  for (let index = 1, matched = 0; index < now.length; index++) {
    while (matched > 0 && now[index] !== now[matched]) matched = failure[matched - 1] ?? 0;
    if (now[index] === now[matched]) matched++;
    failure[index] = matched;
  }
  let matched = 0;
  for (let index = Math.max(0, before.length - now.length); index < before.length; index++) {
    while (matched > 0 && (matched === now.length || before[index] !== now[matched]))
      matched = failure[matched - 1] ?? 0;
    if (before[index] === now[matched]) matched++;
  }
  return matched;
}

/** What was said since: both are the end of the same console, as much of it as one answer holds. */
export function appended(before: string, now: string): string {
  // An answer may begin in the middle of a character, which is replaced then.
  const clean = now.replace(/^\ufffd{1,3}/, '');
  return clean.slice(overlap(before, clean));
}

/** Colours pass; what could move the cursor, rename the window or answer as if typed does not. */
export function forTerminal(text: string): string {
  const colour = '\\x1b\\[[0-9;]*m';
  const other =
    '\\x1b\\[[0-?]*[ -/]*[@-~]|\\x1b[\\]PX^_][^\\x07\\x1b]*(?:\\x07|\\x1b\\\\)?|\\x1b[ -/]*[0-~]?|[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1a\\x1c-\\x1f\\x7f-\\x9f]';
  return text.replace(new RegExp(`(${colour})|${other}`, 'g'), (_, kept: string | undefined) => kept ?? '');
}
