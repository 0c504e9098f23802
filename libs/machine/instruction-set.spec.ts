import * as fc from 'fast-check';
import { assemble } from './assembler';
import { encode, instructionOf, instructionSet, operandsOf, type Format } from './instruction-set';

const immediates: Readonly<Record<Format, fc.Arbitrary<number>>> = {
  R: fc.constant(0),
  I: fc.integer({ min: -2048, max: 2047 }),
  shift: fc.integer({ min: 0, max: 31 }),
  load: fc.integer({ min: -2048, max: 2047 }),
  jalr: fc.integer({ min: -2048, max: 2047 }),
  S: fc.integer({ min: -2048, max: 2047 }),
  B: fc.integer({ min: -2048, max: 2047 }).map((half) => half * 2),
  U: fc.integer({ min: -(2 ** 19), max: 2 ** 19 - 1 }).map((page) => page << 12),
  J: fc.integer({ min: -(2 ** 19), max: 2 ** 19 - 1 }).map((half) => half * 2),
  csr: fc.integer({ min: 0, max: 4095 }),
  csri: fc.integer({ min: 0, max: 4095 }),
  fence: fc.constant(0),
  none: fc.constant(0),
  source: fc.constant(0),
};

test.each(instructionSet)('$mnemonic is read back as it was written, and is no other instruction', (instruction) => {
  const register = fc.integer({ min: 0, max: 31 });
  fc.assert(
    fc.property(register, register, register, immediates[instruction.format], (rd, rs1, rs2, immediate) => {
      const word = encode(instruction.mnemonic, { rd, rs1, rs2, immediate });
      expect(instructionOf(word)).toBe(instruction);
      expect(operandsOf(instruction.format, word).immediate).toBe(immediate);
      expect(instructionSet.filter(({ match, mask }) => (word & mask) === match)).toHaveLength(1);
    }),
    { numRuns: 50 },
  );
});

// The words are what GNU as 2.40 gives for these lines.
test.each([
  ['lui a0, 0x12345000', 0x12345537],
  ['auipc a1, 0xfffff000', 0xfffff597],
  ['beq a0, a1, 8', 0x00b50463],
  ['bgeu a0, a1, -4', 0xfeb57ee3],
  ['jal ra, 2048', 0x001000ef],
  ['jal zero, -16', 0xff1ff06f],
  ['lb a0, -1(a1)', 0xfff58503],
  ['sw a0, -2048(s11)', 0x80ada023],
  ['sh t6, 2047(sp)', 0x7ff11fa3],
  ['slli a0, a1, 31', 0x01f59513],
  ['srai a0, a1, 5', 0x4055d513],
  ['mulhsu a0, a1, a2', 0x02c5a533],
  ['remu t3, t4, t5', 0x03eefe33],
  ['csrrw a0, mbase, a1', 0x7c059573],
  ['csrrsi a0, mstatus, 8', 0x30046573],
  ['mret', 0x30200073],
  ['wfi', 0x10500073],
  ['ecall', 0x00000073],
  ['ebreak', 0x00100073],
  ['fence.i', 0x0000100f],
  ['jalr a0, -4(a1)', 0xffc58567],
  ['sltiu a0, a1, -5', 0xffb5b513],
])('%s is assembled as by GNU as', (line, word) => {
  expect(assemble(line, 0).words[0]! >>> 0).toBe(word);
});

test('a line that is wrong is named with what is wrong', () => {
  expect(() => assemble('nop\n  frobnicate a0')).toThrow('Line 2: "frobnicate" is no instruction.');
  expect(() => assemble('add a0, a1')).toThrow('Line 1: add has 3 operands, not 2.');
  expect(() => assemble('lw a0, 4(q1)')).toThrow('Line 1: "q1" is no register.');
  expect(() => assemble('j nowhere')).toThrow('Line 1: "nowhere" is neither a label nor a number.');
});
