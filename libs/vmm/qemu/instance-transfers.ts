import { setTimeout as sleep } from 'node:timers/promises';
import type { GuestSpecification } from '@argosy/domain/guest-specification';
import type { VmmEvent, VmmInstance, VmmState } from '@argosy/control/ports/vmm-driver';
import { setEncryption } from './encryption';
import type { GuestLinks } from '../guest-link';
import { listen, type Listening, type Listens } from './incoming';
import type { InstanceFolder, InstanceRecord } from './instance-folder';
import { isAnyOf, MemorySave, readFrom, type SavePlan } from './memory-save';
import { isPostCopyAllowed, OutgoingMigration, type QueriedMigration, type Sending } from './outgoing';
import type { ProcessorLimits } from './processor-limits';
import { refuse } from '../refused';
import type { QmpClient, QmpEvent } from './qmp';
import { runStates } from './run-states';

/** An instance as far as its memory comes and goes. */
export interface TransferringVmm {
  state: VmmState;
  onBlockJob: ((event: QmpEvent) => void) | null;
  readonly id: VmmInstance;
  readonly key: string;
  readonly guest: GuestSpecification;
  readonly record: InstanceRecord;
  readonly folder: InstanceFolder;
  readonly diskNode: string;
  /** null: it does not answer now. */
  readonly monitor: QmpClient | null;
  readonly host: {
    readonly limits: ProcessorLimits;
    readonly links: GuestLinks;
    tell(event: VmmEvent): void;
  };
  isAlive(): boolean;
  keep(change: Partial<InstanceRecord>): void;
  requireQmp(): QmpClient;
  settleConsole(): Promise<void>;
  drainConsole(): Promise<void>;
  takeTyped(): string;
  destroy(): Promise<void>;
  endTorn(): void;
}

const cancelDeadlineMs = 5000;
const restoreDeadlineMs = 600_000;
/** How long a destroyed source of a post-copy may go on sending what its target still needs. */
const pushDeadlineMs = 60_000;
const lookEveryMs = 5;

/** How the memory of one instance leaves it and comes to it: in a migration, or by a file. */
export class InstanceTransfers {
  private outgoing: OutgoingMigration | null = null;
  private saving: MemorySave | null = null;

  constructor(private readonly vmm: TransferringVmm) {}

  /** The process is gone, or the agent leaves. */
  finish(): void {
    this.outgoing?.finish();
  }

  /** A migration is under way, and its switch-over is not near. */
  get leavesTime(): boolean {
    return this.outgoing?.leavesTime ?? false;
  }

  /** A target may still need this process: killing it would kill the guest. */
  async whenPushed(): Promise<void> {
    if (this.outgoing?.isPushing) await this.outgoing.whenOver(pushDeadlineMs).catch(() => undefined);
  }

  onPass(pass: number): void {
    this.outgoing?.onPass(pass);
  }

  onStopped(atMs: number): void {
    this.saving?.onStopped();
    this.outgoing?.onStopped(atMs);
  }

  /** Loads the guest's memory from its file; it stands still. */
  async load(memoryPath: string): Promise<void> {
    const qmp = this.vmm.requireQmp();
    this.vmm.state = 'incoming';
    await qmp.call('migrate-incoming', { uri: readFrom(memoryPath) });
    for (let waitedMs = 0; !isAnyOf(this.vmm.state, 'received'); waitedMs += lookEveryMs) {
      if (waitedMs > restoreDeadlineMs || !this.vmm.isAlive())
        throw refuse('vmm-failed', `${this.vmm.guest.name}: its memory cannot be loaded from ${memoryPath}`);
      await sleep(lookEveryMs);
    }
  }

  /** The memory into a file and, at the same moment, whatever `atStandstill` does; then the guest goes on, or ends. */
  async save(plan: SavePlan, atStandstill: (qmp: QmpClient) => Promise<void> = async () => undefined): Promise<number> {
    await this.vmm.drainConsole();
    const before = this.vmm.state;
    if (before !== 'running' && before !== 'paused')
      throw refuse('guest-not-running', `${this.vmm.guest.name} has no memory to be saved: it is ${before}`);
    const qmp = this.vmm.requireQmp();
    this.vmm.keep({ saving: { ...plan, wasRunning: before === 'running' } });
    this.vmm.state = 'sending';
    this.vmm.host.limits.suspend(this.vmm.key, true);
    this.saving = new MemorySave(qmp, plan.memoryPath);
    try {
      const pauseMs = await this.saving.whole(plan, before === 'running', () => atStandstill(qmp));
      if (plan.andEnd) await this.vmm.destroy();
      return pauseMs;
    } finally {
      this.saving = null;
      if (this.vmm.isAlive()) {
        this.vmm.keep({ saving: null });
        this.vmm.state = before;
        this.vmm.host.limits.suspend(this.vmm.key, false);
      }
    }
  }

  /** What an agent's death cut short is undone, and can be begun anew; what was to end the guest and is whole ends it. */
  async endSave(plan: NonNullable<InstanceRecord['saving']>): Promise<void> {
    const save = new MemorySave(this.vmm.requireQmp(), plan.memoryPath);
    if (await save.settle(plan.andEnd)) return this.vmm.destroy();
    await save.undo(plan.wasRunning);
    this.vmm.keep({ saving: null });
    this.vmm.state = plan.wasRunning ? 'running' : 'paused';
  }

