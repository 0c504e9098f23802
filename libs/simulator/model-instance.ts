import type { GuestSpecification } from '@argosy/domain/guest-specification';
import { accepted, refused } from '@argosy/domain/refusal';
import type { Result } from '@argosy/domain/refusal';
import { waitedMs } from '@argosy/domain/processor-demand';
import type { Instant } from '@argosy/domain/units';
import type { VmmEvent, VmmInstance, VmmSample, VmmState } from '@argosy/control/ports/vmm-driver';
import type { DiskWork } from '@argosy/domain/disk-work';
import type { Timer, VirtualClock } from './clock';
import type { ModelDatastore, ModelDisk } from './datastore';
import { bootMemory, demandOf, dirtyBytesPerMs, obeyConsole, passTime, touchedMiB } from './model-guest';
import type { GuestMemory } from './model-guest';

const consoleBytesKept = 16384;
const nextWriteMs = 50;

export type RelocateWork = Extract<DiskWork, { kind: 'relocate' }>;

/** What an instance needs of the machine it is on. */
export interface InstanceMachine {
  readonly name: string;
  readonly site: {
    readonly clock: VirtualClock;
    readonly datastore: ModelDatastore;
    readonly times: { readonly bootMs: number };
    readonly onBoot: ((instance: ModelInstance) => void) | null;
    readonly onDeath: ((instance: ModelInstance, how: 'stopped' | 'crashed', reason: string) => void) | null;
  };
  readonly instances: Map<string, unknown>;
  tell(event: VmmEvent): void;
  shareOut(): void;
}

/** A copy that is under way, as the two instances see it: each tells it of its own death. */
export interface Passage {
  endDied(instance: object): void;
  /** null: no answer, as it waits for the other side. */
  cancel(): boolean | null;
  pulling(): boolean;
  /** The agent of the source died and has returned. */
  agentReturned(source: object): void;
}

/** One VMM process with its guest. */
export class ModelInstance {
  memory: GuestMemory | null = null;
  /** How the process ended, once it has. */
  ended: 'stopped' | 'crashed' | null = null;
  allocatedMillicores = 0;
  cpuShares: number;
  cpuLimitMillicores: number | null;
  passage: Passage | null = null;
  /** An administrator's pause, which a migration carries along. */
  held = false;
  /** Its process lives and does nothing any more, as after SIGSTOP. */
  frozen = false;
  private frozenAt: Instant = 0;
  /** Its disk is on its way to another datastore. */
  relocation: RelocateWork | null = null;
  consoleText = '';
  private cpuTimeMs = 0;
  private cpuWaitMs = 0;
  private bookedAt: Instant;
  private unread: string[] = [];
  private ticking: Timer | null = null;
  private beatAt: Instant = 0;
  private readonly deathWatchers: (() => void)[] = [];

  constructor(
    readonly machine: InstanceMachine,
    readonly id: VmmInstance,
    public guest: GuestSpecification,
    public disk: ModelDisk,
    public state: VmmState,
    /** Where its disk comes to in a migration, until it is granted its run; null: it has its own. */
    readonly copyPath: string | null = null,
  ) {
    this.cpuShares = guest.cpuShares;
    this.cpuLimitMillicores = guest.cpuLimitMillicores;
    this.bookedAt = machine.site.clock.now;
  }

  alive(): boolean {
    return this.ended === null;
  }

  /** Whether the guest's processors run: what must never be true of two copies. */
  executes(): boolean {
    return (
      this.alive() &&
      !this.frozen &&
      this.memory !== null &&
      (this.state === 'running' || (this.state === 'sending' && !this.held))
    );
  }

  demandMillicores(): number {
    return this.memory ? demandOf(this.memory, this.guest.vcpus) : 0;
  }

  bookTime(): void {
    const elapsedMs = this.machine.site.clock.now - this.bookedAt;
    this.bookedAt = this.machine.site.clock.now;
    if (!this.executes() || elapsedMs <= 0) return;
    const demand = this.demandMillicores();
    const usedMs = (elapsedMs * this.allocatedMillicores) / 1000;
    this.cpuTimeMs += usedMs;
    this.cpuWaitMs += waitedMs(demand, { usedMs, elapsedMs, vcpus: this.guest.vcpus });
    passTime(this.memory!, elapsedMs, this.allocatedMillicores, demand);
  }

  sample(): VmmSample {
    this.bookTime();
    return {
      instance: this.id,
      cpuTimeMs: this.cpuTimeMs,
      cpuWaitMs: this.cpuWaitMs,
      residentMiB: this.memory ? touchedMiB(this.memory, this.guest.memoryMiB) : 16,
      dirtyBytesPerSecond: this.memory ? dirtyBytesPerMs(this.memory) * 1000 : null,
      diskBytes: this.disk.dataSectors * 512,
      vmmSilentMs: this.frozen ? this.machine.site.clock.now - this.frozenAt : 0,
    };
  }

  /** The processors run from now on; the guest's first heartbeat comes after that delay, or when its next is due. */
  run(firstBeatMs?: number): void {
    this.machine.shareOut();
    this.held = false;
    this.state = 'running';
    this.machine.shareOut();
    this.setTicking(firstBeatMs ?? this.memory?.beatLeftMs ?? 0);
    const { clock, datastore } = this.machine.site;
    if (datastore.full) clock.after(nextWriteMs, () => datastore.full && this.stall());
    for (const text of this.unread.splice(0)) this.read(text);
  }

