import type { VmmInstance, VmmSample } from '@argosy/control/ports/vmm-driver';
import { DirtyRate } from './dirty-rate';
import { allocatedBytes } from '../disk-files';
import { ownResidentMiB, threadTimes } from '../process-table';
import type { QmpClient } from './qmp';

/** Then it is asked anew, as after the connection was another. */
const answerDeadlineMs = 30_000;

/** What a guest uses of its host and its datastore. */
export class InstanceUsage {
  private readonly dirtyRate = new DirtyRate();
  private diskBytes: number | null = null;
  private askedAt: number | null = null;
  private isAsking = false;

  sample(of: {
    readonly instance: VmmInstance;
    readonly pid: number;
    readonly threadIds: readonly number[];
    readonly diskPath: string;
    /** null: it does not run now, and dirties nothing. */
    readonly running: QmpClient | null;
    /** null: there is no connection to the VMM. */
    readonly qmp: QmpClient | null;
  }): VmmSample {
    const { runMs, waitMs } = threadTimes(of.pid, of.threadIds);
    if (of.running) this.dirtyRate.measure(of.running);
    // Of the look before: a storage that hangs must not hang this one.
    void allocatedBytes(of.diskPath).then((bytes) => (this.diskBytes = bytes));
    return {
      instance: of.instance,
      cpuTimeMs: runMs,
      cpuWaitMs: waitMs,
      residentMiB: ownResidentMiB(of.pid),
      dirtyBytesPerSecond: this.dirtyRate.bytesPerSecond,
      diskBytes: this.diskBytes,
      vmmSilentMs: this.silentMs(of.qmp),
    };
  }

  /** Since the oldest question that it has not answered; each look asks one, unless one is open. */
  private silentMs(qmp: QmpClient | null): number {
    const now = performance.now();
    const silentMs = this.askedAt === null ? 0 : now - this.askedAt;
    this.askedAt ??= now;
    if (!this.isAsking && qmp) void this.ask(qmp);
    return Math.round(silentMs);
  }

  private async ask(qmp: QmpClient): Promise<void> {
    this.isAsking = true;
    await qmp.call('query-status', {}, answerDeadlineMs).then(
      () => (this.askedAt = null),
      () => undefined,
    );
    this.isAsking = false;
  }
}
