// What balancing's own search makes of pools in which no single move is left, and what a longer one would: the same moves at the same prices,
// judged by one sum.

import { built } from '../built.mjs';
import { atMost, median } from '../figures.mjs';
import { guestOf, hostOf, seeded } from './fleets.mjs';

/** @typedef {import('../figures.mjs').Figure} Figure */
/** @typedef {import('../figures.mjs').Context} Context */
/** @typedef {import('./fleets.mjs').HostFigures} HostFigures */
/** @typedef {import('./fleets.mjs').GuestFigures} GuestFigures */
/** @typedef {{ hosts: HostFigures[], guests: (GuestFigures & { hostId: string })[] }} Pool */
/** @typedef {ReadonlyMap<string, string>} Places by guest, its host */

const options = { cpuSafetyShare: 0.85, horizonMs: 300_000, bandwidthMiBPerSecond: 1_000, maximumMoves: Infinity };
const horizonSeconds = options.horizonMs / 1000;
/** As balancing has it: a millicore more even is worth so much of one that is met. */
const eveningShare = 0.1;
const pools = { count: 20, hostCount: 24, steps: 400_000 };
const ownSteps = 200_000;
/** From where balancing left off: anew, and with little warmth. The better answer counts. */
const hottests = [1.5, 0.01];
/** Of the safety level, what all guests ask for together: from a pool with room to one that has next to none. */
const fillings = [0.7, 0.9, 0.98];

export const balancingSearch = {
  name: 'balancing-search',
  title: `${pools.count} pools of ${pools.hostCount} hosts, balanced one move at a time, as built, and then searched with ${pools.steps} steps`,
  measure,
};

/**
 * @param {Context} context
 * @returns {Promise<Figure[]>}
 */
async function measure({ quick, note }) {
  const count = quick ? 2 : pools.count;
  return fillings.map((filling) => {
    const seen = Array.from({ length: count }, (_, seed) => compare(poolOf(seed + 1, filling)));
    const sum = (/** @type {(each: ReturnType<typeof compare>) => number} */ of) =>
      seen.reduce((total, each) => total + of(each), 0);
    const told = (/** @type {'before' | 'oneByOne' | 'balanced' | 'searched'} */ which) =>
      `${which}: ${Math.round(sum((each) => each[which].unmet))} millicores unmet, ${Math.round(sum((each) => each[which].uneven))} uneven, ${sum((each) => each[which].moves)} moves that cost ${Math.round(sum((each) => each[which].cost))}`;
    note(
      `${filling * 100} %: ${['before', 'oneByOne', 'balanced', 'searched'].map((each) => told(/** @type {any} */ (each))).join('; ')}`,
    );
    return atMost({
      name: `balancing-search.loss-at-${filling * 100}-%`,
      value: (100 * sum(({ balanced }) => balanced.total)) / sum(({ before }) => before.total),
      unit: '% of before',
      reference: (100 * sum(({ oneByOne }) => oneByOne.total)) / sum(({ before }) => before.total),
      target: null,
      remark: `unmet and uneven demand over the horizon and the cost of the moves, ${median(seen.map(({ balanceMs }) => balanceMs)).toFixed(1)} ms a pool; the reference is by single moves alone, ${median(seen.map(({ oneByOneMs }) => oneByOneMs)).toFixed(1)} ms; a long search from there on leaves ${((100 * sum(({ searched }) => searched.total)) / sum(({ before }) => before.total)).toFixed(1)} % after ${median(seen.map(({ searchMs }) => searchMs)).toFixed(0)} ms`,
    });
  });
}

/**
 * Guests lie where there was memory for them, up to four fifths of it; their demand is scaled to the filling.
 * @param {number} seed
 * @param {number} filling
 * @returns {Pool}
 */
function poolOf(seed, filling) {
  const random = seeded(seed * 7919);
  const hosts = Array.from({ length: pools.hostCount }, (_, number) => hostOf(number));
  const free = hosts.map(({ memoryMiB }) => memoryMiB * 0.8);
  /** @type {Pool['guests']} */
  const guests = [];
  for (let misses = 0; misses < 20;) {
    const guest = guestOf(guests.length, random);
    const host = Math.floor(random() * hosts.length);
    if ((free[host] ?? 0) < guest.memoryMiB) {
      misses += 1;
      continue;
    }
    free[host] = (free[host] ?? 0) - guest.memoryMiB;
    guests.push({ ...guest, hostId: `h${host}`, cpuReservationMillicores: 0, dirtyBytesPerSecond: 0 });
  }
  const asked = guests.reduce((total, { cpuDemandMillicores }) => total + cpuDemandMillicores, 0);
  const level = hosts.reduce((total, { cpuMillicores }) => total + cpuMillicores, 0) * options.cpuSafetyShare;
  const scale = (filling * level) / asked;
  return {
    hosts,
    guests: guests.map((guest) => ({ ...guest, cpuDemandMillicores: Math.round(guest.cpuDemandMillicores * scale) })),
  };
}

