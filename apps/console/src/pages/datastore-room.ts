import type { Datastore } from '../fleet/rows';

const longestMs = 30 * 86_400_000;

/** null: it does not fill, or nobody knows how fast. */
export function fullInMs(use: Datastore['use']): number | null {
  if (use?.growthBytesPerSecond == null || use.growthBytesPerSecond <= 0) return null;
  const ms = (use.freeBytes / use.growthBytesPerSecond) * 1000;
  return ms > longestMs ? null : ms;
}
