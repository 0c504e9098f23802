// No host is suspected for being slow: every processor is kept busy, and the hosts' heartbeats still come in time.

import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { closeLater } from '../closers.mjs';
import { watchProcessors } from '../conditions.mjs';
import { atMost, quantile } from '../figures.mjs';
import { listenToEvents } from './event-stream.mjs';
import { eventsOf, startLab, waitForHeartbeats } from './private-lab.mjs';

/** @typedef {import('../figures.mjs').Figure} Figure */
/** @typedef {import('../figures.mjs').Context} Context */

const guestCount = 8;

export const suspicion = {
  name: 'suspicion',
  title: `3 hosts with ${guestCount} guests while every processor of the machine is kept busy`,
  measure,
};

/**
 * @param {Context} context
 * @returns {Promise<Figure[]>}
 */
async function measure(context) {
  const minutes = context.quick ? 1 : 10;
  const lab = await startLab(context, { hosts: 3, guests: guestCount });
  await waitForHeartbeats(
    lab,
    (await lab.api.guests()).map(({ name }) => name),
  );
  const since = Date.now();
  const silences = await followSilences(lab);
  const processors = availableParallelism();
  for (let number = 0; number < processors; number += 1) burn();
  const use = watchProcessors();
  for (let minute = 1; minute <= minutes; minute += 1) {
    await sleep(60_000);
    const longest = Math.max(...silences.values);
    context.note(
      `minute ${minute}: longest silence ${longest.toFixed(0)} ms, processors ${(use() * 100).toFixed(0)} % busy`,
    );
  }
  const busy = use();
  const events = await eventsOf(lab, `code=host-suspect&since=${since}`);
  for (const { message } of events) context.note(message);
  return [
    atMost({
      name: 'suspicion.false',
      // Less than full processors would prove nothing.
      value: busy > 0.97 ? events.length : null,
      unit: 'hosts',
      reference: null,
      target: 0,
      remark: `host-suspect events in ${minutes} min with ${processors} busy loops on ${processors} processors (${(busy * 100).toFixed(0)} % busy)`,
    }),
    atMost({
      name: 'suspicion.longest-silence',
      value: Math.max(...silences.values),
      unit: 'ms',
      reference: quantile(silences.values, 0.99),
      target: null,
      remark: `between two reports of a host, of ${silences.values.length}; the reference is what 99 % of them stayed below`,
    }),
  ];
}

/** One at the ordinary priority, as any other program would be. */
function burn() {
  const child = spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' });
  closeLater('a busy loop', () => void child.kill('SIGKILL'));
}

/**
 * @param {import('./private-lab.mjs').Lab} lab
 * @returns {Promise<{ values: number[] }>} the ms between two reports of a host, as the controller heard them
 */
async function followSilences(lab) {
  /** @type {Map<string, number>} */
  const heardAt = new Map();
  /** @type {{ values: number[] }} */
  const silences = { values: [] };
  await listenToEvents(lab, ({ kind, row }) => {
    if (kind !== 'usage') return;
    const before = heardAt.get(row.hostId);
    heardAt.set(row.hostId, row.heardAt);
    if (before !== undefined) silences.values.push(row.heardAt - before);
  });
  return silences;
}
