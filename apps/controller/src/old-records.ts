import { setTimeout as sleep } from 'node:timers/promises';
import { type RecordStore, recordKinds } from '@argosy/inventory/record-store';
import type { Instant } from '@argosy/domain/units';

export const dayMs = 86_400_000;
export const cleaningMs = 600_000;

export interface Removal {
  /** Value: how many of at most so many were removed. */
  readonly remove: (most: number) => Promise<number>;
  readonly atOnce: number;
  /** Between two statements others have their turn. */
  readonly pauseMs?: number;
  readonly goesOn: () => boolean;
}

/** A little at a time. Value: how many. */
export async function removeInBatches({ remove, atOnce, pauseMs = 0, goesOn }: Removal): Promise<number> {
  let removed = 0;
  for (let count = atOnce; count === atOnce && goesOn(); removed += count) {
    if (removed > 0 && pauseMs > 0) await sleep(pauseMs);
    count = await remove(atOnce);
  }
  return removed;
}

export interface OldRecordPorts {
  readonly store: Pick<RecordStore, 'removeBefore'>;
  readonly retentionDays: number;
  readonly now: () => Instant;
  readonly isLeading: () => boolean;
  readonly say: (message: string) => void;
  readonly removedAtOnce?: number;
  readonly pauseMs?: number;
}

/** Whoever leads removes what the record has kept for long enough. */
export class OldRecords {
  private readonly cleaning: NodeJS.Timeout;
  private isClosed = false;

  constructor(private readonly ports: OldRecordPorts) {
    this.cleaning = setInterval(() => void this.removeOld(), cleaningMs).unref();
  }

  /** Value: how many. */
  async removeOld(): Promise<number> {
    const { store, retentionDays, now, isLeading, say, removedAtOnce = 1000, pauseMs = 100 } = this.ports;
    const before = now() - retentionDays * dayMs;
    const goesOn = (): boolean => !this.isClosed && isLeading();
    let removed = 0;
    try {
      for (const kind of recordKinds)
        removed += await removeInBatches({
          remove: (most) => store.removeBefore(kind, before, most),
          atOnce: removedAtOnce,
          pauseMs,
          goesOn,
        });
    } catch (error) {
      say(`old records are not all removed yet, and will be tried again: ${String(error)}`);
    }
    return removed;
  }

  close(): void {
    this.isClosed = true;
    clearInterval(this.cleaning);
  }
}
