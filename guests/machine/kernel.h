/* The kernel's parts: kernel.c, network.c, and one of registers.c (every machine) and hypercall.c (only under a VMM that serves them). */
#ifndef KERNEL_H
#define KERNEL_H
#include "system.h"

#define READ(register) READ_EXPANDED(register)
#define READ_EXPANDED(register) ({ u32 value_; __asm__ volatile("csrr %0, " #register : "=r"(value_)); value_; })
#define WRITE(register, value) WRITE_EXPANDED(register, value)
#define WRITE_EXPANDED(register, value) __asm__ volatile("csrw " #register ", %0" : : "r"((u32)(value)) : "memory")

/* The machine's own control registers, in the numbers that RISC-V leaves to implementations. */
#define TIME_COMPARE 0x7c4
#define TIME_COMPARE_HIGH 0x7c5
#define MEMORY_BYTES 0x7c6
#define POWER 0x7c7
#define CONSOLE 0x7c8
#define TIME_SCALE 0x7c9
#define DISK_ADDRESS 0x7d0
#define DISK_SECTOR 0x7d1
#define DISK_COMMAND 0x7d2
#define DISK_SECTORS 0x7d3
#define NETWORK_ADDRESS 0x7d8
#define NETWORK_LENGTH 0x7d9
#define NETWORK_COMMAND 0x7da
#define NETWORK_WAITING 0x7db
#define HARDWARE_ADDRESS 0x7dc
#define HARDWARE_ADDRESS_HIGH 0x7dd

/* mstatus, which user mode of some variants may read and not write */
u32 kernel_status(void);
void kernel_set_status(u32 status);
u32 kernel_write_console(const u8 *bytes, u32 length);
u32 kernel_transfer(enum disk_operation operation, u32 sector, u32 count, u32 address);
/* Whether it was done. */
u32 kernel_send(u32 address, u32 length);
u32 kernel_receive(u32 address, u32 length);

#endif
