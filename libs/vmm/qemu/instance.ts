import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Refusal } from '@argosy/domain/refusal';
import type { GuestSpecification } from '@argosy/domain/guest-specification';
import type { Instant } from '@argosy/domain/units';
import type { VmmEvent, VmmInstance, VmmSample, VmmState } from '@argosy/control/ports/vmm-driver';
import { instanceFiles } from './command-line';
import { InstanceTransfers } from './instance-transfers';
import type { SavePlan } from './memory-save';
import { InstanceConsole } from './instance-console';
import { hasReadAll, unheard } from './serial-port';
import type { GuestLinks } from '../guest-link';
import type { InstanceFolder, InstanceRecord } from './instance-folder';
import { isArriving, isUnderWay, type QueriedMigration, type Sending } from './outgoing';
import { bootId, isRunning, signalProcess } from '../process-table';
import { spawnVmm } from './spawn-vmm';
import type { ProcessorLimits } from './processor-limits';
import { handingOver, refuse } from '../refused';
import { endRelocation } from './relocate-disk';
import { diskRefusal, runStates, shutdownReasons, torn } from './run-states';
import { InstanceUsage } from './instance-usage';
import { type Listening, type Listens, takeDisk } from './incoming';
import { connectSocket, QmpClient, QmpClosed } from './qmp';
import type { QmpEvent } from './qmp';

export interface InstanceHost {
  readonly limits: ProcessorLimits;
  readonly links: GuestLinks;
  now(): Instant;
  tell(event: VmmEvent): void;
}

const connectDeadlineMs = 10_000;
const adoptDeadlineMs = 3000;
const reconnectEveryMs = 1000;
const lookForEndEveryMs = 5;
const killedWithinMs = 5000;
const settleWithinMs = 200;
/** It runs on meanwhile. */
const drainWithinMs = 2_000;

/** One QEMU process with its guest: its connections, its state, and what happens to it by itself. */
export class QemuInstance {
  state: VmmState = 'starting';
  /** Calls that take effect in the order given wait here for the one before. */
  lane: Promise<unknown> = Promise.resolve();
  /** Who moves its disk. */
  onBlockJob: ((event: QmpEvent) => void) | null = null;
  private qmp: QmpClient | null = null;
  private readonly console: InstanceConsole;
  private threadIds: number[] = [];
  private readonly transfers = new InstanceTransfers(this);
  private readonly usage = new InstanceUsage();
  private end: { readonly how: 'stopped' | 'crashed'; readonly reason: string } | null = null;
  private exitReason = '';
  private pauseReason = '';
  private pauseRefusal: Refusal | null = null;
  /** How often QEMU has stopped the guest. */
  private stops = 0;
  private standsStill = false;
  private resuming: Promise<void> | null = null;
  private reconnecting: Promise<void> | null = null;
  /** The agent has not heard of it yet, and asks for its state. */
  private isAdopting = false;
  /** The agent leaves, or has died as far as its guests know: what it still does is nobody's. */
  isDetached = false;
  private isDoomed = false;
  /** Until its start or its opening for a migration is done: till then a failure is that call's answer and no event. */
  private isOpening = false;
  private gone: (() => void)[] = [];

  constructor(
    readonly host: InstanceHost,
    readonly folder: InstanceFolder,
    public record: InstanceRecord,
  ) {
    this.console = new InstanceConsole(host, this.id, {
      isEmpty: () => hasReadAll(this.requireQmp(), this.guest.architecture),
      mayHear: () => this.state === 'running' || (this.state === 'sending' && this.transfers.leavesTime),
    });
  }

  get id(): VmmInstance {
    return { guestId: this.record.guest.guestId, epoch: this.record.epoch };
  }

  get guest(): GuestSpecification {
    return this.record.guest;
  }

  get monitor(): QmpClient | null {
    return this.qmp;
  }

  get diskNode(): string {
    return this.record.diskNode ?? 'disk';
  }

  get key(): string {
    return `${this.record.guest.guestId}:${this.record.epoch}`;
  }

