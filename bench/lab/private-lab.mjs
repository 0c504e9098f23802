// A lab of this benchmark's own: servers, a controller and hosts in a scratch folder, on free ports.

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApi } from '../../apps/lab/api.mjs';
import { powerRequest } from '../../apps/lab/chassis.mjs';
import { startController } from '../../apps/lab/controller-process.mjs';
import { ensureGuests, ensurePool, poolName } from '../../apps/lab/inventory.mjs';
import {
  hostNames,
  socketOf,
  startHosts,
  stopHosts,
  waitForHostsOnline,
  writeLabFile,
} from '../../apps/lab/lab-hosts.mjs';
import { joinGuestNetwork, removeNetwork, startNetwork } from '../../apps/lab/lab-network.mjs';
import { readJson, writeJson } from '../../apps/lab/private-files.mjs';
import { waitUntil } from '../../apps/lab/processes.mjs';
import { freePort, startServers } from '../../apps/lab/servers.mjs';
import { closeLater } from '../closers.mjs';

/** @typedef {import('../figures.mjs').Context} Context */
/** @typedef {import('../../apps/lab/api.mjs').Api} Api */
/** @typedef {import('../../apps/lab/api.mjs').Guest} Guest */
/** @typedef {{ folder: string, url: string, token: string, api: Api, hosts: string[], network: import('../../apps/lab/lab-network.mjs').LabNetwork }} Lab */

/**
 * Automation is partial unless asked for: the guests of a measurement move when it says so.
 * @param {Context} context
 * @param {{ hosts: number, guests?: number, automation?: 'partial' | 'full', limits?: boolean, migration?: object, wanted?: 'auto' | 'switch' }} plan
 *   without `limits` no control group holds the guests of a host to its share of the processor; `migration`: the pool's
 *   policy where it is not the default; `wanted`: the hosts' network
 * @returns {Promise<Lab>}
 */
export async function startLab(
  { root, note },
  { hosts: hostCount, guests = 0, automation = 'partial', limits = true, migration = {}, wanted = 'auto' },
) {
  const folder = mkdtempSync(join(tmpdir(), 'argosy-bench-'));
  closeLater('the scratch folder', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  const hosts = hostNames(hostCount);
  const network = await startNetwork({ folder, hosts, wanted });
  closeLater('the network', () => removeNetwork(folder));
  const servers = await startServers(folder, {}, network.serverAddress);
  closeLater('Redis and PostgreSQL', servers.stop);
  const port = await freePort();
  const stateFolder = join(folder, 'controller');
  writeLabFile(folder, hostCount);
  const controller = await startController({
    program: join(root, 'dist/apps/controller/src/main.js'),
    folder: stateFolder,
    port,
    environment: {
      ARGOSY_PORT: String(port),
      ARGOSY_LISTEN_ADDRESS: [...new Set(['127.0.0.1', network.serverAddress])].join(),
      DATABASE_URL: servers.databaseUrl,
      REDIS_URL: servers.redisUrl,
      ARGOSY_STATE_FOLDER: stateFolder,
      ARGOSY_LAB_FOLDER: folder,
    },
  });
  closeLater('the controller', controller.stop);
  const tokenFile = join(stateFolder, 'token');
  await waitUntil(() => existsSync(tokenFile), { deadlineMs: 10_000 });
  const token = readFileSync(tokenFile, 'utf8').trim();
  const url = `http://127.0.0.1:${port}`;
  const api = createApi({ url, token });
  const { joinToken, subnet } = await ensurePool(api, { folder, automation });
  await setPool(api, { migration });
  joinGuestNetwork(network, subnet);
  closeLater('agents and chassis', () => stopHosts(folder, hosts));
  await startHosts({
    folder,
    hostCount,
    agentProgram: join(root, 'dist/apps/agent/src/main.js'),
    controllerUrl: url,
    redisUrl: servers.redisUrl,
    joinToken,
    pool: poolName,
    vmm: 'qemu',
    network,
  });
  if (!limits) await Promise.all(hosts.map((host) => liftLimits(folder, host)));
  await waitForHostsOnline(api, { folder, names: hosts, deadlineMs: 60_000 }, () => undefined);
  await ensureGuests(api, { folder, root, guestCount: guests });
  note(`a lab of ${hostCount} hosts and ${guests} guests in ${folder}`);
  return { folder, url, token, api, hosts, network };
}

/**
 * @param {Api} api
 * @param {object} settings
 */
export async function setPool(api, settings) {
  await api.updatePool(poolName, { settings });
}

/**
 * @param {string} folder
 * @param {string} host
 */
async function liftLimits(folder, host) {
  const file = join(folder, 'hosts', host, 'power-config.json');
  writeJson(file, { .../** @type {object} */ (readJson(file)), cpuMethod: 'none' });
  await switchPower(folder, host, 'reset');
}

/**
 * @param {string} folder
 * @param {string} host
 * @param {'on' | 'reset'} op
 */
export async function switchPower(folder, host, op) {
  const response = await powerRequest(socketOf(folder, host), { op }, { deadlineMs: 20_000 });
  if (!response.ok) throw new Error(`${host} could not be switched "${op}": ${response.message}`);
}

/**
 * @param {Lab} lab
 * @param {{ name: string, memoryMiB: number }} guest
 */
export async function createGuest({ api }, { name, memoryMiB }) {
  return api.createGuest({ name, pool: poolName, image: 'tiny', memoryMiB, start: true });
}

/**
 * @param {Lab} lab
 * @param {readonly string[]} names
 * @param {number} [since] heartbeats of this time and later count
 */
export async function waitForHeartbeats({ api }, names, since = 0) {
  let missing = [...names];
  const alive = await waitUntil(
    async () => {
      const heard = new Map(
        (await api.usage()).flatMap(({ guests }) => guests.map((each) => [each.guestId, each.heartbeat])),
      );
      const beats = (/** @type {Guest} */ { id }) => (heard.get(id)?.at ?? -1) >= since;
      const running = (await api.guests()).filter((guest) => guest.state === 'running' && beats(guest));
      missing = names.filter((name) => !running.some((guest) => guest.name === name));
      return missing.length === 0;
    },
    { deadlineMs: 60_000, intervalMs: 200 },
  );
  if (!alive) throw new Error(`no heartbeat of ${missing.join(', ')} within 60 s`);
}

/**
 * @param {Lab} lab
 * @param {string} name
 * @returns {Promise<Guest & { epoch: number, reservedEpoch: number, memoryMiB: number }>}
 */
export function guestOf({ api }, name) {
  return api.request('GET', `/guests/${name}`);
}

/**
 * Where the agent of a host keeps the console of that copy of a guest: QEMU itself writes it.
 * @param {Lab} lab
 * @param {{ host: string, guestId: string, epoch: number }} copy
 */
export function consoleFile({ folder }, { host, guestId, epoch }) {
  return join(folder, 'hosts', host, 'state', 'vmm', `${encodeURIComponent(guestId)}.${epoch}`, 'console.log');
}

/**
 * @param {Lab} lab
 * @param {string} query
 * @returns {Promise<{ at: number, code: string, message: string, details: Record<string, unknown> }[]>}
 */
export async function eventsOf({ api }, query) {
  return (await api.request('GET', `/events?limit=100&${query}`)).items;
}
