import { rm } from 'node:fs/promises';
import type { GuestSpecification } from '@argosy/domain/guest-specification';
import { refused, type Refusal } from '@argosy/domain/refusal';
import type { VmmEvent, VmmInstance, VmmSample, VmmState } from '@argosy/control/ports/vmm-driver';
import { allocatedBytes, makeItsOwn } from '../disk-files';
import type { GuestLinks } from '../guest-link';
import { handingOver, refuse } from '../refused';
import { DirtyPages } from './dirty-pages';
import type { DiskHold } from './disk/disk-hold';
import { GuestDisk } from './disk/guest-disk';
import type { LayeredDisk } from './disk/layered-disk';
import { GuestConsole, instanceFolder } from './guest-console';
import type { MemoryStock } from './memory-stock';
import { GuestMachine, type MachineState, type SliceEnd } from './guest-machine';
import { NetworkCard } from './network/network-card';
import { awakening } from './processor-loop';
import { ScheduledTask, type ProcessorScheduler } from './processor-scheduler';

/** What a guest needs of the process that runs it. */
export interface GuestHost {
  /** The driver's folder: each instance has its own there. */
  readonly root: string;
  readonly scheduler: ProcessorScheduler<EmbeddedGuest>;
  readonly memories: MemoryStock;
  /** Its host's side of the guests' cables. */
  readonly links: GuestLinks;
  tell(event: VmmEvent): void;
  /** It ended before it ever ran here: of a copy that did not come about there is nothing to keep. */
  forget(guest: EmbeddedGuest): void;
  /** Somebody may run now. */
  kick(): void;
}

export interface GuestParts {
  readonly guest: GuestSpecification;
  readonly epoch: number;
  readonly image: LayeredDisk;
  readonly imagePath: string;
  readonly hold: DiskHold;
  /** Its disk is a copy that is not the guest's before it is granted its run. */
  readonly isCopy: boolean;
}

/** All of a guest that is not in its memory and on its disk. */
export interface GuestState {
  readonly machine: MachineState;
  /** The line that it had begun to say. */
  readonly unfinishedLine: string;
}

/** How it stands to the memory that is on its way to it or from it: told by whoever carries that. */
export interface Transfer {
  /** The guest needs these before it can go on. */
  wanted?(pages: readonly number[]): void;
  /** The guest is to be destroyed: resolves when nobody needs it any more. */
  whenNotNeeded?(): Promise<void>;
  /** The guest has ended. */
  abandon(): void;
}

/** One guest: its machine, its disk, and what is told of it. */
export class EmbeddedGuest extends ScheduledTask {
  state: VmmState = 'starting';
  transfer: Transfer | null = null;
  /** Calls about it take effect in their order. */
  lane: Promise<unknown> = Promise.resolve();
  guest: GuestSpecification;
  readonly id: VmmInstance;
  readonly machine: GuestMachine;
  readonly dirty: DirtyPages;
  readonly disk: GuestDisk;
  readonly console: GuestConsole;
  readonly card: NetworkCard;
  imagePath: string;
  hold: DiskHold;
  private isCopy: boolean;
  private granted: { cpuShares: number; cpuLimitMillicores: number | null };
  private standsStill = false;
  private diskBytes: number | null = null;
  private diskSeenAt = 0;
  private mostMillicores: number | null = null;
  private readonly gone: (() => void)[] = [];

  constructor(
    private readonly host: GuestHost,
    { guest, epoch, image, imagePath, hold, isCopy }: GuestParts,
  ) {
    super();
    this.guest = guest;
    this.id = { guestId: guest.guestId, epoch };
    this.disk = new GuestDisk(image);
    this.imagePath = imagePath;
    this.hold = hold;
    this.isCopy = isCopy;
    this.granted = { cpuShares: guest.cpuShares, cpuLimitMillicores: guest.cpuLimitMillicores };
    this.card = new NetworkCard(host.links, this.id, guest.network);
    this.card.onFrame = () => this.wake();
    const memoryBytes = guest.memoryMiB * 2 ** 20;
    const makeMemory = (bytes: number) => host.memories.take(bytes);
    this.machine = new GuestMachine({ memoryBytes, disk: this.disk, network: this.card, makeMemory });
    this.dirty = new DirtyPages(this.machine.memory);
    this.console = new GuestConsole(this.id, instanceFolder(host.root, this.id), (event) => host.tell(event));
    this.applyShares();
  }

  get key(): string {
    return `${this.id.guestId}:${this.id.epoch}`;
  }

  get isAlive(): boolean {
    return this.state !== 'stopped' && this.state !== 'crashed';
  }

