// A live fleet: a real controller, Redis and PostgreSQL, and one process that stands for all the hosts.

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createApi } from '../../apps/lab/api.mjs';
import { powerRequest } from '../../apps/lab/chassis.mjs';
import { startController } from '../../apps/lab/controller-process.mjs';
import { writeLabFile } from '../../apps/lab/lab-hosts.mjs';
import { readJson } from '../../apps/lab/private-files.mjs';
import { processStat, waitUntil } from '../../apps/lab/processes.mjs';
import { freePort, startServers } from '../../apps/lab/servers.mjs';
import {
  ensureSimulatedGuests,
  ensureSimulatedPool,
  joinSimulatedHosts,
  simulatedLabHosts,
  startSimulatedHosts,
} from '../../apps/lab/simulated.mjs';
import { closeLater } from '../closers.mjs';
import { atMost, round } from '../figures.mjs';

/** @typedef {import('../figures.mjs').Benchmark} Benchmark */
/** @typedef {import('../figures.mjs').Figure} Figure */
/** @typedef {{ folder: string, url: string, token: string, api: import('../../apps/lab/api.mjs').Api, controllerPid: number, agentPid: number }} LiveFleet */
/** @typedef {Map<string, number>} Metrics a line's name with its labels, and its value */

const whole = { hosts: 1_000, guests: 20_000, failureDomains: 5, seed: 1, steadySeconds: 60 };
const short = { hosts: 60, guests: 600, failureDomains: 5, seed: 1, steadySeconds: 10 };
/** After the last start: caches, demand and what is left of the orders. */
const settleMs = 20_000;
const lossDeadlineMs = 120_000;
const ticksPerSecond = 100;
const lookEveryMs = 50;

/** @type {Benchmark} */
export const live = {
  name: 'live',
  title: 'a fleet of simulated hosts on one real controller: its load, its passes, and the loss of a failure domain',
  measure: ({ root, quick, note }) => measureFleet(root, quick ? short : whole, note),
};

/**
 * @param {string} root
 * @param {typeof whole} size
 * @param {(text: string) => void} note
 */
export async function measureFleet(root, size, note) {
  const fleet = await startFleet(root, size, note);
  note(`${size.hosts} hosts and ${size.guests} guests run; settling`);
  await sleep(settleMs);
  const steady = await measureSteady(fleet, size.steadySeconds);
  note('a failure domain loses its power');
  const loss = await loseDomain(fleet, size);
  note(`${loss.guests} guests lost with ${loss.hosts} hosts`);
  return figures(size, steady, loss);
}

/**
 * @param {typeof whole} size
 * @param {Awaited<ReturnType<typeof measureSteady>>} steady
 * @param {Awaited<ReturnType<typeof loseDomain>>} loss
 * @returns {Figure[]}
 */
function figures({ hosts, guests }, steady, loss) {
  return [
    atMost({
      name: 'live.controller-load',
      value: steady.controllerShare,
      unit: '% of a core',
      reference: null,
      target: 50,
      remark: `all that the controller does while ${hosts} hosts and ${guests} guests are healthy and their demand moves, by /proc`,
    }),
    atMost({
      name: 'live.pass-p95',
      value: steady.passP95Seconds,
      unit: 's',
      reference: steady.passMeanSeconds,
      target: 1,
      remark: 'of the control loop, its commits included, by the bounds of /metrics; reference: the mean',
    }),
    atMost({
      name: 'live.domain-loss',
      value: loss.seconds,
      unit: 's',
      reference: loss.runningSeconds,
      target: 10,
      remark: `from the power cut of ${loss.hosts} hosts until ${loss.guests} restarts are committed and commanded; reference: until all run${loss.remark}`,
    }),
    atMost({
      name: 'live.loss-pass-p95',
      value: loss.passP95Seconds,
      unit: 's',
      reference: null,
      target: 1,
      remark: 'passes while the domain is lost and placed anew',
    }),
    { ...told('live.controller-memory', steady.controllerMiB, 'MiB'), remark: 'of the controller, resident' },
    { ...told('live.agent-memory', steady.agentMiB, 'MiB'), remark: 'of the process that stands for all hosts' },
    { ...told('live.agent-load', steady.agentShare, '% of a core'), remark: 'of the same' },
  ];
}

