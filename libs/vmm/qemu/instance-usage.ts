import type { VmmInstance, VmmSample } from '@argosy/control/ports/vmm-driver';
import { DirtyRate } from './dirty-rate';
import { allocatedBytes } from './guest-disk';
import { ownResidentMiB, threadTimes } from './process-table';
import type { QmpClient } from './qmp';

/** What a guest uses of its host and its datastore. */
export class InstanceUsage {
  private readonly dirtyRate = new DirtyRate();
  private diskBytes: number | null = null;

  sample(of: {
    readonly instance: VmmInstance;
    readonly pid: number;
    readonly threadIds: readonly number[];
    readonly diskPath: string;
    /** null: it does not run now, and dirties nothing. */
    readonly running: QmpClient | null;
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
    };
  }
}
