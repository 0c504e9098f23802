import { memoryStart, pageShift, pageWords, type Storage } from '../memory';
import type { Region } from './region';
import type { ModuleRun } from './webassembly';

export interface Translation {
  readonly run: ModuleRun;
  readonly base: number;
  /** Its code is below this offset from the base. */
  readonly end: number;
  /** Offsets in the storage, in words: its instructions, and where it can be entered. */
  readonly words: readonly number[];
  readonly entryWords: readonly number[];
}

export interface Entry {
  readonly translation: Translation;
  /** How many instructions must be left. */
  readonly needed: number;
}

export interface NewTranslation {
  readonly region: Region;
  readonly base: number;
  readonly run: ModuleRun;
  /** By address, with the instructions that must be left. */
  readonly entries: ReadonlyMap<number, number>;
}

/** Of one page: where translations are entered, how many each word is in, and how often some had to be dropped. */
interface TranslatedPage {
  readonly entries: Map<number, Entry[]>;
  readonly covers: Uint16Array;
  readonly translations: Set<Translation>;
  drops: number;
}

/** A module of a few KiB each: with more than these, all are dropped, and what is still hot is translated again. */
const mostTranslations = 512;
/** Below 0: so often a place must be visited again, and then as often as any. */
const longestRest = -32_000;

function pageOfWord(word: number): number {
  return word >>> (pageShift - 2);
}

/** What was translated of a storage, found by place, and dropped when its words change. */
export class Translations {
  made = 0;
  dropped = 0;
  /** What cannot be translated is not looked at again for so long. */
  readonly rest = longestRest;
  private readonly pages: (TranslatedPage | undefined)[];
  private readonly all = new Set<Translation>();

  constructor(private readonly storage: Storage) {
    this.pages = new Array<TranslatedPage | undefined>(storage.size >>> pageShift).fill(undefined);
    storage.codeChanged = (page, firstWord, endWord) => this.changed(page, firstWord, endWord);
  }

  get live(): number {
    return this.all.size;
  }

  /** The same page may be at several addresses, by several bases: a translation is for one. */
  entryAt(page: number, index: number, base: number): Entry | undefined {
    return this.pages[page]?.entries.get(index)?.find(({ translation }) => translation.base === base);
  }

  add({ region, base, run, entries }: NewTranslation): void {
    if (this.all.size >= mostTranslations) this.dropAll();
    const wordOf = (pc: number) => (base + ((pc ^ memoryStart) >>> 0)) >>> 2;
    const addresses = [...region.blocks.values()].flatMap(({ instructions }) => instructions.map(({ pc }) => pc));
    const words = [...new Set(addresses.map(wordOf))];
    const end = addresses.reduce((last, pc) => Math.max(last, (pc ^ memoryStart) >>> 0), 0) + 4;
    const translation = { run, base, end, words, entryWords: [...entries.keys()].map(wordOf) };
    for (const word of words) {
      const page = this.pageOf(word);
      this.storage.decodedPage(pageOfWord(word));
      page.covers[word & (pageWords - 1)]!++;
      page.translations.add(translation);
    }
    for (const [pc, needed] of entries) {
      const { entries: known } = this.pageOf(wordOf(pc));
      const index = wordOf(pc) & (pageWords - 1);
      // The latest is the one that knows most of what is run from there.
      known.set(index, [{ translation, needed }, ...(known.get(index) ?? [])]);
    }
    this.all.add(translation);
    this.made++;
  }

  dropAll(): void {
    for (const translation of this.all) this.drop(translation);
  }

  private pageOf(word: number): TranslatedPage {
    return (this.pages[pageOfWord(word)] ??= {
      entries: new Map(),
      covers: new Uint16Array(pageWords),
      translations: new Set(),
      drops: 0,
    });
  }

  private changed(number: number, firstWord: number, endWord: number): void {
    const page = this.pages[number];
    if (page === undefined || page.translations.size === 0) return;
    const hit = (index: number) => index >= firstWord && index < endWord;
    if (!page.covers.subarray(firstWord, endWord).some((count) => count > 0)) return;
    page.drops++;
    const firstOfPage = number * pageWords;
    for (const translation of [...page.translations])
      if (translation.words.some((word) => pageOfWord(word) === number && hit(word - firstOfPage)))
        this.drop(translation, longestRest / Math.max(1, 64 >>> page.drops));
  }

  /** Code that changes again and again is translated ever more seldom. */
  private drop(translation: Translation, rest = 0): void {
    for (const word of translation.words) {
      const page = this.pageOf(word);
      page.covers[word & (pageWords - 1)]!--;
      page.translations.delete(translation);
    }
    for (const word of translation.entryWords) {
      const { entries } = this.pageOf(word);
      const index = word & (pageWords - 1);
      const others = entries.get(index)!.filter((entry) => entry.translation !== translation);
      if (others.length > 0) entries.set(index, others);
      else entries.delete(index);
      this.storage.decodedPage(pageOfWord(word)).visits[index] = rest;
    }
    this.all.delete(translation);
    this.dropped++;
  }
}
