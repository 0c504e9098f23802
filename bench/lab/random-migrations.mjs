// Thirty migrations at random while every guest dirties its memory: who is lost, doubled or damaged.

import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiRefusal } from '../../apps/lab/api.mjs';
import { commandLine, processLink, waitUntil } from '../../apps/lab/processes.mjs';
import { built } from '../built.mjs';
import { atLeast, atMost } from '../figures.mjs';
import { eventsOf, startLab, waitForHeartbeats } from './private-lab.mjs';

/** @typedef {import('../figures.mjs').Figure} Figure */
/** @typedef {import('../figures.mjs').Context} Context */
/** @typedef {import('./private-lab.mjs').Lab} Lab */

const { GuestLineSplitter, parseGuestLine, replayChecksum } = built('domain/guest-console.js');

const guestCount = 8;
const areaMiB = 16;
const dirtyMBps = 4;
/** Under way at a time: more than one, so that a host is source and target at once. */
const atOnce = 3;
const answerDeadlineMs = 60_000;

export const randomMigrations = {
  name: 'random-migrations',
  title: `migrations at random among 3 hosts, ${guestCount} guests that each dirty ${dirtyMBps} MB/s`,
  measure,
};

/**
 * @param {Context} context
 * @returns {Promise<Figure[]>}
 */
async function measure(context) {
  const count = context.quick ? 6 : 30;
  const lab = await startLab(context, { hosts: 3, guests: guestCount });
  const names = (await lab.api.guests()).map(({ name }) => name);
  await waitForHeartbeats(lab, names);
  await Promise.all(names.map((name, index) => beginDirtying(lab, name, index + 1)));
  const since = Date.now();
  const seed = since % 1_000_000;
  const outcome = await migrateAtRandom(lab, { names, count, random: randomFrom(seed) });
  context.note(`${outcome.done} of ${count} done, seed ${seed}; ${outcome.failures.join('; ') || 'none failed'}`);
  // What the last migrations left behind has gone by then.
  await sleep(2_000);
  const processes = await settledProcesses(lab, names);
  const sums = [];
  for (const [index, name] of names.entries()) sums.push(await checkSum(lab, name, index + 1));
  for (const { name, told, right } of sums)
    if (told !== right) context.note(`${name} sums to ${told}, and ${right} is right`);
  const lost = await lostGuests(lab, { names, processes, since });
  for (const each of lost) context.note(`lost: ${each}`);
  const doubled = names.filter((name) => (processes.get(name) ?? 0) > 1);
  return [
    atLeast({
      name: 'random-migrations.done',
      value: outcome.done,
      unit: 'migrations',
      reference: count,
      target: count,
      remark: `up to ${atOnce} at a time, ${guestCount} guests, seed ${seed}`,
    }),
    atMost({
      name: 'random-migrations.lost',
      value: lost.length,
      unit: 'guests',
      reference: null,
      target: 0,
      remark: 'no QEMU process, not running, or started again meanwhile',
    }),
    atMost({
      name: 'random-migrations.double',
      value: doubled.length,
      unit: 'guests',
      reference: null,
      target: 0,
      remark: 'with more than one QEMU process in /proc after the last migration',
    }),
    atMost({
      name: 'random-migrations.damaged',
      value: sums.filter(({ told, right }) => told !== right).length,
      unit: 'guests',
      reference: null,
      target: 0,
      remark: `whose own checksum over ${areaMiB} MiB differs from the replay from its seed, after ${sums.map(({ steps }) => steps).join(', ')} steps`,
    }),
  ];
}

/**
 * A linear congruential generator (Numerical Recipes): a run can be had again from its seed.
 * @param {number} seed
 * @returns {(below: number) => number}
 */
