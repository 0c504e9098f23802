import { controlRegisterOf } from '../control-registers';
import { instructionOf } from '../instruction-set';
import { pageBytes, pageGuards, pageShift, pageWords, type Memory } from '../memory';
import type { Variant } from '../variants';

/** No instruction, so it traps in either mode. */
export const patchWord = 0;

/** Sensitive and not privileged: what theorem 1 fails by. That these are all is tested against the classes that are found. */
export function isCritical(variant: Variant): (word: number) => boolean {
  return (word) => {
    const format = instructionOf(word)?.format;
    if (format === 'source') return variant.jumpsToUserMode;
    if (format !== 'csr' && format !== 'csri') return false;
    const register = controlRegisterOf(word >>> 20);
    return register !== undefined && register.name in variant.userAccess;
  };
}

/**
 * Makes critical instructions trap, where the processor does not. A page is scanned before the first instruction of it is run;
 * each critical instruction in it gives way to a word that traps, and the original is kept. Instructions are whole aligned
 * words, so nothing can be hidden between two. Until then the page is guarded against fetches; from then on against stores,
 * since what is stored may be run, and, if anything was replaced, against loads, since nobody may see that. A guarded load or
 * store is done alone, on a page as the program left it, which is then scanned again.
 */
export class Patcher {
  /** By the offset of their word. */
  private readonly originals = new Map<number, number>();
  private readonly firstPage: number;

  constructor(
    private readonly memory: Memory,
    private readonly isCritical: (word: number) => boolean,
  ) {
    this.firstPage = memory.offset >>> pageShift;
    memory.beforeAccess = (offset, length) => this.restore(offset, length, pageGuards.fetch);
    this.restore(0, memory.size, pageGuards.fetch);
  }

  originalAt(offset: number): number | undefined {
    return this.originals.get(offset);
  }

  scan(page: number): void {
    const { storage } = this.memory;
    const firstWord = ((this.firstPage + page) << pageShift) >>> 2;
    let replaced = 0;
    for (let index = 0; index < pageWords; index++) {
      const word = storage.words[firstWord + index]!;
      // Nearly no word of a program is about the machine: this is what keeps a scan short.
      if ((word & 0x7f) !== 0x73 && (word & 0x7f) !== 0x0b) continue;
      if (!this.isCritical(word)) continue;
      this.originals.set(page * pageBytes + 4 * index, word);
      this.put(page * pageBytes + 4 * index, patchWord);
      replaced++;
    }
    storage.guard(this.firstPage + page, replaced > 0 ? pageGuards.store | pageGuards.load : pageGuards.store);
  }

  /** Does one instruction that a guard stopped, on pages as the program left them. */
  open<Value>(offset: number, length: number, step: () => Value): Value {
    const pages = this.pagesOf(offset, length);
    this.restore(offset, length, 0);
    const result = step();
    for (const page of pages) this.scan(page);
    return result;
  }

  release(): void {
    this.memory.beforeAccess = undefined;
    this.restore(0, this.memory.size, 0);
  }

  private pagesOf(offset: number, length: number): number[] {
    const first = offset >>> pageShift;
    const last = Math.min(offset + length, this.memory.size) - 1;
    return Array.from({ length: (last >>> pageShift) - first + 1 }, (_, index) => first + index);
  }

  /** Puts the originals of these pages back, and other guards on them. */
  private restore(offset: number, length: number, guards: number): void {
    for (const page of this.pagesOf(offset, length)) {
      for (let at = page * pageBytes; this.originals.size > 0 && at < (page + 1) * pageBytes; at += 4) {
        const original = this.originals.get(at);
        if (original === undefined) continue;
        this.put(at, original);
        this.originals.delete(at);
      }
      this.memory.storage.guard(this.firstPage + page, guards);
    }
  }

  /** No write of the program's: the page is no dirtier for it. */
  private put(offset: number, word: number): void {
    const { storage } = this.memory;
    const page = this.firstPage + (offset >>> pageShift);
    storage.words[(this.memory.offset + offset) >>> 2] = word;
    const index = (offset >>> 2) & (pageWords - 1);
    storage.forgetCode(page, index, index + 1);
  }
}
