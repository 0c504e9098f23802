import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { OutgoingDisk } from '@argosy/domain/disk-work';
import type { MigrationProgress } from '@argosy/domain/entities';
import type { MigrationPolicy } from '@argosy/domain/policies';
import { refused } from '@argosy/domain/refusal';
import type { VmmEvent } from '@argosy/control/ports/vmm-driver';
import { refuse } from '../../refused';
import type { Owner } from '../disk/image-header';
import type { EmbeddedGuest, Transfer } from '../guest';
import { begin, FrameConnection, placeOf } from './connection';
import { DiskCopyOut } from './disk-copy';
import { awaitedFrame, messageFrame, type FrameReceiver } from './frames';
import { CopyCancelled, MemoryCopy, Pace } from './memory-copy';
import { lostAfterSilentMs, protocol, saidOf, type Said } from './protocol';

export interface Sending {
  readonly policy: MigrationPolicy;
  readonly key: string | null;
  readonly uri: string;
  readonly targetEpoch: number;
  readonly disk: OutgoingDisk | null;
}

const progressEveryMs = 100;
const stuckAfterMs = 4_000;
/** A guest that stands still for a target that says nothing goes on here after that. */
const switchDeadlineMs = 5_000;
/** Between two looks at what the guest waits for. */
const pushPages = 16;
/** A guest that dirties faster than the network carries is slowed down, a step after each pass. */
const throttleSteps = [700, 450, 250, 120, 60, 30];

/**
 * disk, copying: the guest runs here. switching: it stands still, and the target has not been told to own it. given: it is the
 * target's. over: nothing more is sent.
 */
type Phase = 'disk' | 'copying' | 'switching' | 'given' | 'over';

/** The source's side of one live migration. What the target owns is decided by one write: of the disk's owner, or of `yours`. */
export class OutgoingMigration implements Transfer {
  private phase: Phase;
  private readonly cancelling = new AbortController();
  private readonly socket: Socket;
  private readonly connection: FrameConnection;
  private readonly pace: Pace;
  private readonly memory: MemoryCopy;
  private readonly diskCopy: DiskCopyOut | null;
  private readonly wasRunning: boolean;
  private readonly timer: NodeJS.Timeout;
  private wasStuck = false;
  private standsSince = 0;
  private failure = '';
  private readonly waiting: (() => void)[] = [];
  private readonly urgent: number[] = [];
  private heard: { readonly [What in Said['say']]?: ((said: Extract<Said, { say: What }>) => void) | undefined } = {};

  constructor(
    private readonly vmm: EmbeddedGuest,
    private readonly sending: Sending,
    private readonly tell: (event: VmmEvent) => void,
  ) {
    const { policy, key, uri, disk } = sending;
    const place = placeOf(uri);
    if (!place)
      throw refuse(
        'incompatible-host',
        `${vmm.guest.name} runs on the embedded VMM, and ${uri} is of another kind of host`,
      );
    this.wasRunning = vmm.state === 'running';
    this.phase = disk ? 'disk' : 'copying';
    this.pace = new Pace(policy.bandwidthMiBPerSecond);
    const send = (frame: Buffer) => this.connection.send(frame);
    const way = { send, settle: () => this.settle(), pace: this.pace, signal: this.cancelling.signal };
    this.memory = new MemoryCopy(vmm, way);
    this.diskCopy = disk ? new DiskCopyOut(vmm.disk.image, disk, way) : null;
    this.socket = begin(place, key, () => this.greet());
    this.connection = new FrameConnection(this.socket, this.receiver(), (reason) => this.closed(reason));
    this.timer = setInterval(() => this.look(), progressEveryMs);
    vmm.state = 'sending';
    vmm.transfer = this;
  }

  private receiver(): FrameReceiver {
    const unexpected = () => this.socket.destroy();
    return {
      message: (message) => {
        const said = saidOf(message);
        (this.heard[said.say] as ((said: Said) => void) | undefined)?.(said);
      },
      awaited: (pages) => this.urgent.push(...pages),
      page: unexpected,
      cluster: unexpected,
    };
  }

  private greet(): void {
    const { guest, machine } = this.vmm;
    const { targetEpoch, disk } = this.sending;
    const { memoryBytes } = machine;
    this.heard = {
      ready: ({ owner }) => void this.copy(owner).catch((error: Error) => this.fail(error)),
      refused: ({ reason }) => this.fail(new Error(reason)),
    };
    const hello = { guestId: guest.guestId, epoch: targetEpoch, memoryBytes, sendsDisk: disk !== null };
    this.connection.say(messageFrame({ say: 'hello', protocol, ...hello }));
  }

  private async copy(target: Owner): Promise<void> {
    const { policy } = this.sending;
    if (this.diskCopy) {
      await this.diskCopy.untilFewAreLeft();
      this.phase = 'copying';
      this.tell({ kind: 'disk-mirrored', instance: this.vmm.id });
    }
    const onPass = (pass: number): boolean => {
      if (policy.autoConverge && pass > 1) this.vmm.throttle(throttleSteps[Math.min(pass, throttleSteps.length) - 1]!);
      return policy.postCopy;
    };
    await this.memory.untilFewAreLeft(policy.downtimeLimitMs, onPass);
    await this.switchOver(target);
  }

  private async settle(): Promise<void> {
    const reached = new Promise<void>((resolve) => (this.heard = { ...this.heard, reached: () => resolve() }));
    this.connection.say(messageFrame({ say: 'reach' }));
    await Promise.race([reached, this.ended()]);
    if (this.phase === 'over') throw new CopyCancelled();
  }

