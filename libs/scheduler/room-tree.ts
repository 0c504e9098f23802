import type { Cluster, HostWatcher } from './cluster';

/** What looks for a host: what it needs there, and the last word on each that would do. */
export interface Seeker {
  demandMillicores: number;
  claimMillicores: number;
  reservationMillicores: number;
  memoryMiB: number;
  /** With less room than that left, a host is of no use. */
  leastRoom: number;
  accepts(host: number): boolean;
}

/** What room is: the weights of its two shares, and whether processors are taken by what is asked for or by entitlements. */
export interface RoomMeasure {
  readonly cpuWeight: number;
  readonly memoryWeight: number;
  readonly by: 'cpuDemand' | 'cpuEntitled';
}

/** Scores that are nearer to each other than this are equal, and go to the first host by order. */
export const equalScores = 1e-9;
/** Below that, and above the noise of sums. */
const noise = 1e-12;

/**
 * The usable hosts as the leaves of a tree, of which each node knows the best that is below it: so the host with the most
 * room is found without looking at the others. Room is the weighted share of processors and memory that would be left.
 * Hosts that are alike in what decides should lie side by side: that keeps a node's best near to what its hosts really have.
 */
export class RoomTree implements HostWatcher {
  /** By leaf: its host. */
  private readonly hostAt: Int32Array;
  private readonly leafOf: Int32Array;
  private readonly size: number;
  private readonly room: Float64Array;
  private readonly memoryRoom: Float64Array;
  private readonly freeMemory: Float64Array;
  private readonly freeReservation: Float64Array;
  /** By node: of its largest host, 1 / processors and 1 / memory. */
  private readonly cpuUnit: Float64Array;
  private readonly memoryUnit: Float64Array;
  private readonly firstHost: Int32Array;
  private readonly stack = new Int32Array(64);
  /** What `bound` and `roomAfter` have found: a number that is returned lies on the heap wherever V8 does not inline its function. */
  private readonly bounds = new Float64Array(2);
  private readonly left = new Float64Array(1);

  private readonly cpuWeight: number;
  private readonly memoryWeight: number;
  /** By host: the processors that are taken. */
  private readonly cpuTaken: Float64Array;

  constructor(
    private readonly cluster: Cluster,
    hosts: readonly number[],
    { cpuWeight, memoryWeight, by }: RoomMeasure,
  ) {
    this.cpuTaken = cluster[by];
    this.cpuWeight = cpuWeight;
    this.memoryWeight = memoryWeight;
    this.hostAt = Int32Array.from(hosts);
    this.leafOf = new Int32Array(cluster.hosts.length).fill(-1);
    hosts.forEach((host, leaf) => (this.leafOf[host] = leaf));
    this.size = 1;
    while (this.size < hosts.length) this.size *= 2;
    const nodes = (value: number): Float64Array => new Float64Array(2 * this.size).fill(value);
    this.room = nodes(-Infinity);
    this.memoryRoom = nodes(-Infinity);
    this.freeMemory = nodes(-Infinity);
    this.freeReservation = nodes(-Infinity);
    this.cpuUnit = nodes(Infinity);
    this.memoryUnit = nodes(Infinity);
    this.firstHost = new Int32Array(2 * this.size).fill(0x7fffffff);
    hosts.forEach((host, leaf) => this.fillLeaf(this.size + leaf, host));
    for (let node = this.size - 1; node >= 1; node--) this.fillFixed(node);
    for (let node = this.size - 1; node >= 1; node--) this.pull(node);
    cluster.watchers.push(this);
  }

  /** The most that any host has left, whether it takes anybody or not. */
  get mostRoom(): number {
    return this.room[1]!;
  }

  private fillLeaf(node: number, host: number): void {
    this.cpuUnit[node] = 1 / this.cluster.cpuCapacity[host]!;
    this.memoryUnit[node] = 1 / this.cluster.memoryCapacity[host]!;
    this.firstHost[node] = host;
    this.measure(node, host);
  }

  private fillFixed(node: number): void {
    const [left, right] = [2 * node, 2 * node + 1];
    this.cpuUnit[node] = Math.min(this.cpuUnit[left]!, this.cpuUnit[right]!);
    this.memoryUnit[node] = Math.min(this.memoryUnit[left]!, this.memoryUnit[right]!);
    this.firstHost[node] = Math.min(this.firstHost[left]!, this.firstHost[right]!);
  }

  private measure(node: number, host: number): void {
    const { cpuCapacity, memoryCapacity, memoryUsed, cpuReserved } = this.cluster;
    const memoryShare = 1 - memoryUsed[host]! / memoryCapacity[host]!;
    this.room[node] =
      this.cpuWeight * (1 - this.cpuTaken[host]! / cpuCapacity[host]!) + this.memoryWeight * memoryShare;
    this.memoryRoom[node] = this.memoryWeight === 0 ? -Infinity : this.memoryWeight * memoryShare;
    this.freeMemory[node] = memoryCapacity[host]! - memoryUsed[host]!;
    this.freeReservation[node] = cpuCapacity[host]! - cpuReserved[host]!;
  }

