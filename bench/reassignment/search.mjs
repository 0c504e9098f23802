// The optimizer on worker threads: each searches by its own plan, in the same shared tables, and the best answer wins.

import { Worker } from 'node:worker_threads';

/** @typedef {import('../../libs/scheduler/model/model.js').ModelDescription} ModelDescription */
/** @typedef {{ seed: number, workers: number, deadline: number }} SearchOptions deadline: by performance.now() */
/** @typedef {{ placement: Int32Array, cost: number, steps: number }} Answer */
/** @typedef {{ seed: number, schedule: Partial<import('../../libs/scheduler/model/optimize.js').Schedule> }} Round */

/** All items from the beginning: better on a few tight instances where there is time enough for each item, hopeless where not. */
const patient = { hottest: 1, activeSize: 0 };
/** Milliseconds for each item, from which on there is. */
const patientMs = 3;
const mostRounds = 4;
const shortestRoundMs = 30_000;

/**
 * One worker cools once, over all of the time: the longer, the better. The others begin anew a few times where time allows,
 * for now and then an annealing freezes with a large item in a bad place, and they vary the schedule.
 * @param {number} worker
 * @param {{ seed: number, durationMs: number, items: number }} task
 * @returns {Round[]}
 */
export function roundsOf(worker, { seed, durationMs, items }) {
  if (worker === 0) return [{ seed, schedule: {} }];
  const count = Math.max(1, Math.min(mostRounds, Math.floor(durationMs / shortestRoundMs)));
  const isPatient = durationMs / count / Math.max(1, items) >= patientMs;
  return Array.from({ length: count }, (_unused, round) => ({
    seed: seed + worker * 1000 + round,
    schedule: isPatient && (round + worker) % 2 === 1 ? patient : {},
  }));
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
