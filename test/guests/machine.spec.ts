import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseGuestLine, replayChecksum, replayDiskChecksum, type GuestLine } from '@argosy/domain/guest-console';
import { slots } from '@argosy/machine/control-registers';
import { Cable, Console, sectorBytes, type NetworkPort } from '@argosy/machine/devices';
import { loadElf, parseElf } from '@argosy/machine/elf';
import type { EngineName } from '@argosy/machine/engine';
import { runThroughIdleness, type Machine, type Stop } from '@argosy/machine/machine';
import { processorDifferences } from '@argosy/machine/processor-state';
import { variants, type VariantName } from '@argosy/machine/variants';
import { chainOfMachines } from '@argosy/machine/vmm/chain';
import type { MonitorKind, VirtualMachine } from '@argosy/machine/vmm/virtual-machine';

// The shipped guest of the Popek–Goldberg machine: a kernel in machine mode, and the measuring guest in user mode above it.

const built = (name: string) => readFileSync(join(__dirname, '../../guests/machine', name));
const programs = { native: built('machine.elf'), paravirtual: built('paravirtual.elf') };
const memoryBytes = 4 * 2 ** 20;
const diskSectors = 64;

interface Where {
  readonly depth: number;
  readonly variant?: VariantName;
  readonly kind?: MonitorKind;
  readonly program?: keyof typeof programs;
  readonly engine?: EngineName;
  readonly network?: NetworkPort;
}

class GuestRun {
  private readonly bytes: number[] = [];
  private readonly console = new Console((byte) => this.bytes.push(byte));
  readonly machine: Machine;

  private readonly program: Buffer;

  constructor({ depth, variant = 'virtualizable', kind = 'direct', program = 'native', engine = 'interpreter', network }: Where) {
    this.program = programs[program];
    const { console } = this;
    const options = { variant: variants[variant], depth, kind, memoryBytes, diskSectors, console, engine, network };
    this.machine = chainOfMachines(options).top;
    this.load();
  }

  load(): void {
    const parsed = parseElf(this.program);
    if (!parsed.ok) throw new Error(parsed.refusal.message);
    expect(loadElf(this.machine.memory, parsed.value)).toMatchObject({ ok: true });
    this.machine.control[slots.pc] = parsed.value.entry;
  }

  get output(): string {
    return String.fromCharCode(...this.bytes);
  }

  get lines(): GuestLine[] {
    return this.output.split('\r\n').flatMap((line) => parseGuestLine(line) ?? []);
  }

  /** For so long on its own clock; time in which it waits is skipped. */
  run(microseconds: number): Stop {
    return runThroughIdleness(this.machine, microseconds);
  }

  type(command: string): void {
    this.console.type(Buffer.from(`${command}\n`));
  }

  ask<Kind extends GuestLine['kind']>(command: string, kind: Kind): Extract<GuestLine, { kind: Kind }> {
    const before = this.lines.length;
    this.type(command);
    for (let tries = 0; tries < 200; tries++) {
      this.run(100_000);
      const answer = this.lines.slice(before).find((line) => line.kind === kind);
      if (answer !== undefined) return answer as Extract<GuestLine, { kind: Kind }>;
    }
    throw new Error(`no ${kind} to "${command}": ${this.output.slice(-500)}`);
  }

  get disk(): Uint8Array {
    const content = new Uint8Array(diskSectors * sectorBytes);
    for (let sector = 0; sector < diskSectors; sector++)
      this.machine.devices.disk!.read(sector, content.subarray(sector * sectorBytes, (sector + 1) * sectorBytes));
    return content;
  }
}

test('it boots, beats, computes, dirties its memory and fills its disk, and every sum is what the host replays', () => {
  const guest = new GuestRun({ depth: 0 });
  guest.run(1_000_000);
  expect(guest.lines[0]).toEqual({ kind: 'ready', memoryKiB: 4096, boot: 1 });
  expect(guest.lines.filter(({ kind }) => kind === 'heartbeat')).toHaveLength(4);
  expect(guest.ask('fill 1 9', 'filled')).toMatchObject({ areaMiB: 1, seed: 9 });
  guest.ask('dirty 1 1 9', 'heartbeat');
  guest.run(500_000);
  const { steps, checksum } = guest.ask('sum', 'sum');
  expect(steps).toBeGreaterThan(50);
  expect(checksum).toBe(replayChecksum({ areaMiB: 1, seed: 9, steps }));
  guest.ask('disk fill 40 3', 'diskFilled');
  expect(guest.ask('disk sum 40', 'diskSum').checksum).toBe(replayDiskChecksum({ sectors: 40, seed: 3 }));
  expect(guest.ask('disk fill 57 3', 'error')).toEqual({ kind: 'error', expected: 'disk fill <sectors 1..56> <seed>' });
});

