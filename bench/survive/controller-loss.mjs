// The controller is killed in the middle of ten migrations: how soon after its return all ten are settled.

import { join } from 'node:path';
import { readJson } from '../../apps/lab/private-files.mjs';
import { isRunning, waitUntil } from '../../apps/lab/processes.mjs';
import { atMost, median, spread } from '../figures.mjs';
import { startLab, waitForHeartbeats } from '../lab/private-lab.mjs';

/** @typedef {import('../figures.mjs').Figure} Figure */
/** @typedef {import('../figures.mjs').Context} Context */
/** @typedef {import('../lab/private-lab.mjs').Lab} Lab */
/** @typedef {import('../../apps/lab/processes.mjs').ProcessName} ProcessName */

const moveCount = 10;
const targetMs = 10_000;
const deadlineMs = 60_000;
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
  const settled = [];
  let lost = 0;
  for (let run = 1; run <= count; run += 1) {
    const outcome = await killInTheMiddle(lab, names, run % 2 === 1 ? 'h2' : 'h1');
    settled.push(outcome.settledMs);
    lost += outcome.lost;
    context.note(
      `run ${run}: ${outcome.begun} migrations under way at the kill; away ${outcome.awayMs.toFixed(0)} ms, settled ${outcome.settledMs.toFixed(0)} ms after the return, ${outcome.lost} guests not running`,
    );
  }
  return [
    atMost({
      name: 'controller-loss.settled',
      value: settled.length === 0 ? null : median(settled),
      unit: 'ms',
      reference: null,
      target: targetMs,
      remark: `from the controller's first healthy answer until every migration has ended and every guest runs, median: ${spread(settled)}`,
    }),
    atMost({
      name: 'controller-loss.guests-lost',
      value: lost,
      unit: 'guests',
      reference: null,
      target: 0,
      remark: `not running once all migrations had ended, in ${count} runs`,
    }),
  ];
}

/**
 * @param {Lab} lab
 * @param {string[]} names
 * @param {string} to
 */
async function killInTheMiddle(lab, names, to) {
  const { api, folder } = lab;
  const target = (await api.hosts()).find(({ name }) => name === to);
  // All to one side first, so that all ten go the same way.
  await moveAll(lab, names, to === 'h1' ? 'h2' : 'h1');
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
  const settledMs = done ? performance.now() - backAt : NaN;
  const guests = await api.guests();
  const lost = guests.filter(({ name, state }) => names.includes(name) && state !== 'running').length;
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
