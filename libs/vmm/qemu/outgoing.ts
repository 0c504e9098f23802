import { setTimeout as sleep } from 'node:timers/promises';
import type { OutgoingDisk } from '@argosy/domain/disk-work';
import type { MigrationProgress } from '@argosy/domain/entities';
import type { MigrationPolicy } from '@argosy/domain/policies';
import type { Refusal } from '@argosy/domain/refusal';
import { mebibyte } from '@argosy/domain/units';
import { DiskToTarget, findMigrationJob } from './outgoing-disk';
import { wakeCancelled } from './memory-save';
import { migrationRefusal } from './qemu-refusal';
import type { QmpClient, QmpEvent } from './qmp';

export interface QueriedMigration {
  readonly status?: string;
  readonly 'total-time'?: number;
  readonly downtime?: number;
  readonly 'error-desc'?: string;
  readonly ram?: {
    readonly transferred: number;
    readonly remaining: number;
    readonly total: number;
    readonly mbps: number;
    readonly 'dirty-pages-rate': number;
    readonly 'dirty-sync-count': number;
    readonly 'page-size'?: number;
  };
}

/** What the owner of a copy is told of it. */
export interface OutgoingListener {
  progress(progress: MigrationProgress): void;
  /** All of the disk is over, and every write goes to both; the memory follows. */
  mirrored(): void;
  /** All that the target needs to run is sent. In post-copy the rest of the memory follows, and the downtime is measured later. */
  completed(downtimeMs: number | null): void;
  /** QEMU's own loop waits for the other side: it answers nothing, and the guest may stand still. */
  stuck(): void;
  measured(downtimeMs: number): void;
  /** null: cancelled, as was asked. */
  ended(refusal: Refusal | null): Promise<void>;
}

export function isUnderWay({ status = '' }: QueriedMigration): boolean {
  return ['setup', 'active', 'device', 'pre-switchover', 'postcopy-active'].includes(status);
}

/** In a post-copy the guest is its target's: the source stands still for good, and the target runs or is to run. */
export function isArriving(runState: string, { status }: QueriedMigration): boolean {
  return status === 'postcopy-active' && (runState === 'running' || runState === 'paused');
}

export async function isPostCopyAllowed(qmp: QmpClient): Promise<boolean> {
  const capabilities = await qmp.call<{ capability: string; state: boolean }[]>('query-migrate-capabilities');
  return capabilities.some(({ capability, state }) => capability === 'postcopy-ram' && state);
}

const progressEveryMs = 100;
const stuckAfterMs = 4_000;
/** By the last answer, no older than that, what remains takes as long at least: long enough for a few bytes to be read. */
const nearMs = { remaining: 500, answer: 250 };
const measureEveryMs = 5;
const measureWithinMs = 500;

/** Both sides must agree on these. No late-block-activate: the target takes the disk's lock before it may run. */
export function migrationCapabilities(
  policy: MigrationPolicy,
  { pauses = false } = {},
): {
  capabilities: { capability: string; state: boolean }[];
} {
  const wanted = {
    events: true,
    'return-path': true,
    // The source's alone: with the guest at a standstill its disk is ended at the same moment as its memory.
    'pause-before-switchover': pauses,
    'late-block-activate': false,
    'postcopy-ram': policy.postCopy,
    'auto-converge': policy.autoConverge,
  };
  return { capabilities: Object.entries(wanted).map(([capability, state]) => ({ capability, state })) };
}

/** `key`: of this migration alone; null: in plain. */
export interface Sending {
  readonly policy: MigrationPolicy;
  readonly key: string | null;
  readonly uri: string;
  readonly disk: OutgoingDisk | null;
}

interface Outgoing {
  readonly uri: string;
  readonly policy: MigrationPolicy;
  readonly encrypted: boolean;
  readonly disk: OutgoingDisk | null;
  /** The node that the guest's device has. */
  readonly device: string;
}

