// How long it takes to say which losses a pool bears.

import { built } from '../built.mjs';
import { atLeast, atMost, median, spread } from '../figures.mjs';
import { crowdedFleet } from './crowded-fleet.mjs';
import { guestOf, hostOf, seeded } from './fleets.mjs';

/** @typedef {import('../figures.mjs').Figure} Figure */
/** @typedef {import('../figures.mjs').Context} Context */
/** @typedef {import('./fleets.mjs').HostFigures} HostFigures */
/** @typedef {import('./fleets.mjs').GuestFigures} GuestFigures */

const large = { hostCount: 5_000, guestCount: 30_000, seed: 5_031 };
const smallHosts = 32;
const smallShare = 0.65;

export const toleranceProof = {
  name: 'tolerance',
  title: `what a pool of ${large.hostCount} hosts with rules and a nearly full one of ${smallHosts} can lose`,
  measure,
};

/**
 * @param {Context} context
 * @returns {Promise<Figure[]>}
 */
async function measure({ quick, note }) {
  const { buildCluster } = built('scheduler/cluster.js');
  const { balance } = built('scheduler/balance.js');
  const { hosts, guests, rules } = crowdedFleet(quick ? { ...large, hostCount: 500, guestCount: 3_000 } : large);
  const cluster = buildCluster(hosts, guests, rules);
  balance(cluster, { cpuSafetyShare: 0.85, horizonMs: 300_000, bandwidthMiBPerSecond: 1_000, maximumMoves: Infinity });
  const wide = proofs(cluster, { losses: 1, looks: 100e6 }, quick ? 1 : 5);
  note(`large pool: ${describe(wide)}`);
  const two = proofs(cluster, { losses: 2, looks: 100e6 }, 1);
  note(`large pool, two losses: ${describe(two)}`);
  const narrow = proofs(fullPool(buildCluster), { losses: 3, looks: 100e6 }, quick ? 1 : 5);
  note(`small pool: ${describe(narrow)}`);
  return [
    atMost({
      name: 'tolerance.large-pool',
      value: median(wide.milliseconds),
      unit: 'ms',
      reference: null,
      target: null,
      remark: `${describe(wide)}, asked of one loss; ${spread(wide.milliseconds)} ms`,
    }),
    atLeast({
      name: 'tolerance.large-pool-decided',
      value: [wide, two].filter(({ answer: { isExact } }) => isExact).length,
      unit: 'of 2',
      reference: null,
      target: 2,
      remark: `one loss, and two: ${describe(two)}, in ${spread(two.milliseconds)} ms`,
    }),
    atMost({
      name: 'tolerance.small-pool',
      value: median(narrow.milliseconds),
      unit: 'ms',
      reference: null,
      target: null,
      remark: `${describe(narrow)}, ${smallShare * 100} % full, asked of three losses; ${spread(narrow.milliseconds)} ms`,
    }),
    atLeast({
      name: 'tolerance.small-pool-exact',
      value: narrow.answer.isExact ? 1 : 0,
      unit: 'of 1',
      reference: null,
      target: 1,
      remark: 'nothing is left open between what is proved and the witness',
    }),
  ];
}

/** @param {{ answer: any }} proved */
function describe({ answer }) {
  const { proved, witness, isExact, unprotected } = answer;
  const not = witness === null ? 'no witness against more' : `a witness against ${witness.hosts.length}`;
  return `${proved} losses proved, ${not}, ${isExact ? 'nothing' : 'something'} left open, ${unprotected.length} guests tied to a host`;
}

/**
 * @param {any} cluster
 * @param {{ losses: number, looks: number }} options
 * @param {number} times
 */
function proofs(cluster, options, times) {
  const { tolerance } = built('scheduler/tolerance.js');
  /** @type {number[]} */
  const milliseconds = [];
  let answer;
  for (let time = 0; time < times; time += 1) {
    const begun = performance.now();
    answer = tolerance(cluster, options);
    milliseconds.push(performance.now() - begun);
  }
  return { answer, milliseconds };
}

/**
 * @param {(hosts: HostFigures[], guests: GuestFigures[], rules: never[]) => any} buildCluster
 */
function fullPool(buildCluster) {
  const random = seeded(32);
  const hosts = Array.from({ length: smallHosts }, (_, number) => hostOf(number));
  /** @type {GuestFigures[]} */
  const guests = [];
  for (const { id, memoryMiB, cpuMillicores } of hosts) {
    let [memory, cpu] = [memoryMiB * smallShare, cpuMillicores * smallShare];
    for (let tries = 0; tries < 30; tries += 1) {
      const guest = guestOf(guests.length, random);
      if (guest.memoryMiB > memory || guest.cpuReservationMillicores > cpu) continue;
      memory -= guest.memoryMiB;
      cpu -= guest.cpuReservationMillicores;
      guests.push({ ...guest, hostId: id });
    }
  }
  return buildCluster(hosts, guests, []);
}