  /** Value: where this instance listens, and where it takes its disk if that comes too. */
  async listen(listening: Listening): Promise<Listens> {
    const qmp = this.vmm.requireQmp();
    this.vmm.state = 'incoming';
    return listen(qmp, this.vmm.folder, { ...listening, takesDisk: Boolean(this.vmm.record.copyPath) });
  }

  async sendOut({ policy, key, uri, disk }: Sending): Promise<void> {
    const before = this.vmm.state;
    if (before !== 'running' && before !== 'paused')
      throw refuse('guest-not-running', `${this.vmm.guest.name} cannot be copied from here: it is ${before}`);
    this.vmm.requireQmp();
    this.vmm.state = 'sending';
    this.vmm.host.limits.suspend(this.vmm.key, true);
    if (disk) this.vmm.keep({ sendsDisk: true });
    try {
      await this.vmm.settleConsole();
      await setEncryption(this.vmm.requireQmp(), { folder: this.vmm.folder, endpoint: 'client', key });
      const outgoing = this.watchOutgoing(policy.postCopy);
      await outgoing.start({ uri, policy, encrypted: key !== null, disk, device: this.vmm.diskNode });
    } catch (error) {
      this.vmm.host.limits.suspend(this.vmm.key, false);
      if (disk) this.vmm.keep({ sendsDisk: false });
      this.outgoing = null;
      this.vmm.state = before;
      throw error;
    }
  }

  async cancel(): Promise<boolean> {
    if (!this.outgoing) return this.vmm.state === 'running' || this.vmm.state === 'paused';
    return this.outgoing.cancel(cancelDeadlineMs);
  }

  private watchOutgoing(postCopy: boolean): OutgoingMigration {
    const instance = this.vmm.id;
    this.outgoing = new OutgoingMigration(this.vmm.requireQmp(), this.vmm.guest.name, postCopy, {
      progress: (progress) => this.vmm.host.tell({ kind: 'migration-progress', instance, progress }),
      mirrored: () => this.vmm.host.tell({ kind: 'disk-mirrored', instance }),
      stuck: () => this.vmm.host.tell({ kind: 'migration-stuck', instance }),
      completed: (downtimeMs) => {
        this.vmm.state = 'sent';
        this.vmm.host.tell({ kind: 'migration-completed', instance, downtimeMs, typed: this.vmm.takeTyped() });
      },
      measured: (downtimeMs) => this.vmm.host.tell({ kind: 'migration-measured', instance, downtimeMs }),
      ended: async (refusal) => {
        this.outgoing = null;
        if (this.vmm.record.sendsDisk) this.vmm.keep({ sendsDisk: false });
        await this.seeWhetherItRuns();
        this.vmm.host.limits.suspend(this.vmm.key, false);
        if (refusal) this.vmm.host.tell({ kind: 'migration-failed', instance, refusal });
      },
    });
    this.vmm.onBlockJob = (event) => this.outgoing?.onEvent(event);
    return this.outgoing;
  }

  /** In a post-copy the guest may have stopped here, and this process is still needed. */
  async resumeOutgoing(migration: QueriedMigration, runState: string): Promise<void> {
    const postCopy = await isPostCopyAllowed(this.vmm.requireQmp());
    this.watchOutgoing(postCopy).watch(migration);
    if (this.outgoing?.isPushing && runState !== 'running') this.vmm.state = 'sent';
    if (this.vmm.record.sendsDisk) await this.outgoing?.adoptDisk(migration.status ?? '');
  }

  /** An agent that died while only the disk went over has begun nothing that the guest would miss. */
  async dropSentDisk(): Promise<void> {
    await this.watchOutgoing(false).abandonDisk();
    this.outgoing = null;
    this.vmm.keep({ sendsDisk: false });
  }

  private async seeWhetherItRuns(): Promise<void> {
    const answer = await this.vmm.monitor?.call<{ status: string }>('query-status').catch(() => undefined);
    if (this.vmm.isAlive()) this.vmm.state = runStates[answer?.status ?? 'running'] ?? 'running';
  }

  onStatus(status: string, atMs: number): void {
    if (this.saving) this.saving.onStatus(status);
    else if (this.outgoing) this.outgoing.onStatus(status, atMs);
    else if (status === 'completed') this.received();
    else if (status === 'postcopy-active') void this.watchPostCopyArrival();
    else if (status === 'postcopy-paused') this.vmm.endTorn();
  }

  private received(): void {
    if (this.vmm.state !== 'incoming') return;
    this.vmm.state = 'received';
    this.vmm.host.links.arrived(this.vmm.id, this.vmm.guest.network);
    this.vmm.host.tell({ kind: 'incoming-completed', instance: this.vmm.id });
  }

  /** In post-copy no event tells that the processors' state is here and the guest could run: its run state does. */
  private async watchPostCopyArrival(): Promise<void> {
    while (this.vmm.state === 'incoming' && this.vmm.monitor) {
      const answer = await this.vmm.monitor.call<{ status: string }>('query-status').catch(() => undefined);
      if (!answer) return;
      if (answer.status !== 'inmigrate') this.received();
      else await sleep(1);
    }
  }
}
