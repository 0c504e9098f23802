// Programs that run for very long, one kind of instruction at a time.

/**
 * A process in user mode above a kernel with a timer, which costs the kernel some ten instructions each time.
 * @param {string} process
 * @param {number} every instructions between two interrupts
 */
export function aboveKernel(process, every) {
  return `
      la   t0, handler
      csrw mtvec, t0
      li   t0, 0x80
      csrw mie, t0
      la   t0, process
      csrw mepc, t0
      csrr t0, mcycle
      j    arm
  handler:
      csrw mscratch, t0
      csrr t0, mcycle
  arm:
      li   t6, ${every}
      add  t0, t0, t6
      csrw mtimecmp, t0
      csrw mtimecmph, zero
      csrr t0, mscratch
      mret
  ${process}`;
}

/**
 * By itself on a board of QEMU's, so many rounds of it; then its power switch, which is a store.
 * @param {string} process
 * @param {number} rounds
 */
export function onBoard(process, rounds) {
  return `
      li   s11, ${rounds}
      ${process}
      li   t0, 0x100000
      li   t1, 0x5555
      sw   t1, 0(t0)
    stay: j stay`;
}

/** Each number depends on those of the round before, so that none can be left out. */
const arithmetic = `
    process:
      addi a0, a0, 1
      xor  a1, a1, a0
      slli a2, a1, 3
      add  a3, a3, a2
      mul  a4, a3, a0
      srli a5, a4, 7
      sub  a6, a5, a1
      xor  a1, a1, a6
      addi s11, s11, -1
      bnez s11, process`;

const words = 16384;

/** Through 64 KiB, word by word. */
const memory = `
    process:
      li   s0, 0x80010000
      li   s1, ${0x80010000 + 4 * words}
    next:
      lw   a0, 0(s0)
      addi a0, a0, 5
      sw   a0, 0(s0)
      lbu  a1, 2(s0)
      add  a2, a2, a1
      addi s0, s0, 4
      bne  s0, s1, next
      addi s11, s11, -1
      bnez s11, process`;

/** @typedef {{ process: string, instructionsOfRound: number }} Program */

/** @type {Readonly<Record<'arithmetic' | 'memory', Program>>} */
export const programs = {
  arithmetic: { process: arithmetic, instructionsOfRound: 10 },
  memory: { process: memory, instructionsOfRound: 7 * words + 6 },
};
