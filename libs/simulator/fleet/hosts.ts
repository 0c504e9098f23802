/** A model of machine: what it can do and what it draws. */
export interface HostType {
  readonly name: string;
  readonly cores: number;
  readonly coreMHz: number;
  readonly memoryMiB: number;
  readonly linkMbps: number;
  /** At 0, 10, …, 100 % of its processors, as SPECpower_ssj2008 measures it. */
  readonly watts: readonly number[];
}

/**
 * Machines by their SPECpower results. The first two are those of the set-up that the literature on consolidation shares; the others are what made-up
 * fleets are of, with more memory than they were measured with. The last stands for hosts of recorded requests: as many cores
 * as the protocol of those has, drawing what as many cores of the machine before it draw.
 */
export const hostTypes = {
  'HP ML110 G4': {
    name: 'HP ML110 G4',
    cores: 2,
    coreMHz: 1860,
    memoryMiB: 4096,
    linkMbps: 1000,
    watts: [86, 89.4, 92.6, 96, 99.5, 102, 106, 108, 112, 114, 117],
  },
  'HP ML110 G5': {
    name: 'HP ML110 G5',
    cores: 2,
    coreMHz: 2660,
    memoryMiB: 4096,
    linkMbps: 1000,
    watts: [93.7, 97, 101, 105, 110, 116, 121, 125, 129, 133, 135],
  },
  'IBM x3550 X5670': {
    name: 'IBM x3550 X5670',
    cores: 12,
    coreMHz: 2933,
    memoryMiB: 196_608,
    linkMbps: 10_000,
    watts: [66, 107, 120, 131, 143, 156, 173, 191, 211, 229, 247],
  },
  'IBM x3550 X5675': {
    name: 'IBM x3550 X5675',
    cores: 12,
    coreMHz: 3067,
    memoryMiB: 196_608,
    linkMbps: 10_000,
    watts: [58.4, 98, 109, 118, 128, 140, 153, 170, 189, 205, 222],
  },
  '80 cores': {
    name: '80 cores',
    cores: 80,
    coreMHz: 3067,
    memoryMiB: 184_320,
    linkMbps: 25_000,
    watts: [58.4, 98, 109, 118, 128, 140, 153, 170, 189, 205, 222].map((watts) => (watts * 80) / 12),
  },
} as const satisfies Record<string, HostType>;

/**
 * Between the measured tenths it is a straight line. `share` is of all its processors, 0 to 1. The order of the operations
 * is CloudSim's: it compares differences of this that are equal but for rounding, so another order gives another placement.
 */
export function wattsAt({ watts }: HostType, share: number): number {
  const tenths = share * 10;
  const below = Math.floor(tenths);
  const from = watts[below]!;
  const perPercent = (watts[Math.ceil(tenths)]! - from) / 10;
  return from + perPercent * (share - below / 10) * 100;
}
