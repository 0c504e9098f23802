/* Entry, and the only trap handler. The kernel runs in machine mode on a stack of its own, for its processes in user mode. */
  .section .start, "ax"
  .global _start
_start:
  la sp, kernel_stack_top
  la t0, bss_start             /* a reset without a reload leaves the last life's counters here */
  la t1, bss_end
1:bgeu t0, t1, 2f
  sw zero, 0(t0)
  addi t0, t0, 4
  j 1b
2:la t0, on_trap
  csrw mtvec, t0
  call kernel_start
  j resume

/* mscratch holds the place of the registers of the process that runs. */
  .text
  .align 2
on_trap:
  csrrw a0, mscratch, a0
  .irp register, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
  sw x\register, 4 * \register (a0)
  .endr
  csrr t0, mscratch
  sw t0, 4 * 10 (a0)
  la sp, kernel_stack_top
  call kernel_trap
resume:                        /* a0: the registers of the process whose turn it is */
  csrw mscratch, a0
  .irp register, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
  lw x\register, 4 * \register (a0)
  .endr
  lw a0, 4 * 10 (a0)
  mret

  .bss
  .align 4
  .skip 4096
kernel_stack_top:
