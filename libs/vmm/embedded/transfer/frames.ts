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
/** A chunk of pages and more. */
const usualBytes = 2 ** 19;

/**
 * Rooms for what goes over or comes in, of transfers that have ended: V8 looks for garbage the sooner the more is thrown away, and would
 * do so when some guest stands still.
 */
const rooms: Buffer[] = [];
const mostRooms = 16;

function takeRoom(bytes: number): Buffer {
  return (bytes <= usualBytes ? rooms.pop() : undefined) ?? Buffer.allocUnsafeSlow(Math.max(bytes, usualBytes));
}

function giveRoomBack(room: Buffer): void {
  if (room.length === usualBytes && rooms.length < mostRooms) rooms.push(room);
}

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

/** Frames of pages, all in the same room: one is no more when the next is asked for. */
export class PageFrames {
  private room: Buffer | null;

  constructor(mostPages: number) {
    this.room = takeRoom(headBytes + 4 + mostPages * (4 + pageBytes));
  }

  /** Nothing of it is on its way any more, and nothing is asked for from now on. */
  end(): void {
    if (this.room) giveRoomBack(this.room);
    this.room = null;
  }

  of(pages: readonly number[], memory: Uint8Array): Buffer {
    const { room } = this;
    if (!room) throw new FrameError('the transfer has ended');
    let numberAt = headBytes + 4;
    let at = numberAt + 4 * pages.length;
    for (const page of pages) {
      const content = memory.subarray(page * pageBytes, (page + 1) * pageBytes);
      const isEmpty = isZero(content);
      numberAt = room.writeUInt32LE(isEmpty ? page + zeroPage : page, numberAt);
      if (isEmpty) continue;
      room.set(content, at);
      at += pageBytes;
    }
    room.writeUInt32LE(kinds.indexOf('pages'), 0);
    room.writeUInt32LE(at - headBytes, 4);
    room.writeUInt32LE(pages.length, headBytes);
    return room.subarray(0, at);
  }
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

/**
 * Frames out of a stream's pieces, which may end anywhere. Throws where it is no such stream. What a receiver is given is its own
 * until it returns: the next pieces come into the same room.
 */
export class FrameReader {
  private room = takeRoom(usualBytes);
  private hasEnded = false;
  private length = 0;
  private wanted = headBytes;

  constructor(private readonly receiver: FrameReceiver) {}

  /** Nothing more comes. */
  end(): void {
    if (!this.hasEnded) giveRoomBack(this.room);
    this.hasEnded = true;
  }

  push(piece: Buffer): void {
    if (this.hasEnded) throw new FrameError('the transfer has ended');
    this.append(piece);
    if (this.length < this.wanted) return;
    const bytes = this.room.subarray(0, this.length);
    let at = 0;
    for (let end = frameBytes(bytes); end <= bytes.length; end = at + frameBytes(bytes.subarray(at))) {
      const kind = kinds[bytes.readUInt32LE(at)];
      if (kind === undefined) throw new FrameError('a frame is of no kind that is known');
      readers[kind](bytes.subarray(at + headBytes, end), this.receiver);
      at = end;
    }
    this.room.copyWithin(0, at, this.length);
    this.length -= at;
    this.wanted = frameBytes(this.room.subarray(0, this.length));
  }

  /** Room is made for what came, and not for what is said to come. */
  private append(piece: Buffer): void {
    const length = this.length + piece.length;
    if (length > this.room.length) {
      const larger = Buffer.allocUnsafe(Math.max(length, 2 * this.room.length));
      larger.set(this.room.subarray(0, this.length));
      giveRoomBack(this.room);
      this.room = larger;
    }
    this.room.set(piece, this.length);
    this.length = length;
  }
}

function frameBytes(bytes: Buffer): number {
  if (bytes.length < headBytes) return headBytes;
  const length = bytes.readUInt32LE(4);
  if (length > longestFrameBytes) throw new FrameError(`a frame of ${length} bytes is no frame`);
  return headBytes + length;
}
