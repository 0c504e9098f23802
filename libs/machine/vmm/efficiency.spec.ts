import { Console } from '../devices';
import { assemble } from '../assembler';
import { runThroughIdleness } from '../machine';
import { variants } from '../variants';
import { chainOfMachines } from './chain';
import type { VirtualMachine } from './virtual-machine';

/** A kernel with a timer at every 1,000 instructions, and a program in user mode that computes. */
const timeSharing = `
      la   t0, handler
      csrw mtvec, t0
      li   t0, 0x80
      csrw mie, t0
      li   t0, 0x4000
      csrw mpbound, t0
      la   t0, program
      csrw mepc, t0
      csrr t0, mcycle
      j    arm
  handler:
      csrw mscratch, t0
      csrr t0, mcycle
  arm:
      addi t0, t0, 1000
      csrw mtimecmp, t0
      csrw mtimecmph, zero
      csrr t0, mscratch
      mret
  program:
      addi a0, a0, 1
      xor  a1, a1, a0
      mul  a2, a0, a1
      j    program`;

test.each([1, 2, 3])("at depth %i all but the kernel's own instructions are run without the VMM", (depth) => {
  const { top, chain } = chainOfMachines({
    variant: variants.virtualizable,
    depth,
    memoryBytes: 32768,
    console: new Console(() => {}),
  });
  top.memory.write(0, assemble(timeSharing).bytes);
  expect(runThroughIdleness(top, 100_000)).toBe('limit');
  const { direct, emulated, reflected } = (top as VirtualMachine).shares;
  expect(direct + emulated + reflected).toBe(top.time);
  expect(direct / top.time).toBeGreaterThan(0.99);
  // What runs directly at the top runs directly in every machine below.
  expect(chain[0]!.time).toBe(top.time);
});
