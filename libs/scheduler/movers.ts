import { type Cluster, usableHosts } from './cluster';
import { Departures } from './departures';
import { type IsLate, unhurried } from './effort';
import { HostHeap } from './host-heap';
import { indexOf, type PlacementIndex } from './placement-index';
import { equalScores, RoomTree } from './room-tree';
import { hostsOfWish, namedHosts } from './rules';
import {
  gainOf,
  leastRoomFor,
  mostWorth,
  mostWorthOn,
  overloadOf,
  type Prospect,
  type WorthOptions,
  worthOf,
} from './worth';

/** Hosts whose processors differ by less than this count as alike: the same move is worth nearly the same on each. */
const alike = 1.1;
/** A pool of more kinds than that is looked at more coarsely. */
const mostKinds = 6;

/** In a pool of so many hosts all are looked at again after each move: a giver may have become a taker for any of them. */
const smallPool = 64;

/** Hosts with about as many processors. */
interface Kind {
  readonly tree: RoomTree;
  /** The fewest and the most of any of them. */
  readonly millicores: readonly [number, number];
}

export interface Mover {
  readonly guest: number;
  readonly host: number;
}

/**
 * The best move away from each host, kept while moves are made: of each kind of host only the least loaded one that takes
 * the guest is looked at, for among hosts alike no other is worth more. What a move changes is looked at again at once;
 * in a large pool the rest when its turn comes, and once more before the end.
 */
export class Movers {
  private readonly heap: HostHeap;
  private readonly kinds: readonly Kind[];
  private readonly index: PlacementIndex;
  private readonly fewestMillicores: number;
  private readonly mostMillicores: number;
  private readonly departures: Departures;
  /** By host: how many moves had been made when it was last looked at. */
  private readonly lookedAt: Int32Array;
  private moveCount = 0;
  private sweptAt = -1;
  private readonly prospect: Prospect = { demandMillicores: 0, reliefMillicores: 0, wishesBroken: 0, cost: 0 };
  /** Of the host that is being looked at, and of all that might take: see `begin`. */
  private overload = 0;
  private roomOfAll = 0;
  /** The best of what has been weighed. */
  private guest = -1;
  private taker = -1;
  private net = 0;

  constructor(
    private readonly cluster: Cluster,
    private readonly options: WorthOptions,
    private readonly isLate: IsLate = unhurried,
  ) {
    this.heap = new HostHeap(cluster.hosts.length);
    this.kinds = kindsOf(cluster);
    this.fewestMillicores = cluster.cpuCapacity.reduce((fewest, each) => Math.min(fewest, each), Infinity);
    this.mostMillicores = cluster.cpuCapacity.reduce((most, each) => Math.max(most, each), 0);
    this.index = indexOf(cluster);
    this.departures = new Departures(cluster, options);
    this.lookedAt = new Int32Array(cluster.hosts.length).fill(-1);
  }

  /** The move that is worth most above its cost, of guests that may be moved; null: none is worth it. */
  next(): Mover | null {
    for (;;) {
      const { heap } = this;
      const from = heap.top;
      if (from < 0) {
        if (this.sweptAt === this.moveCount) return null;
        this.sweep();
        if (heap.top < 0) return null;
        continue;
      }
      const isFresh = this.lookedAt[from] === this.moveCount || this.stillGains(from);
      if (isFresh) return { guest: heap.guest[from]!, host: heap.taker[from]! };
      this.look(from);
    }
  }

  /** Other moves have been made since the host was looked at: its best one is as good as it was, perhaps to another taker. */
  private stillGains(from: number): boolean {
    const { heap } = this;
    this.begin(from);
    this.lookAt(this.departures.slot(heap.guest[from]!), from);
    if (this.guest < 0 || this.net < heap.net[from]!) return false;
    heap.taker[from] = this.taker;
    return true;
  }

  /** The guest has been moved, for whatever reason: it stays where it is for the rest of the pass. */
  hasMoved(guest: number, from: number): void {
    this.departures.hasMoved(guest);
    this.moveCount++;
    if (this.sweptAt < 0) return;
    if (this.cluster.hosts.length <= smallPool) return this.sweep();
    this.look(from);
    this.look(this.cluster.hostOf[guest]!);
  }

  /** Nothing follows the cluster any more. */
  end(): void {
    const { watchers } = this.cluster;
    for (const { tree } of this.kinds) watchers.splice(watchers.indexOf(tree), 1);
  }

  private sweep(): void {
    this.sweptAt = this.moveCount;
    for (let host = 0; host < this.cluster.hosts.length && !this.isLate(); host++) this.look(host);
  }

  private look(host: number): void {
    const { heap, departures } = this;
    this.lookedAt[host] = this.moveCount;
    this.begin(host);
    const end = departures.start[host + 1]!;
    for (let slot = departures.start[host]!; slot < end; slot++) this.lookAt(slot, host);
    if (this.guest < 0) heap.remove(host);
    else heap.put(host, this.net, this.guest, this.taker);
  }

