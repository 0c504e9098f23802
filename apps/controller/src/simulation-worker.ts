import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { doWork, type SimulationProgress, type SimulationWork, type WorkMessage } from './simulation-work';

// A thread that simulates. The control loop comes first: on Linux this lowers the thread alone, and not its process.
const niceness = 10;
try {
  setPriority(niceness);
} catch {
  // Some containers do not allow it; then it takes its share.
}

const tellMs = 200;
let toldAt = -Infinity;
const post = (message: WorkMessage): void => parentPort?.postMessage(message);

function tell(progress: SimulationProgress): void {
  const now = performance.now();
  if (now - toldAt < tellMs) return;
  toldAt = now;
  post({ kind: 'progress', progress });
}

post(doWork(workerData as SimulationWork, () => performance.now(), tell));
