import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { JournalEntry } from '@argosy/control/host-types';

/** Rewritten when it has this many lines more than entries. */
const slackLines = 2_000;

/**
 * The agent's own memory, in the order of its keys' last writes. An entry is handed to the kernel before what follows it
 * begins, so it outlives the process. It is not forced to the disk: what it speaks of, this host's VMMs, would not
 * outlive a loss of power either, and forcing it would cost each hand-over milliseconds of the guest's time.
 */
export class Journal {
  private readonly values = new Map<string, JournalEntry>();
  private descriptor: number;
  private lines = 0;

  constructor(private readonly path: string) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    if (existsSync(path)) this.read(readFileSync(path, 'utf8'));
    this.descriptor = this.rewrite();
  }

  entries(): readonly JournalEntry[] {
    return [...this.values.values()];
  }

  write(entry: JournalEntry): void {
    this.keep(entry);
    writeSync(this.descriptor, `${JSON.stringify(entry)}\n`);
    this.lines++;
    if (this.lines > this.values.size + slackLines) {
      closeSync(this.descriptor);
      this.descriptor = this.rewrite();
    }
  }

  private keep(entry: JournalEntry): void {
    if (entry.value === null) this.values.delete(entry.key);
    else this.values.set(entry.key, entry);
  }

  private read(text: string): void {
    const lines = text.split('\n');
    // What follows the last end of line was being written when the process ended, and nothing was begun after it.
    lines.pop();
    for (const line of lines) this.keep(JSON.parse(line) as JournalEntry);
  }

  private rewrite(): number {
    const fresh = `${this.path}.new`;
    writeFileSync(
      fresh,
      this.entries()
        .map((entry) => `${JSON.stringify(entry)}\n`)
        .join(''),
      { mode: 0o600 },
    );
    renameSync(fresh, this.path);
    this.lines = this.values.size;
    return openSync(this.path, 'a', 0o600);
  }
}
