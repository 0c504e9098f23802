// Programs that run for ever, one kind of instruction at a time, as a process in user mode above a kernel with a timer.

/** Every 10,000 instructions the timer's interrupt costs a kernel some ten of its own. */
const kernel = `
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
      li   t6, 10000
      add  t0, t0, t6
      csrw mtimecmp, t0
      csrw mtimecmph, zero
      csrr t0, mscratch
      mret
  process:`;

const arithmetic = `
      addi a0, a0, 1
      xor  a1, a1, a0
      slli a2, a1, 3
      add  a3, a3, a2
      mul  a4, a3, a0
      srli a5, a4, 7
      sub  a6, a5, a1
      j    process`;

/** Through 64 KiB, word by word. */
const memory = `
      li   s0, 0x80010000
      li   s1, 0x80020000
  next:
      lw   a0, 0(s0)
      addi a0, a0, 5
      sw   a0, 0(s0)
      lbu  a1, 2(s0)
      add  a2, a2, a1
      addi s0, s0, 4
      bne  s0, s1, next
      j    process`;

export const programs = { arithmetic: `${kernel}${arithmetic}`, memory: `${kernel}${memory}` };
