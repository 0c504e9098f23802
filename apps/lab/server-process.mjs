// What Redis and PostgreSQL have in common: a child on a free port, its log and its pid in its folder, found again
// after a crash of whoever started it, and stopped by that pid.

import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './ports.mjs';
import { readJson, writeJson } from './private-files.mjs';
import {
  commandLine,
  errorMessage,
  isRunning,
  nameProcess,
  processLink,
  stopProcess,
  waitUntil,
} from './processes.mjs';

/** @typedef {import('./processes.mjs').ProcessName} ProcessName */
/** @typedef {{ url: string, port: number, pid: number, reused: boolean, stop: () => Promise<void> }} Server */
/**
 * @typedef {object} ServerPlan
 * @property {string} name the word its command line must hold to be ours
 * @property {string} folder
 * @property {string} workingFolder the server's current folder, which no other process shares
 * @property {string} logFile
 * @property {number} preferredPort
 * @property {(port: number) => string[]} command writes what configuration the port needs, and says what to run
 * @property {(port: number) => Promise<boolean>} isReady
 * @property {(port: number) => string} url
 * @property {readonly { signal: NodeJS.Signals, waitMs: number }[]} stopSteps
 */

const startDeadlineMs = 30_000;
const portAttempts = 5;

/** @typedef {Pick<ServerPlan, 'name' | 'folder' | 'workingFolder' | 'stopSteps'>} ServerPlace */

/**
 * The command line may be rewritten by the server itself (Redis shows its address there), so the folder it works in
 * tells whose it is.
 * @param {ServerPlace} place
 * @returns {{ name: ProcessName, port: number } | undefined} what an earlier start left running here
 */
function leftRunning(place) {
  const saved = /** @type {(ProcessName & { port: number }) | undefined} */ (
    readJson(join(place.folder, 'server.json'))
  );
  if (saved === undefined) return undefined;
  const name = { pid: saved.pid, startTicks: saved.startTicks };
  const isOurs =
    isRunning(name) &&
    commandLine(name.pid).includes(place.name) &&
    processLink(name.pid, 'cwd') === place.workingFolder;
  return isOurs ? { name, port: saved.port } : undefined;
}

/** @param {ServerPlace} place */
export async function stopLeftOver(place) {
  const left = leftRunning(place);
  if (left !== undefined) await stopOrFail(place, left.name);
}

/**
 * @param {ServerPlan} plan
 * @returns {Promise<{ name: ProcessName, port: number } | undefined>} a server left running here that still answers
 */
async function findLeftOver(plan) {
  const left = leftRunning(plan);
  if (left === undefined) return undefined;
  if (await waitUntil(() => plan.isReady(left.port), { deadlineMs: 2_000, intervalMs: 20 })) return left;
  await stopOrFail(plan, left.name);
  return undefined;
}

/**
 * @param {ServerPlace} plan
 * @param {ProcessName} name
 */
async function stopOrFail(plan, name) {
  if (!(await stopProcess(name, plan.stopSteps))) {
    throw new Error(`${plan.name} (pid ${name.pid}, ${plan.folder}) did not end when it was killed`);
  }
}

/**
 * @param {string} file
 * @param {number} fromByte
 * @returns {string}
 */
function logTail(file, fromByte) {
  return readFileSync(file).subarray(fromByte).toString('utf8').trim().split('\n').slice(-8).join('\n');
}

/**
 * One attempt on one port.
 * @param {ServerPlan} plan
 * @param {number} port
 * @returns {Promise<{ name: ProcessName } | { failure: string }>}
 */
async function launch(plan, port) {
  const [program = '', ...args] = plan.command(port);
  const log = openSync(plan.logFile, 'a', 0o600);
  const logStart = statSync(plan.logFile).size;
  // A session of its own: Ctrl-C on the terminal must reach the launcher only, which stops everything in order.
  const child = spawn(program, args, { cwd: plan.workingFolder, detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  /** @type {string | undefined} */
  let ended;
  child.on('error', (error) => (ended = errorMessage(error)));
  child.on('exit', (status, signal) => (ended ??= `ended with ${signal ?? `status ${status}`}`));
  child.unref();
  const name = child.pid === undefined ? undefined : nameProcess(child.pid);
  if (name !== undefined) writeJson(join(plan.folder, 'server.json'), { ...name, port });
  const ready = await waitUntil(async () => ended !== undefined || (await plan.isReady(port)), {
    deadlineMs: startDeadlineMs,
    intervalMs: 10,
  });
  if (name !== undefined && ready && ended === undefined) return { name };
  if (name !== undefined) await stopOrFail(plan, name);
  return { failure: `${ended ?? `not ready after ${startDeadlineMs} ms`}\n${logTail(plan.logFile, logStart)}` };
}

/**
 * @param {ServerPlan} plan
 * @returns {Promise<Server>}
 */
export async function runServer(plan) {
  const leftOver = await findLeftOver(plan);
  if (leftOver !== undefined) return serverOf(plan, leftOver.name, leftOver.port, true);
  let failure = '';
  for (let attempt = 0; attempt < portAttempts; attempt += 1) {
    // Between finding a free port and binding it another process may take it; then the next one is tried.
    const port = await freePort(attempt === 0 ? plan.preferredPort : 0);
    const result = await launch(plan, port);
    if ('name' in result) return serverOf(plan, result.name, port, false);
    failure = result.failure;
    if (!/in use|already in use/i.test(failure)) break;
  }
  throw new Error(`${plan.name} in ${plan.folder} did not start: ${failure}`);
}

/**
 * @param {ServerPlan} plan
 * @param {ProcessName} name
 * @param {number} port
 * @param {boolean} reused
 * @returns {Server}
 */
function serverOf(plan, name, port, reused) {
  return { url: plan.url(port), port, pid: name.pid, reused, stop: () => stopOrFail(plan, name) };
}
