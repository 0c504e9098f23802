/**
 * Programs that try to reach what is not theirs, or to take more time than they are given. Each is for a machine of
 * 32 KiB with two sectors of disk, beside others that must not notice.
 */
export const hostileGuests: Readonly<Record<string, string>> = {
  'runs for ever': 'loop: j loop',
  'traps for ever, with a handler that is not there': 'li t0, 0x40000000\n csrw mtvec, t0\n ecall',
  'calls itself for ever from its handler': 'la t0, start\n csrw mtvec, t0\n start: ecall',
  'resets itself for ever': 'csrrwi zero, mpower, 2',
  'jumps beyond its memory': 'li t0, 0x80008000\n csrw mtvec, t0\n jr t0',
  'jumps below its memory': 'li t0, 0x7ffffffc\n csrw mtvec, t0\n jr t0',
  'writes through all addresses': `
      la   t0, next
      csrw mtvec, t0
      li   t1, 0x80000000
      li   t2, 0x666
      li   t3, 0xffc
    next:
      add  t1, t1, t3
      sw   t2, 0(t1)
      j    next`,
  'gives itself the whole machine': `
      la   t0, next
      csrw mtvec, t0
      li   t0, -4096
      csrw mbound, t0
      csrw mpbound, t0
      li   t1, 0x80000000
      li   t3, 0x1004
    next:
      add  t1, t1, t3
      sw   t3, 0(t1)
      j    next`,
  'moves its memory onto its neighbours': `
      la   t0, handler
      csrw mtvec, t0
      li   t1, 0x8000
    handler:
      csrw mbase, t1
      li   t1, 0x10000
      csrw mbase, t1
      li   t2, 0x80000000
      sw   t2, 0(t2)
      j    handler`,
  'enters user mode behind a base that is not its own': `
      li   t0, 0x8000
      csrw mpbase, t0
      li   t0, 0x80000000
      csrw mepc, t0
      csrw mtvec, t0
      mret`,
  'reads and writes every sector to every address': `
      li   t0, 0x80007f00
      li   t1, 1
      li   t2, 256
    next:
      csrw mdiskaddress, t0
      csrw mdisksector, t1
      csrrwi zero, mdiskcommand, 2
      csrrwi zero, mdiskcommand, 1
      add  t0, t0, t2
      addi t1, t1, 1
      j    next`,
  'asks its devices for what there is not': `
      li   t0, 0x7ffffff0
    next:
      csrw mnetaddress, t0
      csrw mnetlength, t0
      csrw mnetcommand, t0
      csrrwi zero, mnetcommand, 1
      csrrwi zero, mnetcommand, 2
      csrw mdiskaddress, t0
      csrw mdisksector, t0
      csrw mdiskcommand, t0
      addi t0, t0, 7
      j    next`,
  'sends frames that nobody asked for': `
      li   t0, 0x80000000
      li   t1, 60
      csrw mnetaddress, t0
      csrw mnetlength, t1
    next:
      csrrwi zero, mnetcommand, 1
      j    next`,
  'speaks for ever': 'loop: csrrwi zero, mconsole, 10\n j loop',
  'changes its own instructions for ever': `
      la   t0, changed
      lw   t1, 0(t0)
      li   t2, 0x100000
    next:
      xor  t1, t1, t2
      sw   t1, 0(t0)
    changed:
      addi a0, a0, 0
      j    next`,
  'asks the VMM for all that is not its own': `
      la   t0, next
      csrw mtvec, t0
      li   s0, 0x80001000
      li   s1, 0x7ffffff0
      li   s2, 0x1003
      li   a7, 2
    next:
      mv   a0, s0
      lw   t0, 4(s0)
      addi t0, t0, 16
      sw   t0, 0(s0)
      addi t2, s0, 8
      li   t1, 16
    fill:
      addi t3, t1, -12
      sw   t3, 0(t2)
      sw   s1, 4(t2)
      sw   s1, 8(t2)
      add  s1, s1, s2
      addi t2, t2, 16
      addi t1, t1, -1
      bnez t1, fill
      ecall
      j    next`,
  'turns its timer and its interrupts on and on': `
      la   t0, handler
      csrw mtvec, t0
      csrw mtimecmp, zero
      csrw mtimecmph, zero
      li   t0, -1
      csrw mie, t0
    handler:
      csrrsi zero, mstatus, 8
      wfi
      j    handler`,
};
