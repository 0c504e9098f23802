import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assemble } from '@argosy/machine/assembler';
import { slots } from '@argosy/machine/control-registers';
import { Console, MemoryDisk, sectorBytes, type Devices } from '@argosy/machine/devices';
import { loadElf, parseElf } from '@argosy/machine/elf';
import { BareMachine } from '@argosy/machine/bare-machine';
import type { EngineChoice } from '@argosy/machine/engine';
import { encode, instructionOf, instructionSet } from '@argosy/machine/instruction-set';
import { runThroughIdleness, type Machine } from '@argosy/machine/machine';
import { memoryStart, pageBytes } from '@argosy/machine/memory';
import { variants } from '@argosy/machine/variants';
import { Monitor } from '@argosy/machine/vmm/monitor';
import type { MonitorKind, VirtualMachine } from '@argosy/machine/vmm/virtual-machine';
import { createRandom } from '@argosy/simulator/random';
import { QemuMachine } from './qemu-machine';

// A machine that our VMM makes on QEMU's riscv32 processor, beside our bare machine with either engine.

const isThere = spawnSync('qemu-system-riscv32', ['--version']).status === 0;
const suite = isThere ? describe : describe.skip;
const note = isThere ? '' : ' (skipped: there is no qemu-system-riscv32 here; apt-get install qemu-system-misc)';

const guestBytes = 4 * 2 ** 20;
const diskSectors = 64;

interface Run {
  readonly machine: Machine;
  readonly output: number[];
  readonly console: Console;
  readonly disk: MemoryDisk;
  /** How far it runs between two looks at its answers, in its own time. */
  readonly slice: number;
  /** Brings what programs wrote into `machine.memory`. */
  readonly settle: () => void;
}

function parts() {
  const output: number[] = [];
  const disk = new MemoryDisk(new Uint8Array(diskSectors * sectorBytes));
  const console = new Console((byte) => output.push(byte));
  return { output, disk, console, devices: { console, disk } satisfies Devices };
}

function onOurs(engine: EngineChoice): Run {
  const { devices, ...rest } = parts();
  return { ...rest, machine: new BareMachine(variants.virtualizable, guestBytes, devices, engine), slice: 100_000, settle: () => {} };
}

let qemu: QemuMachine | undefined;
afterEach(() => {
  qemu?.close();
  qemu = undefined;
});

function madeOf(below: Machine, kind: MonitorKind, console: Console): VirtualMachine {
  const made = new Monitor(below, kind).create({ memoryBytes: guestBytes, diskSectors, console });
  if (!made.ok) throw new Error(made.refusal.message);
  return made.value;
}

function onQemu(kind: MonitorKind = 'direct'): Run {
  const { devices, ...rest } = parts();
  const below = new QemuMachine(guestBytes, devices);
  qemu = below;
  const machine = madeOf(below, kind, rest.console);
  machine.memory.beforeAccess = (offset, length) => below.pull(offset, length);
  return { ...rest, machine, slice: 2000, settle: () => below.pull() };
}

/** A kernel that asks its VMM has to have one here too. */
function underOurs(kind: MonitorKind, engine: EngineChoice): Run {
  if (kind === 'direct') return onOurs(engine);
  const { machine, ...rest } = onOurs(engine);
  return { ...rest, machine: madeOf(machine, kind, rest.console) };
}

suite.each([
  ['machine.elf', 'direct'],
  ['paravirtual.elf', 'paravirtual'],
] as const)(`the shipped guest %s, under a %s monitor${note}`, (file, kind) => {
  const program = parseElf(readFileSync(join(__dirname, '../../guests/machine', file)));

  function session({ machine, console, output, slice, settle, disk }: Run) {
    if (!program.ok) throw new Error(program.refusal.message);
    loadElf(machine.memory, program.value);
    machine.control[slots.pc] = program.value.entry;
    const ask = (command: string, answer: RegExp) => {
      const before = output.length;
      console.type(Buffer.from(`${command}\n`));
      const said = () => String.fromCharCode(...output.slice(before));
      for (let tries = 0; tries < 3000 && !answer.test(said()); tries++) runThroughIdleness(machine, slice);
      return answer.exec(said())?.[0] ?? `nothing: ${said()}`;
    };
    ask('tick 0', /$/);
    const answers = [
      ask('fill 2 77', /filled .*\r\n/),
      ask('sum', /sum .*\r\n/),
      ask('disk fill 40 5', /disk filled .*\r\n|disk-filled .*\r\n/),
      ask('disk sum 40', /disk.sum .*\r\n/),
      ask('nonsense', /err.*\r\n/),
    ];
    settle();
    const area = Buffer.from(machine.memory.bytes.slice(2 ** 20, 3 * 2 ** 20));
    return { answers, area, disk: Buffer.from(disk.bytes) };
  }

  test('answers on QEMU what it answers here, and leaves the same disk and the same area', () => {
    const there = session(onQemu(kind));
    expect(there.answers.filter((answer) => answer.startsWith('nothing'))).toEqual([]);
    for (const engine of ['interpreter', { hotVisits: 2 }] as const) {
      const here = session(underOurs(kind, engine));
      expect(here.answers).toEqual(there.answers);
      expect(Buffer.compare(here.area, there.area)).toBe(0);
      expect(Buffer.compare(here.disk, there.disk)).toBe(0);
    }
  });
});

