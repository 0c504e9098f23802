import { createRandom } from '@argosy/simulator/random';
import { assemble } from '../assembler';
import { BareMachine } from '../bare-machine';
import { slots } from '../control-registers';
import { Console } from '../devices';
import { encode, instructionSet } from '../instruction-set';
import { memoryStart, pageBytes, pageGuards } from '../memory';
import { processorDifferences } from '../processor-state';
import { causes } from '../traps';
import { variants } from '../variants';
import { flowOf } from './flow';
import type { Block, Region } from './region';
import type { TranslatorOptions } from './translator';

const memoryBytes = 16 * pageBytes;

/** A machine with either engine, with the same program; and how often translated code was run. */
function both(text: string, options: TranslatorOptions = { hotVisits: 3 }) {
  const runs = { count: 0 };
  const afterTranslated = () => runs.count++;
  const machineOf = (engine: 'interpreter' | TranslatorOptions) => {
    const machine = new BareMachine(variants.virtualizable, memoryBytes, { console: new Console(() => {}) }, engine);
    machine.memory.write(0, assemble(text).bytes);
    return machine;
  };
  return { fast: machineOf({ ...options, afterTranslated }), reference: machineOf('interpreter'), runs };
}

function expectSame({ fast, reference }: ReturnType<typeof both>) {
  expect(processorDifferences(fast.saveProcessor(), reference.saveProcessor())).toEqual([]);
  expect(Buffer.compare(fast.memory.bytes, reference.memory.bytes)).toBe(0);
}

function runBoth(machines: ReturnType<typeof both>, instructions: number) {
  const stops = [machines.fast.run(instructions), machines.reference.run(instructions)];
  expect(stops[0]).toBe(stops[1]);
  expectSame(machines);
  return machines;
}

const sorting = `
      la   sp, 0x80008000
    again:
      li   s0, 0x80002000
      li   s1, 40
      mv   t0, s0
    fill:
      mul  t1, s1, s1
      xor  t1, t1, gp
      andi t1, t1, 255
      sw   t1, 0(t0)
      addi t0, t0, 4
      addi s1, s1, -1
      bnez s1, fill
      li   s2, 39
    pass:
      mv   t0, s0
      mv   s3, s2
    compare:
      lw   a0, 0(t0)
      lw   a1, 4(t0)
      bge  a1, a0, inOrder
      jal  ra, swap
    inOrder:
      addi t0, t0, 4
      addi s3, s3, -1
      bnez s3, compare
      addi s2, s2, -1
      bnez s2, pass
      addi gp, gp, 1
      j    again
    swap:
      addi sp, sp, -4
      sw   ra, 0(sp)
      sw   a1, 0(t0)
      sw   a0, 4(t0)
      lw   ra, 0(sp)
      addi sp, sp, 4
      ret`;

test('loops and calls stay inside a module: a program that sorts for ever leaves it a few times in 300,000 instructions', () => {
  const machines = runBoth(both(sorting), 3000);
  machines.runs.count = 0;
  runBoth(machines, 300_000);
  expect(machines.runs.count).toBeLessThan(20);
});

test('it stops at exactly the instruction that it is told, wherever that is', () => {
  const machines = runBoth(both(sorting), 3000);
  for (let instructions = 1; instructions < 200; instructions++) runBoth(machines, instructions);
});

test('what a machine does for a moment after each rest is never translated, and what goes on for longer is', () => {
  const machines = both(sorting, { hotVisits: 3, interpretedAfterRest: 50_000 });
  const translator = machines.fast.translator!;
  for (let rest = 0; rest < 10; rest++) {
    translator.rested();
    runBoth(machines, 20_000);
  }
  expect(translator.counts.made).toBe(0);
  runBoth(machines, 100_000);
  expect(translator.counts.made).toBeGreaterThan(0);
});

test('the timer interrupts a translated loop at its instruction', () => {
  const machines = both(`
      la   t0, handler
      csrw mtvec, t0
      csrw mtimecmph, zero
      li   t0, 5000
      csrw mtimecmp, t0
      li   t0, 0x80
      csrw mie, t0
      csrrsi zero, mstatus, 8
    loop:
      addi a0, a0, 1
      bnez a0, loop
    handler:
      csrr a1, mcycle
    stay: j stay`);
  runBoth(machines, 100_000);
  expect(machines.fast.registers[11]).toBe(5001);
  expect(machines.runs.count).toBeGreaterThan(0);
});

const corners = [0, 1, 2, -1, -2, 31, 33, 0x7fffffff, -0x80000000, 0x55555555, 0xffff];
const operations = instructionSet.filter(({ format }) => format === 'R').map(({ mnemonic }) => mnemonic);

test.each(operations)('%s of all pairs of corner cases is the same', (mnemonic) => {
  const machines = both(`${mnemonic} a2, a0, a1`, { hotVisits: 0, unseen: true });
  for (const a of corners)
    for (const b of corners) {
      for (const { registers, control } of [machines.fast, machines.reference]) {
        registers.set([a, b], 10);
        control[slots.pc] = memoryStart | 0;
      }
      runBoth(machines, 1);
    }
  expect(machines.runs.count).toBe(corners.length ** 2);
});