  inOrder<Value>(call: () => Promise<Value>): Promise<Value> {
    const result = this.lane.then(call);
    this.lane = result.catch(() => undefined);
    return result;
  }

  requireAlive(): void {
    if (!this.isAlive)
      throw refuse('guest-not-running', `${this.guest.name} has ended on this host: it has ${this.state}`);
  }

  // ---- Run and stand still ----

  /** The machine goes, whatever the state is called. */
  go(): void {
    this.standsStill = false;
    const now = performance.now();
    this.card.listen();
    this.machine.startClock(now);
    this.host.scheduler.wake(this, now);
    this.host.kick();
  }

  halt(): void {
    this.standsStill = true;
    this.host.scheduler.stop(this, performance.now());
    this.hear();
    this.console.write();
  }

  pause(reason = 'as was asked', refusal?: Refusal): void {
    if (this.state !== 'running')
      throw refuse('guest-not-running', `${this.guest.name} cannot be paused: it is ${this.state}`);
    this.halt();
    this.state = 'paused';
    this.host.tell({ kind: 'paused', instance: this.id, reason, ...(refusal ? { refusal } : {}) });
  }

  /** Also the target's run after its grant, and the source's after a copy that was given up. */
  async resume(typed = ''): Promise<void> {
    this.requireAlive();
    if (this.state === 'running' || this.state === 'sending') return;
    if (this.state === 'incoming')
      throw refuse('guest-not-running', `${this.guest.name}: its memory has not come over yet`);
    await this.ownDisk();
    if (this.state === 'sent') await this.card.plugIn();
    const hasMoved = this.state !== 'paused';
    this.state = 'running';
    if (typed !== '') this.machine.type(typed);
    if (hasMoved) this.card.announce();
    this.go();
    this.host.tell({ kind: 'resumed', instance: this.id });
  }

  /** The last thing before it runs: its disk is its own, and its memory's file is used up. */
  async ownDisk(): Promise<void> {
    const { memoryPath, diskPath } = this.guest;
    if (this.state === 'sent') await this.hold.take(this.disk.image, this.imagePath);
    if (this.state !== 'received') return;
    if (memoryPath !== null) await rm(memoryPath, { force: true });
    if (!this.isCopy) return;
    await makeItsOwn(this.imagePath, diskPath);
    this.imagePath = diskPath;
    this.isCopy = false;
  }

  /** Its disk is another file from now on, with the same content; it stands still. */
  useDisk({
    image,
    hold,
    imagePath,
    diskPath,
  }: Pick<GuestParts, 'image' | 'hold' | 'imagePath'> & { diskPath: string }): void {
    this.hold.release();
    this.disk.image.close();
    this.disk.image = image;
    this.hold = hold;
    this.imagePath = imagePath;
    this.guest = { ...this.guest, diskPath };
  }

  /** Its turn: until then. */
  slice(endMs: number): void {
    const { scheduler } = this.host;
    const begun = performance.now();
    const end = this.machine.run(endMs);
    const now = performance.now();
    scheduler.account(this, now - begun);
    this.hear();
    // What was asked of it in between has told the scheduler already.
    if (this.phase !== 'running') return;
    this.follow(end, now);
  }

  private follow(end: SliceEnd, now: number): void {
    const { scheduler } = this.host;
    switch (end.kind) {
      case 'used':
        return scheduler.again(this, now);
      case 'idle':
        return scheduler.sleep(this, awakening(end.at, now), now);
      case 'off':
        return end.code === 0
          ? this.end('stopped', 'the guest powered off')
          : this.end('crashed', 'the guest panicked');
      case 'missing':
        scheduler.sleep(this, Infinity, now);
        return this.transfer?.wanted?.(end.pages);
      case 'failed':
        return this.fail(end.error);
    }
  }

  /** A disk that takes nothing stops it; what it was about to write, it writes when it goes on. Anything else is a fault of ours. */
  private fail(error: NodeJS.ErrnoException): void {
    const { name } = this.guest;
    if (error.syscall === undefined) return this.end('crashed', `its machine failed: ${error.message}`);
    const { refusal } =
      error.code === 'ENOSPC' || error.code === 'EDQUOT'
        ? refused('disk-full', `${name} stands still: the datastore is full; free some room on it, and it goes on.`)
        : refused(
            'disk-error',
            `${name} stands still: its datastore does not take what it writes (${error.message}); mend the storage, and it goes on.`,
          );
    if (this.state === 'running') this.pause(refusal.message, refusal);
    else this.host.scheduler.sleep(this, performance.now() + retryMs, performance.now());
  }

