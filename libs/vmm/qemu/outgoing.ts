import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MigrationPolicy, MigrationProgress } from '@argosy/domain/entities';
import type { Refusal } from '@argosy/domain/refusal';
import { mebibyte } from '@argosy/domain/units';
import type { InstanceFolder } from './instance-folder';
import { migrationRefusal } from './qemu-refusal';
import type { QmpClient } from './qmp';

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
  /** All that the target needs to run is sent. In post-copy the rest of the memory follows. */
  completed(): void;
  /** QEMU's own loop waits for the other side: it answers nothing, and the guest may stand still. */
  stuck(): void;
  measured(downtimeMs: number): void;
  /** null: cancelled, as was asked. */
  ended(refusal: Refusal | null): Promise<void>;
}

export function isUnderWay({ status = '' }: QueriedMigration): boolean {
  return ['setup', 'active', 'device', 'pre-switchover', 'postcopy-active'].includes(status);
}

export async function isPostCopyAllowed(qmp: QmpClient): Promise<boolean> {
  const capabilities = await qmp.call<{ capability: string; state: boolean }[]>('query-migrate-capabilities');
  return capabilities.some(({ capability, state }) => capability === 'postcopy-ram' && state);
}

const progressEveryMs = 100;
const stuckAfterMs = 4_000;
const measureEveryMs = 5;
const measureWithinMs = 500;

/** Both sides must agree on these. No late-block-activate: the target takes the disk's lock before it may run. */
export function migrationCapabilities(policy: MigrationPolicy): {
  capabilities: { capability: string; state: boolean }[];
} {
  const wanted = {
    events: true,
    'return-path': true,
    'late-block-activate': false,
    'postcopy-ram': policy.postCopy,
    'auto-converge': policy.autoConverge,
  };
  return { capabilities: Object.entries(wanted).map(([capability, state]) => ({ capability, state })) };
}

/** sockaddr_un holds 108 bytes, with the 0 at the end. */
const longestSocketPath = 107;

/**
 * A loopback address is reached from this machine only, and there a unix socket does better: over TCP the last small segment
 * of a migration waits for a delayed acknowledgement (QEMU sets no TCP_NODELAY), which costs 40 ms of downtime.
 */
export function incomingUri(folder: InstanceFolder, listenAddress: string): string {
  const path = join(folder.path, 'migration');
  const isLoopback = listenAddress.startsWith('127.');
  return isLoopback && Buffer.byteLength(path) <= longestSocketPath ? `unix:${path}` : `tcp:${listenAddress}:0`;
}

/** The source's side of one live migration: starts it, watches it, and knows how it ended. */
export class OutgoingMigration {
  private phase: 'copying' | 'post-copy' | 'completed' | 'over' = 'copying';
  private isCancelling = false;
  private hasRunOn = false;
  private wasTold = false;
  private wasStuck = false;
  private isAsking = false;
  private answeredAt = 0;
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly qmp: QmpClient,
    private readonly guestName: string,
    /** Begins post-copy when all of the memory has gone over once. */
    private readonly postCopy: boolean,
    private readonly listener: OutgoingListener,
  ) {}

  async start(uri: string, policy: MigrationPolicy): Promise<void> {
    await Promise.all([
      this.qmp.call('migrate-set-capabilities', migrationCapabilities(policy)),
      this.qmp.call('migrate-set-parameters', {
        'max-bandwidth': policy.bandwidthMiBPerSecond * mebibyte,
        // Without it what is pushed after the switch-over knows no limit.
        'max-postcopy-bandwidth': policy.bandwidthMiBPerSecond * mebibyte,
        'downtime-limit': policy.downtimeLimitMs,
      }),
    ]);
    this.watch();
    // Of a host that lost its power nothing is heard, and a handshake with it would wait for ever.
    const kept = uri.startsWith('tcp:') ? `${uri},keep-alive=on` : uri;
    await this.qmp.call('migrate', { uri: kept }).catch((error: unknown) => {
      this.finish();
      throw error;
    });
  }

  /** `begun`: a copy that an earlier agent began, as QEMU tells of it now. */
  watch(begun?: QueriedMigration): void {
    if (begun?.status === 'postcopy-active') this.phase = 'post-copy';
    this.onPass(begun?.ram?.['dirty-sync-count'] ?? 0);
    this.answeredAt = performance.now();
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

  /** The source's MIGRATION events. */
  onStatus(status: string): void {
    if (status === 'postcopy-active') this.phase = 'post-copy';
    if (status === 'completed') this.complete();
    // The target is gone, and there is nobody to send the rest to.
    if (status === 'postcopy-paused') this.finish();
    if (status === 'failed' || status === 'cancelled') void this.fail(status);
  }

  /** A pass over the memory has begun: at the second, all of it has gone over once. */
  onPass(pass: number): void {
    if (pass < 2 || !this.postCopy || this.phase !== 'copying') return;
    this.qmp.call('migrate-start-postcopy').catch(() => undefined);
  }

  /** The guest has stopped here. In post-copy that is when the target may run. */
  onStopped(): void {
    if (this.phase === 'post-copy') this.tellCompleted();
  }

  /** Whether the target still needs this process: killing it would kill the guest. */
  get isPushing(): boolean {
    return this.phase === 'post-copy';
  }

  /** true: the guest runs on here. false: it had completed. */
  async cancel(deadlineMs: number): Promise<boolean> {
    if (this.phase !== 'copying') return false;
    this.isCancelling = true;
    await this.qmp.call('migrate_cancel', {}, deadlineMs);
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
    if (answer.ram && this.phase !== 'over') {
      this.listener.progress(progressOf(answer.ram));
    }
    return answer;
  }

  private complete(): void {
    this.phase = 'completed';
    this.endTimers();
    this.tellCompleted();
    for (const resolve of this.waiting.splice(0)) resolve();
    void this.measure();
  }

  private tellCompleted(): void {
    if (this.wasTold) return;
    this.wasTold = true;
    this.listener.completed();
  }

  /** QEMU computes its figures only after it has told of the end. */
  private async measure(): Promise<void> {
    const endMs = performance.now() + measureWithinMs;
    while (performance.now() < endMs) {
      await sleep(measureEveryMs);
      const answer = await this.query().catch(() => undefined);
      if (!answer) return;
      if ((answer['total-time'] ?? 0) > 0) {
        this.listener.measured(answer.downtime ?? 0);
        return;
      }
    }
  }

  private async fail(status: string): Promise<void> {
    if (this.phase === 'over') return;
    const answer = await this.query().catch(() => undefined);
    this.hasRunOn = true;
    const wasAsked = status === 'cancelled' && this.isCancelling;
    await this.listener.ended(wasAsked ? null : migrationRefusal(answer?.['error-desc'] ?? '', this.guestName));
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
