import { memoryStart, type Memory } from './memory';

export const sectorBytes = 512;
/** The longest Ethernet frame without its check sequence. */
export const maximumFrameBytes = 1514;

/** A store of sectors. Both calls are given whole sectors that are there. */
export interface Disk {
  readonly sectors: number;
  read(sector: number, into: Uint8Array): void;
  write(sector: number, from: Uint8Array): void;
}

export interface NetworkPort {
  /** Six bytes. */
  readonly hardwareAddress: Uint8Array;
  send(frame: Uint8Array): void;
  /** The length of the next frame that came; 0: none waits. */
  readonly waitingBytes: number;
  receive(): Uint8Array | undefined;
}

/** Bytes out, for whoever reads them, and bytes in. */
export class Console {
  private readonly input: number[] = [];

  constructor(private readonly output: (byte: number) => void) {}

  write(byte: number): void {
    this.output(byte);
  }

  type(bytes: Iterable<number>): void {
    for (const byte of bytes) this.input.push(byte & 255);
  }

  get hasInput(): boolean {
    return this.input.length > 0;
  }

  /** -1: nothing was typed. */
  read(): number {
    return this.input.shift() ?? -1;
  }
}

export class MemoryDisk implements Disk {
  constructor(readonly bytes: Uint8Array) {}

  get sectors(): number {
    return Math.floor(this.bytes.length / sectorBytes);
  }

  read(sector: number, into: Uint8Array): void {
    into.set(this.bytes.subarray(sector * sectorBytes, sector * sectorBytes + into.length));
  }

  write(sector: number, from: Uint8Array): void {
    this.bytes.set(from, sector * sectorBytes);
  }
}

/** A part of a disk, as a partition is: what a VMM's allocator gives to a machine of its own. */
export class DiskWindow implements Disk {
  constructor(
    private readonly disk: Disk,
    private readonly first: number,
    readonly sectors: number,
  ) {
    if (first < 0 || sectors < 0 || first + sectors > disk.sectors)
      throw new RangeError(`Sectors ${first} to ${first + sectors} are not all of a disk of ${disk.sectors}.`);
  }

  read(sector: number, into: Uint8Array): void {
    this.disk.read(this.first + sector, into);
  }

  write(sector: number, from: Uint8Array): void {
    this.disk.write(this.first + sector, from);
  }
}

/** Two ports, each of which receives what the other sends; what finds a full queue is lost, as on a wire. */
export class Cable {
  static readonly queueFrames = 64;

  static between(first: Uint8Array, second: Uint8Array): readonly [NetworkPort, NetworkPort] {
    const toFirst: Uint8Array[] = [];
    const toSecond: Uint8Array[] = [];
    return [new CableEnd(first, toFirst, toSecond), new CableEnd(second, toSecond, toFirst)];
  }
}

class CableEnd implements NetworkPort {
  constructor(
    readonly hardwareAddress: Uint8Array,
    private readonly incoming: Uint8Array[],
    private readonly outgoing: Uint8Array[],
  ) {}

  send(frame: Uint8Array): void {
    if (this.outgoing.length < Cable.queueFrames) this.outgoing.push(frame.slice());
  }

  get waitingBytes(): number {
    return this.incoming[0]?.length ?? 0;
  }

  receive(): Uint8Array | undefined {
    return this.incoming.shift();
  }
}

/** Pressed from outside; the press is pending until the machine has read it. */
export class PowerButton {
  private pressed = false;

  get isPressed(): boolean {
    return this.pressed;
  }

  press(): void {
    this.pressed = true;
  }

  /** Whether it was pressed since it was read last. */
  read(): boolean {
    const was = this.pressed;
    this.pressed = false;
    return was;
  }
}

export interface Devices {
  readonly console: Console;
  readonly disk?: Disk | undefined;
  readonly network?: NetworkPort | undefined;
  readonly power?: PowerButton | undefined;
  /** log2 of the units of time in a microsecond, for programs that count microseconds. Left out: 0, a unit is one. */
  readonly timeScale?: number | undefined;
}

export const deviceStatus = { done: 0, failed: 1, absent: 2 } as const;
export const diskCommands = { read: 1, write: 2 } as const;
export const networkCommands = { send: 1, receive: 2 } as const;

/** The bytes that a transfer may touch, or undefined where they are not all memory. */
function transferBytes(memory: Memory, address: number, length: number): Uint8Array | undefined {
  const offset = (address ^ memoryStart) >>> 0;
  return offset + length <= memory.size ? memory.access(offset, length) : undefined;
}

/** One sector, at once: the machine stands still meanwhile. */
export function commandDisk(
  { disk }: Devices,
  memory: Memory,
  request: { readonly command: number; readonly address: number; readonly sector: number },
): number {
  if (disk === undefined) return deviceStatus.absent;
  const bytes = transferBytes(memory, request.address, sectorBytes);
  const sector = request.sector >>> 0;
  if (bytes === undefined || sector >= disk.sectors) return deviceStatus.failed;
  if (request.command === diskCommands.write) {
    disk.write(sector, bytes);
    return deviceStatus.done;
  }
  if (request.command !== diskCommands.read) return deviceStatus.failed;
  disk.read(sector, bytes);
  memory.written((request.address ^ memoryStart) >>> 0, sectorBytes);
  return deviceStatus.done;
}

/** Sends `length` bytes, or receives the next frame into at most `length` bytes, the rest of which is lost. */
export function commandNetwork(
  { network }: Devices,
  memory: Memory,
  request: { readonly command: number; readonly address: number; readonly length: number },
): number {
  if (network === undefined) return deviceStatus.absent;
  const length = request.length >>> 0;
  const bytes = transferBytes(memory, request.address, length);
  if (bytes === undefined || length > maximumFrameBytes) return deviceStatus.failed;
  if (request.command === networkCommands.send) {
    network.send(bytes);
    return deviceStatus.done;
  }
  if (request.command !== networkCommands.receive) return deviceStatus.failed;
  const frame = network.receive();
  if (frame === undefined) return deviceStatus.failed;
  memory.write((request.address ^ memoryStart) >>> 0, frame.subarray(0, length));
  return deviceStatus.done;
}
