// Live migration by Argosy beside the same by hand: what the guest sees of it, and how long it takes.

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitUntil } from '../../apps/lab/processes.mjs';
import { atMost, median, spread } from '../figures.mjs';
import { BareGuest } from './bare-guest.mjs';
import { watchConsoles } from './console-watch.mjs';
import { listenToEvents } from './event-stream.mjs';
import { consoleFile, createGuest, guestOf, startLab, waitForHeartbeats } from './private-lab.mjs';

/** @typedef {import('../figures.mjs').Figure} Figure */
/** @typedef {import('../figures.mjs').Context} Context */
/** @typedef {import('./private-lab.mjs').Lab} Lab */
/** @typedef {{ gapMs: number, missing: number, tookMs: number }} Move */
/** @typedef {Move & { apiGapMs: number | null, steps: string }} ArgosyMove */

const memoryMiB = 128;
const areaMiB = 64;
const seed = 7;
const busyCommands = ['tick 1', `dirty 50 ${areaMiB} ${seed}`];
/** So that the guest that is not being measured takes nothing from the one that is. */
const quietCommands = [`dirty 0 ${areaMiB} ${seed}`, 'tick 1000'];
const settleMs = 700;
const downtimeAllowanceMs = 5;
const commitAllowanceMs = 300;

export const migration = {
  name: 'migration',
  title: `a guest of ${memoryMiB} MiB that dirties 50 MB/s and ticks every 1 ms, by Argosy and by bare QMP in turns`,
  measure,
};

/**
 * @param {Context} context
 * @returns {Promise<Figure[]>}
 */
async function measure(context) {
  // In plain on both sides; encrypted: the group survive.
  const { argosy, byHand } = await movePairs(context, { encrypted: false });
  return figuresOf(argosy, byHand);
}

/**
 * @param {Context} context
 * @param {{ encrypted: boolean }} how on both sides
 * @returns {Promise<{ lab: Lab, argosy: ArgosyMove[], byHand: Move[], moveByArgosy: () => Promise<ArgosyMove> }>}
 */
export async function movePairs(context, { encrypted }) {
  const pairs = context.quick ? 3 : 15;
  // Neither side is held to a share of the processor: with one, whether its period ends in the gap is chance. Hosts share
  // the machine's network, so that both sides' streams go over a Unix socket.
  const lab = await startLab(context, { hosts: 2, limits: false, migration: { encrypted }, wanted: 'switch' });
  const commits = await followCommits(lab);
  const name = 'mover';
  await createGuest(lab, { name, memoryMiB });
  await waitForHeartbeats(lab, [name]);
  const bare = await startBare(lab);
  const moveByArgosy = () => measureArgosy(lab, { name, commits });
  const moveByHand = () => measureBare(bare);
  /** @type {ArgosyMove[]} */
  const argosy = [];
  /** @type {Move[]} */
  const byHand = [];
  // The area is filled, and both sides have moved once, before anything counts.
  await moveByArgosy();
  await moveByHand();
  for (let pair = 1; pair <= pairs; pair += 1) {
    // Who comes first changes, so that neither always finds the machine as the other left it.
    if (pair % 2 === 0) byHand.push(await moveByHand());
    argosy.push(await moveByArgosy());
    if (pair % 2 === 1) byHand.push(await moveByHand());
    const [ours, theirs] = [argosy.at(-1), byHand.at(-1)];
    context.note(
      `pair ${pair}: Argosy ${ours?.gapMs.toFixed(1)} ms (API ${ours?.apiGapMs}), committed after ${ours?.tookMs.toFixed(0)} ms [${ours?.steps}]; ` +
        `bare ${theirs?.gapMs.toFixed(1)} ms, ${theirs?.tookMs.toFixed(0)} ms`,
    );
  }
  return { lab, argosy, byHand, moveByArgosy };
}

/**
 * @param {ArgosyMove[]} argosy
 * @param {Move[]} byHand
 * @returns {Figure[]}
 */
