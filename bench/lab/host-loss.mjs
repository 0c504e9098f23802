// The loss of a host under twenty guests: how soon it is noticed, and when the last guest lives again.

import { setTimeout as sleep } from 'node:timers/promises';
import { waitUntil } from '../../apps/lab/processes.mjs';
import { atMost, longest, median, spread } from '../figures.mjs';
import { startLab, switchPower, waitForHeartbeats } from './private-lab.mjs';

/** @typedef {import('../figures.mjs').Figure} Figure */
/** @typedef {import('../figures.mjs').Context} Context */
/** @typedef {import('./private-lab.mjs').Lab} Lab */
/** @typedef {import('../../apps/lab/api.mjs').Drill} Drill */

const guestCount = 20;
const detectTargetMs = 3_000;
const aliveTargetMs = 5_000;
const drillDeadlineMs = 130_000;
/** Between drills: the host is back, and nothing of the last one is still going on. */
const restMs = 4_000;

export const hostLoss = {
  name: 'host-loss',
  title: `the power of one of 3 hosts is cut, under ${guestCount} guests of 32 MiB`,
  measure,
};

/**
 * @param {Context} context
 * @returns {Promise<Figure[]>}
 */
async function measure(context) {
  const count = context.quick ? 2 : 5;
  const drills = await loseHosts(context, { guests: guestCount, drills: count });
  return [
    figureOf(drills, { name: 'host-loss.detected', phase: 'detect', target: detectTargetMs }),
    figureOf(drills, { name: 'host-loss.last-guest-alive', phase: 'alive', target: aliveTargetMs }),
  ];
}

/**
 * @param {Context} context
 * @param {{ guests: number, drills: number }} plan
 * @returns {Promise<Drill[]>} the loss of the busiest of three hosts, again and again
 */
export async function loseHosts(context, { guests, drills: count }) {
  const lab = await startLab(context, { hosts: 3, guests });
  const names = (await lab.api.guests()).map(({ name }) => name);
  await waitForHeartbeats(lab, names);
  await sleep(restMs);
  /** @type {Drill[]} */
  const drills = [];
  for (let number = 1; number <= count; number += 1) {
    const drill = await loseBusiestHost(lab, names);
    drills.push(drill);
    const phases = drill.phases.map((phase) => `${phase.name} ${phase.measuredMs} (predicted ${phase.predictedMs})`);
    context.note(`drill ${number}: ${drill.outages.length} guests; ${phases.join(', ')}`);
  }
  return drills;
}

/**
 * @param {Drill[]} drills
 * @param {{ name: string, phase: string, target: number, judged?: 'median' | 'longest' }} which
 * @returns {Figure}
 */
export function figureOf(drills, { name, phase, target, judged = 'median' }) {
  const phases = drills.flatMap((drill) => drill.phases.filter((each) => each.name === phase));
  const measured = phases.flatMap(({ measuredMs }) => measuredMs ?? []);
  const predicted = phases.flatMap(({ predictedMs }) => (predictedMs === null ? [] : [predictedMs]));
  const outages = drills.map((drill) => drill.outages.length);
  const complete = measured.length === drills.length && measured.length > 0;
  const of = { median, longest };
  return atMost({
    name,
    value: complete ? of[judged](measured) : null,
    unit: 'ms',
    reference: predicted.length === 0 ? null : median(predicted),
    target,
    remark: `after the power was cut, ${judged} of ${drills.length} drills with ${outages.join(', ')} guests on the host: ${measured.length > 0 ? spread(measured) : 'never'}; the reference is what the simulator predicted`,
  });
}

/**
 * @param {Lab} lab
 * @param {string[]} names
 * @returns {Promise<Drill>}
 */
async function loseBusiestHost(lab, names) {
  const { api } = lab;
  const guests = await api.guests();
  const counts = (await api.hosts()).map((host) => ({
    host,
    count: guests.filter(({ hostId }) => hostId === host.id).length,
  }));
  const [busiest] = counts.sort((left, right) => right.count - left.count);
  if (busiest === undefined) throw new Error('there is no host');
  const { name } = busiest.host;
  const { id } = await api.runDrill({ drill: 'host-loss', host: name });
  await waitUntil(async () => ['finished', 'aborted'].includes((await api.drill(id)).state), {
    deadlineMs: drillDeadlineMs,
    intervalMs: 250,
  });
  const drill = await api.drill(id);
  if (drill.state !== 'finished') throw new Error(`drill ${id} is ${drill.state}: ${drill.explanation}`);
  await switchPower(lab.folder, name, 'on');
  const isBack = async () => (await api.hosts()).every(({ state }) => state === 'online');
  if (!(await waitUntil(isBack, { deadlineMs: 30_000, intervalMs: 200 }))) throw new Error(`${name} did not come back`);
  await waitForHeartbeats(lab, names);
  await sleep(restMs);
  return drill;
}
