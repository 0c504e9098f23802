import { spawn } from 'node:child_process';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { refuse } from '../../refused';
import type { Cable, FrameTaker } from './cable';

/** Linux' TUNSETIFF, with IFF_TAP and IFF_NO_PI: whole Ethernet frames, and nothing before them. */
const makeTap =
  'open(my $file, "+<&=", 3) or die "$!\\n"; ioctl($file, 0x400454ca, pack("a16 S x22", $ARGV[0], 0x1002)) or die "$!\\n"';

/**
 * Node cannot ask the kernel for a tap: a program does, which is given the open file and ends. What it made is the open file's,
 * which is this process' alone from then on (as the lock of `disk-hold.ts` is).
 */
function nameTap(file: number, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (why: string) =>
      reject(refuse('vmm-failed', `the guest's network card cannot be made as a tap of this host: ${why}`));
    const asking = spawn('perl', ['-e', makeTap, name], { cwd: '/', stdio: ['ignore', 'ignore', 'pipe', file] });
    let said = '';
    asking.stderr!.on('data', (piece: Buffer) => (said += piece.toString()));
    asking.on('error', () => failed('perl is not installed; apt-get install perl-base'));
    asking.on('close', (status) => (status === 0 ? resolve() : failed(said.trim())));
  });
}

interface PollableHandle {
  open(file: number): number;
}

/** libuv reads whatever can be polled as it reads a pipe, and Node offers no other way to it. One read is one frame. */
function pollable(file: number): Socket {
  const { Pipe, constants: kinds } = (
    process as unknown as {
      binding(name: 'pipe_wrap'): { Pipe: new (kind: number) => PollableHandle; constants: { SOCKET: number } };
    }
  ).binding('pipe_wrap');
  const handle = new Pipe(kinds.SOCKET);
  const status = handle.open(file);
  if (status !== 0) throw refuse('vmm-failed', `the guest's tap cannot be read (${status})`);
  return new Socket({ handle, readable: true, writable: false } as object);
}

/** By their names: those that are not quite gone. */
const closing = new Map<string, Promise<void>>();

/** A tap of this host's, which is there for as long as this is open. */
export class TapCable implements Cable {
  private isClosed = false;

  private constructor(
    private readonly name: string,
    private readonly file: number,
    private readonly socket: Socket,
  ) {}

  static async open(name: string, take: FrameTaker): Promise<TapCable> {
    await closing.get(name);
    const file = openTunnels();
    try {
      await nameTap(file, name);
      const socket = pollable(file);
      socket.on('error', () => undefined);
      socket.on('data', take);
      return new TapCable(name, file, socket);
    } catch (error) {
      closeSync(file);
      throw error;
    }
  }

  /** One write is one frame. What the kernel does not take now is lost. */
  send(frame: Uint8Array): void {
    if (this.isClosed) return;
    try {
      writeSync(this.file, frame);
    } catch {
      // Its queue is full, or the tap was taken away or is down.
    }
  }

  /** The socket closes the file. */
  /**
   * The kernel needs some 15 ms to take a tap away, for which all guests of this process would stand still: who closes it last waits
   * for that. So another does, if it can be started.
   */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    const { name } = this;
    const other = holder(this.file);
    this.socket.destroy();
    if (!other) return;
    closing.set(name, other.gone);
    void other.gone.then(() => closing.delete(name));
    other.end();
  }
}

/** A program that has this file too, and ends when its input does. */
function holder(file: number): { readonly gone: Promise<void>; readonly end: () => void } | null {
  try {
    const program = spawn('cat', { cwd: '/', stdio: ['pipe', 'ignore', 'ignore', file] });
    program.stdin?.on('error', () => undefined);
    const gone = new Promise<void>((resolve) => {
      program.on('error', () => resolve());
      program.on('exit', () => resolve());
    });
    return { gone, end: () => program.stdin?.end() };
  } catch {
    return null;
  }
}

function openTunnels(): number {
  const path = '/dev/net/tun';
  try {
    return openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw refuse('vmm-failed', `the guest's network card cannot be made: ${path} cannot be opened (${code})`);
  }
}
