import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { mebibyte } from '@argosy/domain/units';
import { makePrivateFolder } from '../disk-files';
import { refuse } from '../refused';
import type { QmpClient } from './qmp';

export interface SavePlan {
  readonly memoryPath: string;
  /** A suspended guest ends with its memory written; that of a snapshot goes on. */
  readonly andEnd: boolean;
}

const bandwidthMiBPerSecond = 100_000;
const downtimeLimitMs = 10;
const lookEveryMs = 2;
/** For a memory of many GiB on a slow disk. */
const saveDeadlineMs = 1_800_000;
const cancelDeadlineMs = 10_000;

/** Within the quotes of a POSIX shell. */
function quoted(path: string): string {
  return `'${path.replaceAll("'", "'\\''")}'`;
}

/** Before version 8.2 QEMU has no files as ends of a migration: a shell writes them. It appears whole, on the disk, and for no other user. */
function writeTo(path: string): string {
  const half = `${path}.new`;
  return `exec:umask 077 && cat > ${quoted(half)} && sync ${quoted(half)} && mv ${quoted(half)} ${quoted(path)}`;
}

export function readFrom(path: string): string {
  return `exec:cat ${quoted(path)}`;
}

/**
 * A thread that pauses before its switch-over at the very moment of a cancel does not see the cancel and waits for ever:
 * QEMU 7.2 lets its lock go, and only then sets the state by which a cancel would know. What would let it go on wakes it, and
 * one call too many is forgotten at the next pause.
 */
export async function wakeCancelled(qmp: QmpClient, status: string): Promise<void> {
  if (status === 'cancelling') await qmp.call('migrate-continue', { state: status }).catch(() => undefined);
}

/** What a state has become while something was awaited. */
export function isAnyOf(value: string, ...wanted: readonly string[]): boolean {
  return wanted.includes(value);
}

/**
 * A migration into a file: memory is copied while the guest runs, and it stands still for the last of it only. At
 * `pre-switchover` it stands, and its disk is at the same moment as its memory.
 */
export class MemorySave {
  private status = '';
  private stoppedAt: number | null = null;

  constructor(
    private readonly qmp: QmpClient,
    private readonly memoryPath: string,
  ) {}

  onStatus(status: string): void {
    this.status = status;
  }

  onStopped(): void {
    this.stoppedAt ??= performance.now();
  }

  /** From beginning to end: how long the guest stood still. What fails leaves nothing, and the guest as it was. */
  async whole(plan: SavePlan, wasRunning: boolean, atStandstill: () => Promise<void>): Promise<number> {
    try {
      await this.run(atStandstill);
      if (!plan.andEnd) return await this.resume(wasRunning);
      await this.untilWhole();
      return 0;
    } catch (error) {
      await this.undo(wasRunning).catch(() => undefined);
      throw error;
    }
  }

  private async run(atStandstill: () => Promise<void>): Promise<void> {
    const { qmp, memoryPath } = this;
    await makePrivateFolder(dirname(memoryPath));
    await rm(`${memoryPath}.new`, { force: true });
    await this.setCapabilities(true);
    await qmp.call('migrate-set-parameters', {
      'max-bandwidth': bandwidthMiBPerSecond * mebibyte,
      'downtime-limit': downtimeLimitMs,
      'tls-creds': '',
    });
    await qmp.call('migrate', { uri: writeTo(memoryPath) });
    await this.until('pre-switchover');
    await atStandstill();
    await qmp.call('migrate-continue', { state: 'pre-switchover' });
    await this.until('completed');
  }

  /** How long the guest stood still. The file is whole a little later. */
  private async resume(wasRunning: boolean): Promise<number> {
    if (wasRunning) await this.qmp.call('cont');
    const pauseMs = this.stoppedAt === null ? 0 : performance.now() - this.stoppedAt;
    await this.untilWhole();
    await this.setCapabilities(false);
    return pauseMs;
  }

  /** Nothing is left of it, and the guest is as it was before. */
  async undo(wasRunning: boolean): Promise<void> {
    const { qmp } = this;
    await qmp.call('migrate_cancel').catch(() => undefined);
    for (let waitedMs = 0; waitedMs < cancelDeadlineMs; waitedMs += lookEveryMs) {
      const { status = 'none' } = await qmp.call<{ status?: string }>('query-migrate');
      if (isAnyOf(status, 'none', 'cancelled', 'failed', 'completed')) break;
      await wakeCancelled(qmp, status);
      await sleep(lookEveryMs);
    }
    if (wasRunning) await qmp.call('cont');
    await this.setCapabilities(false);
    for (const path of [this.memoryPath, `${this.memoryPath}.new`]) await rm(path, { force: true });
  }

  /** Of a save that an earlier agent began: whether all of it is there. */
  async settle(isWanted: boolean): Promise<boolean> {
    const { status = 'none' } = await this.qmp.call<{ status?: string }>('query-migrate');
    if (!isWanted || status !== 'completed') return false;
    await this.untilWhole().catch(() => undefined);
    return existsSync(this.memoryPath);
  }

  private async untilWhole(): Promise<void> {
    for (let waitedMs = 0; !existsSync(this.memoryPath); waitedMs += lookEveryMs) {
      if (waitedMs > saveDeadlineMs || (waitedMs > 1_000 && !existsSync(`${this.memoryPath}.new`)))
        throw refuse('vmm-failed', `the memory could not be written to ${this.memoryPath}; is there room?`);
      await sleep(lookEveryMs);
    }
  }

  private async until(wanted: string): Promise<void> {
    for (let waitedMs = 0; !isAnyOf(this.status, wanted); waitedMs += lookEveryMs) {
      if (waitedMs > saveDeadlineMs || isAnyOf(this.status, 'failed', 'cancelled')) {
        const answer = await this.qmp.call<{ 'error-desc'?: string }>('query-migrate');
        throw new Error(`the memory could not be saved: ${answer['error-desc'] ?? this.status}`);
      }
      await sleep(lookEveryMs);
    }
  }

  private async setCapabilities(isSaving: boolean): Promise<void> {
    const wanted = {
      events: true,
      'pause-before-switchover': isSaving,
      'return-path': false,
      'postcopy-ram': false,
      'auto-converge': isSaving,
    };
    const capabilities = Object.entries(wanted).map(([capability, state]) => ({ capability, state }));
    await this.qmp.call('migrate-set-capabilities', { capabilities });
  }
}