  /** A page that it waited for may have come. */
  wake(): void {
    if (this.phase !== 'asleep') return;
    this.host.scheduler.wake(this, performance.now());
    this.host.kick();
  }

  // ---- The end ----

  end(how: 'stopped' | 'crashed', reason: string): void {
    if (!this.isAlive) return;
    this.halt();
    const { state: before } = this;
    this.state = how;
    this.transfer?.abandon();
    this.transfer = null;
    this.hold.release();
    this.card.unplug();
    this.disk.image.close();
    this.console.close();
    if (before !== 'starting') this.host.tell({ kind: 'exited', instance: this.id, how, reason });
    for (const resolve of this.gone.splice(0)) resolve();
    if (before === 'incoming' || before === 'received') this.host.forget(this);
    this.host.memories.giveBack(this.machine.madeMemory);
  }

  /** A failed start leaves nothing behind, and tells nothing. */
  discard(): void {
    this.state = 'starting';
    this.end('crashed', '');
    this.console.remove();
  }

  /** Asks the guest to power off, then ends it. */
  async stop(graceMs: number): Promise<void> {
    if (graceMs > 0 && (this.state === 'running' || this.state === 'sending')) {
      this.machine.pressButton();
      this.wake();
      await this.whenGone(graceMs);
    }
    await this.transfer?.whenNotNeeded?.();
    this.end('stopped', 'destroyed, as was asked');
  }

  whenGone(deadlineMs: number): Promise<void> {
    if (!this.isAlive) return Promise.resolve();
    return new Promise((resolve) => {
      const deadline = setTimeout(resolve, deadlineMs);
      this.gone.push(() => {
        clearTimeout(deadline);
        resolve();
      });
    });
  }

  // ---- The console ----

  /** What is typed on a copy that has stood still to be taken elsewhere, nobody would ever read. */
  type(text: string): void {
    this.requireAlive();
    const isLeaving = this.state === 'sent' || (this.state === 'sending' && this.standsStill);
    if (isLeaving || this.state === 'incoming') throw handingOver(this.guest.name);
    this.machine.type(text);
    this.wake();
  }

  private hear(): void {
    const bytes = this.machine.takeOutput();
    if (bytes) this.console.hear(bytes);
  }

  // ---- Its state, to be taken elsewhere: it stands still ----

  saveState(): GuestState {
    return { machine: this.machine.save(), unfinishedLine: this.console.unfinishedLine };
  }

  loadState({ machine, unfinishedLine }: GuestState): void {
    this.machine.load(machine);
    this.console.goOnAfter(unfinishedLine);
  }

  // ---- Usage and limits ----

  limit(cpuShares: number, cpuLimitMillicores: number | null): void {
    this.requireAlive();
    this.granted = { cpuShares, cpuLimitMillicores };
    this.applyShares();
  }

  /** For a while no more than that, whatever its own limit is; null: its own alone. */
  throttle(mostMillicores: number | null): void {
    this.mostMillicores = mostMillicores;
    this.applyShares();
  }

  private applyShares(): void {
    const { cpuShares, cpuLimitMillicores } = this.granted;
    const limits = [cpuLimitMillicores, this.mostMillicores].filter((limit) => limit !== null);
    const share = { cpuShares, cpuLimitMillicores: limits.length === 0 ? null : Math.min(...limits) };
    this.host.scheduler.setShare(this, share, performance.now());
  }

  /** `overheadMiB`: its part of what the process has besides the guests' memory. */
  sample(overheadMiB: number): VmmSample {
    const now = performance.now();
    const dirtyBytesPerSecond = this.dirty.bytesPerSecond(now);
    this.console.write();
    void this.disk.image.flush();
    this.lookAtDisk(now);
    return {
      instance: this.id,
      cpuTimeMs: this.usedMs,
      cpuWaitMs: this.waitedMs(now),
      residentMiB: overheadMiB + this.dirty.touchedBytes / 2 ** 20,
      dirtyBytesPerSecond,
      diskBytes: this.diskBytes,
      vmmSilentMs: 0,
    };
  }

  /** For the next sample: a storage that hangs must not hang this one. */
  private lookAtDisk(now: number): void {
    if (this.diskBytes !== null && now < this.diskSeenAt + diskLookMs) return;
    this.diskSeenAt = now;
    void allocatedBytes(this.imagePath).then((bytes) => (this.diskBytes = bytes));
  }
}

const retryMs = 1_000;
/** A disk's growth is told that late at most. */
const diskLookMs = 5_000;
