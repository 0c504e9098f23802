// The lab's simulated hosts: one process that stands for all of them, in a pool of their own, and guests of many sizes.

import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ApiRefusal } from './api.mjs';
import { readJson, writeJson } from './private-files.mjs';
import { nameProcess, stopProcess, waitUntil } from './processes.mjs';

/** @typedef {import('./api.mjs').Api} Api */
/** @typedef {import('./processes.mjs').ProcessName} ProcessName */
/** @typedef {{ hosts: number, guests: number, failureDomains: number, seed: number }} SimulatedFleet */
/** @typedef {{ folder: string, program: string, controllerUrl: string, redisUrl: string, joinToken: string, fleet: SimulatedFleet }} SimulatedPlan */

export const simulatedPool = 'simulated';
const imageName = 'simulated';
const datastoreName = 'lab';
const joinTokenLifetimeMs = 24 * 3_600_000;
const requestsAtOnce = 64;
/**
 * A whole failure domain may be lost, and all that was on it starts again: what is kept free for that is a share of all hosts, as it should be
 * where there are very many.
 */
const failure = {
  poolRestarts: 1_000_000,
  admission: 'reserved-share',
  reservedMemoryShare: 0.15,
  reservedCpuShare: 0.15,
};
const hostMemoryMiB = 98_304;
const hostMillicores = 8_000;

/** How often each size is asked for: mostly small, as guests are. */
const sizes = [
  { share: 0.5, vcpus: 1, memoryMiB: 2048 },
  { share: 0.25, vcpus: 1, memoryMiB: 4096 },
  { share: 0.2, vcpus: 2, memoryMiB: 4096 },
  { share: 0.05, vcpus: 4, memoryMiB: 8192 },
];
const meanMemoryMiB = sizes.reduce((sum, { share, memoryMiB }) => sum + share * memoryMiB, 0);
/** So many guests fit, with room for a domain's worth of failures and a bit. */
export const mostGuestsPerHost = Math.floor((0.85 * hostMemoryMiB) / meanMemoryMiB);

/**
 * @param {number} index
 * @returns {string}
 */
const hostName = (index) => `sim-${String(index + 1).padStart(4, '0')}`;

/**
 * Hosts of one rack follow each other.
 * @param {SimulatedFleet} fleet
 * @param {number} index
 * @returns {string}
 */
const domainOf = ({ hosts, failureDomains }, index) => `domain-${Math.floor((index * failureDomains) / hosts) + 1}`;

/**
 * What the command line and the controller know of them, as of the lab's other hosts.
 * @param {string} folder
 * @param {SimulatedFleet} fleet
 */
export function simulatedLabHosts(folder, fleet) {
  return Array.from({ length: fleet.hosts }, (_, index) => ({
    host: hostName(index),
    socket: join(folder, 'simulated', 'hosts', hostName(index), 'power.sock'),
    failureDomain: domainOf(fleet, index),
  }));
}

/**
 * @param {Api} api
 * @param {{ folder: string, automation: string | null }} lab null: as the pool has it
 * @returns {Promise<string>} a token with which all the hosts may join
 */
export async function ensureSimulatedPool(api, { folder, automation }) {
  const datastore = join(folder, 'datastore');
  mkdirSync(join(datastore, 'heartbeats'), { recursive: true });
  if (!(await api.pools()).some(({ name }) => name === simulatedPool)) await api.createPool({ name: simulatedPool });
  const balance = automation === null ? {} : { balance: { automation } };
  await api.updatePool(simulatedPool, { settings: { ...balance, failure } });
  if (!(await api.datastores()).some(({ name }) => name === datastoreName))
    await api.createDatastore({ name: datastoreName, path: datastore, shared: true });
  if (!(await api.images()).some(({ name }) => name === imageName))
    await api.createImage({
      name: imageName,
      format: 'kernel',
      kernelPath: join(datastore, 'images', 'simulated'),
      datastore: datastoreName,
      minimumMemoryMiB: 16,
    });
  return api.createJoinToken({
    pool: simulatedPool,
    description: "the lab's simulated hosts",
    reusable: true,
    expiresInMs: joinTokenLifetimeMs,
  });
}

/**
 * Its end is the loss of power of all of its hosts, so it is not started again behind anybody's back.
 * @param {SimulatedPlan} plan
 * @returns {Promise<{ pid: number, stop: () => Promise<void> }>}
 */
