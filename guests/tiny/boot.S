/* Multiboot entry, descriptor tables and interrupt stubs. Interrupts are open only inside wait_for_interrupt, so the stubs
   have little to do but acknowledge: being woken is what the main loop wants of them. */
  .section .multiboot, "a"
  .align 4
  .long 0x1badb002
  .long 0x00000002            /* wants the memory map */
  .long -(0x1badb002 + 0x00000002)

  .text
  .global _start
_start:
  cli
  cld
  mov $stack_top, %esp
  mov %ebx, %esi              /* the multiboot information */
  lgdt gdt_pointer
  ljmp $0x08, $1f
1:mov $0x10, %eax
  mov %eax, %ds
  mov %eax, %es
  mov %eax, %fs
  mov %eax, %gs
  mov %eax, %ss
  xor %eax, %eax              /* a reset without a reload leaves the last life's counters here */
  mov $bss_start, %edi
  mov $bss_end, %ecx
  sub %edi, %ecx
  rep stosb
  push %esi
  call tiny_main
  hlt

/* sti holds interrupts back for one more instruction: none can slip in between it and hlt. */
  .global wait_for_interrupt
wait_for_interrupt:
  sti
  hlt
  cli
  ret

/* An exception is a bug: no table, so the next trap is a triple fault, which QEMU reports as a reset. */
  .global on_exception
on_exception:
  lidt no_table
  ud2

  .global on_timer
on_timer:
  movl $0, 0xfee000b0
  iret

  .global on_master_interrupt
on_master_interrupt:
  push %eax
  mov $0x20, %al
  out %al, $0x20
  pop %eax
  iret

  .global on_slave_interrupt
on_slave_interrupt:
  push %eax
  mov $0x20, %al
  out %al, $0xa0
  out %al, $0x20
  pop %eax
  iret

/* The disk says that it has taken, or has, the next sector. */
  .global on_disk_interrupt
on_disk_interrupt:
  movl $1, disk_interrupted
  jmp on_slave_interrupt

/* The ACPI interrupt is level-triggered: its cause must go before it returns, or it comes for ever. */
  .global on_acpi_interrupt
on_acpi_interrupt:
  push %eax
  push %edx
  mov $0x600, %edx
  in %dx, %ax
  out %ax, %dx
  or %ax, acpi_events
  mov $0x20, %al
  out %al, $0xa0
  out %al, $0x20
  pop %edx
  pop %eax
  iret

  .global on_spurious
on_spurious:
  iret

  .section .rodata
  .align 8
gdt:
  .quad 0
  .quad 0x00cf9a000000ffff    /* code, flat */
  .quad 0x00cf92000000ffff    /* data, flat */
gdt_pointer:
  .word gdt_pointer - gdt - 1
  .long gdt
no_table:
  .word 0
  .long 0

  .bss
  .align 16
  .skip 16384
stack_top:
