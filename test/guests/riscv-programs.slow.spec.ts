// Programs as the public RISC-V tests are built: the same order of things at their start and end, the same sections and segments,
// by the same compiler. So those will be loaded and judged; what they test is theirs.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInProcess } from '../cli/in-process';

const compiler = 'riscv64-unknown-elf-gcc';
const isThere = spawnSync(compiler, ['--version']).status === 0;
const suite = isThere ? describe : describe.skip;
const note = isThere ? '' : ` (skipped: there is no ${compiler} here; apt-get install gcc-riscv64-unknown-elf)`;
const flags = ['-march=rv32im_zicsr_zifencei', '-mabi=ilp32', '-static', '-mcmodel=medany', '-nostdlib', '-nostartfiles'];

const script = `
OUTPUT_ARCH("riscv")
ENTRY(_start)
SECTIONS {
  . = 0x80000000;
  .text.init : { *(.text.init) }
  . = ALIGN(0x1000);
  .tohost : { *(.tohost) }
  . = ALIGN(0x1000);
  .text : { *(.text) }
  . = ALIGN(0x1000);
  .data : { *(.data) }
  .bss : { *(.bss) }
  _end = .;
}`;

/** Done under a handler that is the next thing after it: a register that is not there is passed over. */
let places = 0;
const tried = (lines: string) => {
  const after = `after${++places}`;
  return `la t0, ${after}\n csrw mtvec, t0\n ${lines}\n .align 2\n ${after}:`;
};

const passes = 'fence\n li gp, 1\n li a7, 93\n li a0, 0\n ecall';
const fails = 'fence\n stuck: beqz gp, stuck\n sll gp, gp, 1\n or gp, gp, 1\n li a7, 93\n addi a0, gp, 0\n ecall';

/** `before`: what a program does before it enters its body; left out, that is run in user mode. */
function programOf(body: string, { data = '', before = '' } = {}): string {
  const registers = Array.from({ length: 31 }, (_, index) => `li x${index + 1}, 0`).join('\n');
  return `
    .section .text.init
    .align 6
    .weak stvec_handler
    .weak mtvec_handler
    .globl _start
  _start:
    j reset_vector
    .align 2
  trap_vector:
    csrr t5, mcause
    ${[8, 9, 11].map((cause) => `li t6, ${cause}\n beq t5, t6, write_tohost`).join('\n')}
    la t5, mtvec_handler
    beqz t5, 1f
    jr t5
  1: csrr t5, mcause
    bgez t5, other_exception
    j other_exception
  other_exception:
    ori gp, gp, 1337
  write_tohost:
    sw gp, tohost, t5
    la t5, tohost
    sw zero, 4(t5)
    j write_tohost
  reset_vector:
    ${registers}
    csrr a0, mhartid
  1: bnez a0, 1b
    ${tried('csrwi 0x744, 8')}
    ${tried('csrwi satp, 0')}
    ${tried('li t0, (1 << 31) - 1\n csrw pmpaddr0, t0\n li t0, 0x1f\n csrw pmpcfg0, t0')}
    csrwi mie, 0
    ${tried('csrwi medeleg, 0\n csrwi mideleg, 0')}
    li gp, 0
    la t0, trap_vector
    csrw mtvec, t0
    li a0, 1
    slli a0, a0, 31
    bltz a0, 1f
    ${passes}
  1: la t0, stvec_handler
    beqz t0, 1f
    csrw stvec, t0
    csrw medeleg, t0
  1: csrwi mstatus, 0
    ${before}
    la t0, 1f
    csrw mepc, t0
    csrr a0, mhartid
    mret
  1: ${body}
    bne zero, gp, pass
  fail: ${fails}
  pass: ${passes}
    unimp
    .data
    .pushsection .tohost,"aw",@progbits
    .align 6
    .global tohost
  tohost: .dword 0
    .size tohost, 8
    .align 6
    .global fromhost
  fromhost: .dword 0
    .size fromhost, 8
    .popsection
    .align 4
    .global begin_signature
  begin_signature:
    ${data}
    .align 4
    .global end_signature
  end_signature:
    .bss
    .align 4
  cleared: .skip 8192
  `;
}

