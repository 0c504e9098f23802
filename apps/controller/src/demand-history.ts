import type { Fleet } from '@argosy/control/fleet-types';
import type { Instant } from '@argosy/domain/units';
import type { GuestDemand, MomentStore } from '@argosy/inventory/moment-store';

export const samplingMs = 300_000;

export interface DemandHistoryPorts {
  readonly store: Pick<MomentStore, 'keepDemand'>;
  readonly fleet: () => Pick<Fleet, 'demand' | 'guests'>;
  readonly now: () => Instant;
  readonly isLeading: () => boolean;
  readonly say: (message: string) => void;
}

/** Whoever leads keeps what guests ask for every few minutes, for those who ask later what would have been. */
export class DemandHistory {
  private readonly sampling: NodeJS.Timeout;

  constructor(private readonly ports: DemandHistoryPorts) {
    this.sampling = setInterval(() => void this.sample(), samplingMs).unref();
  }

  /** A sample that is lost is a gap, and harms nobody. */
  async sample(): Promise<void> {
    const { store, now, isLeading, say } = this.ports;
    const guests = isLeading() ? this.demands() : [];
    if (guests.length === 0) return;
    try {
      await store.keepDemand(now(), guests);
    } catch (error) {
      say(`what guests ask for now is not kept: ${String(error)}`);
    }
  }

  private demands(): GuestDemand[] {
    const { demand, guests } = this.ports.fleet();
    return [...demand].flatMap(([guestId, { cpuMillicores, dirtyBytesPerSecond }]) =>
      (guests.get(guestId)?.hostId ?? null) === null ? [] : [{ guestId, cpuMillicores, dirtyBytesPerSecond }],
    );
  }

  close(): void {
    clearInterval(this.sampling);
  }
}
