import { decodedPageOf, ownPageOf, type DecodedPage } from './decoded-page';
import { registerCount } from './processor-state';
import type { MakeMemory, SharedMemory } from './translator/webassembly';

/** Every machine's memory begins at this address, on the bare machine as in a machine of a machine. */
export const memoryStart = 0x80000000;
export const pageBytes = 4096;
export const pageShift = 12;
export const pageWords = pageBytes / 4;
const maximumBytes = 2 ** 30;

/** Of a page: it was written to since `takeDirtyPages`; instructions of it were decoded. */
export const pageDirty = 1;
export const pageHasCode = 2;
/**
 * Guards, which a control program puts on pages: the processor traps before it fetches from, stores to or loads from one. A page
 * has those of every control program in whose machine it is, one over the other.
 */
export const pageGuards = { fetch: 4, store: 8, load: 16 } as const;
const dirtyOfFour = 0x01010101 * pageDirty;
const noVisits = new Int16Array(0);
const everyGuard = pageGuards.fetch | pageGuards.store | pageGuards.load;

/** Where the translator's modules find what they share with the machine, behind the memory itself. */
export interface SharedParts {
  readonly memory: SharedMemory;
  readonly flagsAt: number;
  readonly registersAt: number;
  readonly bytes: number;
}

function sharedPartsOf(size: number, makeMemory: MakeMemory): SharedParts {
  const registersAt = (size + (size >>> pageShift) + 3) & ~3;
  const bytes = registersAt + 4 * (registerCount + 2);
  return { memory: makeMemory(bytes), flagsAt: size, registersAt, bytes };
}

/** The bare machine's storage, with what was written and what was decoded of each page. */
export class Storage {
  readonly bytes: Uint8Array;
  readonly halves: Int16Array;
  readonly words: Int32Array;
  readonly flags: Uint8Array;
  /** The same, of four pages in each. */
  readonly flagWords: Int32Array;
  readonly decoded: (DecodedPage | undefined)[];
  /** A write was refused for no guard, but because its page's instructions had to be made its own first: it is to be done again. */
  isToRepeat = false;
  /** How many pages are guarded against loads: while there are none, loads look at no flags. */
  loadGuards = 0;
  /** Each control program's, by the level of its machines' memories, and page by page. */
  private readonly guards: Uint8Array[] = [];
  /** Undefined: there is no translator. */
  readonly shared: SharedParts | undefined;
  /** Called when words of a page that were decoded may no longer be what they were, or may no longer be run. */
  codeChanged: ((page: number, firstWord: number, endWord: number) => void) | undefined;

  constructor(
    readonly size: number,
    makeMemory?: MakeMemory,
  ) {
    if (size <= 0 || size % pageBytes !== 0 || size > maximumBytes)
      throw new RangeError(`Memory is whole pages of ${pageBytes} bytes, at most 1 GiB: not ${size} bytes.`);
    this.shared = makeMemory === undefined ? undefined : sharedPartsOf(size, makeMemory);
    const buffer = this.shared?.memory.buffer ?? new ArrayBuffer(size);
    this.bytes = new Uint8Array(buffer, 0, size);
    this.halves = new Int16Array(buffer, 0, size / 2);
    this.words = new Int32Array(buffer, 0, size / 4);
    this.flags =
      this.shared === undefined
        ? new Uint8Array(size >>> pageShift)
        : new Uint8Array(buffer, this.shared.flagsAt, size >>> pageShift);
    this.flagWords = new Int32Array(this.flags.buffer, this.flags.byteOffset, this.flags.length >>> 2);
    this.decoded = new Array<DecodedPage | undefined>(size >>> pageShift).fill(undefined);
  }

  decodedPage(page: number): DecodedPage {
    this.flags[page]! |= pageHasCode;
    return (this.decoded[page] ??= decodedPageOf(
      this.words.subarray(page * pageWords, (page + 1) * pageWords),
      this.shared === undefined ? noVisits : new Int16Array(pageWords),
    ));
  }

  guardsOf(page: number, level = 0): number {
    return this.guards[level]?.[page] ?? 0;
  }

  guard(page: number, guards: number, level = 0): void {
    if (guards === this.guardsOf(page, level)) return;
    while (this.guards.length <= level) this.guards.push(new Uint8Array(this.flags.length));
    this.guards[level]![page] = guards;
    this.compose(page);
  }

  /** Those of this level's control program, and of all in machines that were made there. */
  unguard(page: number, level: number): void {
    for (const guards of this.guards.slice(level)) guards[page] = 0;
    this.compose(page);
  }

  /** What the processor looks at. */
  private compose(page: number): void {
    const all = this.guards.reduce((sum, guards) => sum | guards[page]!, 0);
    const old = this.flags[page]!;
    this.loadGuards += ((all & pageGuards.load) - (old & pageGuards.load)) / pageGuards.load;
    this.flags[page] = (old & ~everyGuard) | all;
    if ((all & ~old & pageGuards.fetch) !== 0) this.codeChanged?.(page, 0, pageWords);
  }

