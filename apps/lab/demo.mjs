// The main job before the user's eyes. The demo only loads guests and asks for a drill: what moves and restarts them
// is the ordinary control loop at its ordinary times.

import { setTimeout as sleep } from 'node:timers/promises';
import { poolName } from './inventory.mjs';
import { say, step } from './progress.mjs';
import { drillReport, isDrillMet, rebalanceReport } from './report.mjs';

const fineTickMs = 10;
const ordinaryTickMs = 250;

/** @typedef {import('./api.mjs').Api} Api */
/** @typedef {import('./api.mjs').Guest} Guest */
/** @typedef {import('./api.mjs').Host} Host */
/** @typedef {import('./api.mjs').Migration} Migration */
/** @typedef {{ guestName: string, from: string, to: string, reason: string, tookMs: number | null, downtimeMs: number | null, guestSeenDowntimeMs: number | null }} Move */
/** @typedef {{ hostName: string, guestNames: string[], moves: Move[], rateBefore: number, rateAfter: number, automation: string, recommendedCount: number, met: boolean }} Rebalance */

const pollMs = 250;
const aliveDeadlineMs = 60_000;
const balanceDeadlineMs = 120_000;
/** Where nothing may move by itself, three of the balancer's intervals show that nothing does. */
const heldBalanceMs = 30_000;
/** Once Argosy has moved something and moves nothing more for this long, the pool counts as settled. */
const settledAfterMs = 15_000;
const drillDeadlineMs = 120_000;
const measureMs = 4_000;
/** The loaded guests ask for this share of all hosts together, so that there is room for all of them after the moves. */
const loadShare = 0.75;
/** In milliseconds from the injection. */
const objectives = { inject: 1_000, detect: 3_000, fence: 3_500, restart: 4_500, alive: 5_000 };

/**
 * Asks again until there is an answer.
 * @template Value
 * @param {number} deadlineMs
 * @param {() => Promise<Value | undefined>} ask
 * @returns {Promise<Value | undefined>}
 */
async function poll(deadlineMs, ask) {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined || performance.now() > end) return answer;
    await sleep(pollMs);
  }
}

/**
 * @param {Api} api
 * @returns {Promise<Map<string, { work: number, at: number }>>} by guest id, as each guest itself counted
 */
async function heartbeats(api) {
  const usage = await api.usage();
  const entries = usage.flatMap((host) => host.guests.map(({ guestId, heartbeat }) => ({ guestId, heartbeat })));
  return new Map(entries.flatMap(({ guestId, heartbeat }) => (heartbeat === null ? [] : [[guestId, heartbeat]])));
}

/**
 * @param {Api} api
 * @param {readonly string[]} names
 */
export async function waitForGuestsAlive(api, names) {
  await step(`${names.length} guests alive by their own heartbeat`, async (note) => {
    const all = await poll(aliveDeadlineMs, async () => {
      const heard = await heartbeats(api);
      const alive = (await api.guests()).filter((guest) => names.includes(guest.name) && heard.has(guest.id));
      note(`${alive.length} of ${names.length}`);
      return alive.length === names.length ? alive : undefined;
    });
    if (all !== undefined) return;
    const silent = (await api.guests()).filter((guest) => names.includes(guest.name) && guest.state !== 'running');
    const reasons = silent.map((guest) => `${guest.name} is ${guest.state}: ${guest.stateReason}`);
    throw new Error(`not all guests came alive in ${aliveDeadlineMs / 1000} s\n${reasons.join('\n')}`);
  });
}

/**
 * @param {Api} api
 * @param {readonly Guest[]} guests
 * @returns {Promise<number>} work per second of them all, from their own counters
 */
async function workRate(api, guests) {
  const before = await heartbeats(api);
  await sleep(measureMs);
  const after = await heartbeats(api);
  const rates = guests.map(({ id }) => {
    const [first, last] = [before.get(id), after.get(id)];
    if (first === undefined || last === undefined || last.at <= first.at) return 0;
    return Math.max(0, (last.work - first.work) / ((last.at - first.at) / 1000));
  });
  return rates.reduce((sum, rate) => sum + rate, 0);
}

/**
 * @param {Api} api
 * @param {{ since: number, deadlineMs: number }} wait
 * @param {(note: string) => void} note
 * @returns {Promise<Migration[]>} those that completed, once Argosy has come to rest
 */
async function waitForBalance(api, { since, deadlineMs }, note) {
  let lastChange = performance.now();
  let seen = '';
  const settled = await poll(deadlineMs, async () => {
    const migrations = (await api.migrations()).filter(({ createdAt }) => createdAt >= since);
    const steps = migrations.map(({ id, step: at }) => `${id} ${at}`).join();
    if (steps !== seen) lastChange = performance.now();
    seen = steps;
    const ended = migrations.filter(({ endedAt }) => endedAt !== null);
    note(`${ended.length} of ${migrations.length} migrations done`);
    const atRest = ended.length === migrations.length && performance.now() - lastChange > settledAfterMs;
    return migrations.length > 0 && atRest ? migrations : undefined;
  });
  return (settled ?? []).filter(({ failure }) => failure === null);
}

