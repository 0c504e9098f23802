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
 *
 * For a patcher of the machine below, all that this one does to memory is what a program of that machine did.
 */
export class Patcher {
  /** By page, and there by the number of their word. */
  private readonly originals = new Map<number, Map<number, number>>();
  private readonly firstPage: number;
  private readonly level: number;

  constructor(
    private readonly memory: Memory,
    private readonly isCritical: (word: number) => boolean,
  ) {
    this.firstPage = memory.offset >>> pageShift;
    this.level = memory.level;
    memory.beforeAccess = (offset, length) => this.restore(this.pagesOf(offset, length), pageGuards.fetch);
    this.restore(this.pagesOf(0, memory.size), pageGuards.fetch);
  }

  originalAt(offset: number): number | undefined {
    return this.originals.get(offset >>> pageShift)?.get((offset >>> 2) & (pageWords - 1));
  }

  /** Whether what stopped there may have been stopped by a guard of this patcher's. */
  hasGuarded(offset: number, length: number, guard: number): boolean {
    return this.pagesOf(offset, length).some((page) => (this.guardsOf(page) & guard) !== 0);
  }

  scan(page: number): void {
    this.memory.prepareBelow(page * pageBytes, pageBytes);
    const { words } = this.memory.storage;
    const firstWord = ((this.firstPage + page) << pageShift) >>> 2;
    const originals = new Map<number, number>();
    for (let index = 0; index < pageWords; index++) {
      const word = words[firstWord + index]!;
      // Nearly no word of a program is about the machine: this is what keeps a scan short.
      if ((word & 0x7f) !== 0x73 && (word & 0x7f) !== 0x0b) continue;
      if (!this.isCritical(word)) continue;
      originals.set(index, word);
      this.put(page, index, patchWord);
    }
    if (originals.size > 0) this.originals.set(page, originals);
    this.guard(page, originals.size > 0 ? pageGuards.store | pageGuards.load : pageGuards.store);
  }

  /** Does one instruction that a guard stopped, on pages as the program left them. */
  open<Value>(offset: number, length: number, step: () => Value): Value {
    const pages = this.pagesOf(offset, length);
    this.restore(pages, 0);
    const result = step();
    for (const page of pages) this.scan(page);
    return result;
  }

  release(): void {
    this.memory.beforeAccess = undefined;
    this.restore(this.pagesOf(0, this.memory.size), 0);
  }

  private guardsOf(page: number): number {
    return this.memory.storage.guardsOf(this.firstPage + page, this.level);
  }

  private guard(page: number, guards: number): void {
    this.memory.storage.guard(this.firstPage + page, guards, this.level);
  }

  private pagesOf(offset: number, length: number): number[] {
    const first = offset >>> pageShift;
    const last = Math.min(offset + length, this.memory.size) - 1;
    return Array.from({ length: (last >>> pageShift) - first + 1 }, (_, index) => first + index);
  }

  /** Puts the originals of these pages back, and other guards on them. */
  private restore(pages: readonly number[], guards: number): void {
    for (const page of pages) {
      const originals = this.originals.get(page);
      if (originals !== undefined) {
        this.memory.prepareBelow(page * pageBytes, pageBytes);
        for (const [index, original] of originals) this.put(page, index, original);
        this.originals.delete(page);
      }
      this.guard(page, guards);
    }
  }

  /** No write of the program's: the page is no dirtier for it. */
  private put(page: number, index: number, word: number): void {
    const { storage } = this.memory;
    storage.words[(this.firstPage + page) * pageWords + index] = word;
    storage.forgetCode(this.firstPage + page, index, index + 1);
  }
}