  refusesRead(offset: number, length: number): boolean {
    const last = (offset + length - 1) >>> pageShift;
    return ((this.flags[offset >>> pageShift]! | this.flags[last]!) & pageGuards.load) !== 0;
  }

  /** Called before every write of at most a word that is not aligned, or finds its page's flags to be other than just `pageDirty`. */
  refusesWrite(offset: number, length: number): boolean {
    const last = (offset + length - 1) >>> pageShift;
    this.isToRepeat = false;
    if (((this.flags[offset >>> pageShift]! | this.flags[last]!) & pageGuards.store) !== 0) return true;
    this.isToRepeat = this.decoded[offset >>> pageShift]?.isShared === true || this.decoded[last]?.isShared === true;
    this.written(offset, length);
    return this.isToRepeat;
  }

  /** Its pages are dirty, and what was decoded of it is forgotten. */
  written(offset: number, length: number): void {
    const end = offset + length;
    for (let page = offset >>> pageShift; page << pageShift < end; page++) {
      this.flags[page]! |= pageDirty;
      const start = page << pageShift;
      const first = Math.max(0, offset - start) >>> 2;
      const last = Math.min(pageBytes, end - start) + 3;
      this.forgetCode(page, first, last >>> 2);
    }
  }

  /** What was decoded of these words, and translated. */
  forgetCode(page: number, firstWord: number, endWord: number): void {
    let decoded = this.decoded[page];
    if (decoded === undefined) return;
    if (decoded.isShared) this.decoded[page] = decoded = ownPageOf(decoded);
    decoded.codes.fill(0, firstWord, endWord);
    this.codeChanged?.(page, firstWord, endWord);
  }
}

/** A machine's memory: all of a storage, or the part of it that a VMM's allocator gave. */
export class Memory {
  /** For whoever looks on from outside; a machine's own devices, and what loads it, use `access` and `write`. */
  readonly bytes: Uint8Array;
  /** Called before anything but the processor reads or writes a part. */
  beforeAccess: ((offset: number, length: number) => void) | undefined;

  private constructor(
    readonly storage: Storage,
    /** Where it begins in the storage. */
    readonly offset: number,
    readonly size: number,
    /** That of the machine below, whose part it is; undefined: the bare machine's. */
    readonly below: Memory | undefined,
  ) {
    this.bytes = storage.bytes.subarray(offset, offset + size);
  }

  /** `makeMemory`: for a translator as well, of what this makes. */
  static ofSize(size: number, makeMemory?: MakeMemory): Memory {
    return new Memory(new Storage(size, makeMemory), 0, size, undefined);
  }

  /** The bare machine's is 0. */
  get level(): number {
    return this.below === undefined ? 0 : this.below.level + 1;
  }

  window(offset: number, size: number): Memory {
    if (offset < 0 || offset + size > this.size || offset % pageBytes !== 0 || size % pageBytes !== 0 || size === 0)
      throw new RangeError(
        `A window of ${size} bytes at ${offset} is not whole pages of a memory of ${this.size} bytes.`,
      );
    return new Memory(this.storage, this.offset + offset, size, this);
  }

  /** What the processor does not write itself: devices, loaders, the VMM. */
  write(offset: number, bytes: Uint8Array): void {
    this.access(offset, bytes.length).set(bytes);
    this.written(offset, bytes.length);
  }

  access(offset: number, length: number): Uint8Array {
    this.prepare(offset, length);
    return this.bytes.subarray(offset, offset + length);
  }

  /** In every machine that it is part of. The one above first: what it puts back is for those below a write to their memory. */
  private prepare(offset: number, length: number): void {
    this.beforeAccess?.(offset, length);
    this.below?.prepare(offset + this.offset - this.below.offset, length);
  }

  /** Before the VMM that this was given by changes something there that its programs are not to see. */
  prepareBelow(offset: number, length: number): void {
    this.below?.prepare(offset + this.offset - this.below.offset, length);
  }

  written(offset: number, length: number): void {
    this.storage.written(this.offset + offset, length);
  }

  word(offset: number): number {
    return this.storage.words[(this.offset + offset) >>> 2]!;
  }

  /** The numbers of the pages that were written to since the last call. */
  takeDirtyPages(): number[] {
    const pages: number[] = [];
    const { flags, flagWords } = this.storage;
    const first = this.offset >>> pageShift;
    const end = first + (this.size >>> pageShift);
    for (let page = first; page < end; page++) {
      const isOfFour = (page & 3) === 0 && page >>> 2 < flagWords.length;
      if (isOfFour && (flagWords[page >>> 2]! & dirtyOfFour) === 0) page += 3;
      else if ((flags[page]! & pageDirty) !== 0) {
        flags[page]! &= ~pageDirty;
        pages.push(page - first);
      }
    }
    return pages;
  }
}