const readsItself = (change: string) => `
      la   s0, changed
      li   s1, 0
    loop:
      ${change}
    changed:
      addi a0, a0, 1
      addi s1, s1, 1
      li   t2, 3000
      bltu s1, t2, loop
      wfi`;

test.each([
  ['every time, just before it is run', 'lw t0, 0(s0)\n li t1, 0x100000\n xor t0, t0, t1\n sw t0, 0(s0)'],
  ['once, long after it was translated', 'li t0, 2000\n bne s1, t0, changed\n sh zero, 2(s0)'],
  ['by a byte', 'srli t0, s1, 8\n sb t0, 3(s0)'],
])('a loop that changes an instruction of its own runs as it is then: %s', (_how, change) => {
  const machines = runBoth(both(readsItself(change)), 100_000);
  expect(machines.fast.run(1)).toBe('idle');
  expect(machines.runs.count).toBeGreaterThan(0);
});

test('code that is loaded anew from outside is run as it is then', () => {
  const machines = runBoth(both('loop: addi a0, a0, 1\n j loop'), 1000);
  for (const machine of [machines.fast, machines.reference])
    machine.memory.write(0, new Uint8Array(Int32Array.of(encode('addi', { rd: 11, rs1: 11, immediate: 5 })).buffer));
  runBoth(machines, 1000);
  expect(machines.fast.registers[11]).toBe(2500);
});

test('data beside code are stored to without dropping the code', () => {
  const machines = runBoth(
    both('la s0, data\n loop: lw a0, 0(s0)\n addi a0, a0, 1\n sw a0, 0(s0)\n j loop\n data: .word 0'),
    500,
  );
  machines.runs.count = 0;
  runBoth(machines, 100_000);
  expect(machines.runs.count).toBeLessThan(5);
});

test('pages that translated code writes are dirty, once each time they are taken', () => {
  const { fast } = both(
    'li s0, 0x80003000\n loop: sw a0, 0(s0)\n sb a0, 2044(s0)\n sh a0, 2047(s0)\n addi a0, a0, 1\n j loop',
  );
  fast.run(1000);
  fast.memory.takeDirtyPages();
  fast.run(1000);
  expect(fast.memory.takeDirtyPages()).toEqual([3]);
  expect(fast.memory.takeDirtyPages()).toEqual([]);
  fast.run(1000);
  expect(fast.memory.takeDirtyPages()).toEqual([3]);
});

test('faults leave all as it was, at their instruction, also where the bound has become smaller since', () => {
  const machines = both('li s0, 0x80003000\n loop: addi a0, a0, 1\n lw a1, 0(s0)\n sw a0, 0(s0)\n j loop');
  const setBound = (bound: number) => {
    for (const machine of [machines.fast, machines.reference]) {
      machine.supervisor = 'outside';
      machine.control[slots.bound] = bound;
    }
  };
  setBound(5 * pageBytes);
  runBoth(machines, 1002);
  expect(machines.runs.count).toBeGreaterThan(0);
  setBound(3 * pageBytes);
  runBoth(machines, 1000);
  expect(machines.fast.trap).toEqual(machines.reference.trap);
  setBound(0);
  runBoth(machines, 5);
});

const eager = { hotVisits: 0, unseen: true };

test.each(['lw', 'lh', 'lhu', 'lb', 'lbu', 'sw', 'sh', 'sb'])(
  '%s faults where its last byte is beyond the bound, and not before',
  (mnemonic) => {
    for (let offset = -5; offset < 2; offset++) {
      const machines = both(`${mnemonic} a0, 0(a1)`, eager);
      for (const machine of [machines.fast, machines.reference]) {
        machine.supervisor = 'outside';
        machine.control[slots.bound] = 2 * pageBytes;
        machine.memory.write(0x1ff8, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9));
        machine.registers[11] = memoryStart + 2 * pageBytes + offset;
      }
      runBoth(machines, 1);
      expect(machines.fast.trap).toEqual(machines.reference.trap);
    }
  },
);

test('a jump to half an instruction traps where it is, and links nothing', () => {
  const machines = both('addi a1, a1, 2\n jalr ra, 0(a1)', eager);
  for (const machine of [machines.fast, machines.reference]) {
    machine.supervisor = 'outside';
    machine.registers[11] = memoryStart + 64;
  }
  runBoth(machines, 10);
  expect(machines.fast.control[slots.pc]).toBe((memoryStart + 4) | 0);
  expect(machines.fast.registers[1]).toBe(0);
});

test('translated loads stop at a page that is guarded against them', () => {
  const machines = both('la s0, 0x80002000\n loop: lw a0, 0(s0)\n addi s0, s0, 4\n j loop');
  for (const machine of [machines.fast, machines.reference]) {
    machine.supervisor = 'outside';
    machine.memory.storage.guard(3, pageGuards.load);
  }
  runBoth(machines, 10_000);
  expect(machines.fast.trap).toEqual({ cause: causes.loadGuard, value: 0x80003000 | 0 });
  expect(machines.runs.count).toBeGreaterThan(0);
});

