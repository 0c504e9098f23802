import { type Cluster, type HostWatcher, usableHosts } from './cluster';
import type { Seeker } from './room-tree';

/** Bits of each coordinate: hosts whose free room differs by less than 1/4096 of the largest host's count as equal. */
const bits = 12;
const cells = 2 ** bits;
const depth = 2 * bits;

/**
 * The usable hosts on a map of free processors × free memory, as a trie of the two coordinates' bits in turns: so the
 * tightest host that a guest fits on is found from the corner of what it needs outwards, and full hosts are never looked at.
 */
export class RoomMap implements HostWatcher {
  /** What is left on a host is summed as shares of the pool's largest. */
  readonly cpuUnit: number;
  readonly memoryUnit: number;
  private readonly cpuStep: number;
  private readonly memoryStep: number;
  /** By node: its two children; 0: none. A leaf has its first host (plus one) in place of the first. */
  private readonly low: Int32Array;
  private readonly high: Int32Array;
  /** By node: how many hosts are below. */
  private readonly count: Int32Array;
  /** By leaf: no host of it has more free than that. */
  private readonly mostCpu: Float64Array;
  private readonly mostMemory: Float64Array;
  private readonly unused: Int32Array;
  private unusedCount = 0;
  /** By host: its cell, -1: it is not on the map; and its neighbours in the leaf's list. */
  private readonly cellOf: Int32Array;
  private readonly next: Int32Array;
  private readonly previous: Int32Array;
  /** What would be left on the best host so far, as shares of the largest: 0 (nothing) to 2. In an array, for passing it on would allocate. */
  private readonly least = new Float64Array(1);
  private readonly path = new Int32Array(depth + 1);
  private height = 0;
  private readonly stackNode = new Int32Array(2 * depth);
  private readonly stackLevel = new Int32Array(2 * depth);
  private readonly stackX = new Int32Array(2 * depth);
  private readonly stackY = new Int32Array(2 * depth);

  constructor(private readonly cluster: Cluster) {
    const usable = usableHosts(cluster);
    const largest = (capacity: Float64Array): number =>
      usable.reduce((most, host) => Math.max(most, capacity[host]!), 1);
    this.cpuUnit = 1 / largest(cluster.cpuCapacity);
    this.memoryUnit = 1 / largest(cluster.memoryCapacity);
    this.cpuStep = (largest(cluster.cpuCapacity) * (1 + 1 / cells)) / cells;
    this.memoryStep = (largest(cluster.memoryCapacity) * (1 + 1 / cells)) / cells;
    const nodes = usable.length * depth + 2;
    this.low = new Int32Array(nodes);
    this.high = new Int32Array(nodes);
    this.count = new Int32Array(nodes);
    this.mostCpu = new Float64Array(nodes);
    this.mostMemory = new Float64Array(nodes);
    this.unused = new Int32Array(nodes);
    for (let node = nodes - 1; node >= 2; node--) this.unused[this.unusedCount++] = node;
    this.cellOf = new Int32Array(cluster.hosts.length).fill(-1);
    this.next = new Int32Array(cluster.hosts.length).fill(-1);
    this.previous = new Int32Array(cluster.hosts.length).fill(-1);
    // The last one put into a cell is the first one found there.
    for (let index = usable.length - 1; index >= 0; index--) this.put(usable[index]!);
    cluster.watchers.push(this);
  }

  private freeCpu(host: number): number {
    return this.cluster.cpuCapacity[host]! - this.cluster.cpuClaimed[host]!;
  }

  private freeMemory(host: number): number {
    return this.cluster.memoryCapacity[host]! - this.cluster.memoryUsed[host]!;
  }

  private cell(host: number): number {
    const x = Math.max(0, Math.floor(this.freeCpu(host) / this.cpuStep));
    const y = Math.max(0, Math.floor(this.freeMemory(host) / this.memoryStep));
    return (x << bits) | y;
  }

  hostChanged(host: number): void {
    if (this.cellOf[host]! < 0) return;
    const cell = this.cell(host);
    if (cell === this.cellOf[host]) return this.widen(this.leafOf(cell), host);
    this.take(host);
    this.put(host);
  }

  /** Bits in turns, from the highest: processors at even levels. */
  private static isHigh(cell: number, level: number): boolean {
    const coordinate = level & 1 ? cell : cell >> bits;
    return ((coordinate >> (bits - 1 - (level >> 1))) & 1) === 1;
  }

  private leafOf(cell: number): number {
    let node = 1;
    for (let level = 0; level < depth; level++) node = RoomMap.isHigh(cell, level) ? this.high[node]! : this.low[node]!;
    return node;
  }

