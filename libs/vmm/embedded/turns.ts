import { setImmediate } from 'node:timers/promises';

const turnMs = 2;

/** For long work between which the guests have their turns: so much of it at a time, and then they. */
export class Turns {
  private begunAt = performance.now();

  async yieldIfDue(): Promise<void> {
    if (performance.now() - this.begunAt < turnMs) return;
    await setImmediate();
    this.begunAt = performance.now();
  }
}