/** The source's side of one live migration: starts it, watches it, and knows how it ended. */
export class OutgoingMigration {
  private phase: 'copying' | 'post-copy' | 'completed' | 'over' = 'copying';
  private isCancelling = false;
  private hasRunOn = false;
  private wasTold = false;
  private stoppedAtMs: number | null = null;
  private isFailing = false;
  private wasStuck = false;
  private isAsking = false;
  private answeredAt = 0;
  private beganAt = 0;
  private disk: DiskToTarget | null = null;
  /** false as long as only the disk goes over. */
  private sendsMemory = false;
  private pass = 0;
  private remainingMs = 0;
  private failure: string | null = null;
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly qmp: QmpClient,
    private readonly guestName: string,
    /** Begins post-copy when all of the memory has gone over once. */
    private readonly postCopy: boolean,
    private readonly listener: OutgoingListener,
  ) {}

  async start(outgoing: Outgoing): Promise<void> {
    const { policy, disk } = outgoing;
    await Promise.all([
      this.qmp.call('migrate-set-capabilities', migrationCapabilities(policy, { pauses: disk !== null })),
      this.qmp.call('migrate-set-parameters', {
        'max-bandwidth': policy.bandwidthMiBPerSecond * mebibyte,
        // Without it what is pushed after the switch-over knows no limit.
        'max-postcopy-bandwidth': policy.bandwidthMiBPerSecond * mebibyte,
        'downtime-limit': policy.downtimeLimitMs,
      }),
    ]);
    if (disk) this.disk = this.sendDisk(outgoing);
    this.watch();
    const { device, encrypted } = outgoing;
    const { bandwidthMiBPerSecond } = policy;
    const begun = disk
      ? this.disk!.begin(disk, { device, encrypted, bandwidthMiBPerSecond })
      : this.sendMemory(outgoing.uri);
    await begun.catch(async (error: unknown) => {
      await this.disk?.drop().catch(() => undefined);
      this.finish();
      throw error;
    });
  }

  private async sendMemory(uri: string): Promise<void> {
    // Of a host that lost its power nothing is heard, and a handshake with it would wait for ever.
    const kept = uri.startsWith('tcp:') ? `${uri},keep-alive=on` : uri;
    await this.qmp.call('migrate', { uri: kept });
  }

  private sendDisk({ uri }: { readonly uri: string }): DiskToTarget {
    return new DiskToTarget(this.qmp, {
      mirrored: () => {
        if (this.phase !== 'copying' || this.isCancelling) return;
        this.listener.mirrored();
        this.sendsMemory = true;
        this.sendMemory(uri).catch((error: Error) => this.giveUp(error.message));
      },
      failed: (reason) => this.giveUp(reason),
    });
  }

  /** Without its disk the memory is of no use: the guest runs on here. */
  private giveUp(reason: string): void {
    if (this.phase !== 'copying') return;
    this.failure ??= reason;
    if (this.sendsMemory) void this.qmp.call('migrate_cancel').catch(() => undefined);
    else void this.fail('failed');
  }

  /** The guest stands still with all but the last of its memory sent. */
  private async endDisk(): Promise<void> {
    try {
      await this.disk?.complete();
      await this.qmp.call('migrate-continue', { state: 'pre-switchover' });
    } catch (error) {
      this.giveUp((error as Error).message);
    }
  }

  /** `begun`: a copy that an earlier agent began, as QEMU tells of it now. */
  watch(begun?: QueriedMigration): void {
    if (begun?.status === 'postcopy-active') this.phase = 'post-copy';
    this.onPass(begun?.ram?.['dirty-sync-count'] ?? 0);
    this.beganAt = this.answeredAt = performance.now();
    const poll = setInterval(() => this.look(), progressEveryMs);
    this.timers.push(poll);
  }

  private look(): void {
    const isSilent = performance.now() - this.answeredAt > stuckAfterMs;
    if (isSilent && !this.wasStuck && this.phase === 'copying') {
      this.wasStuck = true;
      this.listener.stuck();
    }
    if (this.isAsking) return;
    this.isAsking = true;
    void this.query()
      .then(() => (this.answeredAt = performance.now()))
      .catch(() => undefined)
      .finally(() => (this.isAsking = false));
  }

  /**
   * Of a copy with a disk, as an earlier agent left it. What cannot be seen to be whole is cancelled: the guest runs on here.
   */
  async adoptDisk(status: string): Promise<void> {
    this.sendsMemory = true;
    const job = await findMigrationJob(this.qmp);
    this.disk = this.sendDisk({ uri: '' });
    if (job) this.disk.adopt(job);
    if (status === 'device' || status === 'completed') return;
    if (!job) return this.giveUp('the copy of the disk ended while the agent was away');
    if (status === 'pre-switchover') await this.endDisk();
  }

  /** Only the disk was on its way when the agent died. */
  async abandonDisk(): Promise<void> {
    this.disk = this.sendDisk({ uri: '' });
    this.isCancelling = true;
    await this.disk.drop();
    this.finish();
  }

  onEvent(event: QmpEvent): void {
    this.disk?.onEvent(event);
  }

  /** The source's MIGRATION events. */
  onStatus(status: string, atMs: number): void {
    if (status === 'pre-switchover') void this.endDisk();
    if (status === 'postcopy-active') this.phase = 'post-copy';
    if (status === 'completed') this.complete(atMs);
    // The target is gone, and there is nobody to send the rest to.
    if (status === 'postcopy-paused') this.finish();
    if (status === 'failed' || status === 'cancelled') void this.fail(status);
  }

  /** A pass over the memory has begun: at the second, all of it has gone over once. */
  onPass(pass: number): void {
    this.pass = pass;
    if (pass < 2 || !this.postCopy || this.phase !== 'copying') return;
    this.qmp.call('migrate-start-postcopy').catch(() => undefined);
  }

  /** The guest has stopped here. In post-copy that is when the target may run. */
  onStopped(atMs: number): void {
    this.stoppedAtMs = atMs;
    if (this.phase === 'post-copy') this.tellCompleted(null);
  }

  /** The guest goes on here for a while. */
  get leavesTime(): boolean {
    if (this.phase !== 'copying' || this.stoppedAtMs !== null) return false;
    if (this.disk && !this.sendsMemory) return true;
    const isFresh = performance.now() - this.answeredAt < nearMs.answer;
    const endsAtOnce = this.postCopy && this.pass > 1;
    return isFresh && !endsAtOnce && this.remainingMs > nearMs.remaining;
  }

  /** Whether the target still needs this process: killing it would kill the guest. */
  get isPushing(): boolean {
    return this.phase === 'post-copy';
  }

  /** true: the guest runs on here. false: it had completed. */
  async cancel(deadlineMs: number): Promise<boolean> {
    if (this.phase !== 'copying') return false;
    this.isCancelling = true;
    if (this.disk && !this.sendsMemory) void this.fail('cancelled');
    else await this.qmp.call('migrate_cancel', {}, deadlineMs);
    await this.whenOver(deadlineMs);
    return this.hasRunOn;
  }

  /** Resolves when the copy has ended, and rejects when it has not by then. */
  whenOver(deadlineMs: number): Promise<void> {
    if (this.phase === 'completed' || this.phase === 'over') return Promise.resolve();
    return new Promise((resolve, reject) => {
      const deadline = setTimeout(() => reject(new Error(`the copy did not end within ${deadlineMs} ms`)), deadlineMs);
      this.waiting.push(() => {
        clearTimeout(deadline);
        resolve();
      });
    });
  }

  /** The process is gone, or the agent leaves. */
  finish(): void {
    this.phase = 'over';
    this.endTimers();
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  private endTimers(): void {
    for (const timer of this.timers.splice(0)) clearInterval(timer);
  }

  private async query(): Promise<QueriedMigration> {
    const answer = await this.qmp.call<QueriedMigration>('query-migrate');
    await wakeCancelled(this.qmp, answer.status ?? '');
    if (this.disk && !this.sendsMemory && this.phase !== 'over') await this.tellDiskProgress(this.disk);
    else if (answer.ram && this.phase !== 'over') {
      const progress = progressOf(answer.ram);
      this.remainingMs = progress.bytesPerSecond > 0 ? (progress.remainingBytes * 1000) / progress.bytesPerSecond : 0;
      this.listener.progress(progress);
    }
    return answer;
  }

  private async tellDiskProgress(disk: DiskToTarget): Promise<void> {
    const progress = await disk.progress(performance.now() - this.beganAt);
    if (progress && this.phase === 'copying') this.listener.progress(progress);
  }

  private complete(atMs: number): void {
    // Of a guest that stood still before, and in post-copy, QEMU's own word is waited for.
    const isKnown = this.phase === 'copying' && this.stoppedAtMs !== null;
    this.phase = 'completed';
    this.endTimers();
    this.tellCompleted(isKnown ? Math.round(atMs - this.stoppedAtMs!) : null);
    for (const resolve of this.waiting.splice(0)) resolve();
    void this.measure(isKnown);
  }

  private tellCompleted(downtimeMs: number | null): void {
    if (this.wasTold) return;
    this.wasTold = true;
    this.listener.completed(downtimeMs);
  }

  /** QEMU computes its last figures only after it has told of the end, when this VMM may be gone already. */
  private async measure(isDowntimeKnown: boolean): Promise<void> {
    const endMs = performance.now() + measureWithinMs;
    while (performance.now() < endMs) {
      await sleep(measureEveryMs);
      const answer = await this.query().catch(() => undefined);
      if (!answer) return;
      if ((answer['total-time'] ?? 0) === 0) continue;
      if (!isDowntimeKnown) this.listener.measured(answer.downtime ?? 0);
      return;
    }
  }

  private async fail(status: string): Promise<void> {
    if (this.phase === 'over' || this.isFailing) return;
    this.isFailing = true;
    const answer = await this.query().catch(() => undefined);
    await this.disk?.drop().catch(() => undefined);
    this.hasRunOn = true;
    const wasAsked = status === 'cancelled' && this.isCancelling;
    const said = this.failure ?? answer?.['error-desc'] ?? '';
    await this.listener.ended(wasAsked ? null : migrationRefusal(said, this.guestName));
    this.finish();
  }
}

function progressOf(ram: NonNullable<QueriedMigration['ram']>): MigrationProgress {
  const bytesPerSecond = (ram.mbps * 1e6) / 8;
  const dirtyBytesPerSecond = ram['dirty-pages-rate'] * (ram['page-size'] ?? 4096);
  const gain = bytesPerSecond - dirtyBytesPerSecond;
  return {
    transferredBytes: ram.transferred,
    remainingBytes: ram.remaining,
    totalBytes: ram.total,
    bytesPerSecond,
    dirtyBytesPerSecond,
    iteration: ram['dirty-sync-count'],
    expectedEndMs: gain > 0 ? Math.ceil((ram.remaining * 1000) / gain) : null,
  };
}