test('its disk counts its boots over a reset, and what is not its own is never written', () => {
  const guest = new GuestRun({ depth: 1 });
  guest.run(100_000);
  guest.machine.reset();
  guest.load();
  guest.run(100_000);
  expect(guest.lines.filter(({ kind }) => kind === 'ready')).toMatchObject([{ boot: 1 }, { boot: 2 }]);
  guest.machine.devices.disk!.write(0, new Uint8Array(sectorBytes).fill(0x55));
  guest.machine.reset();
  guest.load();
  guest.run(100_000);
  expect(guest.lines.at(-1)).toMatchObject({ kind: 'heartbeat' });
  expect(guest.lines.filter(({ kind }) => kind === 'ready').at(-1)).toMatchObject({ boot: 0 });
  expect(guest.disk.subarray(0, sectorBytes).every((byte) => byte === 0x55)).toBe(true);
});

function session(where: Where) {
  const guest = new GuestRun(where);
  guest.ask('dirty 2 1 5', 'filled');
  guest.ask('load 300', 'heartbeat');
  guest.ask('disk fill 20 7', 'diskFilled');
  guest.ask('disk sum 20', 'diskSum');
  guest.ask('sum', 'sum');
  guest.ask('stats', 'stats');
  return guest;
}

describe('a whole session', () => {
  let bare: GuestRun;
  beforeAll(() => (bare = session({ depth: 0 })));

  test.each<Where>([
    { depth: 1 },
    { depth: 2 },
    { depth: 3 },
    { depth: 1, variant: 'hybrid', kind: 'hybrid' },
    { depth: 1, variant: 'unprivileged-reads', kind: 'patching' },
    { depth: 2, variant: 'unprivileged-reads', kind: 'patching' },
    { depth: 3, variant: 'unprivileged-reads', kind: 'patching' },
    { depth: 0, engine: 'translator' },
    { depth: 1, engine: 'translator' },
    { depth: 2, engine: 'translator' },
    { depth: 3, engine: 'translator' },
    { depth: 1, variant: 'hybrid', kind: 'hybrid', engine: 'translator' },
    { depth: 1, variant: 'unprivileged-reads', kind: 'patching', engine: 'translator' },
    { depth: 2, variant: 'unprivileged-reads', kind: 'patching', engine: 'translator' },
    { depth: 3, variant: 'unprivileged-reads', kind: 'patching', engine: 'translator' },
  ])('is the same as on the bare machine: console, disk, memory and processor, to the instruction: %j', (where) => {
    const guest = session(where);
    expect(guest.output).toBe(bare.output);
    expect(processorDifferences(guest.machine.saveProcessor(), bare.machine.saveProcessor())).toEqual([]);
    expect(Buffer.compare(guest.disk, bare.disk)).toBe(0);
    expect(Buffer.compare(guest.machine.memory.access(0, memoryBytes), bare.machine.memory.bytes)).toBe(0);
  });

  test('runs with few instructions that the VMM has to do', () => {
    const { shares, time } = session({ depth: 1 }).machine as VirtualMachine;
    expect((shares.emulated + shares.reflected) / (shares.direct + shares.emulated + shares.reflected)).toBeLessThan(0.05);
    expect(time).toBeGreaterThan(shares.direct);
  });
});

describe('on the variant like IA-32 before 2005', () => {
  const variant = 'unprivileged-reads';
  const answers = (where: Where) => {
    const guest = new GuestRun(where);
    guest.ask('tick 0', 'heartbeat');
    for (const [command, kind] of [
      ['fill 1 4', 'filled'],
      ['sum', 'sum'],
      ['disk fill 50 2', 'diskFilled'],
      ['disk sum 50', 'diskSum'],
      ['nonsense', 'error'],
    ] as const)
      guest.ask(command, kind);
    return { guest, answers: guest.lines.filter(({ kind }) => kind !== 'heartbeat') };
  };

  test('a VMM that traps and emulates loses the kernel its status, and it panics', () => {
    const guest = new GuestRun({ depth: 1, variant });
    expect(guest.run(100_000)).toBe('off');
    expect(guest.machine.offCode).toBe(1);
  });

  test.each<[number, EngineName]>([
    [1, 'interpreter'],
    [2, 'interpreter'],
    [3, 'interpreter'],
    [1, 'translator'],
    [3, 'translator'],
  ])('a kernel that asks the VMM answers at depth %i as the other does on the bare machine, with the %s', (depth, engine) => {
    const bare = answers({ depth: 0, variant });
    const asking = answers({ depth, variant, kind: 'paravirtual', program: 'paravirtual', engine });
    expect(asking.answers).toEqual(bare.answers);
    expect(Buffer.compare(asking.guest.disk, bare.guest.disk)).toBe(0);
  });

  test.each(['virtualizable', 'hybrid'] as const)('and so it does on the %s one', (other) => {
    const bare = answers({ depth: 0 });
    const asking = answers({ depth: 1, variant: other, kind: 'paravirtual', program: 'paravirtual' });
    expect(asking.answers).toEqual(bare.answers);
  });

  test('it asks once where the other traps for each byte and each sector', () => {
    const emulated = (where: Where) => (answers(where).guest.machine as VirtualMachine).shares.emulated;
    const patched = emulated({ depth: 1, variant, kind: 'patching' });
    expect(emulated({ depth: 1, variant, kind: 'paravirtual', program: 'paravirtual' })).toBeLessThan(0.9 * patched);
  });
});

