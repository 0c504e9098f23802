// One thread's search.

import { parentPort, workerData } from 'node:worker_threads';
import { built } from '../built.mjs';

/** @typedef {{ description: import('../../libs/scheduler/model/model.js').ModelDescription, placement: Int32Array, annealings: readonly import('../../libs/scheduler/model/annealings.js').Annealing[], deadlineUnixMs: number }} WorkerData */

const { buildModel } = built('scheduler/model/model.js');
const { optimizeBy } = built('scheduler/model/annealings.js');

const { description, placement, annealings, deadlineUnixMs } = /** @type {WorkerData} */ (workerData);
const now = () => performance.timeOrigin + performance.now();
const answer = optimizeBy(buildModel(description), annealings, (/** @type {number} */ shareOfRest) => {
  const begun = now();
  const duration = Math.max(1, (deadlineUnixMs - begun) * shareOfRest);
  return () => (now() - begun) / duration;
});
placement.set(answer.placement);
parentPort?.postMessage({ cost: answer.cost, steps: answer.steps });