  private pull(node: number): void {
    const left = 2 * node;
    const right = left + 1;
    const { room, memoryRoom, freeMemory, freeReservation } = this;
    room[node] = room[left]! > room[right]! ? room[left]! : room[right]!;
    memoryRoom[node] = memoryRoom[left]! > memoryRoom[right]! ? memoryRoom[left]! : memoryRoom[right]!;
    freeMemory[node] = freeMemory[left]! > freeMemory[right]! ? freeMemory[left]! : freeMemory[right]!;
    freeReservation[node] =
      freeReservation[left]! > freeReservation[right]! ? freeReservation[left]! : freeReservation[right]!;
  }

  hostChanged(host: number): void {
    const leaf = this.leafOf[host]!;
    if (leaf < 0) return;
    let node = this.size + leaf;
    this.measure(node, host);
    for (node >>= 1; node >= 1; node >>= 1) this.pull(node);
  }

  /**
   * `left`: the room that would be left on the host, as a weighted share. Beside memory, processors that are asked for more than
   * wholly count as none; alone they count below that, so that the least crowded of crowded hosts is found.
   */
  private roomAfter(host: number, seeker: Seeker): void {
    const { cpuCapacity, memoryCapacity, memoryUsed } = this.cluster;
    const cpu = 1 - (this.cpuTaken[host]! + seeker.demandMillicores) / cpuCapacity[host]!;
    const memory = 1 - (memoryUsed[host]! + seeker.memoryMiB) / memoryCapacity[host]!;
    this.left[0] =
      this.memoryWeight === 0
        ? this.cpuWeight * cpu
        : this.cpuWeight * Math.max(0, cpu) + this.memoryWeight * Math.max(0, memory);
  }

  /** `bounds`, at that place: no host below the node would be left with more. */
  private bound(node: number, seeker: Seeker, at: 0 | 1): void {
    const cpu = this.cpuWeight * seeker.demandMillicores * this.cpuUnit[node]!;
    const memory = this.memoryWeight * seeker.memoryMiB * this.memoryUnit[node]!;
    const both = this.room[node]! - cpu;
    const memoryAlone = this.memoryRoom[node]!;
    this.bounds[at] = (both > memoryAlone ? both : memoryAlone) - memory;
  }

  private isLeftBetter(node: number, seeker: Seeker): boolean {
    this.bound(2 * node, seeker, 0);
    this.bound(2 * node + 1, seeker, 1);
    return this.bounds[0]! >= this.bounds[1]!;
  }

  private canHold(node: number, seeker: Seeker): boolean {
    return this.freeMemory[node]! >= seeker.memoryMiB && this.freeReservation[node]! >= seeker.reservationMillicores;
  }

  /** The host that is left with the most room, the first of equals; -1: none. */
  find(seeker: Seeker): number {
    const found = this.findAny(seeker);
    return found < 0 ? -1 : this.firstEqual(seeker, found);
  }

  /** As `find`, and of equals it is one or the other, always the same for the same history. */
  findAny(seeker: Seeker): number {
    const { stack, bounds, left } = this;
    let best = seeker.leastRoom - equalScores;
    let found = -1;
    let height = 0;
    stack[height++] = 1;
    while (height > 0) {
      const node = stack[--height]!;
      if (!this.canHold(node, seeker)) continue;
      this.bound(node, seeker, 0);
      if (bounds[0]! <= best + noise) continue;
      if (node >= this.size) {
        const host = this.hostAt[node - this.size]!;
        this.roomAfter(host, seeker);
        const room = left[0]!;
        if (room <= best || !seeker.accepts(host)) continue;
        best = room;
        found = host;
        continue;
      }
      const isLeftBetter = this.isLeftBetter(node, seeker);
      stack[height++] = 2 * node + (isLeftBetter ? 1 : 0);
      stack[height++] = 2 * node + (isLeftBetter ? 0 : 1);
    }
    return found;
  }

  /** The first that is left with as much room as that host. */
  private firstEqual(seeker: Seeker, found: number): number {
    const { stack, bounds, left } = this;
    this.roomAfter(found, seeker);
    const least = left[0]! - equalScores;
    let first = 0x7fffffff;
    let height = 0;
    stack[height++] = 1;
    while (height > 0) {
      const node = stack[--height]!;
      if (this.firstHost[node]! >= first || !this.canHold(node, seeker)) continue;
      this.bound(node, seeker, 0);
      if (bounds[0]! < least - noise) continue;
      if (node >= this.size) {
        const host = this.hostAt[node - this.size]!;
        this.roomAfter(host, seeker);
        if (left[0]! >= least && seeker.accepts(host)) first = host;
        continue;
      }
      const isLeftFirst = this.firstHost[2 * node]! < this.firstHost[2 * node + 1]!;
      stack[height++] = 2 * node + (isLeftFirst ? 1 : 0);
      stack[height++] = 2 * node + (isLeftFirst ? 0 : 1);
    }
    return first === 0x7fffffff ? -1 : first;
  }
}