/**
 * Forward jumps only, but for one that is counted, since nobody counts QEMU's instructions: each program comes to its end, which
 * switches the machine off.
 * Jumps to half an instruction are left out: QEMU 7.2 does not tell their target.
 */
const allowed = instructionSet.filter(
  ({ mnemonic, format }) => !['csr', 'csri', 'jalr', 'source'].includes(format) && mnemonic !== 'wfi' && mnemonic !== 'mret',
);
const programBytes = 16384;
const codeBytes = 2048;
const dataOffset = 8192;
/** As far as a program's pointers reach. */
const reachedBytes = programBytes + pageBytes;

interface Shape {
  readonly rounds: number;
  readonly bodyWords: number;
}

function randomWords(seed: number, { rounds, bodyWords }: Shape): Uint8Array {
  const chance = createRandom(seed);
  const signed = (bits: number) => chance.below(2 ** bits) - 2 ** (bits - 1);
  const immediateOf = (format: string) => {
    if (format === 'B' || format === 'J') return (1 + chance.below(6)) * 4;
    if (format === 'U') return signed(32);
    return format === 'shift' ? chance.below(32) : signed(12);
  };
  const start = assemble(`
      la   t0, handler
      csrw mtvec, t0
      csrw mscratch, zero
      j    program
    handler:
      csrrw t6, mscratch, t6
      csrr t6, mepc
      addi t6, t6, 4
      csrw mepc, t6
      csrr t6, mcause
      add  s11, s11, t6
      csrr t6, mtval
      xor  s10, s10, t6
      csrrw t6, mscratch, t6
      mret
    program:
      li   t3, ${rounds}`).words;
  const again = (memoryStart + 4 * start.length) | 0;
  const text = `${'nop\n'.repeat(8)} addi t3, t3, -1\n beqz t3, over\n j ${again}\n over: li t6, 1\n csrw mpower, t6`;
  const end = assemble(text, again + 4 * bodyWords).words;
  const body = Int32Array.from({ length: bodyWords }, () => {
    const any = signed(32);
    if (chance.below(50) === 0 && instructionOf(any) === undefined) return any;
    const { mnemonic, format } = allowed[chance.below(allowed.length)]!;
    const rd = chance.below(26);
    return encode(mnemonic, { rd, rs1: chance.below(32), rs2: chance.below(32), immediate: immediateOf(format) });
  });
  const memory = new Int32Array(reachedBytes / 4);
  memory.set([...start, ...body, ...end]);
  for (let index = dataOffset / 4; index < memory.length; index++) memory[index] = signed(32);
  return new Uint8Array(memory.buffer);
}

function runRandom({ machine, settle }: Run, seed: number, shape: Shape) {
  const chance = createRandom(seed);
  machine.reset();
  const program = randomWords(seed, shape);
  machine.memory.write(0, program);
  for (let register = 1; register < 32; register++)
    machine.registers[register] = chance.below(3) === 0 ? chance.below(2 ** 32) : memoryStart + dataOffset + chance.below(2048) * 4;
  const stop = runThroughIdleness(machine, 100_000);
  settle();
  const memory = Buffer.from(machine.memory.bytes.slice(0, reachedBytes));
  const changedItself = Buffer.compare(memory.subarray(0, codeBytes), program.subarray(0, codeBytes)) !== 0;
  return { stop, changedItself, registers: [...machine.registers.subarray(0, 32)], memory };
}

suite(`random programs${note}`, () => {
  test.each([
    [300, 'once through', { rounds: 1, bodyWords: 300 }],
    [100, 'in twelve rounds', { rounds: 12, bodyWords: 60 }],
  ])('%i do on QEMU, %s, what they do here, interpreted and translated: registers, traps and memory', (count, _how, shape) => {
    const there = onQemu();
    const [reference, translated] = [onOurs('interpreter'), onOurs({ hotVisits: 0, unseen: true })];
    let compared = 0;
    for (let seed = 0; compared < count; seed++) {
      const expected = runRandom(reference, seed, shape);
      // A few overwrite their own handler and never end; and QEMU may run for a while what was there before, as RISC-V allows.
      if (expected.stop !== 'off' || expected.changedItself) continue;
      compared++;
      for (const run of [there, translated]) {
        const found = runRandom(run, seed, shape);
        expect([seed, found.stop, ...found.registers]).toEqual([seed, expected.stop, ...expected.registers]);
        expect([seed, Buffer.compare(found.memory, expected.memory)]).toEqual([seed, 0]);
      }
    }
  });
});