function figuresOf(argosy, byHand) {
  const of = (/** @type {Move[]} */ moves, /** @type {'gapMs' | 'tookMs'} */ field) => moves.map((move) => move[field]);
  const [gaps, bareGaps] = [of(argosy, 'gapMs'), of(byHand, 'gapMs')];
  const [took, bareTook] = [of(argosy, 'tookMs'), of(byHand, 'tookMs')];
  const apiGaps = argosy.flatMap(({ apiGapMs }) => (apiGapMs === null ? [] : [apiGapMs]));
  const lostTicks = argosy.filter(({ missing }) => missing !== 0).length;
  return [
    atMost({
      name: 'migration.downtime',
      value: median(gaps),
      unit: 'ms',
      reference: median(bareGaps),
      target: median(bareGaps) + downtimeAllowanceMs,
      remark: `seen by the guest, median; between the last heartbeat in the source's console file and the first in the target's, both sides by one observer. Argosy ${spread(gaps)}; bare QMP ${spread(bareGaps)}. No control group on either side`,
    }),
    atMost({
      name: 'migration.committed',
      value: median(took),
      unit: 'ms',
      reference: median(bareTook),
      target: median(bareTook) + commitAllowanceMs,
      remark: `from the API request to the commit's event at the client, median: ${spread(took)}; bare: from before the target's start until it runs the guest: ${spread(bareTook)}`,
    }),
    atMost({
      name: 'migration.downtime-told',
      value: apiGaps.length === 0 ? null : median(apiGaps),
      unit: 'ms',
      reference: median(gaps),
      target: null,
      remark: `guestSeenDowntimeMs of the API, by the agents' clocks in whole ms (${apiGaps.length} of ${argosy.length} told), beside the observer's`,
    }),
    atMost({
      name: 'migration.ticks-lost',
      value: lostTicks,
      unit: 'migrations',
      reference: byHand.filter(({ missing }) => missing !== 0).length,
      target: 0,
      remark: 'migrations after which the count of heartbeats did not go on where it stood',
    }),
  ];
}

/**
 * @param {Lab} lab
 * @returns {Promise<Map<string, number>>} when the commit of a migration was told, by its id
 */
async function followCommits(lab) {
  /** @type {Map<string, number>} */
  const commits = new Map();
  await listenToEvents(lab, ({ kind, row }, at) => {
    if (kind === 'record' && row.code === 'migration-committed') commits.set(row.details.migrationId, at);
  });
  return commits;
}

/** @param {Lab} lab */
async function startBare(lab) {
  const [pool] = await lab.api.pools();
  const { migration: policy } = await lab.api.request('GET', `/pools/${pool?.name}`);
  const kernelPath = join(lab.folder, 'datastore/images/tiny.elf');
  const bare = new BareGuest({ folder: join(lab.folder, 'bare'), kernelPath, memoryMiB, policy });
  await bare.prepare();
  await bare.start();
  return bare;
}

/**
 * @param {Lab} lab
 * @param {{ name: string, commits: Map<string, number> }} guest
 * @returns {Promise<ArgosyMove>}
 */
async function measureArgosy(lab, { name, commits }) {
  const { api } = lab;
  for (const command of busyCommands) await api.typeOnConsole(name, command);
  await sleep(settleMs);
  const guest = await guestOf(lab, name);
  const host = (await api.hosts()).find(({ id }) => id === guest.hostId)?.name ?? '';
  const target = lab.hosts.find((each) => each !== host) ?? '';
  const nextEpoch = Math.max(guest.epoch, guest.reservedEpoch) + 1;
  const watch = await watchConsoles([
    consoleFile(lab, { host, guestId: guest.id, epoch: guest.epoch }),
    consoleFile(lab, { host: target, guestId: guest.id, epoch: nextEpoch }),
  ]);
  const requestedAt = Date.now();
  const begun = performance.now();
  const { id } = await api.request('POST', `/guests/${name}/migrate`, { host: target });
  const told = await waitUntil(() => commits.has(id), { deadlineMs: 30_000, intervalMs: 5 });
  if (!told) throw new Error(`migration ${id} was not committed within 30 s`);
  await waitUntil(async () => (await api.request('GET', `/migrations/${id}`)).endedAt !== null, {
    deadlineMs: 10_000,
    intervalMs: 100,
  });
  const { gapMs, missing } = await watch.stop();
  for (const command of quietCommands) await api.typeOnConsole(name, command);
  await sleep(settleMs / 2);
  const done = await api.request('GET', `/migrations/${id}`);
  const steps = done.steps.map(
    (/** @type {{ step: string, at: number }} */ { step, at }) => `${step} ${at - requestedAt}`,
  );
  return {
    gapMs,
    missing,
    tookMs: (commits.get(id) ?? NaN) - begun,
    apiGapMs: done.guestSeenDowntimeMs,
    steps: steps.join(', '),
  };
}

/**
 * @param {BareGuest} bare
 * @returns {Promise<Move>}
 */
async function measureBare(bare) {
  for (const command of busyCommands) bare.qemu.type(command);
  await sleep(settleMs);
  const watch = await watchConsoles([bare.qemu.console, bare.nextConsole]);
  const { totalMs } = await bare.move();
  // A first heartbeat of its own, and a few more.
  await sleep(200);
  const { gapMs, missing } = await watch.stop();
  for (const command of quietCommands) bare.qemu.type(command);
  await sleep(settleMs / 2);
  return { gapMs, missing, tookMs: totalMs };
}
