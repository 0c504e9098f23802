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

/** The two machines of the set-up that the literature on consolidation shares, by their SPECpower results. */
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
