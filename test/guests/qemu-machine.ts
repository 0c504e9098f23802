import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assemble } from '@argosy/machine/assembler';
import { slots } from '@argosy/machine/control-registers';
import type { Devices } from '@argosy/machine/devices';
import { Machine, type Stop } from '@argosy/machine/machine';
import { Memory, memoryStart, pageBytes } from '@argosy/machine/memory';
import { registerCount } from '@argosy/machine/processor-state';
import { causes } from '@argosy/machine/traps';
import { variants } from '@argosy/machine/variants';

const ramBytes = 16 * 2 ** 20;
/** Above what guests may reach: a mailbox, a page to copy from, and the code that serves them. */
const offsets = { mailbox: ramBytes - 3 * pageBytes, staging: ramBytes - 2 * pageBytes, code: ramBytes - pageBytes };
/** In the mailbox, behind the 32 registers. */
const fields = { cause: 128, pc: 132, value: 136, command: 140, target: 144 } as const;
const commands = { trapped: 1, go: 2, copy: 3 } as const;
const trapDeadlineMs = 20_000;

const registers = Array.from({ length: registerCount }, (_, register) => register);
const others = registers.filter((register) => register !== 0 && register !== 2);

/** In machine mode on QEMU: saves what user mode was doing, waits for a word from here, and goes on. Pages are copied there, for QEMU to see that code changes. */
function servant(guestBytes: number): string {
  const each = (instruction: string) => others.map((register) => `${instruction} x${register}, ${4 * register}(sp)`).join('\n');
  return `
      li   sp, ${memoryStart + offsets.mailbox}
      csrw mscratch, sp
      la   t0, trap
      csrw mtvec, t0
      csrw 0x306, zero                # mcounteren: user mode reads no counters
      li   t0, ${(memoryStart / 4) | (guestBytes / 8 - 1)}
      csrw 0x3b0, t0                  # user mode reaches the guest's memory, and nothing else
      li   t0, 0x1f
      csrw 0x3a0, t0
      j    tell
    trap:
      csrrw sp, mscratch, sp
      ${each('sw')}
      csrrw t0, mscratch, sp
      sw   t0, 8(sp)
      csrr t0, mcause
      sw   t0, ${fields.cause}(sp)
      csrr t0, mepc
      sw   t0, ${fields.pc}(sp)
      csrr t0, mtval
      sw   t0, ${fields.value}(sp)
    tell:
      li   t0, ${commands.trapped}
      fence
      sw   t0, ${fields.command}(sp)
    wait:
      lw   t0, ${fields.command}(sp)
      addi t1, t0, -${commands.go}
      beqz t1, go
      addi t1, t0, -${commands.copy}
      bnez t1, wait
      lw   t0, ${fields.target}(sp)
      li   t1, ${memoryStart + offsets.staging}
      li   t2, ${memoryStart + offsets.staging + pageBytes}
    next:
      lw   t3, 0(t1)
      sw   t3, 0(t0)
      addi t0, t0, 4
      addi t1, t1, 4
      bne  t1, t2, next
      j    tell
    go:
      sw   zero, ${fields.command}(sp)
      csrw mstatus, zero
      lw   t0, ${fields.pc}(sp)
      csrw mepc, t0
      ${each('lw')}
      lw   sp, 8(sp)
      mret`;
}

/** Only what our machine has. */
const processor = ['a', 'c', 'f', 'd', 'zba', 'zbb', 'zbc', 'zbs'].map((extension) => `${extension}=false`).join(',');

/**
 * QEMU's riscv32 processor as a machine that a VMM can be made on: it runs instructions in user mode until one traps. Its memory
 * is a file that both see. It cannot count instructions, and it has no relocation register: its time is the number of traps,
 * and only one machine can be made of it, at its memory's beginning.
 */
