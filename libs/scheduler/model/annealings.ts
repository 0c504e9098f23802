import type { Model, ModelDescription } from './model';
import { optimize, type Optimized, type Schedule } from './optimize';

/** A search from where the items are, with its own seed and schedule. */
export interface Annealing {
  readonly seed: number;
  readonly schedule: Partial<Schedule>;
  /** Of the time. */
  readonly share: number;
}

export interface SearchTask {
  readonly seed: number;
  readonly durationMs: number;
}

/**
 * What is better than the usual schedule on one fleet or another where there is time: the large items first, and not so hot as to lose
 * all that was good where the items were, or all of them from the beginning.
 */
const largeFirst = { activeSize: 5 };
const warm = { hottest: 0.3, activeSize: 5 };
const allAtOnce = { hottest: 1, activeSize: 0, coldest: 1000 };
/**
 * Hosts with few items are full in one resource or another long before they are in all: what a search can still win is in the large
 * items, so it need not go as cold, shifts are more often possible than swaps, and the small items must make room earlier.
 */
const roomy = { coldestSizes: 0.002, swapShare: 0.3 };
const fewForEachHost = 25;
/** Where the items are well placed, all that is hotter only loses, and does not find back. It is known soon. */
const nearby = { hottest: 0.03, activeSize: 0 };
const nearbyShare = 0.03;
/** Milliseconds for each item, from which on there is. */
const enoughMs = 3;
/** From here on there is time for two annealings. */
const twoAnnealingsMs = 60_000;

/**
 * What each of several searches of one problem does, which may run on as many threads. The first cools once, over all of the time. The
 * others vary the schedule, for none is the best on every fleet, and begin anew in a long run, for now and then an annealing
 * freezes with a large item in a bad place.
 */
export function annealingsOf(
  worker: number,
  { items, hosts }: Pick<ModelDescription, 'items' | 'hosts'>,
  task: SearchTask,
): Annealing[] {
  const { seed, durationMs } = task;
  const hasEnough = durationMs >= enoughMs * items;
  if (hasEnough && items <= fewForEachHost * hosts) return annealingsForFew(worker, task);
  if (worker === 0) return [{ seed, schedule: hasEnough ? largeFirst : {}, share: 1 }];
  const ownSeed = seed + 1000 * worker;
  if (!hasEnough && durationMs < twoAnnealingsMs) return [{ seed: ownSeed, schedule: {}, share: 1 }];
  const varied = hasEnough ? allAtOnce : {};
  return withNearby(durationMs, [
    { seed: ownSeed, schedule: largeFirst, share: 0.25 },
    { seed: ownSeed + 1, schedule: varied, share: 0.75 },
  ]);
}

function annealingsForFew(worker: number, { seed, durationMs }: SearchTask): Annealing[] {
  if (worker === 0) return [{ seed, schedule: { ...roomy, activeSize: 2 }, share: 1 }];
  const ownSeed = seed + 1000 * worker;
  return withNearby(durationMs, [
    { seed: ownSeed, schedule: warm, share: 0.35 },
    { seed: ownSeed + 1, schedule: allAtOnce, share: 0.65 },
  ]);
}

/** The last alone where there is no time for two. */
function withNearby(durationMs: number, annealings: readonly Annealing[]): Annealing[] {
  const chosen =
    durationMs < twoAnnealingsMs ? annealings.slice(-1).map((each) => ({ ...each, share: 1 })) : annealings;
  const first = { seed: chosen[0]!.seed + 100, schedule: nearby, share: nearbyShare };
  return [first, ...chosen.map((each) => ({ ...each, share: each.share * (1 - nearbyShare) }))];
}

/**
 * The annealings one after the other, and the best of their answers. `progressOf` begins one that may take so much of the time that is
 * left, and says how far it is, from 0 to 1.
 */
export function optimizeBy(
  model: Model,
  annealings: readonly Annealing[],
  progressOf: (shareOfRest: number) => (steps: number) => number,
): Optimized {
  let [best, steps, shareLeft]: [Optimized | null, number, number] = [null, 0, 1];
  for (const { seed, schedule, share } of annealings) {
    const answer = optimize(model, { seed, schedule, progress: progressOf(share / shareLeft) });
    shareLeft -= share;
    steps += answer.steps;
    if (best === null || answer.cost < best.cost) best = answer;
  }
  if (best === null) throw new Error('A search has one annealing at least.');
  return { ...best, steps };
}
