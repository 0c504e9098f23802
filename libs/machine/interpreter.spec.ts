import * as fc from 'fast-check';
import { slots } from './control-registers';
import { encode, type Mnemonic } from './instruction-set';
import type { Machine } from './machine';
import { memoryStart, pageBytes } from './memory';
import { bench, load } from './testing';
import { causes } from './traps';

const interesting = [0, 1, 2, -1, -2, 31, 32, 0x7fffffff, -0x80000000, 0x55555555, 0x10000, 0xffff];
const word = fc.oneof(fc.constantFrom(...interesting), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }));

/** What the specification says, in unbounded integers: nothing here is shared with the interpreter. */
const u = (value: bigint) => BigInt.asUintN(32, value);
const s = (value: bigint) => BigInt.asIntN(32, value);
const meanings: Partial<Record<Mnemonic, (a: bigint, b: bigint) => bigint>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  sll: (a, b) => a << (u(b) & 31n),
  slt: (a, b) => (a < b ? 1n : 0n),
  sltu: (a, b) => (u(a) < u(b) ? 1n : 0n),
  xor: (a, b) => a ^ b,
  srl: (a, b) => u(a) >> (u(b) & 31n),
  sra: (a, b) => a >> (u(b) & 31n),
  or: (a, b) => a | b,
  and: (a, b) => a & b,
  mul: (a, b) => a * b,
  mulh: (a, b) => (a * b) >> 32n,
  mulhsu: (a, b) => (a * u(b)) >> 32n,
  mulhu: (a, b) => (u(a) * u(b)) >> 32n,
  div: (a, b) => (b === 0n ? -1n : a / b),
  divu: (a, b) => (b === 0n ? -1n : u(a) / u(b)),
  rem: (a, b) => (b === 0n ? a : a % b),
  remu: (a, b) => (b === 0n ? a : u(a) % u(b)),
};
const immediateForms: Partial<Record<Mnemonic, Mnemonic>> = {
  addi: 'add', slti: 'slt', sltiu: 'sltu', xori: 'xor', ori: 'or', andi: 'and', slli: 'sll', srli: 'srl', srai: 'sra',
}; // prettier-ignore
const conditions: Partial<Record<Mnemonic, (a: bigint, b: bigint) => boolean>> = {
  beq: (a, b) => a === b,
  bne: (a, b) => a !== b,
  blt: (a, b) => a < b,
  bge: (a, b) => a >= b,
  bltu: (a, b) => u(a) < u(b),
  bgeu: (a, b) => u(a) >= u(b),
};

test.each(Object.keys(meanings) as Mnemonic[])('%s gives what the specification says', (mnemonic) => {
  const { machine } = bench();
  fc.assert(
    fc.property(word, word, (a, b) => {
      machine.reset();
      machine.memory.write(0, new Uint8Array(Int32Array.of(encode(mnemonic, { rd: 3, rs1: 1, rs2: 2 })).buffer));
      machine.registers.set([0, a, b]);
      expect(machine.run(1)).toBe('limit');
      expect(machine.registers[3]).toBe(Number(s(meanings[mnemonic]!(BigInt(a), BigInt(b)))));
    }),
  );
});

test.each(Object.entries(immediateForms))('%s is %s with an immediate', (mnemonic, meaning) => {
  const { machine } = bench();
  const isShift = ['slli', 'srli', 'srai'].includes(mnemonic);
  fc.assert(
    fc.property(word, fc.integer({ min: isShift ? 0 : -2048, max: isShift ? 31 : 2047 }), (a, immediate) => {
      machine.reset();
      const code = encode(mnemonic as Mnemonic, { rd: 3, rs1: 1, immediate });
      machine.memory.write(0, new Uint8Array(Int32Array.of(code).buffer));
      machine.registers.set([0, a]);
      machine.run(1);
      expect(machine.registers[3]).toBe(Number(s(meanings[meaning]!(BigInt(a), BigInt(immediate)))));
    }),
  );
});