  private put(host: number): void {
    const cell = this.cell(host);
    let node = 1;
    this.count[node]!++;
    for (let level = 0; level < depth; level++) {
      const children = RoomMap.isHigh(cell, level) ? this.high : this.low;
      if (children[node] === 0) {
        const fresh = this.unused[--this.unusedCount]!;
        this.low[fresh] = this.high[fresh] = this.count[fresh] = 0;
        this.mostCpu[fresh] = this.mostMemory[fresh] = 0;
        children[node] = fresh;
      }
      node = children[node]!;
      this.count[node]!++;
    }
    const first = this.low[node]! - 1;
    this.next[host] = first;
    this.previous[host] = -1;
    if (first >= 0) this.previous[first] = host;
    this.low[node] = host + 1;
    this.widen(node, host);
    this.cellOf[host] = cell;
  }

  private widen(leaf: number, host: number): void {
    if (this.freeCpu(host) > this.mostCpu[leaf]!) this.mostCpu[leaf] = this.freeCpu(host);
    if (this.freeMemory(host) > this.mostMemory[leaf]!) this.mostMemory[leaf] = this.freeMemory(host);
  }

  private take(host: number): void {
    const cell = this.cellOf[host]!;
    const { path } = this;
    path[0] = 1;
    for (let level = 0; level < depth; level++)
      path[level + 1] = RoomMap.isHigh(cell, level) ? this.high[path[level]!]! : this.low[path[level]!]!;
    const leaf = path[depth]!;
    const before = this.previous[host]!;
    const after = this.next[host]!;
    if (before >= 0) this.next[before] = after;
    else this.low[leaf] = after + 1;
    if (after >= 0) this.previous[after] = before;
    this.count[1]!--;
    for (let level = 0; level < depth; level++) {
      const node = path[level + 1]!;
      if (--this.count[node]! > 0) continue;
      // All that is below goes with it.
      (RoomMap.isHigh(cell, level) ? this.high : this.low)[path[level]!] = 0;
      for (let below = level + 1; below <= depth; below++) this.unused[this.unusedCount++] = path[below]!;
      return;
    }
  }

  /** The host on which the least is left; -1: none. Of hosts that are all but equal the one that changed last. */
  find(seeker: Seeker): number {
    const { claimMillicores: cpu, memoryMiB: memory } = seeker;
    let best = -1;
    this.least[0] = Infinity;
    this.height = 0;
    if (this.count[1]! > 0) this.push(1, 0, 0, 0);
    while (this.height > 0) {
      const node = this.stackNode[--this.height]!;
      const level = this.stackLevel[this.height]!;
      const x = this.stackX[this.height]!;
      const y = this.stackY[this.height]!;
      if (!this.mayLeaveLess(level, x, y, seeker)) continue;
      if (level < depth) {
        this.pushChildren(node, level, x, y);
        continue;
      }
      if (this.mostCpu[node]! < cpu || this.mostMemory[node]! < memory) continue;
      const host = this.tightest(node, seeker);
      if (host >= 0) best = host;
    }
    return best;
  }

  /** Less than on the best so far, on some host of that square: false as well where the guest fits on none of them. */
  private mayLeaveLess(level: number, x: number, y: number, seeker: Seeker): boolean {
    const { claimMillicores: cpu, memoryMiB: memory } = seeker;
    const cpuFrom = x * this.cpuStep;
    const memoryFrom = y * this.memoryStep;
    if (cpuFrom + width(level) * this.cpuStep <= cpu || memoryFrom + height(level) * this.memoryStep <= memory)
      return false;
    const left =
      (cpuFrom > cpu ? cpuFrom - cpu : 0) * this.cpuUnit +
      (memoryFrom > memory ? memoryFrom - memory : 0) * this.memoryUnit;
    return left < this.least[0]!;
  }

  /** The one with less room comes off the stack first. */
  private pushChildren(node: number, level: number, x: number, y: number): void {
    const low = this.low[node]!;
    const high = this.high[node]!;
    if (high !== 0 && level & 1) this.push(high, level + 1, x, y + (height(level) >> 1));
    else if (high !== 0) this.push(high, level + 1, x + (width(level) >> 1), y);
    if (low !== 0) this.push(low, level + 1, x, y);
  }

  private push(node: number, level: number, x: number, y: number): void {
    this.stackNode[this.height] = node;
    this.stackLevel[this.height] = level;
    this.stackX[this.height] = x;
    this.stackY[this.height++] = y;
  }

  /** In a cell all are equal but for a step; the first that takes the guest does. */
  private tightest(leaf: number, seeker: Seeker): number {
    for (let host = this.low[leaf]! - 1; host >= 0; host = this.next[host]!) {
      const cpu = this.freeCpu(host) - seeker.claimMillicores;
      const memory = this.freeMemory(host) - seeker.memoryMiB;
      if (cpu < 0 || memory < 0) continue;
      const left = cpu * this.cpuUnit + memory * this.memoryUnit;
      if (left >= this.least[0]! || !seeker.accepts(host)) continue;
      this.least[0] = left;
      return host;
    }
    return -1;
  }
}

/** How many steps of free processors, and of free memory, a node of that level spans. */
function width(level: number): number {
  return 1 << (bits - ((level + 1) >> 1));
}

function height(level: number): number {
  return 1 << (bits - (level >> 1));
}
