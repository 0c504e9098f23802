import type { DemandEstimate } from './consolidate-estimate';

/** The fleet as consolidation sees it, in dense columns. The caller keeps them; nothing is written to them here. */
export interface ConsolidationView {
  /** By host. */
  readonly capacityMHz: Float64Array;
  readonly coreMHz: Float64Array;
  readonly hostMemoryMiB: Float64Array;
  readonly idleWatts: Float64Array;
  readonly busyWatts: Float64Array;
  /** By guest. Its host, -1: none. */
  readonly hostOf: Int32Array;
  readonly demandMHz: Float64Array;
  readonly guestCapacityMHz: Float64Array;
  readonly guestCores: Uint16Array;
  readonly guestMemoryMiB: Float64Array;
}

/** Hosts are kept in this many classes by how much room they have, so that the fullest that fits is found without looking at all. */
const roomClasses = 128;

/**
 * How full each host is: the sum of its guests' means, and so many standard deviations of that sum. Guests' demands are
 * taken to be independent, so their variances add up, and many guests together need less than each for itself.
 */
export class Fill {
  readonly guestsOn: number[][];
  readonly meanMHz: Float64Array;
  readonly memoryMiB: Float64Array;
  private readonly variance: Float64Array;
  private readonly nowMHz: Float64Array;
  /** By kind of host, from the kind that is to be filled first; within it by room. */
  private readonly classes: number[][][];
  private readonly classOf: Int32Array;
  private readonly placeInClass: Int32Array;
  private readonly kindOf: Int32Array;
  private readonly weights: { readonly processor: number; readonly memory: number };

  constructor(
    private readonly view: ConsolidationView,
    private readonly estimate: DemandEstimate,
    private readonly options: { readonly scatter: number; readonly memoryEnforced: boolean },
  ) {
    const count = view.capacityMHz.length;
    this.guestsOn = Array.from({ length: count }, () => []);
    this.meanMHz = new Float64Array(count);
    this.memoryMiB = new Float64Array(count);
    this.variance = new Float64Array(count);
    this.nowMHz = new Float64Array(count);
    this.classOf = new Int32Array(count).fill(-1);
    this.placeInClass = new Int32Array(count);
    for (let guest = 0; guest < view.hostOf.length; guest++)
      if (view.hostOf[guest]! >= 0) this.sum(guest, view.hostOf[guest]!, 1);
    this.weights = this.scarcity();
    this.kindOf = this.kinds();
    this.classes = Array.from({ length: Math.max(...this.kindOf) + 1 }, () =>
      Array.from({ length: roomClasses + 1 }, () => []),
    );
    for (let host = 0; host < count; host++) this.file(host);
  }

  kind(host: number): number {
    return this.kindOf[host]!;
  }

  /** The host's share that is taken, or would be with one more guest. */
  share(host: number, guest = -1): number {
    const mean = this.meanMHz[host]! + (guest < 0 ? 0 : this.estimate.meanMHz[guest]!);
    const variance = this.variance[host]! + (guest < 0 ? 0 : this.estimate.variance[guest]!);
    return (mean + this.options.scatter * Math.sqrt(Math.max(0, variance))) / this.view.capacityMHz[host]!;
  }

  /** The same without one of its guests. */
  shareWithout(host: number, guest: number): number {
    const variance = this.variance[host]! - this.estimate.variance[guest]!;
    const mean = this.meanMHz[host]! - this.estimate.meanMHz[guest]!;
    return (mean + this.options.scatter * Math.sqrt(Math.max(0, variance))) / this.view.capacityMHz[host]!;
  }

  /** Whether the host takes the guest and is not filled above the share by it: not as expected, and not as it is now either. */
  fits(guest: number, host: number, share: number): boolean {
    const { view } = this;
    if (!this.isFastEnough(guest, host) || !this.hasMemory(guest, host)) return false;
    if (this.nowMHz[host]! + view.demandMHz[guest]! > view.capacityMHz[host]!) return false;
    return this.share(host, guest) <= share;
  }

  private isFastEnough(guest: number, host: number): boolean {
    const { demandMHz, guestCores, coreMHz } = this.view;
    return demandMHz[guest]! <= guestCores[guest]! * coreMHz[host]!;
  }

  private hasMemory(guest: number, host: number): boolean {
    if (!this.options.memoryEnforced) return true;
    return this.memoryMiB[host]! + this.view.guestMemoryMiB[guest]! <= this.view.hostMemoryMiB[host]!;
  }

