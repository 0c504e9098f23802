import { setTimeout as sleep } from 'node:timers/promises';
import type { FleetClock } from '@argosy/domain/fleet-clock';
import type { VirtualClock } from '@argosy/simulator/clock';

const everyMs = 5;
/** After so long what waits on sockets has its turn. */
const longestSliceMs = 25;

/** Makes the model's virtual time follow the fleet's, as far as this process can keep up. */
export class RealTime {
  private stopped = false;
  private behindUntil = 0;

  constructor(
    private readonly model: VirtualClock,
    private readonly clock: FleetClock,
  ) {}

  start(): void {
    void this.run();
  }

  stop(): void {
    this.stopped = true;
  }

  /**
   * What was due by now happens before what comes from outside: else that would find the model in its past. Where the model is behind
   * all the same, a crowd at the door does not have it work for each of them: they would wait for each other.
   */
  catchUp(): void {
    if (performance.now() >= this.behindUntil) this.advance();
  }

  private advance(): void {
    const now = this.clock.now();
    const sliceEnd = performance.now() + longestSliceMs;
    while (this.model.step(now)) {
      if (performance.now() <= sliceEnd) continue;
      this.behindUntil = performance.now() + longestSliceMs;
      return;
    }
    this.model.runUntil(now);
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      this.advance();
      await sleep(everyMs);
    }
  }
}
