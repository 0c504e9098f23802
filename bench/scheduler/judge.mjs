// Looks at moves as an opponent would: by sums and rules of its own, with none of the scheduler's code.

/** @typedef {import('./fleets.mjs').HostFigures} HostFigures */
/** @typedef {import('./fleets.mjs').GuestFigures} GuestFigures */
/** @typedef {import('./fleets.mjs').RuleFigures} RuleFigures */
/** @typedef {{ hosts: readonly HostFigures[], guests: readonly GuestFigures[], rules: readonly RuleFigures[] }} Fleet */
/** @typedef {{ guestId: string, fromHostId: string, toHostId: string }} Move */

/**
 * @param {Fleet} fleet
 * @param {readonly Move[]} moves
 * @param {number} safetyShare
 */
export function judge(fleet, moves, safetyShare) {
  const where = new Map(fleet.guests.map(({ id, hostId }) => [id, /** @type {string} */ (hostId)]));
  const before = { rules: brokenRules(fleet, where), overloaded: overloaded(fleet, where, safetyShare) };
  const brokenOnTheWay = follow(fleet, where, moves);
  return {
    moves: moves.length,
    brokenOnTheWay,
    rulesBrokenBefore: before.rules,
    rulesBrokenAfter: brokenRules(fleet, where),
    overloadedBefore: before.overloaded,
    overloadedAfter: overloaded(fleet, where, safetyShare),
    guestsOnEvacuated: fleet.hosts
      .filter(({ use }) => use !== 'usable')
      .reduce((sum, { id }) => sum + [...where.values()].filter((hostId) => hostId === id).length, 0),
  };
}

/**
 * The memory and reservations of a guest that has moved stay taken on the host that it left, and it still keeps others apart there.
 * @param {Fleet} fleet
 * @param {Map<string, string>} where is changed
 * @param {readonly Move[]} moves
 */
function follow(fleet, where, moves) {
  const guests = new Map(fleet.guests.map((guest) => [guest.id, guest]));
  const hosts = new Map(fleet.hosts.map((host) => [host.id, host]));
  const rulesOf = rulesByGuest(fleet);
  const domains = domainsOf(fleet);
  const memory = new Map(fleet.hosts.map(({ id }) => [id, 0]));
  const reserved = new Map(fleet.hosts.map(({ id }) => [id, 0]));
  /** @type {Map<string, string>} */
  const left = new Map();
  const take = (/** @type {GuestFigures} */ guest, /** @type {string} */ hostId) => {
    memory.set(hostId, (memory.get(hostId) ?? 0) + guest.memoryMiB);
    reserved.set(hostId, (reserved.get(hostId) ?? 0) + guest.cpuReservationMillicores);
  };
  for (const guest of fleet.guests) take(guest, /** @type {string} */ (guest.hostId));
  let broken = 0;
  for (const { guestId, fromHostId, toHostId } of moves) {
    const guest = /** @type {GuestFigures} */ (guests.get(guestId));
    const host = /** @type {HostFigures} */ (hosts.get(toHostId));
    take(guest, toHostId);
    const isWrong =
      where.get(guestId) !== fromHostId ||
      left.has(guestId) ||
      host.use !== 'usable' ||
      (memory.get(toHostId) ?? 0) > host.memoryMiB ||
      (reserved.get(toHostId) ?? 0) > host.cpuMillicores ||
      (rulesOf.get(guestId) ?? []).some((rule) => isAgainst(rule, guestId, toHostId, { where, left, domains }));
    if (isWrong) broken += 1;
    left.set(guestId, fromHostId);
    where.set(guestId, toHostId);
  }
  return broken;
}

/** @param {Fleet} fleet */
function rulesByGuest({ rules }) {
  /** @type {Map<string, RuleFigures[]>} */
  const byGuest = new Map();
  for (const rule of rules) for (const id of rule.guestIds) byGuest.set(id, [...(byGuest.get(id) ?? []), rule]);
  return byGuest;
}

/** @typedef {{ of: (hostId: string | undefined) => string | undefined, most: (rule: RuleFigures) => number }} Domains */

/**
 * @param {Fleet} fleet
 * @returns {Domains} of a host, and how many guests of a rule may share one
 */
function domainsOf({ hosts }) {
  const names = new Map(hosts.map(({ id, failureDomain }) => [id, failureDomain ?? id]));
  const usable = new Set(hosts.filter(({ use }) => use === 'usable').map(({ id }) => names.get(id)));
  return {
    of: (hostId) => (hostId === undefined ? undefined : names.get(hostId)),
    most: ({ guestIds }) => Math.ceil(guestIds.length / usable.size),
  };
}

/**
 * A group that is apart already comes together one by one: only a move away from all the others counts against it.
 * @param {RuleFigures} rule
 * @param {string} guestId
 * @param {string} hostId
 * @param {{ where: ReadonlyMap<string, string>, left: ReadonlyMap<string, string>, domains: Domains }} state
 */
function isAgainst(rule, guestId, hostId, { where, left, domains }) {
  const others = rule.guestIds.filter((id) => id !== guestId);
  if (rule.kind === 'apart') return others.some((id) => where.get(id) === hostId || left.get(id) === hostId);
  if (rule.kind === 'must-run-on') return !rule.hostIds.includes(hostId);
  if (rule.kind === 'must-not-run-on') return rule.hostIds.includes(hostId);
  if (rule.kind === 'spread') {
    const isThere = (/** @type {string | undefined} */ at) => domains.of(at) === domains.of(hostId);
    return others.filter((id) => isThere(where.get(id)) || isThere(left.get(id))).length >= domains.most(rule);
  }
  if (rule.kind !== 'together') return false;
  return others.every((id) => where.get(id) === where.get(guestId)) && where.get(guestId) !== hostId;
}

/**
 * Guests against a rule that must hold.
 * @param {Fleet} fleet
 * @param {ReadonlyMap<string, string>} where
 */
function brokenRules(fleet, where) {
  const domains = domainsOf(fleet);
  let broken = 0;
  for (const rule of fleet.rules) {
    const { kind, guestIds, hostIds } = rule;
    const places = guestIds.map((id) => /** @type {string} */ (where.get(id)));
    if (kind === 'apart') broken += places.length - new Set(places).size;
    else if (kind === 'together') broken += new Set(places).size - 1;
    else if (kind === 'spread') {
      const counts = new Map();
      for (const id of places) counts.set(domains.of(id), (counts.get(domains.of(id)) ?? 0) + 1);
      for (const count of counts.values()) broken += Math.max(0, count - domains.most(rule));
    } else if (kind === 'must-run-on') broken += places.filter((id) => !hostIds.includes(id)).length;
    else if (kind === 'must-not-run-on') broken += places.filter((id) => hostIds.includes(id)).length;
  }
  return broken;
}

/**
 * @param {Fleet} fleet
 * @param {ReadonlyMap<string, string>} where
 * @param {number} safetyShare
 */
function overloaded({ hosts, guests }, where, safetyShare) {
  const demand = new Map(hosts.map(({ id }) => [id, 0]));
  for (const { id, cpuDemandMillicores } of guests) {
    const hostId = /** @type {string} */ (where.get(id));
    demand.set(hostId, (demand.get(hostId) ?? 0) + cpuDemandMillicores);
  }
  return hosts.filter(({ id, cpuMillicores }) => (demand.get(id) ?? 0) > safetyShare * cpuMillicores).length;
}