  /** The processors stop: by an administrator, at the end of a copy, after it. */
  stopRunning(state: VmmState): void {
    this.machine.shareOut();
    this.state = state;
    this.held = true;
    this.machine.shareOut();
    this.ticking?.cancel();
    if (this.memory) this.memory.beatLeftMs = Math.max(0, this.beatAt - this.machine.site.clock.now);
  }

  /**
   * The first run after its opening, or of a copy that was stopped. A migration's source whose disk another copy holds is
   * refused by the disk's lock.
   */
  resume(): Result<null> {
    if (this.executes()) return accepted(null);
    if (this.state === 'sending')
      return refused('guest-busy', `${this.guest.name} is being migrated and cannot be resumed before that has ended`);
    const boots = this.state === 'starting';
    if (!boots && !this.memory)
      return refused('guest-not-running', `${this.guest.name} has no complete memory to run with`);
    const locked = this.machine.site.datastore.lock(this.disk, this);
    if (!locked.ok) return locked;
    const { datastore } = this.machine.site;
    const own = this.copyPath === null ? accepted(null) : datastore.take(this.copyPath, this.guest.diskPath);
    if (!own.ok) return own;
    const { memoryPath } = this.guest;
    const { memories } = datastore;
    const kept = boots && memoryPath !== null ? memories.get(memoryPath) : undefined;
    if (memoryPath !== null) memories.delete(memoryPath);
    if (boots) this.memory = kept ?? bootMemory(this.disk);
    datastore.written(this.disk);
    this.run(boots && !kept ? this.machine.site.times.bootMs : undefined);
    if (boots && !kept) this.machine.site.onBoot?.(this);
    return accepted(null);
  }

  /** A write found no room; it waits, and so does the guest. */
  stall(): void {
    if (!this.executes() || this.state !== 'running') return;
    this.stopRunning('paused');
    const { refusal } = refused(
      'disk-full',
      `there is no room for what ${this.guest.name} writes to ${this.disk.path}`,
    );
    this.machine.tell({ kind: 'paused', instance: this.id, reason: refusal.message, refusal });
  }

  freeze(): void {
    this.machine.shareOut();
    this.frozen = true;
    this.frozenAt = this.machine.site.clock.now;
    this.machine.shareOut();
  }

  thaw(): void {
    this.machine.shareOut();
    this.frozen = false;
    this.machine.shareOut();
    if (this.executes()) this.setTicking(0);
  }

  consoleWrite(text: string): void {
    if (this.executes()) this.read(text);
    else this.unread.push(text);
  }

  /** What was typed while it stood still. */
  takeUnread(): string {
    return this.unread.splice(0).join('');
  }

  die(how: 'stopped' | 'crashed', reason: string): void {
    if (!this.alive()) return;
    this.machine.shareOut();
    this.ended = how;
    this.state = how;
    this.ticking?.cancel();
    this.disk.mirror = null;
    this.machine.site.datastore.release(this);
    this.machine.instances.delete(`${this.id.guestId}:${this.id.epoch}`);
    this.machine.shareOut();
    this.machine.site.onDeath?.(this, how, reason);
    this.passage?.endDied(this);
    this.machine.tell({ kind: 'exited', instance: this.id, how, reason });
    for (const watcher of this.deathWatchers.splice(0)) watcher();
  }

  whenDead(watcher: () => void): void {
    if (this.alive()) this.deathWatchers.push(watcher);
    else watcher();
  }

  private setTicking(delayMs: number): void {
    this.ticking?.cancel();
    if (!this.memory || this.memory.tickMs === 0) return;
    this.beatAt = this.machine.site.clock.now + delayMs;
    this.ticking = this.machine.site.clock.at(this.beatAt, () => this.beat());
  }

  private beat(): void {
    if (!this.executes() || !this.memory) return;
    this.bookTime();
    this.memory.heartbeats++;
    if (this.memory.heartbeats === 1)
      this.say(`ready v1 memory=${this.guest.memoryMiB * 1024} boot=${this.memory.boot}`);
    const work = Math.floor(this.memory.work);
    this.say(`hb ${this.memory.heartbeats} ${work}`);
    const at = this.machine.site.clock.now;
    this.machine.tell({ kind: 'heartbeat', instance: this.id, count: this.memory.heartbeats, work, at });
    this.setTicking(this.memory.tickMs);
  }

  private say(line: string): void {
    const text = `${line}\r\n`;
    this.consoleText = (this.consoleText + text).slice(-consoleBytesKept);
    this.machine.tell({ kind: 'console', instance: this.id, text });
  }

  private read(text: string): void {
    for (const line of text.split(/\r?\n/)) {
      if (!this.executes() || !this.memory) return;
      this.bookTime();
      const tickMs = this.memory.tickMs;
      obeyConsole(
        this.memory,
        {
          disk: this.disk,
          memoryMiB: this.guest.memoryMiB,
          say: (answer) => this.say(answer),
          powerOff: () => this.die('stopped', 'the guest powered off'),
          panic: () => this.die('crashed', 'the guest panicked'),
        },
        line,
      );
      this.machine.site.datastore.written(this.disk);
      if (this.memory.tickMs !== tickMs) this.setTicking(this.memory.tickMs);
    }
    this.machine.shareOut();
  }
}