  isAlive(): boolean {
    return this.state !== 'stopped' && this.state !== 'crashed';
  }

  // ---- Beginning and end ----

  /** Starts the process, stopped before its first instruction, and connects to it. */
  async open(binary: string, parameters: readonly string[]): Promise<void> {
    this.isOpening = true;
    this.folder.make();
    this.folder.write(this.record);
    if (this.isDoomed) throw refuse('vmm-failed', `${this.guest.name} was stopped before its VMM was started`);
    this.spawn(binary, parameters);
    await this.connect(connectDeadlineMs);
    // The tap is there once QEMU answers.
    await this.host.links.attach(this.id);
    this.applyLimit();
  }

  opened(): void {
    this.isOpening = false;
  }

  private spawn(binary: string, parameters: readonly string[]): void {
    const process = spawnVmm(this.folder, { binary, parameters }, (reason) => {
      this.exitReason = reason;
      void this.watchEnd();
    });
    this.keep({ process, bootId: bootId() });
  }

  /** Connects to a VMM that an earlier agent started. */
  async adopt(): Promise<void> {
    const process = this.folder.findProcess(this.record);
    if (!process) {
      this.state = this.record.ended ?? 'crashed';
      return;
    }
    this.keep({ process });
    signalProcess(process, 'SIGCONT');
    this.isAdopting = true;
    await Promise.race([this.reconnect(), sleep(adoptDeadlineMs, undefined, { ref: false })]);
    this.isAdopting = false;
    // It lives, holds its disk and does not answer: that is what we say, and we go on asking.
    if (this.state === 'starting') this.state = 'paused';
  }

  private async connect(deadlineMs: number): Promise<void> {
    const { process } = this.record;
    if (!process) throw new Error('there is no process to connect to');
    // Through the process' own working folder, for a socket's path may have 107 characters only.
    const socket = (name: string) => () => `/proc/${process.pid}/cwd/${name}`;
    const alive = () => !this.isDetached && isRunning(process);
    const qmp = await QmpClient.connect({
      path: socket(instanceFiles.qmp),
      deadlineMs,
      alive,
      onEvent: (event) => this.onEvent(event),
      onClose: () => void this.watchEnd(),
    });
    this.qmp = qmp;
    const [console, processors] = await Promise.all([
      connectSocket({ path: socket(instanceFiles.serial), deadlineMs, alive }),
      qmp.call<{ 'thread-id': number }[]>('query-cpus-fast'),
      // Events of a migration are a capability, and off at first.
      qmp
        .call('migrate-set-capabilities', { capabilities: [{ capability: 'events', state: true }] })
        .catch(() => undefined),
    ]);
    this.threadIds = processors.map((processor) => processor['thread-id']);
    this.console.listen(console);
  }

  /** Where the guest stands, and a migration that was begun by the agent before. */
  private async recognize(): Promise<void> {
    const qmp = this.requireQmp();
    const [{ status }, migration] = await Promise.all([
      qmp.call<{ status: string }>('query-status'),
      qmp.call<QueriedMigration>('query-migrate'),
    ]);
    if (this.record.saving) return this.transfers.endSave(this.record.saving);
    const state = runStates[status] ?? 'running';
    const isSending = !this.record.incoming && isUnderWay(migration) && !isArriving(status, migration);
    if (state === 'paused' && this.record.incoming) this.state = 'received';
    else this.state = isSending && (state === 'running' || state === 'paused') ? 'sending' : state;
    if (this.record.relocating) await endRelocation(this, this.record.relocating);
    if (isSending) await this.transfers.resumeOutgoing(migration, status);
    else if (this.record.sendsDisk && migration.status !== 'completed') await this.transfers.dropSentDisk();
    // A source that this happened to has nobody to send to, and waits to be destroyed.
    const isTarget = this.record.incoming || status === 'running';
    if (isTarget && migration.status === 'postcopy-paused') this.endTorn();
    if (state === 'stopped') this.endWith({ how: 'stopped', reason: 'the guest powered off' });
    if (state === 'crashed') this.endWith({ how: 'crashed', reason: `QEMU says ${status}` });
  }

