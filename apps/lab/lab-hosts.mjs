// The lab's hosts: a chassis each.

import { setTimeout as sleep } from 'node:timers/promises';
import { dirname, join } from 'node:path';
import { powerAnswers, powerRequest, startPower } from './chassis.mjs';
import { readJson, writeJson } from './private-files.mjs';
import { waitUntil } from './processes.mjs';

/** @typedef {import('./chassis.mjs').PowerConfig} PowerConfig */
/** @typedef {import('./api.mjs').Api} Api */
/** @typedef {import('./lab-network.mjs').LabNetwork} LabNetwork */
/** @typedef {{ folder: string, hostCount: number, agentProgram: string, controllerUrl: string, redisUrl: string, joinToken: string, pool: string, vmm: import('./options.mjs').Vmm, network: LabNetwork }} HostsPlan urls: as they are on this machine */

/** All hosts together; the rest is for the controller, the agents and whoever looks on. */
const labMillicores = 1500;
const hostMemoryMiB = 1024;

/**
 * @param {string} folder
 * @param {string} host
 */
export function socketOf(folder, host) {
  return join(folder, 'hosts', host, 'power.sock');
}

/**
 * @param {number} hostCount
 * @returns {string[]}
 */
export function hostNames(hostCount) {
  return Array.from({ length: hostCount }, (_, index) => `h${index + 1}`);
}

/**
 * @param {HostsPlan} plan
 * @param {string} host
 * @returns {PowerConfig}
 */
function powerConfig(plan, host) {
  const folder = join(plan.folder, 'hosts', host);
  const datastore = join(plan.folder, 'datastore');
  const stateFolder = join(folder, 'state');
  const heartbeatFile = join(datastore, 'heartbeats', host);
  const socket = socketOf(plan.folder, host);
  const cpuMillicores = Math.min(500, Math.floor(labMillicores / plan.hostCount));
  const { address, guestNetwork, namespace } = plan.network.host(host);
  const fromHost = (/** @type {string} */ url) => url.replace('127.0.0.1', plan.network.serverAddress);
  const environment = {
    ARGOSY_HOST: host,
    ARGOSY_CONTROLLER_URL: fromHost(plan.controllerUrl),
    REDIS_URL: fromHost(plan.redisUrl),
    ARGOSY_LISTEN_ADDRESS: address,
    ARGOSY_GUEST_NETWORK: guestNetwork,
    ARGOSY_JOIN_TOKEN: plan.joinToken,
    ARGOSY_STATE_FOLDER: stateFolder,
    ARGOSY_DATASTORE_FOLDER: datastore,
    ARGOSY_CPU_MILLICORES: String(cpuMillicores),
    ARGOSY_MEMORY_MIB: String(hostMemoryMiB),
    ARGOSY_POOL: plan.pool,
    ARGOSY_VMM: plan.vmm,
    ARGOSY_FENCE_DEVICE: `chassis:${socket}`,
    ARGOSY_WATCHDOG: `${process.execPath} ${join(dirname(plan.agentProgram), 'watchdog', 'main.js')}`,
  };
  const command = [process.execPath, '--enable-source-maps', plan.agentProgram];
  return {
    host,
    folder,
    socket,
    cpuMillicores,
    memoryMiB: hostMemoryMiB,
    command,
    environment,
    heartbeatFile,
    stateFolder,
    // It shares the processor out itself; what carries its guests' memory must not wait behind them.
    ...(plan.vmm === 'embedded' ? { cpuMethod: /** @type {const} */ ('none') } : {}),
    ...(namespace === '' ? {} : { networkNamespace: namespace }),
  };
}

/** @typedef {{ host: string, socket: string, heartbeatFile?: string, failureDomain?: string }} LabHost */

/** @param {string} folder */
const labFile = (folder) => join(folder, 'lab.json');

/**
 * What the controller needs to know of the hosts, in <lab folder>/lab.json: where to cut the power of each, and where
 * its heartbeat on the datastore is. For the next start: what runs their guests.
 * @param {string} folder
 * @param {number} hostCount
 * @param {{ others?: readonly LabHost[], vmm?: import('./options.mjs').Vmm }} [besides] others: the simulated ones
 */
