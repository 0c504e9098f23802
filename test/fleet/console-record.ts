import { closeSync, existsSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { type GuestLine, parseGuestLine } from '@argosy/domain/guest-console';

interface Stretch {
  readonly path: string;
  readonly epoch: number;
  readonly file: number;
  /** When its console was last seen to grow, by performance.now(). */
  grownAt: number;
  size: number;
}

export interface Life {
  /** The boot counter that the guest keeps on its disk, or null when the record began in mid-life. */
  readonly boot: number | null;
  readonly counts: readonly number[];
}

const lookEveryMs = 20;
/** Stands where the guest has gone back to an earlier moment, and no guest says it. */
const goneBack = '\0gone back';

/**
 * All that one guest ever said, from the logs that each of its VMMs writes, kept beyond their removal: a log that was
 * opened can be read when it is gone. Stretches in the order of their epochs are the guest's console without a gap, as
 * long as it never runs twice; where it did, counts would be there twice.
 */
export class ConsoleRecord {
  private readonly stretches = new Map<string, Stretch>();
  /** Where a copy spoke after one of a later epoch had: two of them executed. */
  readonly doubles: string[] = [];
  private latestEpoch = 0;
  /** The latest epochs before the guest went back to an earlier moment of its memory. */
  private readonly epochsBefore: number[] = [];
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly guestId: string,
    private readonly vmmFolders: readonly string[],
  ) {
    this.look();
    this.timer = setInterval(() => this.look(), lookEveryMs);
  }

  close(): void {
    clearInterval(this.timer);
    for (const { file } of this.stretches.values()) closeSync(file);
    this.stretches.clear();
  }

  /** From its next VMM on the guest may count again what it has counted: it goes back to a snapshot with its memory. */
  goesBack(): void {
    this.look();
    this.epochsBefore.push(Math.max(0, ...[...this.stretches.values()].map(({ epoch }) => epoch)));
  }

  private look(): void {
    const prefix = `${encodeURIComponent(this.guestId)}.`;
    for (const root of this.vmmFolders) {
      for (const name of existsSync(root) ? readdirSync(root) : []) {
        const path = join(root, name, 'console.log');
        if (name.startsWith(prefix) && !this.stretches.has(path)) this.open(path, Number(name.slice(prefix.length)));
      }
    }
    // The latest first: when it is seen to have spoken, those before it had ended, and what they said is all there.
    const spokenBefore = this.latestEpoch;
    for (const stretch of [...this.stretches.values()].sort((left, right) => right.epoch - left.epoch)) {
      const { size } = fstatSync(stretch.file);
      if (size !== stretch.size) {
        stretch.grownAt = performance.now();
        if (stretch.epoch < spokenBefore)
          this.doubles.push(`epoch ${stretch.epoch} spoke after epoch ${spokenBefore} had`);
        this.latestEpoch = Math.max(this.latestEpoch, stretch.epoch);
      }
      stretch.size = size;
    }
  }

  private open(path: string, epoch: number): void {
    try {
      this.stretches.set(path, { path, epoch, file: openSync(path, 'r'), grownAt: 0, size: 0 });
    } catch {
      // Its VMM has not made it yet.
    }
  }

  /** When the VMM in that folder last let its guest say something. */
  grownAt(folder: string): number {
    this.look();
    return this.stretches.get(join(folder, 'console.log'))?.grownAt ?? 0;
  }

  /** When any copy last said something, by performance.now(). */
  spokeAt(): number {
    return Math.max(0, ...[...this.stretches.values()].map(({ grownAt }) => grownAt));
  }

  text(): string {
    const ordered = [...this.stretches.values()].sort((left, right) => left.epoch - right.epoch);
    return ordered.reduce((text, { file, epoch }, index) => {
      const before = ordered[index - 1]?.epoch ?? 0;
      const isBack = this.epochsBefore.some((last) => before <= last && last < epoch);
      const { size } = fstatSync(file);
      const bytes = Buffer.alloc(size);
      const piece = bytes.subarray(0, readSync(file, bytes, 0, size, 0)).toString('latin1');
      // A boot begins a line, wherever its forerunner was cut off; a migration goes on in the middle of one.
      if (isBack) return `${text}\n${goneBack}\n${piece}`;
      return piece.startsWith('ready ') ? `${text}\n${piece}` : text + piece;
    }, '');
  }

  lines(): GuestLine[] {
    return this.text()
      .split(/\r?\n/)
      .flatMap((line) => parseGuestLine(line) ?? []);
  }

  lives(): Life[] {
    const lives: { boot: number | null; counts: number[] }[] = [];
    for (const text of this.text().split(/\r?\n/)) {
      if (text === goneBack) lives.push({ boot: null, counts: [] });
      const line = parseGuestLine(text);
      if (!line) continue;
      if (line.kind === 'ready') lives.push({ boot: line.boot, counts: [] });
      if (line.kind !== 'heartbeat') continue;
      if (lives.length === 0) lives.push({ boot: null, counts: [] });
      lives[lives.length - 1]!.counts.push(line.count);
    }
    return lives;
  }
}

/** Where the counter of one life is not the next number: '' when it never jumped, went back or said one twice. */
export function brokenCounts({ counts }: Life): string {
  const broken = counts.flatMap((count, index) =>
    index > 0 && count !== counts[index - 1]! + 1 ? [`${counts[index - 1]} then ${count}`] : [],
  );
  return broken.join(', ');
}
