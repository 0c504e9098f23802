import { setImmediate } from 'node:timers/promises';
import { freshMemory, type SharedMemory } from '@argosy/machine/shared-memory';

/** So many bytes at most wait for a guest. */
const mostKeptBytes = 64 * 2 ** 20;
/** Cleared in one go: a tenth of a millisecond, in which no guest runs. */
const clearedAtOnce = 2 ** 20;

interface Kept {
  readonly memory: SharedMemory;
  /** Up to here it is zeros. */
  clearedTo: number;
}

/**
 * The memories of guests that have ended, for those that come. V8 counts a guest's memory as what may be garbage, and after every
 * few that are made looks through all that there is, which would be at a moment when some guest stands still to be moved.
 */
export class MemoryStock {
  private readonly kept: Kept[] = [];
  private readonly taken = new WeakSet<SharedMemory>();
  private keptBytes = 0;

  /** `onLeft`: a memory that is not kept is garbage now. */
  constructor(private readonly onLeft: () => void) {}

  /** All zeros, as a new one. */
  take(bytes: number): SharedMemory {
    const memory = this.keptFor(bytes) ?? freshMemory(bytes);
    this.taken.add(memory);
    return memory;
  }

  private keptFor(bytes: number): SharedMemory | undefined {
    const place = this.kept.findIndex(({ memory }) => isFor(memory.buffer.byteLength, bytes));
    if (place < 0) return undefined;
    const [found] = this.kept.splice(place, 1);
    const { memory, clearedTo } = found!;
    new Uint8Array(memory.buffer).fill(0, clearedTo);
    this.keptBytes -= memory.buffer.byteLength;
    return memory;
  }

  /** Once only, however often it is called. Nobody sees it any more through what the guest that had it left: its machine's views are of nothing from now on. */
  giveBack(memory: SharedMemory): void {
    if (!this.taken.delete(memory)) return;
    memory.grow(0);
    const { byteLength } = memory.buffer;
    if (this.keptBytes + byteLength > mostKeptBytes) return this.onLeft();
    this.keptBytes += byteLength;
    const kept = { memory, clearedTo: 0 };
    this.kept.push(kept);
    void this.clear(kept);
  }

  /** A little at a time, and no further when somebody has taken it. */
  private async clear(kept: Kept): Promise<void> {
    const bytes = new Uint8Array(kept.memory.buffer);
    while (this.kept.includes(kept) && kept.clearedTo < bytes.length) {
      const end = kept.clearedTo + clearedAtOnce;
      bytes.fill(0, kept.clearedTo, end);
      kept.clearedTo = end;
      await setImmediate();
    }
  }
}

/** Of a whole number of WebAssembly's pages. */
function isFor(kept: number, asked: number): boolean {
  return kept >= asked && kept - asked < 65_536;
}