export async function startSimulatedHosts({ folder, program, controllerUrl, redisUrl, joinToken, fleet }) {
  const own = join(folder, 'simulated');
  mkdirSync(own, { recursive: true, mode: 0o700 });
  await stopLeftOverSimulated(folder);
  const logFile = join(own, 'agent.log');
  const log = openSync(logFile, 'a', 0o600);
  const child = spawn(process.execPath, ['--enable-source-maps', program], {
    detached: true,
    env: {
      ...process.env,
      ARGOSY_SIMULATED_HOSTS: String(fleet.hosts),
      ARGOSY_SEED: String(fleet.seed),
      ARGOSY_POOL: simulatedPool,
      ARGOSY_CONTROLLER_URL: controllerUrl,
      ARGOSY_JOIN_TOKEN: joinToken,
      ARGOSY_STATE_FOLDER: own,
      ARGOSY_CPU_MILLICORES: String(hostMillicores),
      ARGOSY_MEMORY_MIB: String(hostMemoryMiB),
      REDIS_URL: redisUrl,
    },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const name = child.pid === undefined ? undefined : nameProcess(child.pid);
  if (name === undefined) throw new Error(`the simulated hosts did not start (${logFile})`);
  writeJson(join(own, 'process.json'), name);
  let ended = '';
  child.on('exit', (status, signal) => (ended = `ended with ${signal ?? `status ${status}`}`));
  // Settings that are wrong, and a refusal, are known at once.
  await waitUntil(() => ended !== '', { deadlineMs: 1_500 });
  if (ended !== '')
    throw new Error(
      `the process of the simulated hosts ${ended} (${logFile}):\n${readFileSync(logFile, 'utf8').trim().split('\n').slice(-3).join('\n')}`,
    );
  return { pid: name.pid, stop: () => stopLeftOverSimulated(folder) };
}

/**
 * One that an earlier launcher left behind would be the same hosts once more.
 * @param {string} folder
 */
export async function stopLeftOverSimulated(folder) {
  const file = join(folder, 'simulated', 'process.json');
  const saved = /** @type {ProcessName | undefined} */ (readJson(file));
  if (saved === undefined) return;
  const steps = /** @type {const} */ ([
    { signal: 'SIGTERM', waitMs: 10_000 },
    { signal: 'SIGKILL', waitMs: 5_000 },
  ]);
  if (!(await stopProcess(saved, steps))) throw new Error(`the simulated hosts (pid ${saved.pid}) do not end`);
  rmSync(file, { force: true });
}

/**
 * All of them online, and each in its failure domain.
 * @param {Api} api
 * @param {SimulatedFleet} fleet
 * @param {{ note: (text: string) => void, signal: AbortSignal }} watch
 */
export async function joinSimulatedHosts(api, fleet, { note, signal }) {
  const names = new Set(Array.from({ length: fleet.hosts }, (_, index) => hostName(index)));
  const online = await waitUntil(
    async () => {
      signal.throwIfAborted();
      const present = (await api.hosts()).filter(({ name, state }) => state === 'online' && names.has(name));
      note(`${present.length} of ${fleet.hosts} have joined`);
      return present.length === fleet.hosts;
    },
    { deadlineMs: 60_000 + 200 * fleet.hosts, intervalMs: 500 },
  );
  if (!online) throw new Error('not all simulated hosts came online; see agent.log in the folder "simulated"');
  const hosts = new Map((await api.hosts()).map((host) => [host.name, host]));
  let settled = 0;
  await forEach(fleet.hosts, signal, async (index) => {
    const name = hostName(index);
    const failureDomain = fleet.failureDomains > 1 ? domainOf(fleet, index) : null;
    const known = /** @type {{ failureDomain?: string | null } | undefined} */ (hosts.get(name));
    if (known?.failureDomain !== failureDomain) await api.request('PATCH', `/hosts/${name}`, { failureDomain });
    note(`${++settled} of ${fleet.hosts} have their failure domain`);
  });
}

/**
 * Guests of sizes that follow from the seed; those that are there already are left alone.
 * @param {Api} api
 * @param {SimulatedFleet} fleet
 * @param {{ note: (text: string) => void, signal: AbortSignal }} watch
 */
export async function ensureSimulatedGuests(api, fleet, { note, signal }) {
  const there = new Set((await api.guests()).map(({ name }) => name));
  const random = randomOf(fleet.seed);
  const wanted = Array.from({ length: fleet.guests }, (_, index) => ({
    name: `vm-${String(index + 1).padStart(5, '0')}`,
    ...sizeOf(random()),
  }));
  const missing = wanted.filter(({ name }) => !there.has(name));
  let made = fleet.guests - missing.length;
  await forEach(missing.length, signal, async (index) => {
    const guest = { ...missing[index], pool: simulatedPool, image: imageName, diskMiB: 16, start: true };
    await patiently(() => api.createGuest(guest), signal);
    note(`${++made} of ${fleet.guests}`);
  });
}

/** @param {number} chance */
function sizeOf(chance) {
  let left = chance;
  const found = sizes.find(({ share }) => (left -= share) < 0) ?? sizes[0];
  return { vcpus: found?.vcpus ?? 1, memoryMiB: found?.memoryMiB ?? 2048 };
}

/**
 * mulberry32: enough to draw sizes by.
 * @param {number} seed
 * @returns {() => number} from 0 to 1
 */
function randomOf(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Too many at once, nobody leads just now, or no answer in time: then it may have been done. Where hosts are silent for a moment, as on a machine
 * that has too much to do, there is too little room for as long.
 */
const isBusy = (/** @type {ApiRefusal} */ { status, code }) =>
  [429, 503, 504].includes(status) || ['admission-control', 'no-host-fits'].includes(code);
const longestBusyMs = 60_000;

/**
 * A controller lets so many through in a second, and says when there are too many.
 * @param {() => Promise<unknown>} make
 * @param {AbortSignal} signal
 */
async function patiently(make, signal) {
  const begun = performance.now();
  for (let isFirst = true; ; isFirst = false) {
    signal.throwIfAborted();
    try {
      await make();
      return;
    } catch (error) {
      if (!(error instanceof ApiRefusal)) throw error;
      if (!isFirst && error.code === 'name-taken') return;
      if (!isBusy(error) || performance.now() - begun > longestBusyMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}

/**
 * @param {number} count
 * @param {AbortSignal} signal
 * @param {(index: number) => Promise<void>} work
 */
async function forEach(count, signal, work) {
  let next = 0;
  const run = async () => {
    while (next < count && !signal.aborted) await work(next++);
  };
  await Promise.all(Array.from({ length: Math.min(requestsAtOnce, count) }, run));
  signal.throwIfAborted();
}
