import { pageBytes, type Memory } from '@argosy/machine/memory';

/** A page that is written to often counts once in a period; a short one would show hardly more than noise. */
const periodMs = 500;

/** Whoever follows a machine's writes takes them from here: the machine tells of each page once. */
export class DirtyPages {
  private readonly touched: Uint8Array;
  private touchedCount = 0;
  private since: number | null = null;
  private count = 0;
  private rate: number | null = null;
  /** Of whoever copies the memory now; null: nobody does. */
  private copied: Set<number> | null = null;

  constructor(private readonly memory: Memory) {
    this.touched = new Uint8Array(memory.size / pageBytes);
  }

  /** From now on `take` gives what was written since. */
  follow(): void {
    this.copied = new Set();
    this.look();
    this.copied.clear();
  }

  unfollow(): void {
    this.copied = null;
  }

  /** Taken, and not sent after all. */
  putBack(pages: readonly number[]): void {
    for (const page of pages) this.copied?.add(page);
  }

  /** Every other page holds zeros, as it was made. */
  everTouched(): number[] {
    this.look();
    return Array.from(this.touched.keys()).filter((page) => this.touched[page] === 1);
  }

  take(): number[] {
    this.look();
    const pages = [...(this.copied ?? [])];
    this.copied?.clear();
    return pages;
  }

  private look(): void {
    const pages = this.memory.takeDirtyPages();
    this.count += pages.length;
    for (const page of pages) {
      this.copied?.add(page);
      this.touchedCount += 1 - this.touched[page]!;
      this.touched[page] = 1;
    }
  }

  /** How much of its memory was ever written to: the rest takes no room on the host. */
  get touchedBytes(): number {
    return this.touchedCount * pageBytes;
  }

  /** Null until a period has been measured. */
  bytesPerSecond(nowMs: number): number | null {
    this.look();
    // What was written before anybody asked is of no known time.
    if (this.since === null) this.count = 0;
    this.since ??= nowMs;
    const elapsedMs = nowMs - this.since;
    if (elapsedMs < periodMs) return this.rate;
    this.rate = (this.count * pageBytes * 1000) / elapsedMs;
    this.count = 0;
    this.since = nowMs;
    return this.rate;
  }
}
