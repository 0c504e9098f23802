// How fast guests are placed one by one, and how well they are packed, beside a scan of all hosts for the best fit.

import { built } from '../built.mjs';
import { atLeast, atMost, median, spread } from '../figures.mjs';
import { guestOf, hostOf, seeded } from './fleets.mjs';

/** @typedef {import('../figures.mjs').Figure} Figure */
/** @typedef {import('../figures.mjs').Context} Context */
/** @typedef {import('./fleets.mjs').HostFigures} HostFigures */
/** @typedef {import('./fleets.mjs').GuestFigures} GuestFigures */
/** @typedef {{ placed: number, refused: number, hostsUsed: number, seconds: number, processorSeconds: number }} Run */

const hostCount = 20_000;
const guestCount = 160_000;
const seed = 20_260;
/** What is slower than that is stopped there, and the scan places as many guests as it did. */
const longestMs = 30_000;

export const placement = {
  name: 'placement',
  title: `${guestCount} guests of mixed sizes on ${hostCount} hosts of three kinds, one after another`,
  measure,
};

/**
 * @param {Context} context
 * @returns {Promise<Figure[]>}
 */
async function measure({ quick, note }) {
  const random = seeded(seed);
  const hosts = Array.from({ length: quick ? hostCount / 10 : hostCount }, (_, number) => hostOf(number));
  const guests = Array.from({ length: quick ? guestCount / 10 : guestCount }, (_, number) => guestOf(number, random));
  /** @type {Record<'packing' | 'spread', Run[]>} */
  const runs = { packing: [], spread: [] };
  for (let turn = 0; turn < (quick ? 1 : 5); turn += 1)
    for (const objective of /** @type {const} */ (['packing', 'spread'])) {
      const run = placeAll(hosts, guests, objective);
      runs[objective].push(run);
      note(`${objective}: ${describe(run)}`);
    }
  const placed = Math.min(...runs.packing.map((run) => run.placed + run.refused));
  const scan = scanAll(hosts, guests.slice(0, placed));
  note(`scan: ${describe(scan)}`);
  const rates = (/** @type {Run[]} */ of) => of.map((run) => (run.placed + run.refused) / run.seconds);
  const processor = median(runs.packing.map((run) => (run.placed + run.refused) / run.processorSeconds));
  const used = runs.packing[0]?.hostsUsed ?? 0;
  return [
    atLeast({
      name: 'placement.rate',
      value: median(rates(runs.packing)),
      unit: 'guests/s',
      reference: (scan.placed + scan.refused) / scan.seconds,
      target: 50_000,
      remark: `best fit, each choice with its named scores; ${spread(rates(runs.packing))}; by processor time ${Math.round(processor)}/s; the reference scans all hosts for each guest`,
    }),
    atMost({
      name: 'placement.hosts-used',
      value: used / scan.hostsUsed,
      unit: 'times',
      reference: 1,
      target: 1.005,
      remark: `${used} hosts for ${runs.packing[0]?.placed} guests (${runs.packing[0]?.refused} refused); the scan ${scan.hostsUsed} for ${scan.placed} (${scan.refused} refused)`,
    }),
    atLeast({
      name: 'placement.spread-rate',
      value: median(rates(runs.spread)),
      unit: 'guests/s',
      reference: null,
      target: null,
      remark: `the host with the most room, as pools place; ${spread(rates(runs.spread))}`,
    }),
    atMost({
      name: 'placement.allocated',
      value: Math.max(allocatedBytes(hosts, guests, 'spread'), allocatedBytes(hosts, guests, 'packing')),
      unit: 'bytes/guest',
      reference: null,
      target: 1,
      remark:
        'left on the heap by choosing a host and moving there, once compiled: the most room, or the least, whichever leaves more',
    }),
  ];
}

/** @param {Run} run */
function describe({ placed, refused, hostsUsed, seconds, processorSeconds }) {
  return `${placed} placed, ${refused} refused, ${hostsUsed} hosts used, ${seconds.toFixed(2)} s (${processorSeconds.toFixed(2)} s of processor)`;
}