export class QemuMachine extends Machine {
  private readonly folder: string;
  private readonly file: number;
  private readonly qemu: ChildProcess;
  private readonly words = new Int32Array(registerCount + 5);

  constructor(guestBytes: number, devices: Devices) {
    super(variants.virtualizable, Memory.ofSize(guestBytes), devices);
    this.folder = mkdtempSync(join(tmpdir(), 'argosy-qemu-'));
    const path = join(this.folder, 'ram');
    this.file = openSync(path, 'w+');
    writeSync(this.file, new Uint8Array(1), 0, 1, ramBytes - 1);
    const code = memoryStart + offsets.code;
    writeSync(this.file, assemble(`li t0, ${code}\n jr t0`).bytes, 0, null, 0);
    writeSync(this.file, assemble(servant(guestBytes), code | 0).bytes, 0, null, offsets.code);
    this.qemu = spawn(
      'qemu-system-riscv32',
      [
        ...['-machine', 'virt,memory-backend=ram', '-cpu', `rv32,${processor}`, '-m', '16', '-bios', 'none'],
        ...['-object', `memory-backend-file,id=ram,size=16M,share=on,mem-path=${path}`],
        ...['-display', 'none', '-serial', 'none', '-monitor', 'none'],
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    this.awaitTrap();
  }

  close(): void {
    this.qemu.kill('SIGKILL');
    closeSync(this.file);
    rmSync(this.folder, { recursive: true, force: true });
  }

  protected proceed(): Stop | undefined {
    if (this.control[slots.base] !== 0) throw new Error("QEMU's machine has no relocation register.");
    this.pushPages();
    this.words.set(this.registers.subarray(0, registerCount));
    this.words[fields.pc / 4] = this.control[slots.pc]!;
    writeSync(this.file, this.words, 0, fields.command, offsets.mailbox);
    this.command(commands.go);
    readSync(this.file, this.words, 0, this.words.byteLength, offsets.mailbox);
    this.registers.set(this.words.subarray(0, registerCount));
    this.registers[0] = 0;
    this.control[slots.pc] = this.words[fields.pc / 4]!;
    this.time++;
    const cause = this.words[fields.cause / 4]!;
    return this.raise(cause, this.trapValueOf(cause, this.words[fields.value / 4]!));
  }

  /** As our machine has it: a breakpoint's is its place; and no instruction is shorter than a word, which QEMU would tell half of. */
  private trapValueOf(cause: number, value: number): number {
    const pc = this.control[slots.pc]!;
    if (cause === causes.breakpoint) return pc;
    if (cause !== causes.illegalInstruction || (value & 3) === 3) return value;
    const word = new Int32Array(1);
    readSync(this.file, word, 0, 4, (pc ^ memoryStart) >>> 0);
    return word[0]!;
  }

  /** What programs wrote there, into the memory that is looked at here. */
  pull(offset = 0, length = this.memory.size): void {
    readSync(this.file, this.memory.bytes, offset, Math.min(length, this.memory.size - offset), offset);
  }

  private pushPages(): void {
    for (const page of this.memory.takeDirtyPages()) {
      writeSync(this.file, this.memory.bytes, page * pageBytes, pageBytes, offsets.staging);
      writeSync(this.file, Int32Array.of(memoryStart + page * pageBytes), 0, 4, offsets.mailbox + fields.target);
      this.command(commands.copy);
    }
  }

  private command(command: number): void {
    writeSync(this.file, Int32Array.of(command), 0, 4, offsets.mailbox + fields.command);
    this.awaitTrap();
  }

  private awaitTrap(): void {
    const word = new Int32Array(1);
    const until = performance.now() + trapDeadlineMs;
    for (;;) {
      readSync(this.file, word, 0, 4, offsets.mailbox + fields.command);
      if (word[0] === commands.trapped) return;
      if (performance.now() > until) throw new Error(`QEMU did not answer within ${trapDeadlineMs / 1000} s.`);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0.02);
    }
  }
}
