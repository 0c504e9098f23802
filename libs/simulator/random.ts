/** All chance in a simulation comes from one of these. */
export interface Random {
  /** In [0, 1). */
  next(): number;
  /** A whole number in [0, limit). */
  below(limit: number): number;
  pick<Value>(values: readonly Value[]): Value;
}

/** sfc32 of Chris Doty-Humphrey's PractRand: 128 bits of state, no known failed test, a few operations a number. */
export function createRandom(seed: number): Random {
  let a = 0;
  let b = seed | 0;
  let c = Math.trunc(seed / 0x1_0000_0000) | 0;
  let counter = 1;
  const next = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return (sum >>> 0) / 0x1_0000_0000;
  };
  // As its author advises: the first outputs still show the seed.
  for (let count = 0; count < 15; count++) next();
  return {
    next,
    below: (limit) => Math.floor(next() * limit),
    pick: (values) => values[Math.floor(next() * values.length)]!,
  };
}