test('a translation that reaches over the bound of today is not entered', () => {
  const far = `${'addi a1, a1, 1\n'.repeat(1030)} j 0x80000000`;
  const machines = both(far, { ...eager, blocks: 400 });
  runBoth(machines, 3000);
  for (const machine of [machines.fast, machines.reference]) {
    machine.supervisor = 'outside';
    machine.control[slots.bound] = pageBytes;
    machine.control[slots.pc] = memoryStart | 0;
  }
  runBoth(machines, 3000);
  expect(machines.fast.trap.value).toBe((memoryStart + pageBytes) | 0);
});

test.each([
  ['before', 0],
  ['after', 3000],
])('a translation does not run into a page that was guarded against fetches %s it was made', (_when, instructions) => {
  const machines = both(`${'addi a1, a1, 1\n'.repeat(1030)} j 0x80000000`, { ...eager, blocks: 400 });
  runBoth(machines, instructions);
  for (const machine of [machines.fast, machines.reference]) {
    machine.supervisor = 'outside';
    machine.memory.storage.guard(1, pageGuards.fetch);
    machine.control[slots.pc] = memoryStart | 0;
    machine.registers[11] = 0;
  }
  runBoth(machines, 3000);
  expect(machines.fast.registers[11]).toBe(1024);
  expect(machines.fast.trap.cause).toBe(causes.fetchGuard);
});

test('one page of code at two bases is two programs, and neither runs as the other', () => {
  const machines = both('loop: auipc a0, 0\n addi a1, a1, 1\n lw a2, 0(a0)\n bnez a1, loop');
  for (const machine of [machines.fast, machines.reference]) {
    machine.memory.write(pageBytes, machine.memory.access(0, 64).slice());
    // The words of the second page: by its base at the beginning of memory, and without one further up.
    for (const [base, pc] of [
      [pageBytes, memoryStart],
      [0, memoryStart + pageBytes],
      [pageBytes, memoryStart],
    ] as const) {
      machine.control[slots.base] = base;
      machine.control[slots.pc] = pc | 0;
      machine.run(1000);
    }
  }
  expectSame(machines);
  expect(machines.fast.registers[10]).toBe(memoryStart | 0);
});

test('a page that is guarded against fetches is not run, translated or not', () => {
  const { fast } = both('loop: addi a0, a0, 1\n j loop');
  fast.supervisor = 'outside';
  fast.run(1000);
  fast.memory.storage.guard(0, pageGuards.fetch);
  const before = fast.registers[10];
  expect(fast.run(1000)).toBe('trap');
  expect(fast.registers[10]).toBe(before);
});

test('a program that rewrites itself for ever is translated ever more seldom', () => {
  const made: number[] = [];
  const { fast } = both(readsItself('lw t0, 0(s0)\n sw t0, 0(s0)\n li s1, 0'));
  for (let round = 0; round < 3; round++) {
    fast.run(200_000);
    made.push(fast.translator!.counts.made);
  }
  expect(made[2]! - made[1]!).toBeLessThan(made[0]!);
  expect(made[2]).toBeLessThan(40);
});

test('with too many translations all are dropped, and the program goes on', () => {
  const blocks = Array.from({ length: 700 }, (_, index) => `addi a0, a0, ${index}\n j b${index + 1}\n b${index + 1}:`);
  const machines = both(`loop:\n ${blocks.join('\n')}\n j loop`, { hotVisits: 1, blocks: 1 });
  runBoth(machines, 20_000);
  const { live, made } = machines.fast.translator!.counts;
  expect(live).toBeLessThanOrEqual(512);
  expect(made).toBeGreaterThan(700);
});

/** Blocks that lead anywhere: the number of one is its address. */
function randomRegion(seed: number): Region {
  const chance = createRandom(seed);
  const size = 2 + chance.below(12);
  const blocks = new Map<number, Block>();
  for (let pc = 0; pc < size; pc++)
    blocks.set(pc, {
      pc,
      instructions: [],
      taken: chance.below(2) === 0 ? undefined : chance.below(size),
      next: chance.below(size),
    });
  const seen = new Set([0]);
  for (const pc of seen)
    for (const next of [blocks.get(pc)!.taken, blocks.get(pc)!.next]) if (next !== undefined) seen.add(next);
  return { start: 0, returns: [], blocks: new Map([...blocks].filter(([pc]) => seen.has(pc))) };
}

test('of every flow, tangled as it may be, edges back go to loops that are around them, and edges forward come later', () => {
  for (let seed = 0; seed < 500; seed++) {
    const region = randomRegion(seed);
    const flow = flowOf(region);
    const place = new Map(flow.order.map((pc, index) => [pc, index]));
    expect([...flow.order].sort()).toEqual([...region.blocks.keys()].sort());
    for (const from of flow.order)
      for (const to of flow.successors(from)) {
        const edge = flow.edge(from, to);
        if (edge === 'back') expect(flow.isLoop(to)).toBe(true);
        if (edge === 'dispatch') expect(flow.entries).toContain(to);
        else expect(edge).toBe(place.get(from)! >= place.get(to)! ? 'back' : 'forward');
      }
  }
});