/**
 * @param {readonly HostFigures[]} hosts
 * @param {readonly GuestFigures[]} guests
 * @param {'packing' | 'spread'} objective
 * @returns {Run}
 */
function placeAll(hosts, guests, objective) {
  const { buildCluster, move } = built('scheduler/cluster.js');
  const { place } = built('scheduler/place.js');
  const cluster = buildCluster(hosts, guests, []);
  const used = new Set();
  const run = { placed: 0, refused: 0 };
  const processor = process.cpuUsage();
  const begun = performance.now();
  for (let guest = 0; guest < guests.length; guest += 1) {
    const { chosen } = place(cluster, guest, { objective });
    if (chosen === null) run.refused += 1;
    else {
      move(cluster, guest, chosen.host);
      used.add(chosen.host);
      run.placed += 1;
    }
    if (performance.now() - begun > longestMs) break;
  }
  const seconds = (performance.now() - begun) / 1000;
  const { user, system } = process.cpuUsage(processor);
  return { ...run, hostsUsed: used.size, seconds, processorSeconds: (user + system) / 1e6 };
}

/**
 * @param {readonly HostFigures[]} hosts
 * @param {readonly GuestFigures[]} guests
 * @param {'packing' | 'spread'} objective
 * @returns {number} in the median of parts of the later half; in some of the others V8 collects garbage
 */
function allocatedBytes(hosts, guests, objective) {
  const { buildCluster, move } = built('scheduler/cluster.js');
  const { chooseHost } = built('scheduler/place.js');
  const cluster = buildCluster(hosts, guests, []);
  const options = { objective };
  const part = 500;
  const left = [];
  for (let from = 0; from < guests.length; from += part) {
    const before = process.memoryUsage().heapUsed;
    for (let guest = from; guest < from + part; guest += 1) {
      const host = chooseHost(cluster, guest, options);
      if (host >= 0) move(cluster, guest, host);
    }
    left.push((process.memoryUsage().heapUsed - before) / part);
  }
  return median(left.slice(left.length / 2));
}

/**
 * Best fit as textbooks have it: of all hosts that the guest fits on, the one on which the least is left, processors and
 * memory each as a share of the largest host's; the first of equals.
 * @param {readonly HostFigures[]} hosts
 * @param {readonly GuestFigures[]} guests
 * @returns {Run}
 */
function scanAll(hosts, guests) {
  const freeCpu = Float64Array.from(hosts, ({ cpuMillicores }) => cpuMillicores);
  const freeMemory = Float64Array.from(hosts, ({ memoryMiB }) => memoryMiB);
  const cpuWeight = 1 / freeCpu.reduce((most, each) => Math.max(most, each));
  const memoryWeight = 1 / freeMemory.reduce((most, each) => Math.max(most, each));
  const used = new Set();
  const run = { placed: 0, refused: 0 };
  const processor = process.cpuUsage();
  const begun = performance.now();
  for (const { cpuReservationMillicores, memoryMiB } of guests) {
    let best = -1;
    let least = Infinity;
    for (let host = 0; host < hosts.length; host += 1) {
      const cpu = /** @type {number} */ (freeCpu[host]);
      const memory = /** @type {number} */ (freeMemory[host]);
      if (cpu < cpuReservationMillicores || memory < memoryMiB) continue;
      const left = cpu * cpuWeight + memory * memoryWeight;
      if (left >= least) continue;
      best = host;
      least = left;
    }
    if (best < 0) run.refused += 1;
    else {
      freeCpu[best] = (freeCpu[best] ?? 0) - cpuReservationMillicores;
      freeMemory[best] = (freeMemory[best] ?? 0) - memoryMiB;
      used.add(best);
      run.placed += 1;
    }
  }
  const seconds = (performance.now() - begun) / 1000;
  const { user, system } = process.cpuUsage(processor);
  return { ...run, hostsUsed: used.size, seconds, processorSeconds: (user + system) / 1e6 };
}
