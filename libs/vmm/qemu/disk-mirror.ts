import { setTimeout as sleep } from 'node:timers/promises';
import type { MigrationProgress } from '@argosy/domain/entities';
import { mebibyte } from '@argosy/domain/units';
import { QmpError, type QmpClient, type QmpEvent } from './qmp';

export interface BlockJob {
  readonly device: string;
  readonly len: number;
  readonly offset: number;
  readonly ready: boolean;
}

export interface MirrorPlan {
  /** The name of the job. */
  readonly job: string;
  /** The node that the guest's device has now, and the one that it is copied to. */
  readonly device: string;
  readonly target: string;
  /** The target is an overlay of what the source is one of. */
  readonly overlay: boolean;
  readonly bandwidthMiBPerSecond: number;
}

/** Storage may take its time to take the last writes. */
const finishDeadlineMs = 30_000;
const beginDeadlineMs = 30_000;
const endEveryMs = 20;

export async function findJob(qmp: QmpClient, job: string): Promise<BlockJob | undefined> {
  const jobs = await qmp.call<BlockJob[]>('query-block-jobs');
  return jobs.find(({ device }) => device === job);
}

/** What an administrator is told of it; it has no passes, so `iteration` is 0. */
export function copyProgress(transferredBytes: number, totalBytes: number, elapsedMs: number): MigrationProgress {
  const remainingBytes = totalBytes - transferredBytes;
  const bytesPerSecond = Math.round((transferredBytes * 1000) / Math.max(1, elapsedMs));
  return {
    transferredBytes,
    remainingBytes,
    totalBytes,
    bytesPerSecond,
    dirtyBytesPerSecond: 0,
    iteration: 0,
    expectedEndMs: bytesPerSecond > 0 ? Math.ceil((remainingBytes * 1000) / bytesPerSecond) : null,
  };
}

/**
 * Copies a disk while its guest runs (QEMU's blockdev-mirror). Once it is ready every write of the guest goes to both at once
 * ("write-blocking"), so that they stay the same until it is ended. An error at the copy ends it, and harms nobody.
 */
export class DiskMirror {
  private isReady = false;
  private end: { readonly error: string | null } | null = null;
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly qmp: QmpClient,
    private readonly job: string,
    private readonly onReady: () => void,
    /** null: as was asked. */
    private readonly onEnd: (error: string | null) => void,
  ) {}

  async begin({ device, target, overlay, bandwidthMiBPerSecond }: MirrorPlan): Promise<void> {
    await this.qmp.call(
      'blockdev-mirror',
      {
        'job-id': this.job,
        device,
        target,
        sync: overlay ? 'top' : 'full',
        'copy-mode': 'write-blocking',
        speed: bandwidthMiBPerSecond * mebibyte,
      },
      beginDeadlineMs,
    );
  }

  /** One that an earlier agent began, as QEMU tells of it now. */
  adopt({ ready }: BlockJob): void {
    this.isReady = ready;
  }

  private get failure(): string | null {
    return this.end?.error ?? null;
  }

  get ready(): boolean {
    return this.isReady && this.end === null;
  }

  onEvent({ event, data }: QmpEvent): void {
    if (data['device'] !== this.job) return;
    if (event === 'BLOCK_JOB_READY') {
      this.isReady = true;
      this.onReady();
    } else if (event === 'BLOCK_JOB_COMPLETED' || event === 'BLOCK_JOB_CANCELLED') {
      this.end = { error: typeof data['error'] === 'string' ? data['error'] : null };
      for (const resolve of this.waiting.splice(0)) resolve();
      this.onEnd(this.end.error);
    }
  }

  async progress(elapsedMs: number): Promise<MigrationProgress | undefined> {
    const found = await findJob(this.qmp, this.job);
    return found && copyProgress(found.offset, found.len, elapsedMs);
  }

  /** Ends it with both disks the same: the guest stands still. `pivot`: it goes on with the copy, else with what it had. */
  async finish({ pivot }: { readonly pivot: boolean }): Promise<void> {
    if (!this.ready) throw new Error(this.end?.error ?? 'the disk is not copied yet');
    await this.qmp.call(pivot ? 'block-job-complete' : 'block-job-cancel', { device: this.job }, finishDeadlineMs);
    await this.whenEnded(finishDeadlineMs);
    if (this.failure !== null) throw new Error(this.failure);
  }

  /** Whatever is left of it; the guest runs on with what it had. */
  async drop(): Promise<void> {
    if (this.end) return;
    await this.qmp.call('block-job-cancel', { device: this.job, force: true }).catch((error: unknown) => {
      if (!(error instanceof QmpError)) throw error;
      this.end ??= { error: null };
    });
    await this.whenEnded(finishDeadlineMs);
  }

  private whenEnded(deadlineMs: number): Promise<void> {
    if (this.end) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const deadline = setTimeout(
        () => reject(new Error(`the copy of the disk did not end within ${deadlineMs} ms`)),
        deadlineMs,
      );
      this.waiting.push(() => {
        clearTimeout(deadline);
        resolve();
      });
    });
  }
}

interface BlockNode {
  readonly 'node-name': string;
  readonly image: { readonly 'backing-filename'?: string };
}

/** Only then may what is below a disk be left out of its copy. */
export async function isOverlayOf(qmp: QmpClient, node: string, backingPath: string | null): Promise<boolean> {
  if (backingPath === null) return false;
  const nodes = await qmp.call<BlockNode[]>('query-named-block-nodes', { flat: true });
  const found = nodes.find((each) => each['node-name'] === node);
  return found?.image['backing-filename'] === backingPath;
}

/** Whether that node is some device's now. */
export async function devicesHave(qmp: QmpClient, node: string): Promise<boolean> {
  const devices = await qmp.call<readonly { readonly inserted?: { readonly 'node-name'?: string } }[]>('query-block');
  return devices.some(({ inserted }) => inserted?.['node-name'] === node);
}

/** Whatever is left of a job; each device goes on with what it has. */
export async function endJob(qmp: QmpClient, job: string): Promise<void> {
  for (let waitedMs = 0; waitedMs < finishDeadlineMs && (await findJob(qmp, job)); waitedMs += endEveryMs) {
    await qmp.call('block-job-cancel', { device: job, force: true }).catch(() => undefined);
    await sleep(endEveryMs);
  }
}

/** A node that may be there from an earlier attempt. */
export async function dropNode(qmp: QmpClient, name: string): Promise<void> {
  await qmp.call('blockdev-del', { 'node-name': name }).catch((error: unknown) => {
    if (!(error instanceof QmpError)) throw error;
  });
}