/** @param {Pool} pool */
function compare(pool) {
  const { buildCluster } = built('scheduler/cluster.js');
  const { balance } = built('scheduler/balance.js');
  const { moveCost } = built('scheduler/worth.js');
  const before = new Map(pool.guests.map(({ id, hostId }) => [id, hostId]));
  const first = buildCluster(pool.hosts, pool.guests, []);
  const costs = pool.guests.map((_, guest) => moveCost(first, guest, options));
  const balancedWith = (/** @type {number} */ searchSteps) => {
    const cluster = buildCluster(pool.hosts, pool.guests, []);
    const begun = performance.now();
    const { moves } = balance(cluster, { ...options, searchSteps });
    const milliseconds = performance.now() - begun;
    const where = new Map(before);
    for (const { guestId, toHostId } of moves) where.set(guestId, toHostId);
    return { where, milliseconds };
  };
  const [oneByOne, balanced] = [balancedWith(0), balancedWith(ownSteps)];
  const searching = performance.now();
  const found = search(pool, costs, balanced.where).map((where) => lossOf(pool, costs, where));
  const searched = found.reduce((best, each) => (each.total < best.total ? each : best));
  return {
    before: lossOf(pool, costs, before),
    oneByOne: lossOf(pool, costs, oneByOne.where),
    balanced: lossOf(pool, costs, balanced.where),
    searched,
    oneByOneMs: oneByOne.milliseconds,
    balanceMs: balanced.milliseconds,
    searchMs: performance.now() - searching,
  };
}

/**
 * @param {Pool} pool
 * @param {readonly number[]} costs
 * @param {Places} where
 */
function lossOf({ hosts, guests }, costs, where) {
  const asked = new Map(hosts.map(({ id }) => [id, 0]));
  let [moves, cost] = [0, 0];
  guests.forEach(({ id, hostId, cpuDemandMillicores }, guest) => {
    const at = /** @type {string} */ (where.get(id));
    asked.set(at, (asked.get(at) ?? 0) + cpuDemandMillicores);
    if (at === hostId) return;
    moves += 1;
    cost += costs[guest] ?? 0;
  });
  const mean = meanLoad({ hosts, guests });
  const above = (/** @type {number} */ share) =>
    hosts.reduce((sum, { id, cpuMillicores }) => sum + Math.max(0, (asked.get(id) ?? 0) - share * cpuMillicores), 0);
  const [unmet, uneven] = [above(options.cpuSafetyShare), above(mean)];
  return { unmet, uneven, moves, cost, total: horizonSeconds * (unmet + eveningShare * uneven) + cost };
}

/** @param {Pool} pool */
function meanLoad({ hosts, guests }) {
  const asked = guests.reduce((total, { cpuDemandMillicores }) => total + cpuDemandMillicores, 0);
  return asked / hosts.reduce((total, { cpuMillicores }) => total + cpuMillicores, 0);
}

/**
 * By memory, which a guest that moves holds on both hosts, and twice by demand: above the safety level, and above the mean.
 * @param {Pool} pool
 * @param {readonly number[]} costs
 * @param {Places} from
 * @returns {Places[]} by the first temperature
 */
function search(pool, costs, from) {
  const { buildModel } = built('scheduler/model/model.js');
  const { optimize } = built('scheduler/model/optimize.js');
  const { hosts, guests } = pool;
  const indexOf = new Map(hosts.map(({ id }, index) => [id, index]));
  const at = (/** @type {string | undefined} */ id) => /** @type {number} */ (indexOf.get(id ?? ''));
  const mean = meanLoad(pool);
  const zeros = new Int32Array(hosts.length);
  const model = buildModel({
    resources: [
      { isTransient: true, loadWeight: 0 },
      { isTransient: false, loadWeight: horizonSeconds },
      { isTransient: false, loadWeight: eveningShare * horizonSeconds },
    ],
    balances: [],
    hosts: hosts.length,
    capacity: Float64Array.from(hosts.flatMap(({ memoryMiB }) => [memoryMiB, 1e12, 1e12])),
    safetyCapacity: Float64Array.from(
      hosts.flatMap(({ cpuMillicores }) => [1e12, options.cpuSafetyShare * cpuMillicores, mean * cpuMillicores]),
    ),
    locationOf: zeros,
    neighbourhoodOf: zeros,
    hostMoveCost: new Int32Array(hosts.length ** 2),
    groups: guests.length,
    spreadMinimum: new Int32Array(guests.length),
    dependencyStart: new Int32Array(guests.length + 1),
    dependencies: new Int32Array(0),
    items: guests.length,
    groupOf: Int32Array.from(guests.keys()),
    demand: Float64Array.from(guests.flatMap(({ memoryMiB, cpuDemandMillicores: asked }) => [memoryMiB, asked, asked])),
    itemMoveCost: Float64Array.from(costs),
    itemMoveWeight: 1,
    groupMoveWeight: 0,
    hostMoveWeight: 0,
    placement: Int32Array.from(guests, ({ hostId }) => at(hostId)),
  });
  return hottests.map((hottest) => {
    const { placement } = optimize(model, {
      seed: 1,
      placement: Int32Array.from(guests, ({ id }) => at(from.get(id))),
      progress: (/** @type {number} */ steps) => steps / pools.steps,
      schedule: { hottest },
    });
    return new Map(guests.map(({ id }, guest) => [id, /** @type {HostFigures} */ (hosts[placement[guest] ?? 0]).id]));
  });
}
