import type { OutgoingDisk } from '@argosy/domain/disk-work';
import type { MigrationProgress } from '@argosy/domain/entities';
import { exportName, serverOf } from './disk-export';
import { DiskMirror, dropNode, findJob, extentOf, type BlockJob } from './disk-mirror';
import type { QmpClient, QmpEvent } from './qmp';

const job = 'migration-disk';
const node = 'migration-disk';
/** A handshake with a target that says nothing blocks QEMU until that one is destroyed. */
const connectDeadlineMs = 60_000;

export interface DiskListener {
  /** From now on both disks are the same. */
  mirrored(): void;
  /** It cannot go on, and the guest runs on with its own disk. */
  failed(reason: string): void;
}

export function findMigrationJob(qmp: QmpClient): Promise<BlockJob | undefined> {
  return findJob(qmp, job);
}

/** The disk that goes with a migration, over NBD into the target's. */
export class DiskToTarget {
  private readonly mirror: DiskMirror;
  private isEnding = false;

  constructor(
    private readonly qmp: QmpClient,
    listener: DiskListener,
  ) {
    this.mirror = new DiskMirror(
      qmp,
      job,
      () => listener.mirrored(),
      (error) => {
        if (!this.isEnding) listener.failed(error ?? 'the copy of the disk was ended');
      },
    );
  }

  async begin(
    disk: OutgoingDisk,
    how: { readonly device: string; readonly encrypted: boolean; readonly bandwidthMiBPerSecond: number },
  ): Promise<void> {
    await dropNode(this.qmp, node);
    await this.qmp.call(
      'blockdev-add',
      {
        driver: 'nbd',
        'node-name': node,
        server: serverOf(disk.uri),
        export: exportName,
        ...(how.encrypted ? { 'tls-creds': 'tls-client' } : {}),
      },
      connectDeadlineMs,
    );
    const { device, bandwidthMiBPerSecond } = how;
    const extent = await extentOf(this.qmp, device, disk.backingPath);
    await this.mirror.begin({ job, device, target: node, extent, bandwidthMiBPerSecond });
  }

  adopt(found: BlockJob): void {
    this.mirror.adopt(found);
  }

  get isMirrored(): boolean {
    return this.mirror.ready;
  }

  onEvent(event: QmpEvent): void {
    this.mirror.onEvent(event);
  }

  /** The guest stands still: the target's disk is the guest's from here on, and nobody else has it open. */
  async complete(): Promise<void> {
    this.isEnding = true;
    await this.mirror.finish({ pivot: false });
    await dropNode(this.qmp, node);
  }

  async drop(): Promise<void> {
    this.isEnding = true;
    // A target that says nothing would keep whatever is on its way to it, and with that the guest's writes.
    const instances = [{ type: 'block-node', 'node-name': node }];
    await this.qmp.call('yank', { instances }).catch(() => undefined);
    await this.mirror.drop();
    await dropNode(this.qmp, node);
  }

  /** Before the first pass over the memory: `iteration` 0. */
  progress(elapsedMs: number): Promise<MigrationProgress | undefined> {
    return this.mirror.progress(elapsedMs);
  }
}
