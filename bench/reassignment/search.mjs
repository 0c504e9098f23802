// The optimizer on worker threads: each searches by its own plan, in the same shared tables, and the best answer wins.

import { Worker } from 'node:worker_threads';

/** @typedef {import('../../libs/scheduler/model/model.js').ModelDescription} ModelDescription */
/** @typedef {{ seed: number, workers: number, deadline: number }} SearchOptions deadline: by performance.now() */
/** @typedef {{ placement: Int32Array, cost: number, steps: number }} Answer */
/** @typedef {{ seed: number, schedule: Partial<import('../../libs/scheduler/model/optimize.js').Schedule>, share: number }} Round share: of the time */

/** What is better than the usual schedule on one fleet or another where there is time: the large items first, or all of them from the beginning. */
const largeFirst = { activeSize: 5 };
const allAtOnce = { hottest: 1, activeSize: 0, coldest: 1000 };
/** Milliseconds for each item, from which on there is. */
const enoughMs = 3;
/** From here on there is time for two annealings. */
const twoRoundsMs = 60_000;

/**
 * One worker cools once, over all of the time. The others vary the schedule, for none is the best on every fleet, and begin anew in
 * a long run, for now and then an annealing freezes with a large item in a bad place.
 * @param {number} worker
 * @param {{ seed: number, durationMs: number, items: number }} task
 * @returns {Round[]}
 */
export function roundsOf(worker, { seed, durationMs, items }) {
  const hasEnough = durationMs >= enoughMs * items;
  if (worker === 0) return [{ seed, schedule: hasEnough ? largeFirst : {}, share: 1 }];
  const ownSeed = seed + 1000 * worker;
  const varied = hasEnough ? allAtOnce : {};
  if (durationMs < twoRoundsMs) return [{ seed: ownSeed, schedule: varied, share: 1 }];
  return [
    { seed: ownSeed, schedule: largeFirst, share: 0.25 },
    { seed: ownSeed + 1, schedule: varied, share: 0.75 },
  ];
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
      const rounds = roundsOf(index, { seed, durationMs: deadline - performance.now(), items: description.items });
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