export function writeLabFile(folder, hostCount, { others = [], vmm } = {}) {
  const hosts = hostNames(hostCount).map((host) => ({
    host,
    socket: socketOf(folder, host),
    heartbeatFile: join(folder, 'datastore', 'heartbeats', host),
  }));
  const guestsOf = hostCount > 0 ? vmm : keptVmm(folder);
  writeJson(labFile(folder), { datastore: join(folder, 'datastore'), hosts: [...hosts, ...others], vmm: guestsOf });
}

/**
 * @param {string} folder
 * @returns {import('./options.mjs').Vmm | undefined} what runs the guests that the lab in that folder has; undefined: it has none
 */
export function keptVmm(folder) {
  return /** @type {{ vmm?: import('./options.mjs').Vmm } | undefined} */ (readJson(labFile(folder)))?.vmm;
}

/**
 * A host that an earlier launcher left on keeps running, guests and all, as long as its agent talks to the same
 * controller and Redis.
 * @param {HostsPlan} plan
 */
export async function startHosts(plan) {
  const starts = hostNames(plan.hostCount).map(async (host) => {
    const config = powerConfig(plan, host);
    const before = /** @type {PowerConfig | undefined} */ (readJson(join(config.folder, 'power-config.json')));
    await startPower(config);
    const sameServers = ['ARGOSY_CONTROLLER_URL', 'REDIS_URL', 'ARGOSY_GUEST_NETWORK', 'ARGOSY_VMM'].every(
      (name) => before?.environment[name] === config.environment[name],
    );
    const response = await powerRequest(config.socket, { op: sameServers ? 'on' : 'reset' }, { deadlineMs: 20_000 });
    if (!response.ok) throw new Error(`${host} did not start: ${response.message}`);
  });
  await Promise.all(starts);
}

/**
 * @param {Api} api
 * @param {{ folder: string, names: readonly string[], deadlineMs: number }} hosts
 * @param {(note: string) => void} note
 */
export async function waitForHostsOnline(api, { folder, names, deadlineMs }, note) {
  const online = await waitUntil(
    async () => {
      const present = (await api.hosts()).filter(({ name, state }) => names.includes(name) && state === 'online');
      note(`${present.length} of ${names.length}`);
      return present.length === names.length;
    },
    { deadlineMs, intervalMs: 200 },
  );
  if (online) return;
  const states = (await api.hosts()).map(({ name, state, stateReason }) => `${name} is ${state}: ${stateReason}`);
  throw new Error(`not all hosts came online; see ${folder}/hosts/*/agent.log\n${states.join('\n')}`);
}

/**
 * Ends the agents, then the power, then the power processes. Hosts of an earlier start are ended as well.
 * @param {string} folder
 * @param {readonly string[]} names
 */
export async function stopHosts(folder, names) {
  await Promise.all(
    names.map(async (host) => {
      const socket = socketOf(folder, host);
      if (!(await powerAnswers(socket))) return;
      await powerRequest(socket, { op: 'stop-agent' });
      // Up to six are left when the agent is gone: the supervisor, its heartbeat with a sleep, the watchdog and what starts
      // it again, and unshare.
      await waitUntil(async () => Number((await status(socket)).processes) <= 6, { deadlineMs: 5_000, intervalMs: 50 });
      const response = await powerRequest(socket, { op: 'shutdown-power-process' }, { deadlineMs: 20_000 });
      if (!response.ok) throw new Error(`${host} could not be switched off: ${response.message}`);
    }),
  );
}

/**
 * @param {string} socket
 * @returns {Promise<Record<string, unknown>>}
 */
async function status(socket) {
  return { ...(await powerRequest(socket, { op: 'status' })) };
}

/**
 * After the drill: a host that came to grief is switched on again.
 * @param {string} folder
 * @param {string} host
 */
export async function restoreHost(folder, host) {
  // The fence may still be at work on a drill that ended early.
  await sleep(200);
  const response = await powerRequest(socketOf(folder, host), { op: 'on' }, { deadlineMs: 20_000 });
  if (!response.ok) throw new Error(`${host} could not be switched on again: ${response.message}`);
}
