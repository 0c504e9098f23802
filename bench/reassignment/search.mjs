// The optimizer on worker threads: each does its own annealings, in the same shared tables, and the best answer wins.

import { Worker } from 'node:worker_threads';
import { built } from '../built.mjs';

/** @typedef {import('../../libs/scheduler/model/model.js').ModelDescription} ModelDescription */
/** @typedef {{ seed: number, workers: number, deadline: number }} SearchOptions deadline: by performance.now() */
/** @typedef {{ placement: Int32Array, cost: number, steps: number }} Answer */

/**
 * @param {ModelDescription} description
 * @param {SearchOptions} options
 * @returns {Promise<Answer>}
 */
export async function search(description, { seed, workers, deadline }) {
  const { annealingsOf } = built('scheduler/model/annealings.js');
  const deadlineUnixMs = performance.timeOrigin + deadline;
  const answers = await Promise.all(
    Array.from({ length: workers }, (_unused, worker) => {
      const placement = new Int32Array(new SharedArrayBuffer(4 * description.items));
      const annealings = annealingsOf(worker, description, { seed, durationMs: deadline - performance.now() });
      return inWorker({ description, placement, annealings, deadlineUnixMs });
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
