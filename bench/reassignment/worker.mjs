// One thread's search.

import { parentPort, workerData } from 'node:worker_threads';
import { built } from '../built.mjs';

/** @typedef {{ description: import('../../libs/scheduler/model/model.js').ModelDescription, placement: Int32Array, seed: number, deadlineUnixMs: number }} WorkerData */

const { buildModel } = built('scheduler/model/model.js');
const { optimize } = built('scheduler/model/optimize.js');

const { description, placement, seed, deadlineUnixMs } = /** @type {WorkerData} */ (workerData);
const model = buildModel(description);
const begun = performance.timeOrigin + performance.now();
const duration = Math.max(1, deadlineUnixMs - begun);
const answer = optimize(model, {
  seed,
  progress: () => (performance.timeOrigin + performance.now() - begun) / duration,
});
placement.set(answer.placement);
parentPort?.postMessage({ cost: answer.cost, steps: answer.steps });
