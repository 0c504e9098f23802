import { leaseMarginMs } from '@argosy/control/defaults';
import type { IsolationPolicy } from '@argosy/domain/policies';
import type { Instant } from '@argosy/domain/units';
import type { Timer, VirtualClock } from './clock';
import type { ModelDatastore } from './datastore';

const renewMs = 500;

export interface WatchdogHome {
  readonly name: string;
  /** A fault: what this host writes does not reach the datastore. */
  readonly datastoreCut: boolean;
  endGuests(reason: string): void;
}

/** The small process that outlives the agent: it renews a lease on the datastore, and ends the guests before it runs out. */
export class ModelWatchdog {
  private policy: { readonly armed: boolean; readonly leaseMs: number; readonly incarnation: number } | null = null;
  private renewedAt: Instant = 0;
  private sequence = 0;
  private timer: Timer | null = null;

  constructor(
    private readonly home: WatchdogHome,
    private readonly clock: VirtualClock,
    private readonly datastore: ModelDatastore,
  ) {}

  start(): void {
    this.timer?.cancel();
    this.timer = this.clock.every(renewMs, () => this.tick());
    this.tick();
  }

  die(): void {
    this.timer?.cancel();
    this.timer = null;
  }

  follow({ response, leaseMs }: IsolationPolicy, incarnation: number): void {
    if (this.policy === null) this.renewedAt = this.clock.now;
    this.policy = { armed: response !== 'keep-running', leaseMs, incarnation };
  }

  private tick(): void {
    if (this.policy === null) return;
    if (!this.home.datastoreCut) {
      this.renewedAt = this.clock.now;
      this.datastore.leases.set(this.home.name, {
        ...this.policy,
        sequence: ++this.sequence,
        renewedAt: this.clock.now,
      });
    }
    if (!this.policy.armed || this.clock.now - this.renewedAt < this.policy.leaseMs - leaseMarginMs) return;
    this.home.endGuests("its watchdog's lease is about to run out");
  }
}
