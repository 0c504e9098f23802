// The controller is killed in the middle of ten migrations: how soon after its return all ten are settled.

import { join } from 'node:path';
import { readJson } from '../../apps/lab/private-files.mjs';
import { isRunning, waitUntil } from '../../apps/lab/processes.mjs';
import { atLeast, atMost, longest, spread } from '../figures.mjs';
import { startLab, waitForHeartbeats } from '../lab/private-lab.mjs';

/** @typedef {import('../figures.mjs').Figure} Figure */
/** @typedef {import('../figures.mjs').Context} Context */
/** @typedef {import('../lab/private-lab.mjs').Lab} Lab */
/** @typedef {import('../../apps/lab/processes.mjs').ProcessName} ProcessName */
/**
 * @typedef {object} Outcome of one run
 * @property {number} begun how many migrations were under way at the kill
 * @property {number} awayMs
 * @property {number | null} settledMs null: not all of them have ended, or a guest did not run, within a minute
 * @property {number} lost guests that did not run at the end, or had booted anew
 */

const moveCount = 10;
const targetMs = 10_000;
const deadlineMs = 60_000;
/** A guest that runs answers on its console long before. */
const answerMs = 10_000;
/** Slow enough that all ten are still being copied when the controller dies, and for a while after. */
const migration = { concurrentPerHost: moveCount, bandwidthMiBPerSecond: 2 };

export const controllerLoss = {
  name: 'controller-loss',
  title: `the controller is killed while ${moveCount} guests migrate from one host to another`,
  measure,
};

/**
 * @param {Context} context
 * @returns {Promise<Figure[]>}
 */
async function measure(context) {
  const count = context.quick ? 1 : 5;
  const lab = await startLab(context, { hosts: 2, guests: moveCount, migration });
  const names = (await lab.api.guests()).map(({ name }) => name);
  await waitForHeartbeats(lab, names);
  // Something to copy: else a guest of 32 MiB is mostly zeroes, and gone in an instant.
  for (const [index, name] of names.entries()) await lab.api.typeOnConsole(name, `fill 8 ${index + 1}`);
  /** @type {Outcome[]} */
  const outcomes = [];
  for (let run = 1; run <= count; run += 1) {
    const outcome = await killInTheMiddle(lab, names, run % 2 === 1 ? 'h2' : 'h1');
    outcomes.push(outcome);
    const settled = outcome.settledMs === null ? 'not settled' : `settled ${outcome.settledMs.toFixed(0)} ms`;
    context.note(
      `run ${run}: ${outcome.begun} migrations under way at the kill; away ${outcome.awayMs.toFixed(0)} ms, ${settled} after the return, ${outcome.lost} guests lost`,
    );
  }
  return figuresOf(outcomes);
}

/**
 * Each run counts: one that did not settle is missed, however soon the others did.
 * @param {readonly Outcome[]} outcomes
 * @returns {Figure[]}
 */
export function figuresOf(outcomes) {
  const settled = outcomes.flatMap(({ settledMs }) => settledMs ?? []);
  const runs = `${outcomes.length} runs`;
  return [
    atMost({
      name: 'controller-loss.settled',
      value: longest(outcomes.map(({ settledMs }) => settledMs)),
      unit: 'ms',
      reference: null,
      target: targetMs,
      remark: `from the controller's first healthy answer until every migration has ended and every guest runs, longest of ${runs}, of which ${settled.length} settled: ${settled.length === 0 ? 'none' : spread(settled)}`,
    }),
    atLeast({
      name: 'controller-loss.under-way',
      value: Math.min(...outcomes.map(({ begun }) => begun)),
      unit: 'migrations',
      reference: null,
      target: moveCount,
      remark: `at the kill, fewest of ${runs}`,
    }),
    atMost({
      name: 'controller-loss.guests-lost',
      value: outcomes.reduce((sum, { lost }) => sum + lost, 0),
      unit: 'guests',
      reference: null,
      target: 0,
      remark: `not running once all migrations had ended, or booted anew by the guest's own counter, in ${runs}`,
    }),
  ];
}