  /** The fullest host that is on, of the first kind that has one for the guest; -1: none. */
  fullestFor(guest: number, share: number, allowed: (host: number) => boolean): number {
    for (const classes of this.classes) {
      for (let room = 0; room < roomClasses; room++) {
        let found = -1;
        for (const host of classes[room]!) {
          if (found >= 0 && this.room(host) >= this.room(found)) continue;
          if (allowed(host) && this.fits(guest, host, share)) found = host;
        }
        if (found >= 0) return found;
      }
    }
    return -1;
  }

  /** A host that is off, of the first kind that has one for the guest; -1: none. */
  offFor(guest: number): number {
    for (const classes of this.classes) {
      const host = classes[roomClasses]!.find((each) => this.fits(guest, each, 1));
      if (host !== undefined) return host;
    }
    return -1;
  }

  /** Of the hosts with the memory and with cores fast enough, the one that is filled least, be it too much; -1: none. */
  emptiestFor(guest: number): number {
    let found = -1;
    for (let host = 0; host < this.classOf.length; host++) {
      if (found >= 0 && this.share(host) >= this.share(found)) continue;
      if (this.isFastEnough(guest, host) && this.hasMemory(guest, host)) found = host;
    }
    return found;
  }

  put(guest: number, host: number): void {
    this.sum(guest, host, 1);
    this.file(host);
  }

  take(guest: number, host: number): void {
    this.sum(guest, host, -1);
    this.file(host);
  }

  /** Free of what the fleet is short of: 0 is a host that is full. */
  room(host: number): number {
    const { processor, memory } = this.weights;
    const free = Math.max(0, 1 - this.share(host));
    if (memory === 0) return free;
    return processor * free + memory * Math.max(0, 1 - this.memoryMiB[host]! / this.view.hostMemoryMiB[host]!);
  }

  private sum(guest: number, host: number, sign: 1 | -1): void {
    const guests = this.guestsOn[host]!;
    if (sign > 0) guests.push(guest);
    else guests.splice(guests.indexOf(guest), 1);
    this.meanMHz[host]! += sign * this.estimate.meanMHz[guest]!;
    this.variance[host]! += sign * this.estimate.variance[guest]!;
    this.nowMHz[host]! += sign * this.view.demandMHz[guest]!;
    this.memoryMiB[host]! += sign * this.view.guestMemoryMiB[guest]!;
  }

  /** Into the class of its room; hosts that are off have a class of their own. */
  private file(host: number): void {
    const classes = this.classes[this.kindOf[host]!]!;
    const isOff = this.guestsOn[host]!.length === 0;
    const next = isOff ? roomClasses : Math.min(Math.floor(this.room(host) * roomClasses), roomClasses - 1);
    const last = this.classOf[host]!;
    if (last === next) return;
    if (last >= 0) {
      const others = classes[last]!;
      const moved = others.pop()!;
      if (moved !== host) {
        others[this.placeInClass[host]!] = moved;
        this.placeInClass[moved] = this.placeInClass[host]!;
      }
    }
    this.classOf[host] = next;
    this.placeInClass[host] = classes[next]!.push(host) - 1;
  }

  /** The shares of processors and memory that the fleet's guests need, as weights that add up to 1. */
  private scarcity(): { processor: number; memory: number } {
    if (!this.options.memoryEnforced) return { processor: 1, memory: 0 };
    const total = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0);
    const processor = total(this.meanMHz) / total(this.view.capacityMHz);
    const memory = total(this.memoryMiB) / total(this.view.hostMemoryMiB);
    return processor + memory === 0
      ? { processor: 1, memory: 0 }
      : { processor: processor / (processor + memory), memory: memory / (processor + memory) };
  }

  /** Hosts of one kind are alike; the first kind needs the fewest watts for each guest, when it is filled with ordinary ones. */
  private kinds(): Int32Array {
    const { view, options } = this;
    const guests = this.guestsOn.reduce((sum, each) => sum + each.length, 0) || 1;
    const meanMHz = this.meanMHz.reduce((sum, value) => sum + value, 0) / guests || 1;
    const meanMiB = this.memoryMiB.reduce((sum, value) => sum + value, 0) / guests || 1;
    const perGuest = Float64Array.from(view.capacityMHz, (capacity, host) => {
      const byMemory = options.memoryEnforced ? view.hostMemoryMiB[host]! / meanMiB : Infinity;
      const most = Math.min(capacity / meanMHz, byMemory);
      const load = (most * meanMHz) / capacity;
      return (view.idleWatts[host]! + load * (view.busyWatts[host]! - view.idleWatts[host]!)) / most;
    });
    const values = [...new Set(perGuest)].sort((one, other) => one - other);
    const kindOf = new Map(values.map((value, kind) => [value, kind]));
    return Int32Array.from(perGuest, (value) => kindOf.get(value)!);
  }
}