test.each(Object.keys(conditions) as Mnemonic[])(
  '%s is taken when the specification says, near and far',
  (mnemonic) => {
    const { machine } = bench();
    fc.assert(
      fc.property(word, word, fc.constantFrom(-4, 8, 4092, -4096), (a, b, distance) => {
        machine.reset();
        machine.memory.write(
          8192,
          new Uint8Array(Int32Array.of(encode(mnemonic, { rs1: 1, rs2: 2, immediate: distance })).buffer),
        );
        machine.registers.set([0, a, b]);
        machine.control[slots.pc] = memoryStart + 8192;
        machine.run(1);
        const isTaken = conditions[mnemonic]!(BigInt(a), BigInt(b));
        expect(machine.control[slots.pc]! >>> 0).toBe(memoryStart + 8192 + (isTaken ? distance : 4));
      }),
    );
  },
);

test('bytes and halves are extended as their loads say, aligned or not, over the end of a page', () => {
  const { machine } = bench();
  load(machine, `
    li t0, 0x80001ffd
    li t1, 0x89abcdef
    sw t1, 0(t0)
    lw a0, 0(t0)
    lh a1, 0(t0)
    lhu a2, 1(t0)
    lb a3, 3(t0)
    lbu a4, 3(t0)
    sh t1, 2(t0)
    lw a5, 0(t0)
    wfi`); // prettier-ignore
  expect(machine.run(100)).toBe('idle');
  const values = Array.from(machine.registers.subarray(10, 16), (value) => value >>> 0);
  expect(values).toEqual([0x89abcdef, 0xffffcdef, 0xabcd, 0xffffff89, 0x89, 0xcdefcdef]);
  expect(machine.memory.takeDirtyPages()).toEqual([0, 1, 2]);
});

test('what is written to x0 is gone', () => {
  const { machine } = bench();
  load(
    machine,
    'addi zero, zero, 5\n add a0, zero, zero\n jal zero, next\n next: lui zero, 4096\n add a1, zero, zero\n wfi',
  );
  machine.registers.fill(7, 10, 12);
  machine.run(100);
  expect([machine.registers[0], machine.registers[10], machine.registers[11]]).toEqual([0, 0, 0]);
});

test('instructions that were run and are then overwritten are run as they are now, by stores and by devices', () => {
  const { machine, disk } = bench();
  new DataView(disk.bytes.buffer).setInt32(0, encode('addi', { rd: 10, rs1: 10, immediate: 100 }), true);
  new DataView(disk.bytes.buffer).setInt32(4, encode('jalr', { rs1: 1 }), true);
  load(machine, `
    li   s0, 0x80001000
    li   t0, ${encode('addi', { rd: 10, rs1: 10, immediate: 1 })}
    li   t1, ${encode('jalr', { rs1: 1 })}
    sw   t0, 0(s0)
    sw   t1, 4(s0)
    jalr ra, 0(s0)
    li   t0, ${encode('addi', { rd: 10, rs1: 10, immediate: 10 })}
    sw   t0, 0(s0)
    jalr ra, 0(s0)
    csrw mdiskaddress, s0
    csrrwi zero, mdiskcommand, 1
    jalr ra, 0(s0)
    wfi`); // prettier-ignore
  expect(machine.run(1000)).toBe('idle');
  expect(machine.registers[10]).toBe(111);
});

test('an instruction that changes the next one on its own page changes it', () => {
  const { machine } = bench();
  load(machine, `
    li   t0, ${encode('addi', { rd: 10, immediate: 42 })}
    la   t1, next
    lw   t2, 0(t1)
    sw   t0, 0(t1)
  next:
    addi a0, zero, 1
    wfi`); // prettier-ignore
  machine.run(100);
  expect(machine.registers[10]).toBe(42);
});