  /** From here to `yours` nothing is waited for that is not on the way to it. */
  private async switchOver(target: Owner): Promise<void> {
    this.phase = 'switching';
    this.standsSince = performance.now();
    this.vmm.halt();
    await this.diskCopy?.sendRest();
    // What cannot be sent within the downtime follows, where that is allowed.
    const later = this.memory.splitOff(this.sending.policy);
    await this.memory.sendRest();
    if (later.length > 0) this.connection.say(awaitedFrame(later));
    const loaded = new Promise<void>(
      (resolve) => (this.heard = { loaded: () => resolve(), refused: this.heard.refused }),
    );
    this.connection.say(messageFrame({ say: 'state', state: this.vmm.saveState() }));
    await Promise.race([loaded, this.ended()]);
    if (this.phase !== 'switching') return;
    this.give(target, later);
  }

  private give(target: Owner, later: readonly number[]): void {
    const { vmm } = this;
    // Of a disk that both see, this is the moment. Where the disk goes too, each side has its own, and the word is.
    if (!this.diskCopy) vmm.disk.image.setOwner(target);
    this.phase = 'given';
    this.connection.say(messageFrame({ say: 'yours' }));
    vmm.state = 'sent';
    vmm.throttle(null);
    const downtimeMs = this.wasRunning ? Math.round(10 * (performance.now() - this.standsSince)) / 10 : 0;
    if (later.length === 0) this.finish();
    this.tell({ kind: 'migration-progress', instance: vmm.id, progress: this.memory.progress() });
    this.tell({ kind: 'migration-completed', instance: vmm.id, downtimeMs });
    // Its copy runs when this has been heard, and not before.
    vmm.card.unplug();
    if (later.length > 0) void this.push(later).catch(() => this.abandon());
    else this.connection.end();
  }

  /** The rest of the memory, what the guest waits for first. */
  private async push(later: readonly number[]): Promise<void> {
    const left = new Set(later);
    const whole = new Promise<void>((resolve) => (this.heard = { whole: () => resolve() }));
    while (left.size > 0) {
      const urgent = this.urgent.splice(0).filter((page) => left.delete(page));
      this.pace.charge(await this.memory.sendPages(urgent, null));
      if (this.pace.aheadMs > 0) {
        await sleep(1);
        continue;
      }
      const next = takeSome(left, pushPages);
      this.pace.charge(await this.memory.sendPages(next, null));
    }
    await Promise.race([whole, this.ended()]);
    this.finish();
    this.connection.end();
  }

  private look(): void {
    if (this.phase === 'over') return;
    const now = performance.now();
    if (this.phase === 'switching' && now - this.standsSince > switchDeadlineMs)
      this.fail(new Error(`the target did not answer within ${switchDeadlineMs / 1000} s`));
    const isSilent = now - this.connection.heardAt > stuckAfterMs && this.phase !== 'given';
    if (isSilent && !this.wasStuck) {
      this.wasStuck = true;
      this.tell({ kind: 'migration-stuck', instance: this.vmm.id });
    }
    this.tell({ kind: 'migration-progress', instance: this.vmm.id, progress: this.progress() });
  }

  private progress(): MigrationProgress {
    return this.phase === 'disk' && this.diskCopy ? this.diskCopy.progress() : this.memory.progress();
  }

  private closed(reason: string): void {
    this.memory.end();
    if (this.phase === 'given') this.finish();
    else this.fail(new Error(reason), 'target-lost');
  }

  /** The guest runs on here, if it ran. */
  private fail(error: Error, code: 'target-lost' | 'migration-failed' = 'migration-failed'): void {
    if (this.phase === 'given' || this.phase === 'over') return;
    const { vmm } = this;
    const stoodStill = this.phase === 'switching';
    const wasAsked = error instanceof CopyCancelled;
    this.failure = error.message;
    this.finish();
    this.socket.destroy();
    vmm.throttle(null);
    if (!vmm.isAlive) return;
    vmm.state = this.wasRunning ? 'running' : 'paused';
    if (stoodStill && this.wasRunning) vmm.go();
    if (wasAsked) return;
    const what = code === 'target-lost' ? 'the target could not be reached any more' : 'the copy failed';
    const { refusal } = refused(code, `${vmm.guest.name} runs on at the source: ${what} (${this.failure})`);
    this.tell({ kind: 'migration-failed', instance: vmm.id, refusal });
  }

  private finish(): void {
    this.phase = 'over';
    clearInterval(this.timer);
    this.cancelling.abort();
    this.diskCopy?.end();
    this.vmm.dirty.unfollow();
    if (this.vmm.transfer === this) this.vmm.transfer = null;
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  private ended(): Promise<void> {
    return this.phase === 'over' ? Promise.resolve() : new Promise((resolve) => this.waiting.push(resolve));
  }

  // ---- For whoever asks ----

  get isSendingDisk(): boolean {
    return this.phase === 'disk';
  }

  /** false: it had completed. */
  cancel(): boolean {
    if (this.phase === 'given' || this.phase === 'over') return false;
    this.fail(new CopyCancelled());
    return true;
  }

  /** The target may still need this: ending it would end the guest. So it goes on for as long as pages go over. */
  async whenNotNeeded(): Promise<void> {
    if (this.phase !== 'given') return;
    this.connection.endWhenSilent(lostAfterSilentMs);
    await this.ended();
  }

  abandon(): void {
    this.finish();
    this.socket.destroy();
  }
}

function takeSome(pages: Set<number>, count: number): number[] {
  const taken: number[] = [];
  for (const page of pages) {
    if (taken.length === count) break;
    taken.push(page);
    pages.delete(page);
  }
  return taken;
}
