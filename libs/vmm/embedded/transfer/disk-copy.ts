import type { OutgoingDisk } from '@argosy/domain/disk-work';
import type { MigrationProgress } from '@argosy/domain/entities';
import type { LayeredDisk } from '../disk/layered-disk';
import { Turns } from '../turns';
import { clusterFrame } from './frames';
import { CopyCancelled, type Pace, type Send } from './memory-copy';

/** So few clusters that they can go over with the guest at a standstill. */
const fewBytes = 64 * 1024;

interface Way {
  readonly send: Send;
  readonly pace: Pace;
  readonly signal: AbortSignal;
}

/** Clusters of a disk that somebody writes to, copied until the copy is the same: those that are written meanwhile go again. */
export class DiskSweep {
  private readonly written = new Set<number>();
  private transferredBytes = 0;
  private readonly total: number;
  private pending: number[];
  private readonly turns = new Turns();
  private readonly begunAt = performance.now();

  constructor(
    private readonly disk: LayeredDisk,
    backingPath: string | null,
    private readonly signal: AbortSignal,
    private readonly put: (cluster: number, content: Uint8Array) => Promise<void>,
  ) {
    this.pending = disk.clustersAbove(backingPath);
    this.total = this.pending.length * disk.clusterBytes;
    disk.onWrite = (cluster) => this.written.add(cluster);
  }

  async untilFewAreLeft(): Promise<void> {
    await this.pass();
    while (this.written.size * this.disk.clusterBytes > fewBytes) await this.pass();
  }

  /** Nobody writes any more: what is left. */
  async rest(): Promise<void> {
    this.take();
    for (const cluster of this.pending.splice(0)) await this.put(cluster, this.content(cluster));
  }

  private take(): void {
    for (const cluster of this.written) this.pending.push(cluster);
    this.written.clear();
  }

  private async pass(): Promise<void> {
    this.take();
    for (let cluster = this.pending.pop(); cluster !== undefined; cluster = this.pending.pop()) {
      if (this.signal.aborted) throw new CopyCancelled();
      await this.put(cluster, this.content(cluster));
      this.transferredBytes += this.disk.clusterBytes;
      await this.turns.yieldIfDue();
    }
  }

  private content(cluster: number): Uint8Array {
    const content = new Uint8Array(this.disk.clusterBytes);
    this.disk.readAt(cluster * this.disk.clusterBytes, content);
    return content;
  }

  progress(): MigrationProgress {
    const transferredBytes = Math.min(this.transferredBytes, this.total);
    const bytesPerSecond = Math.round((this.transferredBytes * 1000) / Math.max(1, performance.now() - this.begunAt));
    const remainingBytes = this.total - transferredBytes;
    return {
      transferredBytes,
      remainingBytes,
      totalBytes: this.total,
      bytesPerSecond,
      dirtyBytesPerSecond: 0,
      iteration: 0,
      expectedEndMs: bytesPerSecond > 0 ? Math.ceil((remainingBytes * 1000) / bytesPerSecond) : null,
    };
  }

  end(): void {
    this.disk.onWrite = null;
  }
}

/** A guest's disk on its way to the target, before its memory. */
export class DiskCopyOut {
  private readonly sweep: DiskSweep;

  constructor(disk: LayeredDisk, { backingPath }: OutgoingDisk, { send, pace, signal }: Way) {
    this.sweep = new DiskSweep(disk, backingPath, signal, async (cluster, content) => {
      await send(clusterFrame(cluster, content));
      await pace.spend(content.length);
    });
  }

  untilFewAreLeft(): Promise<void> {
    return this.sweep.untilFewAreLeft();
  }

  sendRest(): Promise<void> {
    return this.sweep.rest();
  }

  progress(): MigrationProgress {
    return this.sweep.progress();
  }

  end(): void {
    this.sweep.end();
  }
}
