import { closeSync, fstatSync, openSync, readSync, truncateSync, writeFileSync } from 'node:fs';

/** Kept of a console when its log is cut, and the size at which that is done: a guest that ticks writes 4 MB a day. */
const keptBytes = 256 * 1024;
const mostBytes = 4 * 1024 * 1024;

/** What a guest said on its console, in a file that somebody appends to. */
export class ConsoleLog {
  constructor(readonly path: string) {}

  tail(maximumBytes: number): string {
    const now = readTail(this.path, maximumBytes);
    const missing = maximumBytes - now.length;
    const before = missing > 0 ? readTail(`${this.path}.old`, missing) : Buffer.alloc(0);
    return Buffer.concat([before, now]).toString('utf8');
  }

  /** It can be emptied under who appends; what is written between the copy and the cut is lost from the log only. */
  cut(): void {
    if (sizeOf(this.path) < mostBytes) return;
    writeFileSync(`${this.path}.old`, readTail(this.path, keptBytes));
    truncateSync(this.path, 0);
  }
}

function sizeOf(path: string): number {
  try {
    const file = openSync(path, 'r');
    const { size } = fstatSync(file);
    closeSync(file);
    return size;
  } catch {
    return 0;
  }
}

function readTail(path: string, maximumBytes: number): Buffer {
  const size = sizeOf(path);
  const length = Math.min(size, Math.max(0, maximumBytes));
  if (length === 0) return Buffer.alloc(0);
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(length);
    return bytes.subarray(0, readSync(file, bytes, 0, length, size - length));
  } finally {
    closeSync(file);
  }
}