/** One of a program's numbered tests. */
const check = (number: number, lines: string, register: string, expected: number) =>
  `test_${number}: li gp, ${number}\n ${lines}\n li x7, ${expected}\n bne ${register}, x7, fail`;

const programs: Readonly<Record<string, string>> = {
  'rv32ui-p-add': programOf(
    [check(2, 'li x1, 3\n li x2, 7\n add x14, x1, x2', 'x14', 10), check(3, 'li x1, 0x80000000\n li x2, -1\n add x14, x1, x2', 'x14', 0x7fffffff)].join('\n'),
  ),
  'rv32um-p-divrem': programOf(
    [check(2, 'li x1, -20\n li x2, 6\n div x14, x1, x2', 'x14', -3), check(3, 'li x1, -20\n rem x14, x1, x2', 'x14', -2), check(4, 'li x2, 0\n div x14, x1, x2', 'x14', -1), check(5, 'li x1, 0x80000000\n li x2, -1\n mulhu x14, x1, x2', 'x14', 0x7fffffff)].join('\n'),
  ),
  'rv32ui-p-fence_i': programOf(
    `li a3, 111
     la a5, written
     lw a1, instruction
     sw a1, 0(a5)
     fence.i
     jalr t5, a5, 0
     ${check(2, 'nop', 'a3', 444)}`,
    { data: 'instruction: addi a3, a3, 333\n written: addi a3, a3, 222\n jalr t6, t5, 0' },
  ),
  'rv32ui-p-ma_data': programOf(
    [check(2, 'la s0, bytes\n lw x14, 1(s0)', 'x14', 0x05040302), check(3, 'lhu x14, 3(s0)', 'x14', 0x0504), check(4, 'li x1, 0xa1b2c3d4\n sw x1, 3(s0)\n lw x14, 3(s0)', 'x14', 0xa1b2c3d4), check(5, 'lbu x14, 2(s0)', 'x14', 3)].join('\n'),
    { data: 'bytes: .byte 1, 2, 3, 4, 5, 6, 7, 8' },
  ),
  'rv32ui-p-bss': programOf(
    `la s0, cleared
     ${check(2, 'lw x14, 2044(s0)', 'x14', 0)}
     ${check(3, 'li x1, 5\n sw x1, 2044(s0)\n lw x14, 2044(s0)', 'x14', 5)}`,
  ),
  'rv32ui-p-machine': programOf(check(2, 'csrr x14, mhartid', 'x14', 0), { before: 'li a0, 0x1800\n csrs mstatus, a0' }),
};

suite(`programs that are built as the public tests are${note}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'argosy-riscv-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function build(name: string, source: string): void {
    writeFileSync(join(folder, `${name}.S.txt`), source);
    writeFileSync(join(folder, 'link.ld.txt'), script);
    const files = ['-T', join(folder, 'link.ld.txt'), '-o', join(folder, name), '-x', 'assembler', join(folder, `${name}.S.txt`)];
    const built = spawnSync(compiler, [...flags, ...files], { encoding: 'utf8' });
    if (built.status !== 0) throw new Error(built.stderr);
    writeFileSync(join(folder, `${name}.dump`), 'a listing');
  }

  test('pass on the bare machine and in a machine of a machine, with either engine, in user mode and in machine mode', async () => {
    for (const [name, source] of Object.entries(programs)) build(name, source);
    const { status, out } = await runInProcess(['machine', 'test', '.', '--depth', '0,1,2'], { folder });
    expect(out).not.toContain('FAILED');
    expect(status).toBe(0);
    expect(out).toContain(`${Object.keys(programs).length * 6} passed, 0 failed.`);
  });

  test('fail with the number of the test, or as what no handler was there for', async () => {
    build('rv32ui-p-wrong', programOf(check(7, 'li x14, 1', 'x14', 2)));
    build('rv32ui-p-trap', programOf(`li gp, 4\n lw x1, 0(zero)`));
    const { status, out } = await runInProcess(['machine', 'test', '.', '--depth', '0,1'], { folder });
    expect(status).toBe(8);
    expect(out.match(/^FAILED {2}rv32ui-p-wrong .*: test 7 failed$/gm)).toHaveLength(4);
    // 4 | 1337, of which half is told.
    expect(out.match(/^FAILED {2}rv32ui-p-trap .*: test 670 failed$/gm)).toHaveLength(4);
  });
});