/**
 * @param {string} name
 * @param {number} value
 * @param {string} unit
 */
function told(name, value, unit) {
  return { name, value, unit, reference: null, target: null, met: true, remark: '' };
}

/**
 * @param {string} root
 * @param {typeof whole} size
 * @param {(text: string) => void} note
 * @returns {Promise<LiveFleet>}
 */
async function startFleet(root, size, note) {
  const folder = mkdtempSync(join(tmpdir(), 'argosy-live-'));
  closeLater('the scratch folder', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  const servers = await startServers(folder, {});
  closeLater('Redis and PostgreSQL', servers.stop);
  const port = await freePort();
  const stateFolder = join(folder, 'controller');
  writeLabFile(folder, 0, { others: simulatedLabHosts(folder, size) });
  const controller = await startController({
    program: join(root, 'dist/apps/controller/src/main.js'),
    folder: stateFolder,
    port,
    environment: {
      ARGOSY_PORT: String(port),
      DATABASE_URL: servers.databaseUrl,
      REDIS_URL: servers.redisUrl,
      ARGOSY_STATE_FOLDER: stateFolder,
      ARGOSY_LAB_FOLDER: folder,
    },
  });
  closeLater('the controller', controller.stop);
  const tokenFile = join(stateFolder, 'token');
  await waitUntil(() => existsSync(tokenFile), { deadlineMs: 10_000 });
  const url = `http://127.0.0.1:${port}`;
  const token = readFileSync(tokenFile, 'utf8').trim();
  const api = createApi({ url, token });
  const joinToken = await ensureSimulatedPool(api, { folder, automation: null });
  const agent = await startSimulatedHosts({
    folder,
    program: join(root, 'dist/apps/agent/src/simulated/main.js'),
    controllerUrl: url,
    redisUrl: servers.redisUrl,
    joinToken,
    fleet: size,
  });
  closeLater('the simulated hosts', agent.stop);
  const { signal } = new AbortController();
  const said = seldom(note);
  await joinSimulatedHosts(api, size, { note: said, signal });
  await ensureSimulatedGuests(api, size, { note: said, signal });
  const saved = /** @type {{ pid: number }} */ (readJson(join(stateFolder, 'process.json')));
  const fleet = { folder, url, token, api, controllerPid: saved.pid, agentPid: agent.pid };
  const running = await waitUntil(async () => (await metricsOf(fleet)).get(runningGuests) === size.guests, {
    deadlineMs: 120_000,
    intervalMs: 500,
  });
  if (!running) throw new Error('not all guests run within two minutes');
  return fleet;
}

const runningGuests = 'argosy_guests{state="running"}';

/** @param {(text: string) => void} note */
function seldom(note) {
  let last = 0;
  return (/** @type {string} */ text) => {
    if (performance.now() - last < 10_000) return;
    last = performance.now();
    note(text);
  };
}

/**
 * @param {LiveFleet} fleet
 * @returns {Promise<Metrics>}
 */
async function metricsOf({ url, token }) {
  const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

/**
 * @param {LiveFleet} fleet
 * @param {number} seconds
 */
async function measureSteady(fleet, seconds) {
  const before = await metricsOf(fleet);
  const begun = performance.now();
  const [controller, agent] = [cpuSeconds(fleet.controllerPid), cpuSeconds(fleet.agentPid)];
  await sleep(seconds * 1000);
  const elapsed = (performance.now() - begun) / 1000;
  const share = (/** @type {number} */ used) => (100 * used) / elapsed;
  const controllerShare = share(cpuSeconds(fleet.controllerPid) - controller);
  const agentShare = share(cpuSeconds(fleet.agentPid) - agent);
  return {
    controllerShare,
    agentShare,
    controllerMiB: residentMiB(fleet.controllerPid),
    agentMiB: residentMiB(fleet.agentPid),
    ...passes(before, await metricsOf(fleet)),
  };
}

/** @param {number} pid */
function cpuSeconds(pid) {
  const stat = processStat(pid);
  if (stat === undefined) throw new Error(`process ${pid} has ended`);
  return stat.cpuTicks / ticksPerSecond;
}

/** @param {number} pid */
function residentMiB(pid) {
  const [, kib] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return round(Number(kib) / 1024);
}

/**
 * Of the passes between two moments: the bound under which 95 of 100 stay, and their mean.
 * @param {Metrics} before
 * @param {Metrics} after
 */
function passes(before, after) {
  const since = (/** @type {string} */ name) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
  const count = since('argosy_control_pass_seconds_count');
  const bounds = [...after.keys()].flatMap((name) => {
    const [, bound] = /^argosy_control_pass_seconds_bucket\{le="([^"]+)"\}$/.exec(name) ?? [];
    return bound === undefined ? [] : [{ name, bound: bound === '+Inf' ? Infinity : Number(bound) }];
  });
  const within = bounds.sort((a, b) => a.bound - b.bound).find(({ name }) => since(name) >= 0.95 * count);
  return {
    passP95Seconds: within?.bound ?? Infinity,
    passMeanSeconds: since('argosy_control_pass_seconds_sum') / Math.max(1, count),
  };
}

const startsSent = 'argosy_queue_commands_total{kind="guest.start",outcome="sent"}';

/**
 * All the hosts of a domain lose their power in one moment.
 * @param {LiveFleet} fleet
 * @param {typeof whole} size
 */
async function loseDomain(fleet, size) {
  const { api, folder } = fleet;
  const lost = simulatedLabHosts(folder, size).filter(({ failureDomain }) => failureDomain === 'domain-1');
  const names = new Set(lost.map(({ host }) => host));
  const ids = new Set((await api.hosts()).filter(({ name }) => names.has(name)).map(({ id }) => id));
  const guests = (await api.guests()).filter(({ hostId }) => ids.has(hostId ?? '')).length;
  const before = await metricsOf(fleet);
  const begun = performance.now();
  await Promise.all(lost.map(({ socket }) => powerRequest(socket, { op: 'off' })));
  const wanted = (before.get(startsSent) ?? 0) + guests;
  // An order is sent when what it follows from is committed, and not before.
  const commanded = await waitUntil(async () => ((await metricsOf(fleet)).get(startsSent) ?? 0) >= wanted, {
    deadlineMs: lossDeadlineMs,
    intervalMs: lookEveryMs,
  });
  const seconds = commanded ? (performance.now() - begun) / 1000 : Infinity;
  const isAllBack = async () => (await metricsOf(fleet)).get(runningGuests) === size.guests;
  const back = await waitUntil(isAllBack, { deadlineMs: lossDeadlineMs, intervalMs: 4 * lookEveryMs });
  const runningSeconds = back ? (performance.now() - begun) / 1000 : Infinity;
  const { passP95Seconds } = passes(before, await metricsOf(fleet));
  const misplaced = (await api.guests()).filter(({ hostId }) => ids.has(hostId ?? '')).length;
  const remark = misplaced > 0 ? `; ${misplaced} are still placed on hosts without power: ${await stateOf(api)}` : '';
  return { hosts: lost.length, guests, seconds, runningSeconds, passP95Seconds, remark };
}

/**
 * What an administrator would look at: how the hosts stand, and what raised an alarm.
 * @param {LiveFleet['api']} api
 */
async function stateOf(api) {
  /** @type {Record<string, number>} */
  const hosts = {};
  for (const { state } of await api.hosts()) hosts[state] = (hosts[state] ?? 0) + 1;
  /** @type {{ items: { code: string, message: string }[] }} */
  const { items } = await api.request('GET', '/alarms?limit=1000');
  const others = items.filter(({ code }) => code !== 'host-failed').map(({ message }) => message);
  return `${JSON.stringify(hosts)}; ${others.slice(0, 3).join(' ')}`;
}
