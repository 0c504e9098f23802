import { parentPort, workerData } from 'node:worker_threads';
import { runSoak } from '@argosy/simulator/soak/soak';

const { first, step, end } = workerData as { readonly first: number; readonly step: number; readonly end: number };
for (let seed = first; seed < end; seed += step) parentPort?.postMessage(runSoak(seed));