  /** The connection is gone: so is the process, or only the connection. */
  private async watchEnd(): Promise<void> {
    const { process } = this.record;
    if (this.isDetached || !process || !this.isAlive()) return;
    for (let waitedMs = 0; waitedMs < reconnectEveryMs; waitedMs += lookForEndEveryMs) {
      if (!isRunning(process)) return this.ended();
      await sleep(lookForEndEveryMs);
    }
    if (!this.isDetached && this.isAlive()) await this.reconnect();
  }

  /** Only one at a time: another would end its connection. */
  private reconnect(): Promise<void> {
    return (this.reconnecting ??= this.untilRecognized().finally(() => (this.reconnecting = null)));
  }

  private async untilRecognized(): Promise<void> {
    const { process } = this.record;
    while (process && !this.isDetached && this.isAlive()) {
      if (!isRunning(process)) return this.ended();
      try {
        this.qmp?.close();
        await this.connect(adoptDeadlineMs);
        await this.recognize();
        this.applyLimit();
        if (this.state === 'running' && !this.isAdopting) this.host.tell({ kind: 'resumed', instance: this.id });
        return;
      } catch {
        await sleep(reconnectEveryMs, undefined, { ref: false });
      }
    }
  }

  private ended(): void {
    if (!this.isAlive()) return;
    const log = this.folder.log().trim().split('\n').pop() ?? '';
    const end = this.end ?? {
      how: 'crashed',
      reason: [this.exitReason || 'QEMU is gone', log].filter(Boolean).join(': '),
    };
    this.state = end.how;
    this.transfers.finish();
    this.letGo();
    this.host.limits.release(this.key);
    if (!this.isOpening) {
      this.keep({ ended: end.how });
      this.host.tell({ kind: 'exited', instance: this.id, ...end });
    }
    for (const resolve of this.gone.splice(0)) resolve();
  }

  /** The guest has ended by itself; QEMU waits, stopped, for us to have seen that. */
  private endWith(end: { readonly how: 'stopped' | 'crashed'; readonly reason: string }): void {
    if (this.end) return;
    this.end = end;
    this.requireQmp()
      .call('quit')
      .catch(() => this.record.process && signalProcess(this.record.process, 'SIGKILL'));
  }

  /** A processor that waits for a page that will not come keeps QEMU from quitting in order. */
  endTorn(): void {
    this.end ??= torn;
    this.kill();
  }

  /** Asks the guest to power off, then pulls the plug. */
  async stop(graceMs: number): Promise<void> {
    const isListening = this.state === 'running' || this.state === 'sending';
    if (graceMs > 0 && isListening && this.isAlive()) {
      const isHeard = await this.qmp?.call('system_powerdown', {}, graceMs).then(
        () => true,
        () => false,
      );
      if (isHeard) await this.whenGone(graceMs);
    }
    await this.transfers.whenPushed();
    await this.destroy();
  }

  /** As a crash: unless there is a reason, nothing says that it was meant. */
  kill(reason: string | null = null): null {
    if (reason !== null) this.end ??= { how: 'crashed', reason };
    if (this.record.process) signalProcess(this.record.process, 'SIGKILL');
    return null;
  }

  async destroy(): Promise<void> {
    this.isDoomed = true;
    if (!this.isAlive()) return;
    const { process } = this.record;
    if (!process) return;
    this.end ??= { how: 'stopped', reason: 'destroyed, as was asked' };
    signalProcess(process, 'SIGKILL');
    void this.watchEnd();
    if (await this.whenGone(killedWithinMs)) return;
    throw refuse(
      'vmm-timeout',
      `${this.guest.name}: QEMU (process ${process.pid}) does not die; its host's kernel or storage hangs`,
    );
  }

