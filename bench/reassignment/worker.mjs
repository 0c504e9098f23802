// One thread's search: its rounds follow each other, and the best of them is its answer.

import { parentPort, workerData } from 'node:worker_threads';
import { built } from '../built.mjs';

/** @typedef {{ description: import('../../libs/scheduler/model/model.js').ModelDescription, placement: Int32Array, rounds: readonly import('./search.mjs').Round[], deadlineUnixMs: number }} WorkerData */

const { buildModel } = built('scheduler/model/model.js');
const { optimize } = built('scheduler/model/optimize.js');

const { description, placement, rounds, deadlineUnixMs } = /** @type {WorkerData} */ (workerData);
const now = () => performance.timeOrigin + performance.now();
const model = buildModel(description);
let [cost, steps] = [Infinity, 0];
let shareLeft = 1;
for (const { seed, schedule, share } of rounds) {
  const begun = now();
  const duration = Math.max(1, ((deadlineUnixMs - begun) * share) / shareLeft);
  shareLeft -= share;
  const answer = optimize(model, { seed, schedule, progress: () => (now() - begun) / duration });
  steps += answer.steps;
  if (answer.cost >= cost) continue;
  cost = answer.cost;
  placement.set(answer.placement);
}
parentPort?.postMessage({ cost, steps });
