import type { Instant } from '@argosy/domain/units';

export interface Timer {
  cancel(): void;
}

interface Entry {
  at: Instant;
  readonly sequence: number;
  run: (() => void) | null;
}

const nothing = (): void => {};

/**
 * The only time that a simulation knows. Events wait in a binary heap by their time, and those of one instant run in the
 * order in which they were asked for, so that a run depends on nothing but its seed.
 */
export class VirtualClock {
  private readonly heap: Entry[] = [];
  private sequence = 0;

  constructor(public now: Instant = 0) {}

  at(instant: Instant, run: () => void): Timer {
    const entry: Entry = { at: Math.max(instant, this.now), sequence: this.sequence++, run };
    this.push(entry);
    return { cancel: () => (entry.run = null) };
  }

  after(delayMs: number, run: () => void): Timer {
    return this.at(this.now + delayMs, run);
  }

  /** The first run is one interval from now. */
  every(intervalMs: number, run: () => void): Timer {
    let timer: Timer = { cancel: nothing };
    const again = (): void => {
      timer = this.after(intervalMs, again);
      run();
    };
    timer = this.after(intervalMs, again);
    return { cancel: () => timer.cancel() };
  }

  /** Runs the next event and says true, or false when none is due until then. */
  step(until: Instant = Infinity): boolean {
    for (;;) {
      const next = this.heap[0];
      if (!next || next.at > until) return false;
      this.pop();
      if (!next.run) continue;
      this.now = next.at;
      next.run();
      return true;
    }
  }

  runUntil(instant: Instant): void {
    while (this.step(instant));
    this.now = Math.max(this.now, instant);
  }

  private push(entry: Entry): void {
    let index = this.heap.length;
    this.heap.push(entry);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.before(index, parent)) return;
      this.swap(index, parent);
      index = parent;
    }
  }

  private pop(): void {
    const last = this.heap.pop();
    if (!last || this.heap.length === 0) return;
    this.heap[0] = last;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      if (left >= this.heap.length) return;
      const right = left + 1;
      const child = right < this.heap.length && this.before(right, left) ? right : left;
      if (!this.before(child, index)) return;
      this.swap(index, child);
      index = child;
    }
  }

  private before(one: number, other: number): boolean {
    const first = this.heap[one]!;
    const second = this.heap[other]!;
    return first.at < second.at || (first.at === second.at && first.sequence < second.sequence);
  }

  private swap(one: number, other: number): void {
    const held = this.heap[one]!;
    this.heap[one] = this.heap[other]!;
    this.heap[other] = held;
  }
}