function randomFrom(seed) {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/**
 * @param {Lab} lab
 * @param {string} name
 * @param {number} seed
 */
async function beginDirtying(lab, name, seed) {
  await lab.api.typeOnConsole(name, `dirty ${dirtyMBps} ${areaMiB} ${seed}`);
  await answerOf(lab, name, (line) => line.kind === 'filled' && line.seed === seed);
}

/**
 * @param {Lab} lab
 * @param {{ names: string[], count: number, random: (below: number) => number }} plan
 * @returns {Promise<{ done: number, failures: string[] }>}
 */
async function migrateAtRandom(lab, { names, count, random }) {
  /** @type {Set<string>} */
  const moving = new Set();
  /** @type {string[]} */
  const failures = [];
  let begun = 0;
  let done = 0;
  const lane = async () => {
    while (begun < count) {
      begun += 1;
      const free = names.filter((name) => !moving.has(name));
      const name = free[random(free.length)] ?? '';
      moving.add(name);
      const failure = await migrateOnce(lab, name, random);
      moving.delete(name);
      if (failure === null) done += 1;
      else failures.push(`${name}: ${failure}`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return { done, failures };
}

/**
 * A host that has as many under way as its pool allows refuses, and then chance is asked again.
 * @param {Lab['api']} api
 * @param {string} name
 * @param {(below: number) => number} random
 * @returns {Promise<string>} the migration's id
 */
async function beginMigration(api, name, random) {
  const { hostId } = await api.request('GET', `/guests/${name}`);
  const targets = (await api.hosts()).filter(({ id }) => id !== hostId);
  for (;;) {
    const target = targets[random(targets.length)]?.name;
    try {
      return (await api.request('POST', `/guests/${name}/migrate`, { host: target })).id;
    } catch (error) {
      if (!(error instanceof ApiRefusal && error.code === 'too-many-migrations')) throw error;
      await sleep(100);
    }
  }
}

/**
 * @param {Lab} lab
 * @param {string} name
 * @param {(below: number) => number} random
 * @returns {Promise<string | null>} why it failed
 */
async function migrateOnce({ api }, name, random) {
  const id = await beginMigration(api, name, random);
  /** @type {{ step: string, failure: string | null, endedAt: number | null }} */
  let row = { step: '', failure: null, endedAt: null };
  const ended = await waitUntil(
    async () => {
      row = await api.request('GET', `/migrations/${id}`);
      return row.endedAt !== null;
    },
    { deadlineMs: 90_000, intervalMs: 50 },
  );
  if (!ended) return `still at ${row.step} after 90 s`;
  return row.step === 'done' ? null : `${row.step}: ${row.failure}`;
}

/**
 * The first answer that comes after this call and is the one that is waited for.
 * @param {Lab} lab
 * @param {string} name
 * @param {(line: any) => boolean} matches
 * @returns {Promise<any>}
 */
async function answerOf(lab, name, matches) {
  /** @type {any} */
  let found;
  await waitUntil(
    async () => {
      const { text } = await lab.api.request('GET', `/guests/${name}/console`);
      const lines = new GuestLineSplitter().push(text).map((/** @type {string} */ line) => parseGuestLine(line));
      found = lines.find((/** @type {any} */ line) => line !== undefined && matches(line));
      return found !== undefined;
    },
    { deadlineMs: answerDeadlineMs, intervalMs: 200 },
  );
  if (found === undefined) throw new Error(`${name} gave no answer within ${answerDeadlineMs / 1000} s`);
  return found;
}

/**
 * @param {Lab} lab
 * @param {string} name
 * @param {number} seed
 */
async function checkSum(lab, name, seed) {
  // Since its last move the console is a new one, and has no older sum.
  await lab.api.typeOnConsole(name, 'sum');
  const { steps, checksum } = await answerOf(lab, name, (line) => line.kind === 'sum');
  return { name, steps, told: checksum, right: replayChecksum({ areaMiB, seed, steps }) };
}

/**
 * Asked of the operating system: the QEMUs that work in this lab's folders.
 * @param {Lab} lab
 * @returns {Map<string, number>} how many by the guest's name
 */
function processesByGuest(lab) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const pid = Number(entry);
    if (!(processLink(pid, 'cwd') ?? '').startsWith(`${lab.folder}/hosts/`)) continue;
    const name = /\bguest=([^, ]+)/.exec(commandLine(pid))?.[1];
    if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

/**
 * @param {Lab} lab
 * @param {string[]} names
 */
async function settledProcesses(lab, names) {
  await waitUntil(() => names.every((name) => processesByGuest(lab).get(name) === 1), {
    deadlineMs: 5_000,
    intervalMs: 200,
  });
  return processesByGuest(lab);
}

/**
 * @param {Lab} lab
 * @param {{ names: string[], processes: Map<string, number>, since: number }} run
 * @returns {Promise<string[]>}
 */
async function lostGuests(lab, { names, processes, since }) {
  const guests = await lab.api.guests();
  const crashes = [];
  for (const code of ['guest-crashed', 'guest-lost', 'guest-start-failed']) {
    crashes.push(...(await eventsOf(lab, `code=${code}&since=${since}`)).map(({ message }) => message));
  }
  const gone = names.filter(
    (name) => (processes.get(name) ?? 0) === 0 || guests.find((guest) => guest.name === name)?.state !== 'running',
  );
  return [...gone, ...crashes];
}
