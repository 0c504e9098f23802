import { createRandom } from '@argosy/simulator/random';
import { classify } from '../classification';
import { subjectsOf } from '../classify/subjects';
import { encode } from '../instruction-set';
import type { Machine } from '../machine';
import { memoryStart, pageBytes } from '../memory';
import { randomProgram, type RandomProgram } from '../random-program';
import { controlRegisterNumbers } from '../control-registers';
import { variants, variantNames, type VariantName } from '../variants';
import { BareMachine } from '../bare-machine';
import { Console } from '../devices';
import { differencesOf, programOf, runProgram } from './equivalence';
import { Monitor } from './monitor';
import { isCritical } from './patcher';
import type { MonitorKind, VirtualMachine } from './virtual-machine';

const readBase = encode('csrrs', { rd: 10, immediate: controlRegisterNumbers.mbase });
const enable = encode('csrrwi', { rs1: 8, immediate: controlRegisterNumbers.mstatus });
const goBack = encode('jalr', { rs1: 1 });

test.each(variantNames)('what is patched on %s is what was found to be sensitive and not privileged', (name) => {
  const critical = isCritical(variants[name]);
  const chance = createRandom(3);
  const patched = subjectsOf(variants[name]).filter((subject) => critical(subject.word(chance)));
  const found = classify(variants[name], createRandom(1), 20).theorems[0]!.against;
  const unprivileged = ['csrw mtvec', 'csrw mbase', 'csrw mbound'];
  expect(patched.map((subject) => subject.name).filter((each) => !unprivileged.includes(each))).toEqual(found);
});

type Kinds = readonly MonitorKind[];
const patchings: readonly Kinds[] = [['patching'], ['patching', 'patching'], ['patching', 'patching', 'patching']];

function differencesWith(program: RandomProgram, name: VariantName, kind: Kinds): string[] {
  const options = { variant: variants[name], instructions: 2000, kind };
  const bare = runProgram(program, { ...options, depth: 0 });
  return differencesOf(bare, runProgram(program, { ...options, depth: kind.length }));
}

const mixed: readonly (readonly [VariantName, Kinds])[] = [
  ['unprivileged-reads', ['direct', 'patching']],
  ['unprivileged-reads', ['hybrid', 'patching']],
  ['unprivileged-reads', ['patching', 'direct', 'patching']],
  ['hybrid', ['hybrid', 'patching']],
  ['virtualizable', ['patching', 'direct']],
];

test.each([...variantNames.flatMap((name) => patchings.map((kinds) => [name, kinds] as const)), ...mixed])(
  '20 random programs of %s are the same where the monitors, from the lowest on, are %j',
  (name, kinds) => {
    for (let seed = 7000; seed < 7020; seed++) {
      const program = randomProgram(createRandom(seed), seed % 2 === 0 ? 'wild' : 'looping');
      expect([seed, ...differencesWith(program, name, kinds)]).toEqual([seed]);
    }
  },
);

function differences(text: string, ...kinds: Kinds): string[] {
  return differencesWith(programOf(text), 'unprivileged-reads', kinds);
}