  /** A failed start leaves nothing behind, and tells nothing. */
  async discard(): Promise<void> {
    const { process } = this.record;
    this.detach();
    if (process) signalProcess(process, 'SIGKILL');
    for (let waitedMs = 0; process && isRunning(process) && waitedMs < killedWithinMs; waitedMs += lookForEndEveryMs)
      await sleep(lookForEndEveryMs);
    this.host.limits.release(this.key);
    this.folder.remove();
  }

  private whenGone(deadlineMs: number): Promise<boolean> {
    if (!this.isAlive()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const deadline = setTimeout(() => resolve(false), deadlineMs);
      this.gone.push(() => {
        clearTimeout(deadline);
        resolve(true);
      });
    });
  }

  detach(): void {
    this.isDetached = true;
    this.transfers.finish();
    this.letGo();
  }

  private letGo(): void {
    this.qmp?.close();
    this.console.close();
    this.qmp = null;
  }

  keep(change: Partial<InstanceRecord>): void {
    this.record = { ...this.record, ...change };
    // The record is another agent's by then, and tells it what was cut short.
    if (!this.isDetached) this.folder.write(this.record);
  }

  /** Whether a call failed because of the process' end: the connection to it ends first, and its files are let go last. */
  hasEndedWith(error: unknown): Promise<boolean> {
    return this.whenGone(error instanceof QmpClosed ? reconnectEveryMs : 0);
  }

  /** After the calls before, whatever became of them. */
  inOrder<Value>(call: () => Promise<Value>): Promise<Value> {
    const result = this.lane.then(call);
    this.lane = result.catch(() => undefined);
    return result;
  }

  /** For what the VMM itself must do, as to the disk that it has open. */
  requireQmp(): QmpClient {
    if (!this.qmp || !this.isAlive())
      throw refuse('guest-not-running', `${this.guest.name} has no VMM that answers on this host`);
    return this.qmp;
  }

  // ---- Run and pause ----

  async run(): Promise<void> {
    const qmp = this.requireQmp();
    // Before it does: what stops it at once, as a full disk may, stops a running guest.
    this.state = 'running';
    await qmp.call('cont');
  }

  async pause(): Promise<void> {
    this.pauseReason = 'as was asked';
    await this.requireQmp().call('stop');
    if (this.state === 'running') this.state = 'paused';
  }

  /** `typed`: heard by the guest before all that is typed from now on. */
  async resume(typed = ''): Promise<void> {
    if (this.state === 'incoming')
      throw refuse('guest-not-running', `${this.guest.name}: its memory has not come over yet`);
    // A memory is good for one run: from here on the disk goes on without it.
    const { memoryPath } = this.guest;
    if (this.record.incoming && memoryPath !== null) await rm(memoryPath, { force: true });
    await takeDisk(this.requireQmp(), this.record);
    this.console.input.type(typed);
    const { stops } = this;
    await (this.resuming ??= this.letGoOn().finally(() => (this.resuming = null)));
    // By now it may have been stopped again.
    if (this.state !== 'sending' && this.stops === stops) this.state = 'running';
    if (this.record.incoming) this.keep({ incoming: false });
  }

  /**
   * Between a failed write and the stop that follows it, `cont` would take back that stop and with it the write's second
   * try: the guest would wait for its disk for ever. So only one at a time, and only to a guest that stands still.
   */
  private async letGoOn(): Promise<void> {
    const qmp = this.requireQmp();
    if (this.state === 'running' || this.state === 'paused') {
      const { status } = await qmp.call<{ status: string }>('query-status');
      if (status === 'running') return;
    }
    await qmp.call('cont');
  }

  // ---- Memory that leaves it and comes to it ----

  /** Loads the guest's memory from its file, and lets it go on from there. */
  async restore(memoryPath: string): Promise<void> {
    await this.transfers.load(memoryPath);
    await this.resume();
  }

  /** The memory into a file and, at the same moment, whatever `atStandstill` does; value: how long it stood still. */
  save(plan: SavePlan, atStandstill?: (qmp: QmpClient) => Promise<void>): Promise<number> {
    return this.transfers.save(plan, atStandstill);
  }

  listenForMigration(listening: Listening): Promise<Listens> {
    return this.transfers.listen(listening);
  }

  migrateOut(sending: Sending): Promise<void> {
    return this.transfers.sendOut(sending);
  }

  cancelMigration(): Promise<boolean> {
    return this.transfers.cancel();
  }

  // ---- What QEMU tells ----

  private onEvent(told: QmpEvent): void {
    const { event, data, atMs } = told;
    if (event === 'MIGRATION') this.transfers.onStatus(String(data['status']), atMs);
    else if (event === 'MIGRATION_PASS') this.transfers.onPass(Number(data['pass']));
    else if (event === 'STOP') this.onStop(atMs);
    else if (event === 'RESUME') this.onResume();
    else if (event === 'SHUTDOWN') this.onShutdown(String(data['reason']));
    else if (event === 'GUEST_PANICKED') this.endWith({ how: 'crashed', reason: 'the guest panicked' });
    else if (event === 'BLOCK_IO_ERROR') this.onDiskError(data);
    else if (event.startsWith('BLOCK_JOB_')) this.onBlockJob?.(told);
  }

  private onStop(atMs: number): void {
    this.stops += 1;
    this.standsStill = true;
    this.transfers.onStopped(atMs);
    if (this.state !== 'running' || this.end) return;
    this.state = 'paused';
    const refusal = this.pauseRefusal;
    const reason = refusal?.message || this.pauseReason || 'QEMU stopped the guest';
    this.host.tell({ kind: 'paused', instance: this.id, reason, ...(refusal ? { refusal } : {}) });
    this.pauseReason = '';
    this.pauseRefusal = null;
  }

  private onResume(): void {
    this.standsStill = false;
    if (this.state === 'starting' || this.state === 'sending' || this.end) return;
    this.state = 'running';
    this.host.tell({ kind: 'resumed', instance: this.id });
  }

  private onShutdown(reason: string): void {
    const end = shutdownReasons[reason];
    if (end) this.endWith(end);
  }

  private onDiskError(data: Readonly<Record<string, unknown>>): void {
    if (data['action'] !== 'stop') return;
    this.pauseRefusal = diskRefusal(this.guest.name, data);
  }

  /** What is typed on a copy that has stood still to be taken elsewhere, nobody would ever read. */
  consoleWrite(text: string): void {
    this.requireQmp();
    const isLeaving = this.state === 'sent' || (this.state === 'sending' && this.standsStill);
    const isSuspended = this.record.saving?.andEnd ?? false;
    if (isLeaving || isSuspended || this.state === 'incoming') throw handingOver(this.guest.name);
    if (!this.console.input.type(text)) throw refuse('guest-busy', unheard(this.guest.name));
  }

  /** Nothing is on its way to the guest that its next memory would not have. */
  settleConsole(): Promise<void> {
    return this.console.input.settle(settleWithinMs);
  }

  /** As far as it reads, it has read all: a memory that goes to a file would else have half of a line, and nobody the rest. */
  drainConsole(): Promise<void> {
    return this.console.input.drain(drainWithinMs);
  }

  takeTyped(): string {
    return this.console.input.take();
  }

  // ---- Usage and limits ----

  sample(): VmmSample | null {
    const { process } = this.record;
    if (!process || !this.isAlive()) return null;
    this.folder.console.cut();
    const running = this.state === 'running' ? this.qmp : null;
    const { id: instance, threadIds, guest } = this;
    const of = { instance, pid: process.pid, threadIds, diskPath: guest.diskPath, running, qmp: this.qmp };
    return this.usage.sample(of);
  }

  limit(cpuShares: number, cpuLimitMillicores: number | null): void {
    this.requireQmp();
    this.keep({ cpuShares, cpuLimitMillicores });
    this.applyLimit();
  }

  private applyLimit(): void {
    const { process, cpuShares, cpuLimitMillicores } = this.record;
    if (process)
      this.host.limits.apply({ key: this.key, process, threadIds: this.threadIds }, { cpuShares, cpuLimitMillicores });
  }
}
