import type { MigrationProgress } from '@argosy/domain/entities';
import type { MigrationPolicy } from '@argosy/domain/policies';
import { mebibyte } from '@argosy/domain/units';
import type { Instant } from '@argosy/domain/units';
import type { Timer, VirtualClock } from './clock';
import { dirtyBytesPerMs, touchedMiB } from './model-guest';
import type { ModelInstance, Passage } from './model-instance';
import type { ModelNetwork } from './network';

const progressIntervalMs = 100;
/** What the switch-over takes beyond the rest of the memory: devices, block layer, the return path. */
const switchOverMs = 2;
/** How soon a source notices that its target is gone. */
const noticeMs = 27;
const stuckAfterMs = 4_000;
/** QEMU's own figure of the downtime is ready this long after the end. */
const measuredMs = 100;
const throttleStep = 0.1;
const firstThrottle = 0.2;
const mostThrottle = 0.99;

export interface TransferPlan {
  readonly policy: MigrationPolicy;
  /** Its disk first, and then every write to both. */
  readonly withDisk: boolean;
}

export interface TransferSite {
  readonly clock: VirtualClock;
  readonly network: ModelNetwork;
  /** A fault's hook: memory and lock have changed sides, and no agent has heard of it. */
  readonly onHandOver: ((guestId: string) => void) | null;
}

/**
 * Pre-copy as QEMU does it: rounds over the memory that was dirtied in the round before, until what is left fits into
 * the downtime limit; then the guest stops, and the rest goes over. A guest that dirties faster than the link carries
 * never gets there: auto-converge slows it down by and by, and post-copy lets the target run first and pull the rest.
 */
export class Transfer implements Passage {
  private readonly startedAt: Instant;
  private readonly wasHeld: boolean;
  private sentBytes = 0;
  private leftInRound: number;
  private dirtiedInRound = 0;
  private isStuck = false;
  private iteration = 1;
  private throttle = 0;
  private reportedAt: Instant;
  private timer: Timer | null = null;
  private stage: 'disk' | 'copying' | 'switching' | 'pulling' | 'over' = 'copying';
  private readonly policy: MigrationPolicy;

  constructor(
    private readonly source: ModelInstance,
    private readonly target: ModelInstance,
    { policy, withDisk }: TransferPlan,
    private readonly site: TransferSite,
  ) {
    this.policy = policy;
    this.startedAt = this.reportedAt = site.clock.now;
    this.wasHeld = source.held;
    source.state = 'sending';
    source.passage = target.passage = this;
    if (withDisk) this.stage = 'disk';
    if (withDisk) this.iteration = 0;
    this.leftInRound = withDisk ? source.disk.sizeMiB * mebibyte : this.totalBytes();
    this.advance();
  }

  /** All of the disk is over: from now on every write goes to both. */
  private mirror(): void {
    const { source, target } = this;
    source.machine.site.datastore.mirrorTo(source.disk, target.disk);
    source.machine.tell({ kind: 'disk-mirrored', instance: source.id });
    this.stage = 'copying';
    this.iteration = 1;
    this.dirtiedInRound = 0;
    this.leftInRound = this.totalBytes();
    this.advance();
  }

  /** Post-copy's target runs while the source still holds pages that it needs. */
  pulling(): boolean {
    return this.stage === 'pulling';
  }

  /** false: it had completed. */
  cancel(): boolean | null {
    if (this.isStuck) return null;
    if (this.stage === 'pulling' || this.stage === 'over') return false;
    this.giveBack();
    this.target.die('crashed', 'the migration was cancelled');
    return true;
  }

  /** What sends the memory after the disk is the agent, and it is gone: the guest runs on, and it is begun anew. */
  agentReturned(source: object): void {
    if (source === this.source && this.stage === 'disk') this.giveBack();
  }

  endDied(instance: object): void {
    if (this.stage === 'over') return;
    const { stage } = this;
    if (instance === this.source) {
      this.end();
      this.target.die(
        'crashed',
        stage === 'pulling' ? 'the source died before all of the memory had come' : 'the migration stream ended early',
      );
      return;
    }
    if (stage === 'pulling') {
      // What ran was on the target; the source's copy is older and not whole.
      this.source.memory = null;
      return this.end();
    }
    if (this.isStuck) this.source.thaw();
    this.isStuck = false;
    this.stage = 'switching';
    this.timer?.cancel();
    this.timer = this.site.clock.after(noticeMs, () => {
      this.giveBack();
      const refusal = { code: 'target-lost', message: 'the target of the migration is gone' } as const;
      this.source.machine.tell({ kind: 'migration-failed', instance: this.source.id, refusal });
    });
  }

  private totalBytes(): number {
    return touchedMiB(this.source.memory!, this.source.guest.memoryMiB) * mebibyte;
  }

  private bytesPerMs(): number {
    if (this.source.frozen || this.target.frozen) return 0;
    const linkMiBPerSecond = this.site.network.mibPerSecond(this.source.machine.name, this.target.machine.name);
    return (Math.min(linkMiBPerSecond, this.policy.bandwidthMiBPerSecond) * mebibyte) / 1000;
  }

  private dirtyBytesPerMs(): number {
    return this.source.executes() ? dirtyBytesPerMs(this.source.memory!) * (1 - this.throttle) : 0;
  }

