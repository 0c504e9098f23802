import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import type { MigrationProgress } from '@argosy/domain/entities';
import type { MigrationPolicy } from '@argosy/domain/policies';
import { pageBytes } from '@argosy/machine/memory';
import type { DirtyPages } from '../dirty-pages';
import type { GuestMachine } from '../guest-machine';
import { PageFrames } from './frames';

/** Takes frames; done when they have gone out, and their room may be used again. */
export type Send = (frame: Buffer) => Promise<void>;

/** Where a memory goes. */
export interface MemoryWay {
  readonly send: Send;
  /** Done when all that was sent has been taken at the other end, and waits in no buffer on its way. */
  settle(): Promise<void>;
  readonly pace: Pace;
  readonly signal: AbortSignal;
}

export class CopyCancelled extends Error {}

/** What goes over is held to a rate, a little at a time. */
export class Pace {
  private at = 0;
  readonly bytesPerSecond: number;

  constructor(mebibytesPerSecond: number) {
    this.bytesPerSecond = mebibytesPerSecond * 2 ** 20;
  }

  async spend(bytes: number): Promise<void> {
    this.charge(bytes);
    if (this.aheadMs > burstMs) await sleep(this.aheadMs);
  }

  /** What went out without waiting: others wait for it. */
  charge(bytes: number): void {
    this.at = Math.max(this.at, performance.now()) + (bytes * 1000) / this.bytesPerSecond;
  }

  get aheadMs(): number {
    return this.at - performance.now();
  }
}
const burstMs = 4;

const chunkPages = 64;
/** So little that another pass would not make it less. */
const fewPages = 16;
const longestRateMs = 1000;

export interface Copied {
  readonly machine: GuestMachine;
  readonly dirty: DirtyPages;
}

/** A guest's memory on its way: pass after pass over what was written meanwhile, while the guest runs. */
export class MemoryCopy {
  private transferredBytes = 0;
  private remainingPages: number;
  private iteration = 0;
  private dirtyBytesPerSecond = 0;
  private bytesPerSecond: number;

  private readonly frames = new PageFrames(chunkPages);
  private readonly send: Send;
  private readonly pace: Pace;
  private readonly signal: AbortSignal;

  constructor(
    private readonly copied: Copied,
    private readonly way: MemoryWay,
  ) {
    this.send = way.send;
    this.pace = way.pace;
    this.signal = way.signal;
    this.remainingPages = copied.machine.memoryBytes / pageBytes;
    this.bytesPerSecond = this.pace.bytesPerSecond;
  }

  /**
   * Done when what is left can be sent in that time, with the guest at a standstill, and going on would not make it less.
   * `onPass` says after each pass whether to end all the same.
   */
  async untilFewAreLeft(downtimeLimitMs: number, onPass: (pass: number) => boolean): Promise<void> {
    const { dirty } = this.copied;
    dirty.follow();
    // What was never written to is zeros at the other side as well.
    let pages = dirty.everTouched();
    for (;;) {
      this.iteration += 1;
      const begun = performance.now();
      const sent = await this.sendPages(pages);
      // The guest would stand still for what is in buffers as well.
      await this.way.settle();
      const tookMs = Math.max(1, performance.now() - begun);
      const before = pages.length;
      pages = dirty.take();
      this.remainingPages = pages.length;
      this.learnRates(sent, pages.length, tookMs);
      const isFew = pages.length <= fewPages;
      const fits = pages.length * pageBytes <= (this.bytesPerSecond * downtimeLimitMs) / 2000;
      if (fits && (isFew || pages.length > before / 2)) break;
      if (onPass(this.iteration)) break;
    }
    dirty.putBack(pages);
  }

  /** A short pass tells of its overhead, and not of the network. */
  private learnRates(sentBytes: number, dirtied: number, tookMs: number): void {
    if (sentBytes > 2 ** 20) this.bytesPerSecond = Math.min(this.pace.bytesPerSecond, (sentBytes * 1000) / tookMs);
    const weight = Math.min(1, tookMs / longestRateMs);
    const rate = (dirtied * pageBytes * 1000) / tookMs;
    this.dirtyBytesPerSecond = this.iteration === 1 ? rate : this.dirtyBytesPerSecond * (1 - weight) + rate * weight;
  }

  /** The guest stands still: what of the rest is to follow after it, as a post-copy. */
  splitOff({ postCopy, downtimeLimitMs }: MigrationPolicy): number[] {
    const pages = this.copied.dirty.take();
    const fits = pages.length * pageBytes <= (this.bytesPerSecond * downtimeLimitMs) / 1000;
    if (postCopy && !fits) return pages;
    this.copied.dirty.putBack(pages);
    return [];
  }

  /** The guest stands still: what is left, at once. */
  async sendRest(): Promise<void> {
    await this.sendPages(this.copied.dirty.take(), null);
  }

  /** How many bytes it was. */
  async sendPages(pages: readonly number[], pace: Pace | null = this.pace): Promise<number> {
    const { memory } = this.copied.machine;
    let bytes = 0;
    for (let at = 0; at < pages.length; at += chunkPages) {
      if (this.signal.aborted) throw new CopyCancelled();
      const chunk = pages.slice(at, at + chunkPages);
      const frame = this.frames.of(chunk, memory.bytes);
      bytes += frame.length;
      this.transferredBytes += frame.length;
      await this.send(frame);
      this.remainingPages = pages.length - at - chunk.length;
      if (pace) await pace.spend(frame.length);
      // The guests have their turn between any two.
      if (pace) await setImmediate();
    }
    return bytes;
  }

  /** What it sent has gone out, or goes nowhere any more. */
  end(): void {
    this.frames.end();
  }

  progress(): MigrationProgress {
    const remainingBytes = this.remainingPages * pageBytes;
    const gain = this.bytesPerSecond - this.dirtyBytesPerSecond;
    return {
      transferredBytes: this.transferredBytes,
      remainingBytes,
      totalBytes: this.copied.machine.memoryBytes,
      bytesPerSecond: Math.round(this.bytesPerSecond),
      dirtyBytesPerSecond: Math.round(this.dirtyBytesPerSecond),
      iteration: this.iteration,
      expectedEndMs: gain > 0 ? Math.ceil((remainingBytes * 1000) / gain) : null,
    };
  }
}
