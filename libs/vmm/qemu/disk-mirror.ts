import { setTimeout as sleep } from 'node:timers/promises';
import type { MigrationProgress } from '@argosy/domain/entities';
import { mebibyte } from '@argosy/domain/units';
import { diskNode, type DiskNode } from './command-line';
import { QmpError, type QmpClient, type QmpEvent } from './qmp';

export interface BlockJob {
  readonly device: string;
  readonly len: number;
  readonly offset: number;
  readonly ready: boolean;
}

/**
 * `own`: what is in the disk itself, for all else the copy has too: it is empty, and an overlay of the same, or of nothing.
 * `chain`: also what the disk is an overlay of.
 */
export type CopiedExtent = 'own' | 'chain';

export interface MirrorPlan {
  /** The name of the job. */
  readonly job: string;
  /** The node that the guest's device has now, and the one that it is copied to. */
  readonly device: string;
  readonly target: string;
  readonly extent: CopiedExtent;
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
 *
 * QEMU must have no reason to fill the target with zeros first. In that it forgets to claim the place, and claims no write of
 * the guest any more that is made at the same time (7.2, mirror_dirty_init): one move in twenty under a guest that wrote lost
 * some of its sectors. It does not where only the top of a chain is asked for, also where that is the whole chain, nor where
 * the target takes no discards (`withoutDiscards`). Decision 0044.
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

  async begin({ device, target, extent, bandwidthMiBPerSecond }: MirrorPlan): Promise<void> {
    await this.qmp.call(
      'blockdev-mirror',
      {
        'job-id': this.job,
        device,
        target,
        sync: extent === 'own' ? 'top' : 'full',
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

/** For a copy that is an overlay of what lies at that path, or else of nothing. */
export async function extentOf(qmp: QmpClient, node: string, backingPath: string | null): Promise<CopiedExtent> {
  const nodes = await qmp.call<BlockNode[]>('query-named-block-nodes', { flat: true });
  const found = nodes.find((each) => each['node-name'] === node);
  const own = found?.image['backing-filename'];
  return own === undefined || own === backingPath ? 'own' : 'chain';
}

const fileOf = (node: string): string => `${node}-file`;

/** A node that is added to be mirrored to, and takes no discards yet. */
export function withoutDiscards(node: DiskNode): DiskNode {
  return { ...node, discard: 'ignore', file: { ...node.file, 'node-name': fileOf(node['node-name']) } };
}

/** Whatever was mirrored to it is there: from here on it shrinks as every disk does. */
export async function takeDiscards(qmp: QmpClient, node: string): Promise<void> {
  const nodes = await qmp.call<BlockNode[]>('query-named-block-nodes', { flat: true });
  if (!nodes.some((each) => each['node-name'] === fileOf(node))) return;
  const { driver, discard } = diskNode(node, '');
  await qmp.call('blockdev-reopen', { options: [{ driver, 'node-name': node, discard, file: fileOf(node) }] });
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
