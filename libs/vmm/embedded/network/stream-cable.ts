import { connect, type Socket } from 'node:net';
import type { Cable, FrameTaker } from './cable';

const headBytes = 4;
const longestFrameBytes = 70_000;
const mostBufferedBytes = 4 * 2 ** 20;
const tryAgainMs = 1_000;

/** To a switch that listens on a Unix socket, as QEMU's `-netdev stream` speaks: each frame behind its length, highest byte first. */
export class StreamCable implements Cable {
  private socket: Socket | null = null;
  private retry: NodeJS.Timeout | null = null;
  private pending: Buffer = Buffer.alloc(0);
  private isClosed = false;

  constructor(
    private readonly path: string,
    private readonly take: FrameTaker,
  ) {
    this.open();
  }

  private open(): void {
    const socket = (this.socket = connect(this.path));
    this.pending = Buffer.alloc(0);
    socket.on('data', (piece: Buffer) => this.hear(piece));
    // What was wrong with it changes nothing: the cable is pulled, and is plugged in again.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (this.isClosed) return;
      this.socket = null;
      this.retry = setTimeout(() => this.open(), tryAgainMs);
    });
  }

  private hear(piece: Buffer): void {
    let bytes = this.pending.length === 0 ? piece : Buffer.concat([this.pending, piece]);
    while (bytes.length >= headBytes) {
      const end = headBytes + bytes.readUInt32BE(0);
      if (end > longestFrameBytes) return void this.socket?.destroy();
      if (bytes.length < end) break;
      this.take(bytes.subarray(headBytes, end));
      bytes = bytes.subarray(end);
    }
    this.pending = bytes;
  }

  send(frame: Uint8Array): void {
    const { socket } = this;
    if (!socket || socket.writableLength > mostBufferedBytes) return;
    const framed = Buffer.allocUnsafe(headBytes + frame.length);
    framed.writeUInt32BE(frame.length, 0);
    framed.set(frame, headBytes);
    socket.write(framed);
  }

  close(): void {
    this.isClosed = true;
    if (this.retry) clearTimeout(this.retry);
    this.socket?.destroy();
  }
}
