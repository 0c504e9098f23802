import type { Cluster } from './cluster';
import { namedHosts } from './rules';
import { gainOf, moveCost, mostEvening, type WorthOptions, wishesBroken } from './worth';

/**
 * The guests that may be moved in a pass, host by host, with what does not change in it: so a look at a host reads a few
 * numbers that lie side by side. Those for whom evening is worth most come first, for when one of them finds a taker the
 * others need not be looked at.
 */
export class Departures {
  /** The guests of host h are those from `start[h]` up to `start[h + 1]`. */
  readonly start: Int32Array;
  /** -1: it has been moved. */
  readonly guest: Int32Array;
  readonly demand: Float64Array;
  readonly cost: Float64Array;
  readonly wishesBroken: Uint8Array;
  /** 1: its rules or datastores leave it few hosts. */
  readonly namesHosts: Uint8Array;
  /** 1: hosts that it would rather be on, or not, are looked at as well. */
  readonly hasWishes: Uint8Array;
  private readonly slotOf: Int32Array;

  constructor(
    private readonly cluster: Cluster,
    options: WorthOptions,
  ) {
    const count = cluster.guests.length;
    this.start = new Int32Array(cluster.hosts.length + 1);
    this.guest = new Int32Array(count);
    this.demand = new Float64Array(count);
    this.cost = new Float64Array(count);
    this.wishesBroken = new Uint8Array(count);
    this.namesHosts = new Uint8Array(count);
    this.hasWishes = new Uint8Array(count);
    this.slotOf = new Int32Array(count).fill(-1);
    let slot = 0;
    for (let host = 0; host < cluster.hosts.length; host++) {
      this.start[host] = slot;
      if (cluster.useOf[host] === 0) slot = this.list(host, slot, options);
    }
    this.start[cluster.hosts.length] = slot;
  }

  private list(host: number, from: number, options: WorthOptions): number {
    const { cluster } = this;
    let slot = from;
    for (let guest = cluster.firstGuestOn[host]!; guest >= 0; guest = cluster.nextGuest[guest]!) {
      if (cluster.guestPinned[guest] === 1 || cluster.leaving[guest]! >= 0) continue;
      const isBound = cluster.guestBound[guest] === 1;
      if (isBound ? isInGroup(cluster, guest) : cluster.guestEntitlement[guest]! <= 0) continue;
      this.insert(guest, from, slot++, options);
    }
    for (let each = from; each < slot; each++) {
      const guest = this.guest[each]!;
      this.slotOf[guest] = each;
      if (cluster.guestBound[guest] === 0) continue;
      this.wishesBroken[each] = wishesBroken(cluster, guest, host);
      this.namesHosts[each] = namedHosts(cluster, guest) === null ? 0 : 1;
      this.hasWishes[each] = cluster.rulesOf[guest]!.some(({ isWish }) => isWish) ? 1 : 0;
    }
    return slot;
  }

  private insert(guest: number, first: number, free: number, options: WorthOptions): void {
    const demand = this.cluster.guestEntitlement[guest]!;
    const cost = moveCost(this.cluster, guest, options);
    const net = gainOf(mostEvening(demand), options) - cost;
    let at = free;
    while (at > first && this.isLater(at - 1, net, guest, options)) {
      this.guest[at] = this.guest[at - 1]!;
      this.demand[at] = this.demand[at - 1]!;
      this.cost[at] = this.cost[at - 1]!;
      at--;
    }
    this.guest[at] = guest;
    this.demand[at] = demand;
    this.cost[at] = cost;
  }

  private isLater(slot: number, net: number, guest: number, options: WorthOptions): boolean {
    const other = gainOf(mostEvening(this.demand[slot]!), options) - this.cost[slot]!;
    return other < net || (other === net && this.guest[slot]! > guest);
  }

  slot(guest: number): number {
    return this.slotOf[guest]!;
  }

  hasMoved(guest: number): void {
    const slot = this.slotOf[guest]!;
    if (slot >= 0) this.guest[slot] = -1;
  }
}

/** It stays with others: a group is not moved for load, and one of it not without the others. */
function isInGroup(cluster: Cluster, guest: number): boolean {
  return cluster.rulesOf[guest]!.some(
    ({ kind, guests }) => kind === 'together' && guests.some((other) => other !== guest && cluster.hostOf[other]! >= 0),
  );
}
