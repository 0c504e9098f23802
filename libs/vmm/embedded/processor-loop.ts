import type { EmbeddedGuest } from './guest';
import type { ProcessorScheduler } from './processor-scheduler';

const sliceMs = 1;
/** Connections, files and whoever asks have their turn after so long at most. */
const turnMs = 2;
/** A timer of this process is a millisecond late or more: a guest's is set so much early, and what is left of it is waited for. */
const earlyMs = 1.25;

/** Who sleeps so long is not in a hurry: woken up to a twelfth of that later, but never by more than a slot. */
const longSleepMs = 50;
const hurry = 12;
const longestSlotMs = 16;

/** When a guest is woken whose timer is at that time: those of many guests that sleep long are one awakening of the process. */
export function awakening(timerAt: number, now: number): number {
  const sleepMs = timerAt - now;
  if (sleepMs < longSleepMs || sleepMs === Infinity) return timerAt;
  // Powers of two: the moments of long sleeps are moments of shorter ones too.
  const slotMs = Math.min(longestSlotMs, 2 ** Math.floor(Math.log2(sleepMs / hurry)));
  return Math.ceil(timerAt / slotMs) * slotMs;
}

/** Gives guests the processor, between what else this process does. */
export class ProcessorLoop {
  private timer: NodeJS.Timeout | null = null;
  private wakesAt = Infinity;
  private isQueued = false;
  private readonly run = (): void => this.turn();

  constructor(private readonly scheduler: ProcessorScheduler<EmbeddedGuest>) {}

  /** Somebody may have something to do earlier than was known. */
  kick(): void {
    if (this.isQueued) return;
    this.isQueued = true;
    setImmediate(this.run);
  }

  private turn(): void {
    this.isQueued = false;
    const { scheduler } = this;
    let now = this.waitOut();
    const endMs = now + turnMs;
    while (now < endMs) {
      const guest = scheduler.next(now);
      if (!guest) break;
      guest.slice(now + sliceMs);
      now = performance.now();
    }
    this.plan(now);
  }

  /**
   * Until the next sleeper's time, if that is near, and what it is then. A guest that sleeps between its bursts would lose as much of
   * each as it is woken late. This process stands still for it, no longer than for a guest's turn, and without using the processor.
   */
  private waitOut(): number {
    const now = performance.now();
    const leftMs = this.scheduler.sleeperAt(now) - now;
    if (leftMs <= 0 || leftMs > earlyMs) return now;
    Atomics.wait(neverNotified, 0, 0, leftMs);
    return performance.now();
  }

  private plan(now: number): void {
    const next = this.scheduler.nextAt(now);
    if (next <= now || this.scheduler.sleeperAt(now) <= now + earlyMs) return this.kick();
    if (this.timer && next === this.wakesAt) return;
    if (this.timer) clearTimeout(this.timer);
    this.wakesAt = next;
    this.timer = next === Infinity ? null : setTimeout(this.wake, Math.min(Math.ceil(next - now - earlyMs), longestMs));
  }

  private readonly wake = (): void => {
    this.timer = null;
    this.turn();
  };
}

const neverNotified = new Int32Array(new SharedArrayBuffer(4));
const longestMs = 2 ** 30;
