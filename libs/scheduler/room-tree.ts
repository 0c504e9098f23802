import { type Cluster, type HostWatcher, hostUses } from './cluster';

/** What looks for a host: what it needs there, and the last word on each that would do. */
export interface Seeker {
  demandMillicores: number;
  claimMillicores: number;
  reservationMillicores: number;
  memoryMiB: number;
  accepts(host: number): boolean;
}

/** Scores that are nearer to each other than this are equal, and go to the first host by order. */
export const equalScores = 1e-9;
/** Below that, and above the noise of sums. */
const noise = 1e-12;

/**
 * The usable hosts as the leaves of a tree, of which each node knows the best that is below it: so the host with the most
 * room is found without looking at the others. Room is the weighted share of processors and memory that would be left.
 * Hosts of a kind lie side by side, which keeps a node's best near to what its hosts really have.
 */
export class RoomTree implements HostWatcher {
  readonly leafCount: number;
  /** By leaf: its host. Leaves are ordered by processors, then memory, then the hosts' order. */
  readonly hostAt: Int32Array;
  private readonly leafOf: Int32Array;
  private readonly size: number;
  private readonly room: Float64Array;
  private readonly memoryRoom: Float64Array;
  private readonly freeMemory: Float64Array;
  private readonly freeReservation: Float64Array;
  private readonly mostCpu: Float64Array;
  private readonly mostMemory: Float64Array;
  private readonly firstHost: Int32Array;
  private readonly stack = new Int32Array(64);

  constructor(
    private readonly cluster: Cluster,
    private readonly cpuWeight: number,
    private readonly memoryWeight: number,
  ) {
    const { cpuCapacity, memoryCapacity } = cluster;
    const usable = cluster.hosts.flatMap((host, index) => (host.use === hostUses[0] ? [index] : []));
    usable.sort((a, b) => cpuCapacity[a]! - cpuCapacity[b]! || memoryCapacity[a]! - memoryCapacity[b]! || a - b);
    this.leafCount = usable.length;
    this.hostAt = Int32Array.from(usable);
    this.leafOf = new Int32Array(cluster.hosts.length).fill(-1);
    usable.forEach((host, leaf) => (this.leafOf[host] = leaf));
    this.size = 1;
    while (this.size < usable.length) this.size *= 2;
    const nodes = (value: number): Float64Array => new Float64Array(2 * this.size).fill(value);
    this.room = nodes(-Infinity);
    this.memoryRoom = nodes(-Infinity);
    this.freeMemory = nodes(-Infinity);
    this.freeReservation = nodes(-Infinity);
    this.mostCpu = nodes(0);
    this.mostMemory = nodes(0);
    this.firstHost = new Int32Array(2 * this.size).fill(0x7fffffff);
    usable.forEach((host, leaf) => this.fillLeaf(this.size + leaf, host));
    for (let node = this.size - 1; node >= 1; node--) this.fillFixed(node);
    for (let node = this.size - 1; node >= 1; node--) this.pull(node);
    cluster.watchers.push(this);
  }

  private fillLeaf(node: number, host: number): void {
    this.mostCpu[node] = this.cluster.cpuCapacity[host]!;
    this.mostMemory[node] = this.cluster.memoryCapacity[host]!;
    this.firstHost[node] = host;
    this.measure(node, host);
  }

  private fillFixed(node: number): void {
    const [left, right] = [2 * node, 2 * node + 1];
    this.mostCpu[node] = Math.max(this.mostCpu[left]!, this.mostCpu[right]!);
    this.mostMemory[node] = Math.max(this.mostMemory[left]!, this.mostMemory[right]!);
    this.firstHost[node] = Math.min(this.firstHost[left]!, this.firstHost[right]!);
  }

  private measure(node: number, host: number): void {
    const { cpuCapacity, memoryCapacity, cpuDemand, memoryUsed, cpuReserved } = this.cluster;
    const memoryShare = 1 - memoryUsed[host]! / memoryCapacity[host]!;
    this.room[node] = this.cpuWeight * (1 - cpuDemand[host]! / cpuCapacity[host]!) + this.memoryWeight * memoryShare;
    this.memoryRoom[node] = this.memoryWeight * memoryShare;
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

  /** The room that would be left on the host, as a weighted share; processors that are asked for twice count once. */
  roomAfter(host: number, seeker: Seeker): number {
    const { cpuCapacity, memoryCapacity, cpuDemand, memoryUsed } = this.cluster;
    const cpu = 1 - (cpuDemand[host]! + seeker.demandMillicores) / cpuCapacity[host]!;
    const memory = 1 - (memoryUsed[host]! + seeker.memoryMiB) / memoryCapacity[host]!;
    return this.cpuWeight * Math.max(0, cpu) + this.memoryWeight * Math.max(0, memory);
  }

  /** No host below the node would be left with more. */
  private bound(node: number, seeker: Seeker): number {
    const cpu = (this.cpuWeight * seeker.demandMillicores) / this.mostCpu[node]!;
    const memory = (this.memoryWeight * seeker.memoryMiB) / this.mostMemory[node]!;
    const both = this.room[node]! - cpu;
    const memoryAlone = this.memoryRoom[node]!;
    return (both > memoryAlone ? both : memoryAlone) - memory;
  }

  private canHold(node: number, seeker: Seeker): boolean {
    return this.freeMemory[node]! >= seeker.memoryMiB && this.freeReservation[node]! >= seeker.reservationMillicores;
  }

  /** The host that is left with the most room, the first of equals; -1: none. */
  find(seeker: Seeker): number {
    const most = this.mostRoom(seeker, 1);
    return most === -Infinity ? -1 : this.firstWith(seeker, most - equalScores);
  }

  private mostRoom(seeker: Seeker, from: number): number {
    const { stack } = this;
    let best = -Infinity;
    let height = 0;
    stack[height++] = from;
    while (height > 0) {
      const node = stack[--height]!;
      if (!this.canHold(node, seeker) || this.bound(node, seeker) <= best + noise) continue;
      if (node >= this.size) {
        const host = this.hostAt[node - this.size]!;
        const room = this.roomAfter(host, seeker);
        if (room > best && seeker.accepts(host)) best = room;
        continue;
      }
      const isLeftBetter = this.bound(2 * node, seeker) >= this.bound(2 * node + 1, seeker);
      stack[height++] = 2 * node + (isLeftBetter ? 1 : 0);
      stack[height++] = 2 * node + (isLeftBetter ? 0 : 1);
    }
    return best;
  }

  private firstWith(seeker: Seeker, least: number): number {
    const { stack } = this;
    let first = 0x7fffffff;
    let height = 0;
    stack[height++] = 1;
    while (height > 0) {
      const node = stack[--height]!;
      if (this.firstHost[node]! >= first || !this.canHold(node, seeker)) continue;
      if (this.bound(node, seeker) < least - noise) continue;
      if (node >= this.size) {
        const host = this.hostAt[node - this.size]!;
        if (this.roomAfter(host, seeker) >= least && seeker.accepts(host)) first = host;
        continue;
      }
      const isLeftFirst = this.firstHost[2 * node]! < this.firstHost[2 * node + 1]!;
      stack[height++] = 2 * node + (isLeftFirst ? 1 : 0);
      stack[height++] = 2 * node + (isLeftFirst ? 0 : 1);
    }
    return first === 0x7fffffff ? -1 : first;
  }
}
