// A fleet for balancing: uneven, with rules of every kind, some of them broken, and hosts in maintenance.

import { guestOf, hostOf, pick, seeded } from './fleets.mjs';

/** @typedef {import('./fleets.mjs').HostFigures} HostFigures */
/** @typedef {import('./fleets.mjs').GuestFigures} GuestFigures */
/** @typedef {import('./fleets.mjs').RuleFigures} RuleFigures */

const maintenanceShare = 0.004;
/** How many of a hundred guests are under a rule of that kind, and how many guests such a rule has. */
const ruleShares = /** @type {const} */ ([
  ['apart', 8, 4],
  ['together', 3, 3],
  ['spread', 4, 6],
  ['must-run-on', 3, 5],
  ['must-not-run-on', 3, 5],
  ['should-run-on', 3, 5],
  ['should-not-run-on', 3, 5],
]);

/**
 * Guests lie where there was memory for them, which says nothing of their demand; every eighth rack's guests are asked for
 * twice as much. All that a guest has is promised in memory, a tenth of its processors by reservation.
 * @param {{ hostCount: number, guestCount: number, seed: number }} size
 * @returns {{ hosts: HostFigures[], guests: GuestFigures[], rules: RuleFigures[] }}
 */
export function crowdedFleet({ hostCount, guestCount, seed }) {
  const random = seeded(seed);
  const hosts = Array.from({ length: hostCount }, (_, number) =>
    random() < maintenanceShare
      ? hostOf(number, { use: 'evacuating', useReason: 'it is in maintenance' })
      : hostOf(number),
  );
  const free = hosts.map(({ memoryMiB }) => memoryMiB);
  const guests = Array.from({ length: guestCount }, (_, number) => {
    const guest = guestOf(number, random);
    let host = Math.floor(random() * hostCount);
    while ((free[host] ?? 0) < guest.memoryMiB) host = (host + 1) % hostCount;
    free[host] = (free[host] ?? 0) - guest.memoryMiB;
    const hot = Math.floor(host / 40) % 8 === 0 ? 2 : 1;
    return {
      ...guest,
      hostId: `h${host}`,
      // Guests that are asked for more processors than they have wait: that is demand as well.
      cpuDemandMillicores: Math.round(guest.cpuReservationMillicores * 2 * random() * hot),
      cpuReservationMillicores: Math.round(guest.cpuReservationMillicores / 10),
      dirtyBytesPerSecond: Math.round(random() * 20e6),
    };
  });
  return { hosts, guests, rules: rulesOf(hosts, guests, random) };
}

/**
 * @param {readonly HostFigures[]} hosts
 * @param {readonly GuestFigures[]} guests
 * @param {() => number} random
 * @returns {RuleFigures[]}
 */
function rulesOf(hosts, guests, random) {
  /** @type {RuleFigures[]} */
  const rules = [];
  // A guest is under one rule at most, so that none contradicts another; and a group that stays together fits on a host.
  const order = guests.map((guest) => ({ guest, key: random() })).sort((left, right) => left.key - right.key);
  const free = order.map(({ guest }) => guest);
  for (const [kind, share, members] of ruleShares) {
    const count = Math.floor((guests.length * share) / 100 / members);
    for (let number = 0; number < count; number += 1) {
      const guestIds = take(free, members, kind === 'together' ? 32 * 1024 : Infinity);
      const hostIds = kind.endsWith('-on') ? rackOf(hosts, random) : [];
      rules.push({ name: `${kind}-${number}`, kind, guestIds, hostIds });
    }
  }
  return rules;
}

/**
 * @param {GuestFigures[]} free the last ones that are small enough are taken out
 * @param {number} count
 * @param {number} memoryMiB
 */
function take(free, count, memoryMiB) {
  /** @type {string[]} */
  const taken = [];
  for (let index = free.length - 1; taken.length < count && index >= 0; index -= 1) {
    const guest = /** @type {GuestFigures} */ (free[index]);
    if (guest.memoryMiB > memoryMiB) continue;
    taken.push(guest.id);
    free.splice(index, 1);
  }
  return taken;
}

/**
 * @param {readonly HostFigures[]} hosts
 * @param {() => number} random
 */
function rackOf(hosts, random) {
  const rack = pick(random, hosts).failureDomain;
  return hosts.filter(({ failureDomain }) => failureDomain === rack).map(({ id }) => id);
}
