import { createRandom } from '@argosy/simulator/random';
import { assemble } from '../assembler';
import { BareMachine } from '../bare-machine';
import { Console, MemoryDisk, sectorBytes } from '../devices';
import { runThroughIdleness, type Machine } from '../machine';
import { pageBytes } from '../memory';
import { randomProgram } from '../random-program';
import { variants } from '../variants';
import { hostileGuests } from './hostile-guests';
import { Monitor } from './monitor';
import type { VirtualMachine } from './virtual-machine';

const guestBytes = 8 * pageBytes;
const guestSectors = 2;

function monitorWith(pages: number, sectors: number) {
  const output: number[] = [];
  const console = new Console((byte) => output.push(byte));
  const disk = new MemoryDisk(new Uint8Array(sectors * sectorBytes));
  const host = new BareMachine(variants.virtualizable, pages * pageBytes, { console, disk });
  return { host, output, disk, monitor: new Monitor(host) };
}

function made(monitor: Monitor, console = new Console(() => {})): VirtualMachine {
  const result = monitor.create({ memoryBytes: guestBytes, diskSectors: guestSectors, console });
  if (!result.ok) throw new Error(result.refusal.message);
  return result.value;
}

/** The hostile machine between two others, which are full of a content of their own. */
function besideOthers(monitor: Monitor) {
  const [before, hostile, after] = [made(monitor), made(monitor), made(monitor)];
  const marks = [before, after].map((machine, index) => {
    const mark = 0x11 * (index + 1);
    machine.memory.write(0, new Uint8Array(guestBytes).fill(mark));
    for (let sector = 0; sector < guestSectors; sector++)
      machine.devices.disk!.write(sector, new Uint8Array(sectorBytes).fill(mark));
    machine.registers.fill(mark, 1, 32);
    return { machine, mark, processor: machine.saveProcessor() };
  });
  const expectUntouched = () => {
    for (const { machine, mark, processor } of marks) {
      expect(machine.saveProcessor()).toEqual(processor);
      expect(machine.memory.bytes.every((byte) => byte === mark)).toBe(true);
      const sector = new Uint8Array(sectorBytes);
      for (let index = 0; index < guestSectors; index++) {
        machine.devices.disk!.read(index, sector);
        expect(sector.every((byte) => byte === mark)).toBe(true);
      }
    }
  };
  return { hostile, expectUntouched };
}

/** No more than its instructions were tried, of the machine below as well: traps do not stretch its time. */
function runBounded(host: Machine, machine: Machine, instructions: number): void {
  const [hostBefore, before] = [host.time, machine.time];
  runThroughIdleness(machine, instructions);
  expect(machine.time - before).toBeLessThanOrEqual(instructions);
  expect(host.time - hostBefore).toBeLessThanOrEqual(instructions);
}

test.each(Object.entries(hostileGuests))(
  'a guest that %s harms nobody and gets its time and no more',
  (_name, text) => {
    const { host, output, monitor } = monitorWith(24, 6);
    const { hostile, expectUntouched } = besideOthers(monitor);
    hostile.memory.write(0, assemble(text).bytes);
    for (const instructions of [1, 10, 5000]) runBounded(host, hostile, instructions);
    expectUntouched();
    expect(output).toEqual([]);
  },
);

test('200 random programs harm nobody either', () => {
  const { host, monitor } = monitorWith(24, 6);
  const { hostile, expectUntouched } = besideOthers(monitor);
  for (let seed = 0; seed < 200; seed++) {
    const program = randomProgram(createRandom(seed));
    hostile.reset();
    hostile.memory.write(0, program.memory);
    hostile.registers.set(program.registers);
    runBounded(host, hostile, 1000);
  }
  expectUntouched();
});

test('a hostile guest in a machine of a machine reaches nothing of either', () => {
  const { host, monitor } = monitorWith(40, 12);
  const outer = monitor.create({ memoryBytes: 25 * pageBytes, diskSectors: 8, console: new Console(() => {}) });
  if (!outer.ok) throw new Error(outer.refusal.message);
  const neighbour = made(monitor);
  neighbour.memory.write(0, new Uint8Array(guestBytes).fill(0x77));
  const { hostile, expectUntouched } = besideOthers(new Monitor(outer.value));
  for (const text of Object.values(hostileGuests)) {
    hostile.reset();
    hostile.memory.write(0, assemble(text).bytes);
    runBounded(host, hostile, 2000);
  }
  expectUntouched();
  expect(neighbour.memory.bytes.every((byte) => byte === 0x77)).toBe(true);
});

test('what is not there is refused, with what is', () => {
  const { monitor } = monitorWith(10, 2);
  const console = new Console(() => {});
  expect(monitor.create({ memoryBytes: 5000, console })).toMatchObject({
    ok: false,
    refusal: { code: 'invalid-request' },
  });
  expect(monitor.create({ memoryBytes: 11 * pageBytes, console })).toMatchObject({
    ok: false,
    refusal: { code: 'not-enough-memory', message: '45056 bytes are not free side by side: 40960 are.' },
  });
  expect(monitor.create({ memoryBytes: pageBytes, diskSectors: 3, console })).toMatchObject({
    ok: false,
    refusal: { code: 'disk-full', message: '3 sectors are not free side by side: 2 are.' },
  });
});

test("what a machine leaves is the next one's, and empty", () => {
  const { monitor } = monitorWith(8, 2);
  const first = made(monitor);
  first.memory.write(0, new Uint8Array(guestBytes).fill(0x55));
  first.devices.disk!.write(1, new Uint8Array(sectorBytes).fill(0x55));
  expect(monitor.freeBytes).toBe(0);
  monitor.remove(first);
  expect(monitor.freeBytes).toBe(guestBytes);
  const second = made(monitor);
  const sector = new Uint8Array(sectorBytes);
  second.devices.disk!.read(1, sector);
  expect([...second.memory.bytes, ...sector].every((byte) => byte === 0)).toBe(true);
});
