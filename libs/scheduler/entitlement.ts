import type { Cluster } from './cluster';

/** Who wants how much of something that may not do for all, by index. */
export interface Claims {
  readonly wanted: Float64Array;
  /** What of it each gets before the others get more. */
  readonly reserved: Float64Array;
  /** Above nothing. */
  readonly shares: Float64Array;
}

/** Halvings of the interval in which the level lies: more than a double has bits. */
const halvings = 64;

/**
 * Divides as ESX does: each gets its part by shares, at least what it has reserved and at most what it wants. So all parts but
 * those at either end are in proportion to the shares, and what one leaves the others get.
 */
export function divide(millicores: number, { wanted, reserved, shares }: Claims): Float64Array {
  const least = reserved.map((each, claim) => Math.min(each, wanted[claim]!));
  const promised = sum(least);
  if (sum(wanted) <= millicores) return wanted.slice();
  // Of a host that has lost processors: nothing is left beside what is reserved, and that is cut for all alike.
  if (promised >= millicores) return least.map((each) => (promised === 0 ? 0 : (each * millicores) / promised));
  const level = levelOf(millicores, { wanted, reserved: least, shares });
  return wanted.map((each, claim) => Math.min(each, Math.max(least[claim]!, level * shares[claim]!)));
}

/** What a share is worth where all parts together come to that. */
function levelOf(millicores: number, claims: Claims): number {
  const { wanted, reserved, shares } = claims;
  let [low, high] = [0, wanted.reduce((most, each, claim) => Math.max(most, each / shares[claim]!), 0)];
  for (let count = 0; count < halvings; count++) {
    const middle = (low + high) / 2;
    let total = 0;
    for (let claim = 0; claim < wanted.length; claim++)
      total += Math.min(wanted[claim]!, Math.max(reserved[claim]!, middle * shares[claim]!));
    if (total > millicores) high = middle;
    else low = middle;
  }
  return exactLevel(millicores, claims, low);
}

/** Who is at an end is known by now; the others divide the rest. */
function exactLevel(millicores: number, { wanted, reserved, shares }: Claims, near: number): number {
  let [left, dividing] = [millicores, 0];
  for (let claim = 0; claim < wanted.length; claim++) {
    const part = near * shares[claim]!;
    if (part >= wanted[claim]!) left -= wanted[claim]!;
    else if (part <= reserved[claim]!) left -= reserved[claim]!;
    else dividing += shares[claim]!;
  }
  return dividing === 0 ? near : left / dividing;
}

/**
 * Sets what each guest is entitled to: what it would get if the pool were one machine of all the processors that take guests.
 * Where they do for all that is asked, that is all of it. A host that owes its guests no more than it has gives each of them at
 * least that much; of one that owes more, the excess is just what they miss together, so balancing goes by these sums.
 */
export function entitle(cluster: Cluster): void {
  const { guestDemand, guestEntitlement, cpuDemand, cpuEntitled, hostOf, useOf } = cluster;
  const millicores = cluster.cpuCapacity.reduce((total, each, host) => total + (useOf[host] === 0 ? each : 0), 0);
  const runs = (guest: number): boolean => hostOf[guest]! >= 0 && useOf[hostOf[guest]!] !== 2;
  const wanted = guestDemand.map((each, guest) => (runs(guest) ? each : 0));
  guestEntitlement.set(guestDemand);
  cpuEntitled.set(cpuDemand);
  if (sum(wanted) <= millicores) return;
  const parts = divide(millicores, { wanted, reserved: cluster.guestReservation, shares: cluster.guestShares });
  cpuEntitled.fill(0);
  for (let guest = 0; guest < parts.length; guest++) {
    if (runs(guest)) guestEntitlement[guest] = parts[guest]!;
    if (hostOf[guest]! >= 0) cpuEntitled[hostOf[guest]!]! += guestEntitlement[guest]!;
  }
}

function sum(parts: Float64Array): number {
  let total = 0;
  for (let claim = 0; claim < parts.length; claim++) total += parts[claim]!;
  return total;
}
