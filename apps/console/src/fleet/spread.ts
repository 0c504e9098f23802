/** Of one host: the share of its processors that was used at each instant; null: not known. */
type Shares = readonly (number | null)[];

/** How far apart hosts were at each instant: the standard deviation of their shares. null where fewer than two are known. */
export function spreadOver(hosts: readonly Shares[], instants: number): readonly (number | null)[] {
  return Array.from({ length: instants }, (_, index) => {
    const known = hosts.flatMap((shares) => shares[index] ?? []);
    if (known.length < 2) return null;
    const mean = known.reduce((sum, each) => sum + each, 0) / known.length;
    return Math.sqrt(known.reduce((sum, each) => sum + (each - mean) ** 2, 0) / known.length);
  });
}

/** The stretches in which it is known, for a line that is not drawn across what nobody knows. */
export function stretches(
  at: readonly number[],
  values: readonly (number | null)[],
): readonly (readonly [number, number][])[] {
  const all: [number, number][][] = [];
  let isOpen = false;
  values.forEach((value, index) => {
    if (value === null) isOpen = false;
    else {
      if (!isOpen) all.push([]);
      isOpen = true;
      all.at(-1)!.push([at[index]!, value]);
    }
  });
  return all;
}
