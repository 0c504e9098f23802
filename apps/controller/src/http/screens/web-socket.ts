import { createHash } from 'node:crypto';
import { Duplex } from 'node:stream';

/** RFC 6455, section 1.3: what shows that a server has understood what it was asked for. */
export function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

const opcodes = { continuation: 0, binary: 2, close: 8, ping: 9, pong: 10 } as const;
const closeCodes = { normal: 1000, wrong: 1002, text: 1003, tooLarge: 1009 } as const;
const textOpcode = 1;
const longestControl = 125;
const closeGraceMs = 1000;

interface Frame {
  readonly opcode: number;
  readonly mask: Buffer;
  /** Of its bytes: how many have been taken, and how many are still to come. */
  taken: number;
  left: number;
}

/** The frame that begins with these bytes and how long its head is; null: not all of that is here; a number: why it is none. */
function headOf(bytes: Buffer): { readonly frame: Frame; readonly length: number } | null | number {
  if (bytes.length < 2) return null;
  const [first, second] = [bytes[0]!, bytes[1]!];
  const opcode = first & 0x0f;
  if (opcode === textOpcode) return closeCodes.text;
  const isKnown = (Object.values(opcodes) as number[]).includes(opcode);
  // A client masks, and nobody has agreed on an extension.
  if ((first & 0x70) !== 0 || (second & 0x80) === 0 || !isKnown) return closeCodes.wrong;
  const short = second & 0x7f;
  if (opcode >= opcodes.close && (short > longestControl || (first & 0x80) === 0)) return closeCodes.wrong;
  const extra = short === 126 ? 2 : short === 127 ? 8 : 0;
  const length = 2 + extra + 4;
  if (bytes.length < length) return null;
  if (extra === 8 && bytes.readUInt32BE(2) !== 0) return closeCodes.tooLarge;
  const left = extra === 0 ? short : extra === 2 ? bytes.readUInt16BE(2) : bytes.readUInt32BE(6);
  return { frame: { opcode, mask: Buffer.from(bytes.subarray(length - 4, length)), taken: 0, left }, length };
}

function headFor(opcode: number, length: number): Buffer {
  if (length <= longestControl) return Buffer.from([0x80 | opcode, length]);
  const head = Buffer.alloc(length < 65_536 ? 4 : 10);
  head[0] = 0x80 | opcode;
  head[1] = length < 65_536 ? 126 : 127;
  if (length < 65_536) head.writeUInt16BE(length, 2);
  else head.writeBigUInt64BE(BigInt(length), 2);
  return head;
}

/**
 * The server's end of a WebSocket (RFC 6455) as a stream of bytes: where a message ends means nothing to a protocol that has
 * messages of its own. Its bytes are passed on as they arrive, so that no message has to be held to be read.
 */
export class WebSocketBytes extends Duplex {
  private rest: Buffer = Buffer.alloc(0);
  private frame: Frame | null = null;

  constructor(private readonly socket: Duplex) {
    super();
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    socket.on('error', () => this.destroy());
    socket.on('close', () => this.destroy());
  }

  /** So that whatever lies between keeps an idle connection open. */
  ping(): void {
    if (!this.socket.writableEnded) this.socket.write(headFor(opcodes.ping, 0));
  }

  override _read(): void {
    this.socket.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.socket.cork();
    this.socket.write(headFor(opcodes.binary, chunk.length));
    this.socket.write(chunk, done);
    this.socket.uncork();
  }

  override _final(done: () => void): void {
    this.sayClose(closeCodes.normal);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    // What was said last still goes out.
    if (this.socket.writableEnded) setTimeout(() => this.socket.destroy(), closeGraceMs).unref();
    else this.socket.destroy();
    done(error);
  }

  private receive(chunk: Buffer): void {
    if (this.destroyed) return;
    this.rest = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    while (!this.destroyed) {
      if (this.frame === null) {
        const head = headOf(this.rest);
        if (head === null) return;
        if (typeof head === 'number') return this.refuse(head);
        this.frame = head.frame;
        this.rest = this.rest.subarray(head.length);
      }
      const { frame } = this;
      const isControl = frame.opcode >= opcodes.close;
      if (isControl && this.rest.length < frame.left) return;
      const part = this.partOf(frame);
      if (isControl) this.hear(frame.opcode, part);
      else if (part.length > 0 && !this.push(part)) this.socket.pause();
      if (frame.left > 0) return;
      this.frame = null;
    }
  }

  private partOf(frame: Frame): Buffer {
    const part = this.rest.subarray(0, frame.left);
    this.rest = this.rest.subarray(part.length);
    for (let at = 0; at < part.length; at++) part[at]! ^= frame.mask[(frame.taken + at) & 3]!;
    frame.taken += part.length;
    frame.left -= part.length;
    return part;
  }

  private hear(opcode: number, body: Buffer): void {
    if (opcode === opcodes.ping) this.socket.write(Buffer.concat([headFor(opcodes.pong, body.length), body]));
    if (opcode !== opcodes.close) return;
    this.sayClose(closeCodes.normal);
    this.push(null);
    this.destroy();
  }

  private refuse(code: number): void {
    this.sayClose(code);
    this.destroy();
  }

  private sayClose(code: number): void {
    if (this.socket.writableEnded || this.socket.destroyed) return;
    this.socket.end(Buffer.concat([headFor(opcodes.close, 2), Buffer.from([code >> 8, code & 0xff])]));
  }
}