  private begin(from: number): void {
    this.guest = -1;
    this.net = 0;
    this.overload = overloadOf(this.cluster, from, this.options);
    this.roomOfAll = -Infinity;
    for (const { tree } of this.kinds) if (tree.mostRoom > this.roomOfAll) this.roomOfAll = tree.mostRoom;
  }

  private lookAt(slot: number, from: number): void {
    const { cluster, options, prospect, departures } = this;
    const guest = departures.guest[slot]!;
    const demand = departures.demand[slot]!;
    const cost = departures.cost[slot]!;
    const broken = departures.wishesBroken[slot]!;
    const relief = Math.min(demand, this.overload);
    // Too little to be worth it, or less than another guest of this host has been found to be.
    if (guest < 0 || gainOf(mostWorth(demand, relief, broken), options) - cost <= this.net) return;
    if (relief === 0 && broken === 0 && this.hasNoTaker(demand, from)) return;
    prospect.demandMillicores = demand;
    prospect.reliefMillicores = relief;
    prospect.wishesBroken = broken;
    prospect.cost = cost;
    if (departures.namesHosts[slot] === 1) return this.lookAtHosts(guest, from, namedHosts(cluster, guest)!);
    this.lookAtKinds(guest, from);
    if (departures.hasWishes[slot] === 0) return;
    for (const rule of cluster.rulesOf[guest]!)
      if (rule.isWish) this.lookAtHosts(guest, from, hostsOfWish(cluster, rule, guest));
  }

  /** Nobody has room enough to be evener with the guest than its host is: so with most guests of a pool that is nearly even. */
  private hasNoTaker(demand: number, from: number): boolean {
    const least = 1 - (this.cluster.cpuEntitled[from]! - demand) / this.cluster.cpuCapacity[from]!;
    return this.roomOfAll - demand / this.mostMillicores < least - equalScores;
  }

  /** One by one, for they are few; most are left out by a glance. */
  private lookAtHosts(guest: number, from: number, hosts: Iterable<number>): void {
    const { cluster, options, prospect, index } = this;
    const { cpuEntitled, cpuCapacity } = cluster;
    index.seek(guest, from);
    const least = leastRoomFor(cluster, from, this.fewestMillicores, options, prospect) - equalScores;
    for (const host of hosts) {
      const room = 1 - (cpuEntitled[host]! + prospect.demandMillicores) / cpuCapacity[host]!;
      if (room >= least && index.takes(host)) this.weigh(guest, host);
    }
  }

  private lookAtKinds(guest: number, from: number): void {
    const { cluster, options, prospect, index, kinds } = this;
    const given = cluster.cpuCapacity[from]!;
    let isSought = false;
    for (const { tree, millicores } of kinds) {
      if (gainOf(mostWorthOn(given, millicores, prospect), options) - prospect.cost <= this.net) continue;
      const least = leastRoomFor(cluster, from, millicores[0], options, prospect);
      if (tree.mostRoom - prospect.demandMillicores / millicores[1] < least - equalScores) continue;
      if (!isSought) index.seek(guest, from);
      isSought = true;
      index.demandMillicores = prospect.demandMillicores;
      index.leastRoom = least;
      this.weigh(guest, tree.findAny(index));
    }
  }

  private weigh(guest: number, host: number): void {
    if (host < 0) return;
    const { cluster, options, prospect } = this;
    const net = gainOf(worthOf(cluster, guest, host, options), options) - prospect.cost;
    if (net <= 0 || net < this.net || (net === this.net && this.guest >= 0 && guest >= this.guest)) return;
    this.net = net;
    this.guest = guest;
    this.taker = host;
  }
}

function kindsOf(cluster: Cluster): Kind[] {
  const { cpuCapacity, memoryCapacity, memoryUsed } = cluster;
  const smallest = cluster.guestMemory.reduce((least, each) => Math.min(least, each), Infinity);
  const free = (host: number): number => memoryCapacity[host]! - memoryUsed[host]!;
  // Room that is left in a pass is not taken in it, so a host that is full stays full.
  const usable = usableHosts(cluster)
    .filter((host) => free(host) >= smallest)
    .sort((a, b) => cpuCapacity[a]! - cpuCapacity[b]! || a - b);
  if (usable.length === 0) return [];
  const spread = cpuCapacity[usable.at(-1)!]! / cpuCapacity[usable[0]!]!;
  const ratio = Math.max(alike, spread ** (1 / mostKinds) * (1 + 1e-9));
  const kinds: number[][] = [];
  for (const host of usable) {
    const kind = kinds.at(-1);
    if (kind && cpuCapacity[host]! <= cpuCapacity[kind[0]!]! * ratio) kind.push(host);
    else kinds.push([host]);
  }
  // Side by side by free memory: where a guest fits is one end of the tree.
  return kinds.map((hosts) => ({
    millicores: [cpuCapacity[hosts[0]!]!, cpuCapacity[hosts.at(-1)!]!],
    tree: new RoomTree(
      cluster,
      hosts.sort((a, b) => free(a) - free(b) || a - b),
      { cpuWeight: 1, memoryWeight: 0, by: 'cpuEntitled' },
    ),
  }));
}
