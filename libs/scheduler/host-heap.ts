/**
 * Hosts by what the best move away from each is worth, the best on top; of equals the one whose guest comes first. All
 * that is asked of it is a few comparisons, and nothing is allocated.
 */
export class HostHeap {
  readonly net: Float64Array;
  readonly guest: Int32Array;
  readonly taker: Int32Array;
  private readonly order: Int32Array;
  private readonly place: Int32Array;
  private length = 0;

  constructor(hostCount: number) {
    this.net = new Float64Array(hostCount);
    this.guest = new Int32Array(hostCount).fill(-1);
    this.taker = new Int32Array(hostCount).fill(-1);
    this.order = new Int32Array(hostCount);
    this.place = new Int32Array(hostCount).fill(-1);
  }

  /** The host with the best move; -1: there is none. */
  get top(): number {
    return this.length > 0 ? this.order[0]! : -1;
  }

  put(host: number, net: number, guest: number, taker: number): void {
    this.net[host] = net;
    this.guest[host] = guest;
    this.taker[host] = taker;
    if (this.place[host]! < 0) {
      this.place[host] = this.length;
      this.order[this.length++] = host;
    }
    this.lift(this.place[host]!);
    this.sink(this.place[host]!);
  }

  remove(host: number): void {
    const hole = this.place[host]!;
    if (hole < 0) return;
    this.place[host] = -1;
    const last = this.order[--this.length]!;
    if (last === host) return;
    this.order[hole] = last;
    this.place[last] = hole;
    this.lift(hole);
    this.sink(this.place[last]);
  }

  private isBefore(left: number, right: number): boolean {
    const [a, b] = [this.net[left]!, this.net[right]!];
    return a > b || (a === b && this.guest[left]! < this.guest[right]!);
  }

  private lift(from: number): void {
    let at = from;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!this.isBefore(this.order[at]!, this.order[above]!)) return;
      this.swap(at, above);
      at = above;
    }
  }

  private sink(from: number): void {
    let at = from;
    for (;;) {
      let best = at;
      for (let below = 2 * at + 1; below <= 2 * at + 2 && below < this.length; below++)
        if (this.isBefore(this.order[below]!, this.order[best]!)) best = below;
      if (best === at) return;
      this.swap(at, best);
      at = best;
    }
  }

  private swap(left: number, right: number): void {
    const [a, b] = [this.order[left]!, this.order[right]!];
    this.order[left] = b;
    this.order[right] = a;
    this.place[b] = left;
    this.place[a] = right;
  }
}
