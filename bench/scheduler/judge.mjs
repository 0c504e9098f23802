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
      (rulesOf.get(guestId) ?? []).some((rule) => isAgainst(rule, guestId, toHostId, where, left));
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

/**
 * A group that is apart already comes together one by one, so for a move only together with nobody counts against it.
 * @param {RuleFigures} rule
 * @param {string} guestId
 * @param {string} hostId
 * @param {ReadonlyMap<string, string>} where
 * @param {ReadonlyMap<string, string>} left
 */
function isAgainst(rule, guestId, hostId, where, left) {
  const others = rule.guestIds.filter((id) => id !== guestId);
  if (rule.kind === 'apart') return others.some((id) => where.get(id) === hostId || left.get(id) === hostId);
  if (rule.kind === 'must-run-on') return !rule.hostIds.includes(hostId);
  if (rule.kind === 'must-not-run-on') return rule.hostIds.includes(hostId);
  if (rule.kind !== 'together') return false;
  const partners = (/** @type {string | undefined} */ at) => others.filter((id) => where.get(id) === at).length;
  return partners(hostId) < partners(where.get(guestId)) && partners(hostId) < others.length;
}

/**
 * Guests against a rule that must hold.
 * @param {Fleet} fleet
 * @param {ReadonlyMap<string, string>} where
 */
function brokenRules({ rules }, where) {
  let broken = 0;
  for (const { kind, guestIds, hostIds } of rules) {
    const places = guestIds.map((id) => /** @type {string} */ (where.get(id)));
    if (kind === 'apart') broken += places.length - new Set(places).size;
    else if (kind === 'together') broken += new Set(places).size - 1;
    else if (kind === 'must-run-on') broken += places.filter((id) => !hostIds.includes(id)).length;
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