test.each([
  ['off', 0],
  ['panic', 1],
])('%s switches the machine off, and the code says how', (command, code) => {
  const guest = new GuestRun({ depth: 1 });
  guest.run(100_000);
  expect(() => guest.ask(command, 'pong')).toThrow('no pong');
  expect(guest.run(1000)).toBe('off');
  expect(guest.machine.offCode).toBe(code);
});

describe('its network', () => {
  const stations = [2, 3].map((number) => Uint8Array.of(0x02, 0x41, 10, 0, 0, number));

  /** Two guests at the ends of one cable, each with the same time. */
  function pair(one: Where, other: Where): readonly [GuestRun, GuestRun] {
    const [here, there] = Cable.between(stations[0]!, stations[1]!);
    return [new GuestRun({ ...one, network: here }), new GuestRun({ ...other, network: there })];
  }

  function together([one, other]: readonly [GuestRun, GuestRun], milliseconds: number): void {
    for (let passed = 0; passed < milliseconds; passed++) for (const guest of [one, other]) guest.run(1000);
  }

  test.each<[Where, Where]>([
    [{ depth: 0 }, { depth: 0, engine: 'translator' }],
    [{ depth: 1 }, { depth: 2 }],
    [
      { depth: 1, variant: 'unprivileged-reads', kind: 'patching' },
      { depth: 1, variant: 'unprivileged-reads', kind: 'paravirtual', program: 'paravirtual' },
    ],
  ])('a process of its own asks another guest for echoes and answers its, however busy the other process is: %j, %j', (one, other) => {
    const both = pair(one, other);
    together(both, 20);
    both[0].type('load 1000');
    both[0].type('echo 10.0.0.3 10');
    both[1].type('echo 10.0.0.2 25');
    together(both, 1000);
    for (const guest of both) guest.type('net');
    together(both, 100);
    const [here, there] = both.map((guest) => guest.lines.find(({ kind }) => kind === 'network'));
    expect(here).toMatchObject({ address: '10.0.0.2', sent: expect.any(Number) });
    if (here?.kind !== 'network' || there?.kind !== 'network') throw new Error('no answer');
    expect(here.sent).toBeGreaterThan(80);
    expect(here.sent - here.answered).toBeLessThanOrEqual(1);
    expect(there.served).toBeGreaterThan(80);
    expect(there.sent).toBeGreaterThan(30);
    expect(there.sent - there.answered).toBeLessThanOrEqual(1);
    expect(both[0].lines.filter(({ kind }) => kind === 'heartbeat').length).toBeGreaterThanOrEqual(4);
  });

  test('what is not asked for as it should be is answered with what was expected', () => {
    const alone = new GuestRun({ depth: 0 });
    expect(alone.ask('net', 'error')).toMatchObject({ expected: 'a network, which is not here' });
    const [guest] = pair({ depth: 0 }, { depth: 0 });
    for (const command of ['echo', 'echo 10.0.0', 'echo 10.0.0.256 5', 'echo 10.0.0.1', 'echo 10.0.0.1 60001', 'echo 10.0.0.1 5 x'])
      expect(guest.ask(command, 'error')).toMatchObject({ expected: 'echo <address> <ms 0..60000>' });
    expect(guest.ask('nets', 'error').expected).toMatch('tick, load');
  });

  test('frames that are cut short, or lie about their length, are let go', () => {
    const [here, there] = Cable.between(stations[0]!, stations[1]!);
    const guest = new GuestRun({ depth: 0, network: here });
    guest.run(20_000);
    while (there.receive());
    const arp = Buffer.from(`${'ff'.repeat(6)}02410a000003080600010800060400010241 0a000003 0a000003 000000000000 0a000002`.replaceAll(' ', ''), 'hex');
    const echo = Buffer.from('02410a00000202410a000003080045000020000000004001 66d9 0a0000030a0000020800 0000 00010001 6162'.replaceAll(' ', ''), 'hex');
    for (const frame of [arp.subarray(0, 30), Buffer.alloc(0), Buffer.alloc(13), echo, echo.subarray(0, 36)]) there.send(frame);
    guest.run(20_000);
    expect(there.waitingBytes).toBe(0);
    there.send(arp);
    guest.run(20_000);
    expect(there.waitingBytes).toBe(60);
    expect(guest.ask('net', 'network')).toMatchObject({ served: 0 });
  });
});