/**
 * @param {readonly Migration[]} migrations
 * @param {readonly Guest[]} guests
 * @param {readonly Host[]} hosts
 * @returns {Move[]}
 */
function describeMoves(migrations, guests, hosts) {
  const nameOf = (/** @type {readonly { id: string, name: string }[]} */ rows, /** @type {string} */ id) =>
    rows.find((row) => row.id === id)?.name ?? id;
  return migrations.map((migration) => ({
    guestName: nameOf(guests, migration.guestId),
    from: nameOf(hosts, migration.sourceHostId),
    to: nameOf(hosts, migration.targetHostId),
    reason: migration.reason,
    tookMs: migration.endedAt === null ? null : migration.endedAt - migration.createdAt,
    downtimeMs: migration.downtimeMs,
    guestSeenDowntimeMs: migration.guestSeenDowntimeMs,
  }));
}

/**
 * @param {readonly Guest[]} guests
 * @param {readonly Host[]} hosts online
 * @returns {{ host: Host, residents: Guest[] }} the one with the most guests; the first of equals
 */
function busiestHost(guests, hosts) {
  const sorted = [...hosts].sort((left, right) => left.name.localeCompare(right.name, 'en', { numeric: true }));
  const residents = sorted.map((host) => ({ host, residents: guests.filter((guest) => guest.hostId === host.id) }));
  const [first, ...others] = residents;
  if (first === undefined) throw new Error('no host is online');
  return others.reduce((best, next) => (next.residents.length > best.residents.length ? next : best), first);
}

/**
 * @param {Api} api
 * @param {readonly string[]} names the lab's guests
 * @returns {Promise<Rebalance>}
 */
export async function showRebalance(api, names) {
  const hosts = (await api.hosts()).filter(({ state }) => state === 'online');
  const guests = (await api.guests()).filter(({ name }) => names.includes(name));
  const { host, residents } = busiestHost(guests, hosts);
  const capacity = (await api.usage()).reduce((sum, usage) => sum + usage.capacity.cpuMillicores, 0);
  const load = Math.min(450, Math.round((capacity * loadShare) / Math.max(residents.length, 1)));
  const since = (await api.migrations())[0]?.createdAt ?? 0;
  say(
    `\nLoading ${residents.map(({ name }) => name).join(', ')} on ${host.name}: each asks for ${load / 10} % of a processor`,
  );
  for (const guest of residents) {
    // What a guest misses while it moves is told by its own heartbeats: they come often enough to tell milliseconds.
    await api.typeOnConsole(guest.name, `tick ${fineTickMs}`);
    await api.typeOnConsole(guest.name, `load ${load}`);
  }
  const rateBefore = await step('work rate on the crowded host', () => workRate(api, residents));
  const automation = (await api.pools()).find(({ name }) => name === poolName)?.balance.automation ?? 'full';
  const deadlineMs = automation === 'full' ? balanceDeadlineMs : heldBalanceMs;
  const migrations = await step(
    automation === 'full' ? 'Argosy rebalances by live migration' : `automation is ${automation}: Argosy recommends`,
    (note) => waitForBalance(api, { since: since + 1, deadlineMs }, note),
  );
  const recommended = (await api.recommendations()).filter(({ state }) => state === 'open');
  const rateAfter = await step('work rate after the moves', () => workRate(api, residents));
  const moves = describeMoves(migrations, guests, hosts);
  const guestNames = residents.map(({ name }) => name);
  return {
    hostName: host.name,
    guestNames,
    moves,
    rateBefore,
    rateAfter,
    automation,
    recommendedCount: recommended.length,
    met: moves.length > 0 && rateAfter > rateBefore,
  };
}

/**
 * @param {Api} api
 * @param {readonly string[]} names
 */
export async function showHostLoss(api, names) {
  const hosts = (await api.hosts()).filter(({ state }) => state === 'online');
  const guests = (await api.guests()).filter(({ name }) => names.includes(name));
  const { host } = busiestHost(guests, hosts);
  say(`\nDrill: ${host.name} is about to lose its power`);
  const { id } = await api.runDrill({ drill: 'host-loss', host: host.name, objectives });
  const drill = await step(`loss of ${host.name}`, (note) =>
    poll(drillDeadlineMs, async () => {
      const current = await api.drill(id);
      note(current.state);
      return ['finished', 'aborted'].includes(current.state) ? current : undefined;
    }),
  );
  return { host, drill: drill ?? (await api.drill(id)) };
}

/**
 * @param {Api} api
 * @param {{ names: readonly string[], restoreHost: (name: string) => Promise<void> }} lab
 * @returns {Promise<boolean>} whether every phase met its objective
 */
export async function runDemo(api, { names, restoreHost }) {
  await waitForGuestsAlive(api, names);
  const rebalance = await showRebalance(api, names);
  say(`\n${rebalanceReport(rebalance)}`);
  const { host, drill } = await showHostLoss(api, names);
  say(`\n${drillReport(drill, host.name)}\n`);
  await restoreHost(host.name);
  for (const name of rebalance.guestNames) {
    await api.typeOnConsole(name, 'load 0');
    await api.typeOnConsole(name, `tick ${ordinaryTickMs}`);
  }
  return rebalance.met && isDrillMet(drill);
}
