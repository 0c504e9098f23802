/* Entry, and the only trap handler. The kernel runs in machine mode on a stack of its own, for one process in user mode. */
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
  csrw mscratch, sp
  call kernel_start
  la t0, process_main
  csrw mepc, t0
  la sp, process_stack_top
  mret

/* mscratch holds the kernel's stack while the process runs, and the process's while the kernel does. */
  .text
  .align 2
on_trap:
  csrrw sp, mscratch, sp
  addi sp, sp, -128
  .irp register, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
  sw x\register, 4 * \register (sp)
  .endr
  mv a0, sp
  call kernel_trap
  .irp register, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
  lw x\register, 4 * \register (sp)
  .endr
  addi sp, sp, 128
  csrrw sp, mscratch, sp
  mret

  .bss
  .align 4
  .skip 4096
kernel_stack_top:
  .skip 16384
process_stack_top:
