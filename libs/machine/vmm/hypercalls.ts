import { slots } from '../control-registers';
import { commandDisk, commandNetwork, deviceStatus, diskCommands, networkCommands } from '../devices';
import type { Machine } from '../machine';
import { memoryStart } from '../memory';
import { writeStatus } from '../system';

/**
 * What a kernel that knows of the VMM asks of it, by `ecall` in machine mode, in place of what would not trap and of many traps
 * where one does: the number is in a7, arguments and answer in a0. `guests/machine/hypercall.c` is the other side.
 */
export const hypercalls = { readStatus: 0, writeStatus: 1, kick: 2 } as const;
export const ringOperations = { consoleWrite: 0, diskRead: 1, diskWrite: 2, send: 3, receive: 4 } as const;
export const ringEntries = 16;

const entryBytes = 16;
const headerBytes = 8;
export const ringBytes = headerBytes + ringEntries * entryBytes;
const a0 = 10;
const a7 = 17;
const badRing = -1;
const longestWriteBytes = 4096;

/** Undefined: not all of it is memory of the machine's. */
function bytesAt({ memory }: Machine, address: number, length: number): Uint8Array | undefined {
  const offset = (address ^ memoryStart) >>> 0;
  return offset + length <= memory.size ? memory.access(offset, length) : undefined;
}

function consoleWrite(machine: Machine, address: number, length: number): number {
  const bytes = length >>> 0 <= longestWriteBytes ? bytesAt(machine, address, length >>> 0) : undefined;
  if (bytes === undefined) return deviceStatus.failed;
  for (const byte of bytes) machine.devices.console.write(byte);
  // As if each had been stored there: nobody gets more done in the time given by having it done for them.
  machine.time += bytes.length;
  return deviceStatus.done;
}

function serveEntry(machine: Machine, operation: number, address: number, argument: number): number {
  const { devices, memory } = machine;
  switch (operation) {
    case ringOperations.consoleWrite:
      return consoleWrite(machine, address, argument);
    case ringOperations.diskRead:
      return commandDisk(devices, memory, { command: diskCommands.read, address, sector: argument });
    case ringOperations.diskWrite:
      return commandDisk(devices, memory, { command: diskCommands.write, address, sector: argument });
    case ringOperations.send:
      return commandNetwork(devices, memory, { command: networkCommands.send, address, length: argument });
    case ringOperations.receive:
      return commandNetwork(devices, memory, { command: networkCommands.receive, address, length: argument });
    default:
      return deviceStatus.failed;
  }
}

/** Serves what was produced and not consumed, each entry once; gives how many, or -1 where that is no ring. */
function kick(machine: Machine, address: number): number {
  const ring = bytesAt(machine, address, ringBytes);
  if (ring === undefined) return badRing;
  const view = new DataView(ring.buffer, ring.byteOffset, ring.byteLength);
  const waiting = (view.getUint32(0, true) - view.getUint32(4, true)) >>> 0;
  if (waiting > ringEntries) return badRing;
  for (let count = 0; count < waiting; count++) {
    const consumed = view.getUint32(4, true);
    const at = headerBytes + (consumed % ringEntries) * entryBytes;
    const [operation, where, argument] = [0, 4, 8].map((field) => view.getInt32(at + field, true));
    view.setInt32(at + 12, serveEntry(machine, operation!, where!, argument!), true);
    view.setUint32(4, consumed + 1, true);
  }
  machine.memory.written((address ^ memoryStart) >>> 0, ringBytes);
  return waiting;
}

export function serveHypercall(machine: Machine): void {
  const { control, registers } = machine;
  const argument = registers[a0]!;
  switch (registers[a7]) {
    case hypercalls.readStatus:
      registers[a0] = control[slots.status]!;
      break;
    case hypercalls.writeStatus:
      registers[a0] = 0;
      writeStatus(control, argument);
      break;
    case hypercalls.kick:
      registers[a0] = kick(machine, argument);
      break;
    default:
      registers[a0] = badRing;
  }
  control[slots.pc] = (control[slots.pc]! + 4) | 0;
}
