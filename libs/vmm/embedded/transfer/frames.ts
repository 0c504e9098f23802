import { pageBytes } from '@argosy/machine/memory';

/**
 * What a guest's memory is told in, from one VMM to another and into a file: frames of a kind, a length and so many bytes.
 * message: JSON. pages: their numbers, and the content of those that are not all zeros. awaited: numbers of pages that are to
 * come later. cluster: a part of the disk, by its number.
 */
const kinds = ['message', 'pages', 'awaited', 'cluster'] as const;
export type FrameKind = (typeof kinds)[number];

const headBytes = 8;
/** No honest frame is longer: a chunk of pages, a cluster, the numbers of the pages of the largest memory. */
const longestFrameBytes = 8 * 2 ** 20;
const zeroPage = 2 ** 31;

function frame(kind: FrameKind, parts: readonly Uint8Array[]): Buffer {
  const head = Buffer.alloc(headBytes);
  head.writeUInt32LE(kinds.indexOf(kind), 0);
  head.writeUInt32LE(
    parts.reduce((sum, part) => sum + part.length, 0),
    4,
  );
  return Buffer.concat([head, ...parts]);
}

const wordsOf = (numbers: readonly number[]): Uint8Array => new Uint8Array(Uint32Array.from(numbers).buffer);

export function messageFrame(message: object): Buffer {
  return frame('message', [Buffer.from(JSON.stringify(message))]);
}

export function awaitedFrame(pages: readonly number[]): Buffer {
  return frame('awaited', [wordsOf(pages)]);
}

export function clusterFrame(cluster: number, content: Uint8Array): Buffer {
  return frame('cluster', [wordsOf([cluster]), content]);
}

function isZero(page: Uint8Array): boolean {
  const words = new Int32Array(page.buffer, page.byteOffset, page.length / 4);
  for (let index = 0; index < words.length; index++) if (words[index] !== 0) return false;
  return true;
}

export function pagesFrame(pages: readonly number[], memory: Uint8Array): Buffer {
  const contents: Uint8Array[] = [];
  const numbers = pages.map((page) => {
    const content = memory.subarray(page * pageBytes, (page + 1) * pageBytes);
    if (isZero(content)) return page + zeroPage;
    contents.push(content);
    return page;
  });
  return frame('pages', [wordsOf([pages.length]), wordsOf(numbers), ...contents]);
}

export interface FrameReceiver {
  message(message: Readonly<Record<string, unknown>>): void;
  /** null: zeros. */
  page(page: number, content: Uint8Array | null): void;
  awaited(pages: readonly number[]): void;
  cluster(cluster: number, content: Uint8Array): void;
}

export class FrameError extends Error {}

function readPages(bytes: Buffer, receiver: FrameReceiver): void {
  const count = bytes.readUInt32LE(0);
  let at = 4 + 4 * count;
  for (let index = 0; index < count; index++) {
    const number = bytes.readUInt32LE(4 + 4 * index);
    if (number >= zeroPage) receiver.page(number - zeroPage, null);
    else {
      if (at + pageBytes > bytes.length) throw new FrameError('a page is cut short');
      receiver.page(number, bytes.subarray(at, at + pageBytes));
      at += pageBytes;
    }
  }
}

function readNumbers(bytes: Buffer): number[] {
  return Array.from({ length: bytes.length >>> 2 }, (_, index) => bytes.readUInt32LE(4 * index));
}

const readers: Readonly<Record<FrameKind, (bytes: Buffer, receiver: FrameReceiver) => void>> = {
  message: (bytes, receiver) => receiver.message(JSON.parse(bytes.toString('utf8')) as Record<string, unknown>),
  pages: readPages,
  awaited: (bytes, receiver) => receiver.awaited(readNumbers(bytes)),
  cluster: (bytes, receiver) => receiver.cluster(bytes.readUInt32LE(0), bytes.subarray(4)),
};

/** Frames out of a stream's pieces, which may end anywhere. Throws where it is no such stream. */
export class FrameReader {
  private pieces: Buffer[] = [];
  private length = 0;
  private wanted = headBytes;

  constructor(private readonly receiver: FrameReceiver) {}

  push(piece: Buffer): void {
    this.pieces.push(piece);
    this.length += piece.length;
    if (this.length < this.wanted) return;
    let bytes = this.pieces.length === 1 ? this.pieces[0]! : Buffer.concat(this.pieces);
    for (let size = frameBytes(bytes); size <= bytes.length; size = frameBytes(bytes)) {
      const kind = kinds[bytes.readUInt32LE(0)];
      if (kind === undefined) throw new FrameError('a frame is of no kind that is known');
      readers[kind](bytes.subarray(headBytes, size), this.receiver);
      bytes = bytes.subarray(size);
    }
    this.wanted = frameBytes(bytes);
    this.pieces = [bytes];
    this.length = bytes.length;
  }

  /** Whether the stream may end here. */
  get isBetweenFrames(): boolean {
    return this.length === 0;
  }
}

function frameBytes(bytes: Buffer): number {
  if (bytes.length < headBytes) return headBytes;
  const length = bytes.readUInt32LE(4);
  if (length > longestFrameBytes) throw new FrameError(`a frame of ${length} bytes is no frame`);
  return headBytes + length;
}