  /** A VMM in a handshake (TLS) with a target that does not answer does nothing else, and its guest stands still. */
  private hang(): void {
    this.isStuck = true;
    this.source.freeze();
    this.site.clock.after(stuckAfterMs, () => {
      if (this.isStuck) this.source.machine.tell({ kind: 'migration-stuck', instance: this.source.id });
    });
  }

  private advance(): void {
    if (this.policy.encrypted && this.sentBytes === 0 && this.target.frozen && !this.isStuck) this.hang();
    const rate = this.bytesPerMs();
    if (rate === 0) return this.later(progressIntervalMs, () => this.advance());
    const chunkMs = Math.max(1, Math.min(progressIntervalMs, Math.ceil(this.leftInRound / rate)));
    this.later(chunkMs, () => {
      const moved = Math.min(this.leftInRound, rate * chunkMs);
      this.sentBytes += moved;
      this.leftInRound -= moved;
      const area = (this.source.memory?.areaMiB ?? 0) * mebibyte;
      this.dirtiedInRound = Math.min(area, this.dirtiedInRound + this.dirtyBytesPerMs() * chunkMs);
      this.report(rate);
      if (this.leftInRound > 0) this.advance();
      else this.endRound(rate);
    });
  }

  private endRound(rate: number): void {
    if (this.stage === 'disk') return this.mirror();
    this.leftInRound = this.dirtiedInRound;
    this.dirtiedInRound = 0;
    const restMs = this.leftInRound / rate;
    if (restMs <= this.policy.downtimeLimitMs) return this.switchOver(Math.ceil(restMs) + switchOverMs);
    if (this.policy.postCopy) return this.pull(rate);
    this.iteration++;
    if (this.policy.autoConverge && this.iteration > 2 && this.dirtyBytesPerMs() > rate / 2) {
      this.throttle = this.throttle === 0 ? firstThrottle : Math.min(mostThrottle, this.throttle + throttleStep);
    }
    this.advance();
  }

  private switchOver(downtimeMs: number): void {
    this.stage = 'switching';
    this.source.stopRunning('sending');
    this.later(downtimeMs, () => this.finish(downtimeMs));
  }

  private finish(downtimeMs: number): void {
    if (this.bytesPerMs() === 0)
      return this.later(progressIntervalMs, () => this.finish(downtimeMs + progressIntervalMs));
    this.sentBytes += this.leftInRound;
    this.leftInRound = 0;
    this.handOver(downtimeMs);
    this.end();
    this.site.onHandOver?.(this.source.id.guestId);
  }

  private pull(rate: number): void {
    this.stage = 'switching';
    this.source.stopRunning('sending');
    this.later(switchOverMs, () => this.beginPulling(rate, switchOverMs));
  }

  private beginPulling(rate: number, downtimeMs: number): void {
    if (this.bytesPerMs() === 0)
      return this.later(progressIntervalMs, () => this.beginPulling(rate, downtimeMs + progressIntervalMs));
    this.stage = 'pulling';
    this.handOver(downtimeMs);
    this.site.onHandOver?.(this.source.id.guestId);
    if (this.stage === 'pulling') this.later(Math.ceil(this.leftInRound / rate), () => this.end());
  }

  /** The memory is on the target and the disk's lock with it, in one instant: the return path makes QEMU's source wait for that. */
  private handOver(downtimeMs: number): void {
    const { source, target } = this;
    const { datastore } = source.machine.site;
    target.memory = { ...source.memory! };
    datastore.unlock(source.disk, source);
    datastore.lock(target.disk, target);
    source.state = 'sent';
    source.held = true;
    target.state = 'received';
    target.held = true;
    target.machine.tell({ kind: 'incoming-completed', instance: target.id });
    const typed = source.takeUnread();
    source.machine.tell({ kind: 'migration-completed', instance: source.id, downtimeMs: null, typed });
    this.site.clock.after(measuredMs, () =>
      source.machine.tell({ kind: 'migration-measured', instance: source.id, downtimeMs }),
    );
  }

  private giveBack(): void {
    this.end();
    if (!this.source.alive()) return;
    if (!this.wasHeld) this.source.run();
    else this.source.state = 'paused';
  }

  private end(): void {
    this.timer?.cancel();
    this.stage = 'over';
    this.source.disk.mirror = null;
    this.source.passage = this.target.passage = null;
  }

  private later(delayMs: number, run: () => void): void {
    this.timer = this.site.clock.after(delayMs, run);
  }

  private report(rate: number): void {
    if (this.site.clock.now - this.reportedAt < progressIntervalMs) return;
    this.reportedAt = this.site.clock.now;
    this.source.machine.tell({ kind: 'migration-progress', instance: this.source.id, progress: this.progress(rate) });
  }

  private progress(rate: number): MigrationProgress {
    const dirty = this.dirtyBytesPerMs();
    const remainingBytes = Math.round(this.leftInRound + this.dirtiedInRound);
    return {
      transferredBytes: Math.round(this.sentBytes),
      remainingBytes,
      totalBytes: this.source.guest.memoryMiB * mebibyte,
      bytesPerSecond: Math.round((this.sentBytes * 1000) / (this.site.clock.now - this.startedAt)),
      dirtyBytesPerSecond: Math.round(dirty * 1000),
      iteration: this.iteration,
      expectedEndMs: dirty < rate ? Math.ceil(remainingBytes / (rate - dirty)) : null,
    };
  }
}
