// The switch in user space as a process that outlives whoever started it, as the hosts do that it connects.

import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readJson, writeJson } from './private-files.mjs';
import { commandLine, isRunning, nameProcess, stopProcess, waitUntil } from './processes.mjs';

/** @typedef {import('./processes.mjs').ProcessName} ProcessName */
/** @typedef {ProcessName & { hosts: string[] }} SavedSwitch */

const program = fileURLToPath(new URL('ethernet-switch.mjs', import.meta.url));
const stopSteps = /** @type {const} */ ([
  { signal: 'SIGTERM', waitMs: 2_000 },
  { signal: 'SIGKILL', waitMs: 2_000 },
]);

/**
 * @param {string} folder the lab's
 * @param {string} host
 */
export function switchSocket(folder, host) {
  return join(folder, 'hosts', host, 'net.sock');
}

/** @param {string} folder */
export function switchControlSocket(folder) {
  return join(folder, 'switch.sock');
}

/** @param {string} folder */
const stateFile = (folder) => join(folder, 'switch.json');

/**
 * @param {string} folder
 * @returns {SavedSwitch | undefined}
 */
function running(folder) {
  const saved = /** @type {SavedSwitch | undefined} */ (readJson(stateFile(folder)));
  return saved !== undefined && isRunning(saved) && commandLine(saved.pid).includes('ethernet-switch.mjs')
    ? saved
    : undefined;
}

/**
 * @param {string} folder
 * @param {readonly string[]} hosts
 */
export async function startSwitch(folder, hosts) {
  if (running(folder)?.hosts.join() === hosts.join()) return;
  await stopSwitch(folder);
  for (const host of hosts) mkdirSync(dirname(switchSocket(folder, host)), { recursive: true, mode: 0o700 });
  const control = switchControlSocket(folder);
  const log = openSync(join(folder, 'switch.log'), 'a', 0o600);
  const ports = hosts.map((host) => `${host}=${switchSocket(folder, host)}`);
  const child = spawn(process.execPath, [program, control, ...ports], { detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  child.unref();
  let ended = false;
  child.on('error', () => (ended = true));
  child.on('exit', () => (ended = true));
  await waitUntil(() => ended || existsSync(control), { deadlineMs: 10_000 });
  const name = child.pid === undefined ? undefined : nameProcess(child.pid);
  if (ended || name === undefined)
    throw new Error(`the guests' switch did not start; see ${join(folder, 'switch.log')}`);
  writeJson(stateFile(folder), { ...name, hosts });
}

/** @param {string} folder */
export async function stopSwitch(folder) {
  const name = running(folder);
  if (name !== undefined && !(await stopProcess(name, stopSteps)))
    throw new Error(`the guests' switch (pid ${name.pid}) does not end`);
  for (const file of [stateFile(folder), switchControlSocket(folder)]) rmSync(file, { force: true });
}

/**
 * @param {string} folder
 * @param {{ host: string } & Partial<import('./ethernet-switch.mjs').Impairment> & { forMs?: number }} request
 * @returns {Promise<void>}
 */
export function impairSwitch(folder, request) {
  return new Promise((resolve, reject) => {
    const socket = connect(switchControlSocket(folder));
    const deadline = setTimeout(() => socket.destroy(new Error("the guests' switch does not answer")), 2_000);
    socket.on('error', (error) => reject(error));
    socket.on('close', () => clearTimeout(deadline));
    socket.on('data', () => {
      socket.destroy();
      resolve();
    });
    socket.write(`${JSON.stringify(request)}\n`);
  });
}
