/** Every machine's memory begins at this address, on the bare machine as in a machine of a machine. */
export const memoryStart = 0x80000000;
export const pageBytes = 4096;
export const pageShift = 12;
export const pageWords = pageBytes / 4;
const maximumBytes = 2 ** 30;

/** Of a page: it was written to since `takeDirtyPages`; instructions of it were decoded. */
export const pageDirty = 1;
export const pageHasCode = 2;
/** Guards, which a control program puts on pages: the processor traps before it fetches from, stores to or loads from one. */
export const pageGuards = { fetch: 4, store: 8, load: 16 } as const;
const everyGuard = pageGuards.fetch | pageGuards.store | pageGuards.load;

/** A page's instructions as the interpreter reads them; 0 is a word that was not decoded, or was written to since. */
export interface DecodedPage {
  readonly codes: Int32Array;
  readonly immediates: Int32Array;
}

/** The bare machine's storage, with what was written and what was decoded of each page. */
export class Storage {
  readonly bytes: Uint8Array;
  readonly halves: Int16Array;
  readonly words: Int32Array;
  readonly flags: Uint8Array;
  readonly decoded: (DecodedPage | undefined)[];
  /** How many pages are guarded against loads: while there are none, loads look at no flags. */
  loadGuards = 0;

  constructor(readonly size: number) {
    if (size <= 0 || size % pageBytes !== 0 || size > maximumBytes)
      throw new RangeError(`Memory is whole pages of ${pageBytes} bytes, at most 1 GiB: not ${size} bytes.`);
    const buffer = new ArrayBuffer(size);
    this.bytes = new Uint8Array(buffer);
    this.halves = new Int16Array(buffer);
    this.words = new Int32Array(buffer);
    this.flags = new Uint8Array(size >>> pageShift);
    this.decoded = new Array<DecodedPage | undefined>(size >>> pageShift).fill(undefined);
  }

  decodedPage(page: number): DecodedPage {
    this.flags[page]! |= pageHasCode;
    return (this.decoded[page] ??= { codes: new Int32Array(pageWords), immediates: new Int32Array(pageWords) });
  }

  guard(page: number, guards: number): void {
    const old = this.flags[page]!;
    this.loadGuards += ((guards & pageGuards.load) - (old & pageGuards.load)) / pageGuards.load;
    this.flags[page] = (old & ~everyGuard) | guards;
  }

  refusesRead(offset: number, length: number): boolean {
    const last = (offset + length - 1) >>> pageShift;
    return ((this.flags[offset >>> pageShift]! | this.flags[last]!) & pageGuards.load) !== 0;
  }

  /** Called before every write of at most a word that is not aligned, or finds its page's flags to be other than just `pageDirty`. */
  refusesWrite(offset: number, length: number): boolean {
    const last = (offset + length - 1) >>> pageShift;
    if (((this.flags[offset >>> pageShift]! | this.flags[last]!) & pageGuards.store) !== 0) return true;
    this.written(offset, length);
    return false;
  }

  /** Its pages are dirty, and what was decoded of it is forgotten. */
  written(offset: number, length: number): void {
    const end = offset + length;
    for (let page = offset >>> pageShift; page << pageShift < end; page++) {
      this.flags[page]! |= pageDirty;
      const decoded = this.decoded[page];
      if (decoded === undefined) continue;
      const start = page << pageShift;
      const first = Math.max(0, offset - start) >>> 2;
      const last = Math.min(pageBytes, end - start) + 3;
      decoded.codes.fill(0, first, last >>> 2);
    }
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
  ) {
    this.bytes = storage.bytes.subarray(offset, offset + size);
  }

  static ofSize(size: number): Memory {
    return new Memory(new Storage(size), 0, size);
  }

  window(offset: number, size: number): Memory {
    if (offset < 0 || offset + size > this.size || offset % pageBytes !== 0 || size % pageBytes !== 0 || size === 0)
      throw new RangeError(
        `A window of ${size} bytes at ${offset} is not whole pages of a memory of ${this.size} bytes.`,
      );
    return new Memory(this.storage, this.offset + offset, size);
  }

  /** What the processor does not write itself: devices, loaders, the VMM. */
  write(offset: number, bytes: Uint8Array): void {
    this.access(offset, bytes.length).set(bytes);
    this.written(offset, bytes.length);
  }

  access(offset: number, length: number): Uint8Array {
    this.beforeAccess?.(offset, length);
    return this.bytes.subarray(offset, offset + length);
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
    const first = this.offset >>> pageShift;
    for (let page = 0; page < this.size >>> pageShift; page++) {
      if ((this.storage.flags[first + page]! & pageDirty) === 0) continue;
      this.storage.flags[first + page]! &= ~pageDirty;
      pages.push(page);
    }
    return pages;
  }
}
