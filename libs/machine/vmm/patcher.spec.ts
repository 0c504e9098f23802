import { createRandom } from '@argosy/simulator/random';
import { classify } from '../classification';
import { subjectsOf } from '../classify/subjects';
import { encode } from '../instruction-set';
import { randomProgram } from '../random-program';
import { controlRegisterNumbers } from '../control-registers';
import { variants, variantNames } from '../variants';
import { chainOfMachines } from './chain';
import { Console } from '../devices';
import { differencesOf, programOf, runProgram } from './equivalence';
import { Monitor } from './monitor';
import { isCritical } from './patcher';
import type { MonitorKind } from './virtual-machine';

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

test.each(variantNames)('patched, 40 random programs of %s are the same in a machine of a machine', (name) => {
  for (let seed = 7000; seed < 7040; seed++) {
    const program = randomProgram(createRandom(seed));
    const options = { variant: variants[name], instructions: 2000, kind: 'patching' as const };
    const bare = runProgram(program, { ...options, depth: 0 });
    expect([seed, ...differencesOf(bare, runProgram(program, { ...options, depth: 1 }))]).toEqual([seed]);
  }
});

function differences(text: string, kind: MonitorKind): string[] {
  const options = { variant: variants['unprivileged-reads'], instructions: 2000, kind };
  const program = programOf(text);
  return differencesOf(runProgram(program, { ...options, depth: 0 }), runProgram(program, { ...options, depth: 1 }));
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
  test.each(Object.entries(cases))('%s', (_name, text) => {
    expect(differences(text, 'patching')).toEqual([]);
  });

  test('and without patches it can', () => {
    expect(differences(cases['in user mode or machine mode']!, 'direct')).not.toEqual([]);
  });
});

test('a machine that is removed leaves its memory without guards and patches to the next', () => {
  const { chain } = chainOfMachines({
    variant: variants['unprivileged-reads'],
    depth: 0,
    memoryBytes: 32768,
    console: new Console(() => {}),
  });
  const [host] = chain;
  for (const kind of ['patching', 'direct'] as const) {
    const monitor = new Monitor(host!, kind);
    const made = monitor.create({ memoryBytes: 32768, console: new Console(() => {}) });
    if (!made.ok) throw new Error(made.refusal.message);
    made.value.memory.write(0, programOf('csrr a0, mstatus\n csrr a1, mbase\n loop: j loop').memory);
    expect(made.value.run(50)).toBe('limit');
    monitor.remove(made.value);
  }
});
