// The controller as a child that is started again when it dies.

import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, writeJson } from './private-files.mjs';
import { commandLine, nameProcess, stopProcess, waitUntil } from './processes.mjs';
import { say } from './progress.mjs';

/** @typedef {import('./processes.mjs').ProcessName} ProcessName */
/** @typedef {{ program: string, folder: string, port: number, environment: Record<string, string> }} ControllerPlan */

const readyDeadlineMs = 60_000;
const stopSteps = /** @type {const} */ ([
  { signal: 'SIGTERM', waitMs: 10_000 },
  { signal: 'SIGKILL', waitMs: 5_000 },
]);
const backOffMs = [100, 500, 1_000, 2_000, 5_000, 10_000];
const steadyAfterMs = 60_000;

/**
 * @param {number} port
 * @returns {Promise<boolean>}
 */
async function isHealthy(port) {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/health`, { signal: AbortSignal.timeout(2_000) });
    await response.arrayBuffer();
    return response.status === 200;
  } catch (error) {
    // Not listening yet, or too busy to answer: neither is healthy, and the caller's deadline says when to give up.
    if (error instanceof TypeError || (error instanceof Error && error.name === 'TimeoutError')) return false;
    throw error;
  }
}

/**
 * One that an earlier launcher left behind would hold the port and the lease.
 * @param {Pick<ControllerPlan, 'folder' | 'program'>} plan
 */
export async function stopLeftOverController({ folder, program }) {
  const saved = /** @type {ProcessName | undefined} */ (readJson(join(folder, 'process.json')));
  if (saved === undefined || !commandLine(saved.pid).includes(program)) return;
  await stopProcess(saved, stopSteps);
}

/**
 * @param {ControllerPlan} plan
 * @returns {Promise<{ stop: () => Promise<void> }>} once it answers 200 on /health
 */
export async function startController(plan) {
  mkdirSync(plan.folder, { recursive: true, mode: 0o700 });
  await stopLeftOverController(plan);
  const logFile = join(plan.folder, 'controller.log');
  let stopping = false;
  let failures = 0;
  let started = false;
  let ended = '';
  /** @type {ProcessName | undefined} */
  let name;
  /** @type {NodeJS.Timeout | undefined} */
  let restart;

  const start = () => {
    const begin = performance.now();
    const log = openSync(logFile, 'a', 0o600);
    const child = spawn(process.execPath, ['--enable-source-maps', plan.program], {
      detached: true,
      env: { ...process.env, ...plan.environment },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    name = child.pid === undefined ? undefined : nameProcess(child.pid);
    if (name !== undefined) writeJson(join(plan.folder, 'process.json'), name);
    child.on('error', (error) => (ended = error.message));
    child.on('exit', (status, signal) => {
      ended = `ended with ${signal ?? `status ${status}`}`;
      if (stopping || !started) return;
      failures = performance.now() - begin > steadyAfterMs ? 1 : failures + 1;
      const waitMs = backOffMs[Math.min(failures, backOffMs.length) - 1] ?? 10_000;
      say(`the controller ${ended}; starting it again in ${waitMs / 1000} s (${logFile})`);
      restart = setTimeout(start, waitMs);
    });
  };

  start();
  await waitUntil(async () => ended !== '' || (await isHealthy(plan.port)), {
    deadlineMs: readyDeadlineMs,
    intervalMs: 50,
  });
  started = ended === '' && (await isHealthy(plan.port));
  const stop = async () => {
    stopping = true;
    clearTimeout(restart);
    if (name !== undefined && !(await stopProcess(name, stopSteps)))
      throw new Error(`the controller (pid ${name.pid}) does not end`);
    rmSync(join(plan.folder, 'process.json'), { force: true });
  };
  if (started) return { stop };
  await stop();
  const tail = readFileSync(logFile, 'utf8').trim().split('\n').slice(-12).join('\n');
  throw new Error(`the controller ${ended || `was not ready in ${readyDeadlineMs / 1000} s`} (${logFile}):\n${tail}`);
}