describe('a guest cannot tell that it was patched', () => {
  const cases: Readonly<Record<string, string>> = {
    'in user mode or machine mode': `
        csrrwi zero, mstatus, 8
        csrr s0, mbase
        la   t0, there
        csrw mepc, t0
        mret
      there:
        csrr s1, mbase
        csrrw s2, mstatus, s1
        csrr s3, mtvec
        csrr s4, mbound
      loop: j loop`,
    'when it sums its own instructions': `
        la   t0, start
        la   t1, end
      start:
        csrr a0, mstatus
        csrr a1, mbase
      next:
        lw   t2, 0(t0)
        add  a2, a2, t2
        lbu  t3, 3(t0)
        add  a3, a3, t3
        addi t0, t0, 4
        bne  t0, t1, next
        lw   a4, -6(t0)
      end: j end`,
    'when it writes critical instructions and runs them, twice': `
        li   s0, 0x80001000
        li   t0, ${readBase}
        li   t1, ${goBack}
        sw   t0, 0(s0)
        sw   t1, 4(s0)
        jalr ra, 0(s0)
        mv   a1, a0
        li   t0, ${enable}
        sw   t0, 0(s0)
        jalr ra, 0(s0)
        lw   a2, 0(s0)
        sh   zero, 2(s0)
        lw   a3, 0(s0)
      loop: j loop`,
    'when it overwrites a critical instruction just before it': `
        la   t0, next
        li   t1, ${encode('addi', { rd: 10, immediate: 42 })}
        csrr a1, mbase
        sw   t1, 0(t0)
      next:
        csrr a0, mbase
      loop: j loop`,
    'when it copies its code to the disk, changes it, and reads it back': `
        li   t0, 0x80000000
        csrw mdiskaddress, t0
        csrrwi zero, mdiskcommand, 2
        la   t1, patched
        sw   zero, 0(t1)
        csrrwi zero, mdiskcommand, 1
      patched:
        csrr a0, mbase
        lw   a1, 0(t1)
      loop: j loop`,
    'when its data lie beside its code': `
        la   t0, data
        li   t2, 20
      next:
        lw   t1, 0(t0)
        addi t1, t1, 1
        sw   t1, 0(t0)
        csrr a0, mbase
        addi t2, t2, -1
        bnez t2, next
      loop: j loop
      data: .word 5`,
    'when it loads and stores over the edge of a page that was patched': `
        li   s0, 0x80001000
        li   t0, ${readBase}
        li   t1, ${goBack}
        sw   t0, 0(s0)
        sw   t1, 4(s0)
        jalr ra, 0(s0)
        lw   a1, -2(s0)
        sw   a1, -1(s0)
        sw   t0, 0(s0)
        jalr ra, 0(s0)
      loop: j loop`,
  };
  describe.each(patchings.map((kinds) => [kinds.length, kinds] as const))('at depth %i', (_depth, kinds) => {
    test.each(Object.entries(cases))('%s', (_name, text) => {
      expect(differences(text, ...kinds)).toEqual([]);
    });
  });

  test('and without patches it can: of the machine below as well, which is as the bare one is', () => {
    const text = 'csrr a0, mbase\n loop: j loop';
    expect(differences(text, 'direct')).toEqual(['x10: 0x00000000 and 0x00001000']);
    expect(differences(text, 'patching', 'direct')).toEqual(['x10: 0x00000000 and 0x00001000']);
  });
});

test('a hybrid monitor is not made in a patched machine: what it interprets would be stopped by guards', () => {
  expect(() => differences('loop: j loop', 'patching', 'direct', 'hybrid')).toThrow(
    'cannot be made in a patched machine',
  );
});

const readsAndStores = programOf(`
    csrr a0, mbase
    la   t0, data
    sw   t0, 0(t0)
    lw   a1, 0(t0)
  loop: j loop
  data: .word 0`);
const memoryBytes = 4 * pageBytes;
const console = new Console(() => {});

function made(monitor: Monitor): VirtualMachine {
  const machine = monitor.create({ memoryBytes, console });
  if (!machine.ok) throw new Error(machine.refusal.message);
  return machine.value;
}

/** What it read: its base, and what it had stored. */
function run(machine: Machine): readonly [number, number] {
  machine.memory.write(0, readsAndStores.memory.subarray(0, memoryBytes));
  expect(machine.run(50)).toBe('limit');
  return [machine.registers[10]!, machine.registers[11]!];
}

describe('a machine that is removed leaves its memory without guards and patches', () => {
  const variant = variants['unprivileged-reads'];
  const data = (memoryStart + 24) | 0;

  test('to the next', () => {
    const host = new BareMachine(variant, memoryBytes, { console });
    for (const kind of ['patching', 'direct'] as const) {
      const monitor = new Monitor(host, kind);
      const machine = made(monitor);
      expect(run(machine)).toEqual([0, data]);
      monitor.remove(machine);
    }
  });

  test('and so do those that were made of it', () => {
    const host = new BareMachine(variant, memoryBytes, { console });
    const monitor = new Monitor(host, 'direct');
    const machine = made(monitor);
    expect(run(made(new Monitor(machine, 'patching')))).toEqual([0, data]);
    monitor.remove(machine);
    expect(run(made(monitor))).toEqual([0, data]);
  });

  test('to the machine below, which is still patched itself', () => {
    const host = new BareMachine(variant, 2 * memoryBytes, { console });
    const below = new Monitor(host, 'patching');
    made(below);
    const machine = made(below);
    const above = new Monitor(machine, 'patching');
    const top = made(above);
    expect(run(top)).toEqual([0, data]);
    above.remove(top);
    machine.supervisor = 'inside';
    machine.reset();
    expect(machine.run(50)).toBe('limit');
    expect([...machine.registers.subarray(10, 12)]).toEqual([0, data]);
  });
});

test('what a guard stopped that another VMM had put there is counted as what that one was told', () => {
  const host = new BareMachine(variants['unprivileged-reads'], memoryBytes, { console });
  const machine = made(new Monitor(host, 'patching'));
  const top = made(new Monitor(machine, 'patching'));
  run(top);
  for (const { shares, time } of [machine, top]) expect(shares.direct + shares.emulated + shares.reflected).toBe(time);
});
