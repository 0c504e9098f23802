import { BareMachine } from '../bare-machine';
import { Console, MemoryDisk, sectorBytes } from '../devices';
import { memoryStart, pageBytes } from '../memory';
import { assemble } from '../assembler';
import { variants } from '../variants';
import { hypercalls, ringBytes, ringEntries, ringOperations } from './hypercalls';
import { Monitor } from './monitor';
import type { MonitorKind } from './virtual-machine';

const ringAt = 0x1000;
const call = assemble('ecall\n stay: j stay').bytes;

function guest(kind: MonitorKind = 'paravirtual') {
  const output: number[] = [];
  const console = new Console((byte) => output.push(byte));
  const disk = new MemoryDisk(new Uint8Array(8 * sectorBytes));
  const host = new BareMachine(variants['unprivileged-reads'], 16 * pageBytes, {
    console: new Console(() => {}),
    disk,
  });
  const made = new Monitor(host, kind).create({ memoryBytes: 4 * pageBytes, diskSectors: 2, console });
  if (!made.ok) throw new Error(made.refusal.message);
  const machine = made.value;
  machine.memory.write(0, call);
  const ask = (number: number, argument: number) => {
    machine.control[0] = memoryStart | 0;
    machine.registers[17] = number;
    machine.registers[10] = argument;
    expect(machine.run(1)).toBe('limit');
    return machine.registers[10];
  };
  const ring = (produced: number, consumed: number, entries: readonly (readonly [number, number, number])[]) => {
    const words = new Int32Array(ringBytes / 4);
    words.set([produced, consumed]);
    entries.forEach((entry, index) => words.set(entry, 2 + 4 * ((consumed + index) % ringEntries)));
    machine.memory.write(ringAt, new Uint8Array(words.buffer));
  };
  const status = (index: number) => machine.memory.word(ringAt + 8 + 16 * index + 12);
  return { machine, ask, ring, status, output, disk };
}

const ringAddress = (memoryStart + ringAt) | 0;

test('a ring is served once, entry by entry, over its end, and each entry says how it went', () => {
  const { ask, ring, status, output, disk, machine } = guest();
  machine.memory.write(
    0x2000,
    Uint8Array.from('hello', (letter) => letter.charCodeAt(0)),
  );
  ring(18, 14, [
    [ringOperations.consoleWrite, (memoryStart + 0x2000) | 0, 5],
    [ringOperations.diskWrite, (memoryStart + 0x2000) | 0, 1],
    [ringOperations.diskRead, (memoryStart + 0x3000) | 0, 1],
    [ringOperations.diskRead, (memoryStart + 0x3000) | 0, 2],
  ]);
  expect(ask(hypercalls.kick, ringAddress)).toBe(4);
  expect([14, 15, 0, 1].map(status)).toEqual([0, 0, 0, 1]);
  expect(String.fromCharCode(...output)).toBe('hello');
  expect(String.fromCharCode(...disk.bytes.subarray(sectorBytes, sectorBytes + 5))).toBe('hello');
  expect(machine.memory.word(0x3000)).toBe(0x6c6c6568);
  expect(ask(hypercalls.kick, ringAddress)).toBe(0);
  expect(output).toHaveLength(5);
});

test.each([
  ['outside its memory', (memoryStart + 4 * pageBytes - ringBytes + 4) | 0],
  ['below its memory', 0x100],
])('a ring %s is none', (_name, address) => {
  expect(guest().ask(hypercalls.kick, address)).toBe(-1);
});

test('a ring that claims more than it holds is none, and nothing of it is done', () => {
  const { ask, ring, output } = guest();
  ring(17, 0, [[ringOperations.consoleWrite, memoryStart | 0, 5]]);
  expect(ask(hypercalls.kick, ringAddress)).toBe(-1);
  expect(output).toEqual([]);
});

test.each([
  ['text beyond its memory', ringOperations.consoleWrite, memoryStart + 4 * pageBytes - 1, 2],
  ['text without an end', ringOperations.consoleWrite, memoryStart, -1],
  ['a transfer beyond its memory', ringOperations.diskRead, memoryStart + 4 * pageBytes - 256, 0],
  ['a sector that is not its own', ringOperations.diskWrite, memoryStart, 2],
  ['an operation that there is not', 99, memoryStart, 0],
])('%s fails and does nothing', (_name, operation, address, argument) => {
  const { ask, ring, status, output, disk } = guest();
  const before = disk.bytes.slice();
  ring(1, 0, [[operation, address | 0, argument]]);
  expect(ask(hypercalls.kick, ringAddress)).toBe(1);
  expect(status(0)).toBe(1);
  expect(output).toEqual([]);
  expect(disk.bytes).toEqual(before);
});

test('a ring that is read over by its own entry ends all the same', () => {
  const { ask, ring } = guest();
  ring(
    16,
    0,
    Array.from({ length: 16 }, () => [ringOperations.diskRead, ringAddress, 0] as const),
  );
  expect(ask(hypercalls.kick, ringAddress)).toBe(16);
});

test('status is kept by the VMM, and a call that there is not says so', () => {
  const { ask } = guest();
  ask(hypercalls.writeStatus, 0x88 | (3 << 11) | 1);
  expect(ask(hypercalls.readStatus, 0)).toBe(0x88 | (3 << 11));
  expect(ask(77, 0)).toBe(-1);
});

test('to a VMM of another kind a call from machine mode is a trap as on the bare machine', () => {
  const { machine } = guest('direct');
  machine.registers[17] = hypercalls.readStatus;
  machine.run(1);
  expect(machine.control[9]).toBe(11);
});

test('what a ring has written to the console takes the time of as many instructions', () => {
  const { ask, ring, output, machine } = guest();
  ring(
    16,
    0,
    Array.from({ length: 16 }, () => [ringOperations.consoleWrite, (memoryStart + 0x2000) | 0, 4096] as const),
  );
  const before = machine.time;
  expect(ask(hypercalls.kick, ringAddress)).toBe(16);
  expect(output.length).toBe(16 * 4096);
  expect(machine.time - before).toBe(16 * 4096 + 1);
});
