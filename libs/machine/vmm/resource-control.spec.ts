import { createRandom } from '@argosy/simulator/random';
import { assemble } from '../assembler';
import { BareMachine } from '../bare-machine';
import { Cable, Console, MemoryDisk, sectorBytes, type NetworkPort } from '../devices';
import type { EngineChoice } from '../engine';
import { runThroughIdleness, type Machine } from '../machine';
import { pageBytes } from '../memory';
import { randomProgram } from '../random-program';
import { variants, type VariantName } from '../variants';
import { hostileGuests } from './hostile-guests';
import { Monitor } from './monitor';
import type { MonitorKind, VirtualMachine } from './virtual-machine';

const guestBytes = 8 * pageBytes;
const guestSectors = 2;

interface Place {
  readonly name: VariantName;
  readonly kind: MonitorKind;
  readonly engine: EngineChoice;
}
const plain: Place = { name: 'virtualizable', kind: 'direct', engine: 'interpreter' };
/** Each monitor on the variants that it serves, with either engine below it. */
const places: readonly Place[] = (
  [
    ['virtualizable', 'direct'],
    ['virtualizable', 'hybrid'],
    ['virtualizable', 'paravirtual'],
    ['hybrid', 'hybrid'],
    ['hybrid', 'patching'],
    ['unprivileged-reads', 'patching'],
    ['unprivileged-reads', 'paravirtual'],
  ] as const
).flatMap(([name, kind]) => [
  { name, kind, engine: 'interpreter' },
  { name, kind, engine: { hotVisits: 2 } },
]);
const nameOf = ({ name, kind, engine }: Place) =>
  `under a ${kind} monitor of the variant ${name}, ${engine === 'interpreter' ? 'interpreted' : 'translated'}`;

function monitorWith(pages: number, sectors: number, { name, kind, engine } = plain) {
  const output: number[] = [];
  const console = new Console((byte) => output.push(byte));
  const disk = new MemoryDisk(new Uint8Array(sectors * sectorBytes));
  const host = new BareMachine(variants[name], pages * pageBytes, { console, disk }, engine);
  return { host, output, disk, monitor: new Monitor(host, kind) };
}

function made(monitor: Monitor, network?: NetworkPort): VirtualMachine {
  const console = new Console(() => {});
  const result = monitor.create({ memoryBytes: guestBytes, diskSectors: guestSectors, console, network });
  if (!result.ok) throw new Error(result.refusal.message);
  return result.value;
}

/** The hostile machine between two others, which are full of a content of their own; it is on one cable with the first. */
function besideOthers(monitor: Monitor) {
  const [port, neighbours] = Cable.between(Uint8Array.of(2, 0, 0, 0, 0, 1), Uint8Array.of(2, 0, 0, 0, 0, 2));
  const [before, hostile, after] = [made(monitor, neighbours), made(monitor, port), made(monitor)];
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
  const framesCome = () => {
    let frames = 0;
    while (neighbours.receive() !== undefined) frames++;
    return frames;
  };
  return { hostile, expectUntouched, framesCome };
}

/** What is patched is tried again after its fetch was stopped, and again after its load or store was. */
const triesOf = (kind: MonitorKind): number => (kind === 'patching' ? 3 : 1);

/** No more than its instructions were tried, of the machine below as well: traps do not stretch its time. */
function runBounded(host: Machine, machine: Machine, instructions: number, tries = 1): void {
  const [hostBefore, before] = [host.time, machine.time];
  runThroughIdleness(machine, instructions);
  expect(machine.time - before).toBeLessThanOrEqual(instructions);
  expect(host.time - hostBefore).toBeLessThanOrEqual(tries * instructions);
}

describe.each(places.map((place) => [nameOf(place), place] as const))('%s', (_place, place) => {
  test.each(Object.entries(hostileGuests))(
    'a guest that %s harms nobody and gets its time and no more',
    (name, text) => {
      const { host, output, monitor } = monitorWith(24, 6, place);
      const { hostile, expectUntouched, framesCome } = besideOthers(monitor);
      hostile.memory.write(0, assemble(text).bytes);
      for (const instructions of [1, 10, 2000]) runBounded(host, hostile, instructions, triesOf(place.kind));
      expectUntouched();
      expect(output).toEqual([]);
      // A frame is no harm, and what nobody takes is lost; whatever else it does to its network card, the cable tells nothing.
      expect(framesCome()).toBe(name === 'sends frames that nobody asked for' ? Cable.queueFrames : 0);
    },
  );

  test('50 random programs harm nobody either', () => {
    const { host, monitor } = monitorWith(24, 6, place);
    const { hostile, expectUntouched } = besideOthers(monitor);
    for (let seed = 300; seed < 350; seed++) {
      const program = randomProgram(createRandom(seed), seed % 2 === 0 ? 'wild' : 'looping');
      hostile.reset();
      hostile.memory.write(0, program.memory);
      hostile.registers.set(program.registers);
      runBounded(host, hostile, 1000, triesOf(place.kind));
    }
    expectUntouched();
  });
});

test.each([
  plain,
  { name: 'unprivileged-reads', kind: 'patching', engine: 'interpreter' },
  { name: 'unprivileged-reads', kind: 'patching', engine: { hotVisits: 2 } },
] satisfies Place[])('a hostile guest in a machine of a machine reaches nothing of either: %j', (place) => {
  const { host, monitor } = monitorWith(40, 12, place);
  const outer = monitor.create({ memoryBytes: 25 * pageBytes, diskSectors: 8, console: new Console(() => {}) });
  if (!outer.ok) throw new Error(outer.refusal.message);
  const neighbour = made(monitor);
  neighbour.memory.write(0, new Uint8Array(guestBytes).fill(0x77));
  const { hostile, expectUntouched } = besideOthers(new Monitor(outer.value, place.kind));
  for (const text of Object.values(hostileGuests)) {
    hostile.reset();
    hostile.memory.write(0, assemble(text).bytes);
    runBounded(host, hostile, 2000, triesOf(place.kind) ** 2);
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
