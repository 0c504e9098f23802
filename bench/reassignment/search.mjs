// The optimizer on worker threads: each searches by its own plan, in the same shared tables, and the best answer wins.

import { Worker } from 'node:worker_threads';

/** @typedef {import('../../libs/scheduler/model/model.js').ModelDescription} ModelDescription */
/** @typedef {{ seed: number, workers: number, deadline: number }} SearchOptions deadline: by performance.now() */
/** @typedef {{ placement: Int32Array, cost: number, steps: number }} Answer */
/** @typedef {{ seed: number, schedule: Partial<import('../../libs/scheduler/model/optimize.js').Schedule>, share: number }} Round share: of the time */

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
const twoRoundsMs = 60_000;

/**
 * One worker cools once, over all of the time. The others vary the schedule, for none is the best on every fleet, and begin anew in
 * a long run, for now and then an annealing freezes with a large item in a bad place.
 * @param {number} worker
 * @param {{ seed: number, durationMs: number, items: number, hosts: number }} task
 * @returns {Round[]}
 */
export function roundsOf(worker, { seed, durationMs, items, hosts }) {
  const hasEnough = durationMs >= enoughMs * items;
  if (hasEnough && items <= fewForEachHost * hosts) return roundsForFew(worker, { seed, durationMs });
  if (worker === 0) return [{ seed, schedule: hasEnough ? largeFirst : {}, share: 1 }];
  const ownSeed = seed + 1000 * worker;
  if (!hasEnough && durationMs < twoRoundsMs) return [{ seed: ownSeed, schedule: {}, share: 1 }];
  const varied = hasEnough ? allAtOnce : {};
  return withNearby(durationMs, [
    { seed: ownSeed, schedule: largeFirst, share: 0.25 },
    { seed: ownSeed + 1, schedule: varied, share: 0.75 },
  ]);
}

/**
 * @param {number} worker
 * @param {{ seed: number, durationMs: number }} task
 * @returns {Round[]}
 */
function roundsForFew(worker, { seed, durationMs }) {
  if (worker === 0) return [{ seed, schedule: { ...roomy, activeSize: 2 }, share: 1 }];
  const ownSeed = seed + 1000 * worker;
  return withNearby(durationMs, [
    { seed: ownSeed, schedule: warm, share: 0.35 },
    { seed: ownSeed + 1, schedule: allAtOnce, share: 0.65 },
  ]);
}

/**
 * The last alone where there is no time for two.
 * @param {number} durationMs
 * @param {Round[]} rounds
 * @returns {Round[]}
 */
function withNearby(durationMs, rounds) {
  const chosen = durationMs < twoRoundsMs ? rounds.slice(-1).map((round) => ({ ...round, share: 1 })) : rounds;
  const first = { seed: (chosen[0]?.seed ?? 0) + 100, schedule: nearby, share: nearbyShare };
  return [first, ...chosen.map((round) => ({ ...round, share: round.share * (1 - nearbyShare) }))];
}

/**
 * @param {ModelDescription} description
 * @param {SearchOptions} options
 * @returns {Promise<Answer>}
 */
export async function search(description, { seed, workers, deadline }) {
  const deadlineUnixMs = performance.timeOrigin + deadline;
  const answers = await Promise.all(
    Array.from({ length: workers }, (_unused, index) => {
      const placement = new Int32Array(new SharedArrayBuffer(4 * description.items));
      const { items, hosts } = description;
      const rounds = roundsOf(index, { seed, durationMs: deadline - performance.now(), items, hosts });
      return inWorker({ description, placement, rounds, deadlineUnixMs });
    }),
  );
  return answers.reduce((best, answer) => (answer.cost < best.cost ? answer : best));
}

/**
 * @param {import('./worker.mjs').WorkerData} workerData
 * @returns {Promise<Answer>}
 */
function inWorker(workerData) {
  const worker = new Worker(new URL('./worker.mjs', import.meta.url), { workerData });
  return new Promise((resolve, reject) => {
    worker.once('message', ({ cost, steps }) => resolve({ placement: workerData.placement, cost, steps }));
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('a worker ended without an answer')));
  });
}