test('a machine that changes the program which others run too changes it for itself alone', () => {
  const program = `
    la   t1, changed
  again:
    beqz a1, changed
    sw   a1, 0(t1)
  changed:
    addi a0, zero, 1
    wfi
    j    again`;
  const machines = [bench().machine, bench().machine, bench().machine] as const;
  const [first, changing, last] = machines;
  const run = (machine: Machine) => [machine.run(100), machine.registers[10]];
  for (const machine of machines) load(machine, program);
  expect([run(first), run(changing)]).toEqual([['idle', 1], ['idle', 1]]); // prettier-ignore
  for (const machine of machines) machine.control[slots.waiting] = 0;
  changing.registers[11] = encode('addi', { rd: 10, immediate: 42 });
  expect([run(changing), run(first), run(last)]).toEqual([['idle', 42], ['idle', 1], ['idle', 1]]); // prettier-ignore
});

describe('memory behind the relocation register', () => {
  function relocated(text: string, base: number, bound: number) {
    const { machine } = bench();
    machine.supervisor = 'outside';
    const program = load(machine, text);
    machine.memory.write(base, program.bytes);
    machine.control[slots.base] = base;
    machine.control[slots.bound] = bound;
    const stop = machine.run(1000);
    return { machine, stop, trap: { ...machine.trap } };
  }
  const store = `li t0, 0x80001000\n li t1, 99\n sw t1, -4(t0)\n sw t1, 0(t0)`;

  test('is shifted by the base, and reached up to the bound and not beyond', () => {
    const { machine, stop, trap } = relocated(store, 2 * pageBytes, pageBytes);
    expect(stop).toBe('trap');
    expect(trap).toEqual({ cause: causes.storeFault, value: (memoryStart + pageBytes) | 0 });
    expect(machine.memory.word(3 * pageBytes - 4)).toBe(99);
    expect(machine.memory.word(3 * pageBytes)).toBe(0);
    expect(machine.memory.word(pageBytes - 4)).toBe(0);
  });

  test('ends at the end of the memory that there is, however large the bound', () => {
    const { trap } = relocated(store, 15 * pageBytes, 1 << 20);
    expect(trap).toEqual({ cause: causes.storeFault, value: (memoryStart + pageBytes) | 0 });
  });

  test('has nothing where the base is beyond the memory', () => {
    const { machine } = bench();
    machine.supervisor = 'outside';
    machine.control[slots.base] = 0xffff0000 | 0;
    expect(machine.run(5)).toBe('trap');
    expect(machine.trap).toEqual({ cause: causes.fetchFault, value: memoryStart | 0 });
  });

  test.each([
    ['lw a0, 4093(t0)', causes.loadFault],
    ['lh a0, 4095(t0)', causes.loadFault],
    ['sh a0, 4095(t0)', causes.storeFault],
    ['sw a0, 4093(t0)', causes.storeFault],
  ])('is not reached by the part of %s that is inside', (line, cause) => {
    const [, instruction, offset] = /^(\w+ a0), (\d+)/.exec(line)!;
    const text = `li t0, ${memoryStart + Number(offset)}\n ${instruction}, 0(t0)`;
    const { machine, trap } = relocated(text, pageBytes, pageBytes);
    expect(trap).toEqual({ cause, value: (memoryStart + Number(offset)) | 0 });
    expect(machine.memory.word(2 * pageBytes)).toBe(0);
  });

  test('is not reached below its first address', () => {
    const { trap } = relocated('li t0, 0x80000000\n lw a0, -4(t0)', pageBytes, pageBytes);
    expect(trap).toEqual({ cause: causes.loadFault, value: (memoryStart - 4) | 0 });
  });
});

test('jumps to half instructions trap at the jump, and link nothing', () => {
  const { machine } = bench();
  machine.supervisor = 'outside';
  load(machine, 'li t0, 0x80000102\n jalr ra, 0(t0)');
  expect(machine.run(10)).toBe('trap');
  expect(machine.trap).toEqual({ cause: causes.fetchMisaligned, value: 0x80000102 | 0 });
  expect(machine.control[slots.pc]).toBe((memoryStart + 8) | 0);
  expect(machine.registers[1]).toBe(0);
});