/**
 * @param {Lab} lab
 * @param {string[]} names
 * @param {string} to
 * @returns {Promise<Outcome>}
 */
async function killInTheMiddle(lab, names, to) {
  const { api, folder } = lab;
  const target = (await api.hosts()).find(({ name }) => name === to);
  // All to one side first, so that all ten go the same way.
  await moveAll(lab, names, to === 'h1' ? 'h2' : 'h1');
  const before = await bootsOf(lab, names);
  const since = Date.now();
  for (const name of names) await api.request('POST', `/guests/${name}/migrate`, { host: to });
  const under = (await api.migrations()).filter(({ endedAt, createdAt }) => endedAt === null && createdAt >= since);
  const controller = /** @type {ProcessName} */ (readJson(join(folder, 'controller/process.json')));
  const killedAt = performance.now();
  process.kill(controller.pid, 'SIGKILL');
  await waitUntil(() => !isRunning(controller), { deadlineMs: 5_000, intervalMs: 5 });
  if (!(await waitUntil(() => isHealthy(lab.url), { deadlineMs, intervalMs: 20 })))
    throw new Error('the controller did not come back');
  const backAt = performance.now();
  const isSettled = async () => {
    const open = (await api.migrations()).filter(({ endedAt }) => endedAt === null);
    return open.length === 0 && (await api.guests()).every(({ state }) => state === 'running');
  };
  const done = await waitUntil(isSettled, { deadlineMs, intervalMs: 50 });
  const settledMs = done ? performance.now() - backAt : null;
  const guests = await api.guests();
  const running = names.filter((name) => guests.some((guest) => guest.name === name && guest.state === 'running'));
  const after = await bootsOf(lab, running);
  const lost = names.filter((name) => after.get(name) !== before.get(name)).length;
  const arrived = guests.filter(({ hostId }) => hostId === target?.id).length;
  if (arrived < names.length) console.error(`  ${names.length - arrived} did not arrive on ${to}`);
  return { begun: under.length, awayMs: backAt - killedAt, settledMs, lost };
}

/**
 * @param {Lab} lab
 * @param {string[]} names
 * @param {string} to
 */
async function moveAll({ api }, names, to) {
  const id = (await api.hosts()).find(({ name }) => name === to)?.id;
  for (const guest of await api.guests())
    if (names.includes(guest.name) && guest.hostId !== id)
      await api.request('POST', `/guests/${guest.name}/migrate`, { host: to });
  const arrived = await waitUntil(
    async () => (await api.guests()).every(({ hostId, state }) => hostId === id && state === 'running'),
    { deadlineMs, intervalMs: 200 },
  );
  if (!arrived) throw new Error(`not all guests reached ${to}`);
}

/**
 * How often each has booted, by the counter that it keeps on its disk.
 * @param {Lab} lab
 * @param {string[]} names
 * @returns {Promise<Map<string, number>>} without those that do not answer
 */
async function bootsOf({ api }, names) {
  const token = `boots-${Date.now()}`;
  for (const name of names) for (const line of ['stats', `ping ${token}`]) await api.typeOnConsole(name, line);
  /** @type {Map<string, number>} */
  const boots = new Map();
  const look = async () => {
    for (const name of names.filter((each) => !boots.has(each))) {
      const { text } = await api.request('GET', `/guests/${name}/console`);
      const told = text.slice(0, Math.max(0, text.lastIndexOf(`pong ${token}`)));
      const boot = told.slice(told.lastIndexOf('stats ')).match(/^stats .* boot=(\d+) /)?.[1];
      if (boot !== undefined) boots.set(name, Number(boot));
    }
    return boots.size === names.length;
  };
  await waitUntil(look, { deadlineMs: answerMs, intervalMs: 200 });
  return boots;
}

/** @param {string} url */
async function isHealthy(url) {
  try {
    const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(2_000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
