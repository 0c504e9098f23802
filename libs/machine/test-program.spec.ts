import { assemble } from './assembler';
import { engineNames } from './engine';
import { elfFile } from './testing';
import { runTestProgram } from './test-program';
import { variants } from './variants';

/** The order of things in the public tests' start-up: control registers that may not be there, each under a handler that is the next line. */
function testProgram(body: string): Uint8Array {
  const guarded = (line: string, index: number) => `
    la   t0, after${index}
    csrw mtvec, t0
    ${line}
  after${index}:`;
  const lines = [
    'csrrwi zero, 0x744, 8',
    'csrrwi zero, 0x180, 0',
    'csrw 0x3b0, t0\n csrw 0x3a0, t0',
    'csrrwi zero, 0x302, 0',
  ];
  const { bytes, labels } = assemble(`
    j    reset
  trap:
    csrr t5, mcause
    addi t6, zero, 8
    beq  t5, t6, report
    addi t6, zero, 11
    beq  t5, t6, report
    ori  gp, gp, 1337
  report:
    la   t5, tohost
    sw   gp, 0(t5)
    sw   zero, 4(t5)
    j    report
  reset:
    csrr a0, mhartid
    bnez a0, reset
    ${lines.map(guarded).join('\n')}
    csrrwi zero, mie, 0
    la   t0, trap
    csrw mtvec, t0
    csrrwi zero, mstatus, 0
    la   t0, body
    csrw mepc, t0
    mret
  body:
    ${body}
  tohost: .word 0
    .word 0`);
  return elfFile(bytes, 0x80000000, new Map([['tohost', labels.get('tohost')!]]));
}

const passes = 'fence\n addi gp, zero, 1\n ecall';
const failsTest5 = 'addi gp, zero, 5\n slli gp, gp, 1\n ori gp, gp, 1\n ecall';
const options = { variant: variants.virtualizable, depth: 0 };

test.each([0, 1, 2].flatMap((depth) => engineNames.map((engine) => [depth, engine] as const)))(
  'a test program passes at depth %i with the %s, though its start-up names registers that are not there',
  (depth, engine) => {
    const result = runTestProgram(testProgram(passes), { ...options, depth, engine });
    expect(result).toMatchObject({ ok: true, value: { passed: true } });
  },
);

test.each([
  [failsTest5, 'test 5 failed'],
  ['loop: j loop', 'nothing in tohost after 20000 instructions'],
  ['lw a0, 0(zero)', 'test 668 failed'],
])('a program that fails says how', (body, reason) => {
  const result = runTestProgram(testProgram(body), { ...options, limit: 20_000 });
  expect(result).toMatchObject({ ok: true, value: { passed: false, reason } });
});

test.each<[string, (file: Uint8Array) => Uint8Array, RegExp]>([
  ['text', () => new TextEncoder().encode('no program at all, but long enough to have had a header'), /no ELF file/],
  ['64 bits', (file) => file.with(4, 2), /build it for rv32im/],
  ['another processor', (file) => file.with(18, 62), /build it for rv32im/],
  ['relocatable', (file) => file.with(16, 1), /link it statically/],
  ['cut short', (file) => file.slice(0, 100), /cut short or damaged/],
  [
    'no tohost',
    (file) => file.map((byte, index) => (index > 100 && byte === 't'.charCodeAt(0) ? 63 : byte)),
    /no symbol "tohost"/,
  ],
  ['too low', (file) => file.with(52 + 15, 0x10), /memory is 2097152 bytes at 0x80000000/],
])('a file that is no such program is refused: %s', (_name, change, sentence) => {
  const result = runTestProgram(change(testProgram(passes)), options);
  expect(result).toMatchObject({
    ok: false,
    refusal: { code: 'image-corrupt', message: expect.stringMatching(sentence) },
  });
});
