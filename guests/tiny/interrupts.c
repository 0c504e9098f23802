/* The interrupt table, the two 8259s and the local APIC. */
#include "machine.h"

enum { GATE_COUNT = 256, TIMER_VECTOR = 0x30, SPURIOUS_VECTOR = 0xff };
enum { IRQ_SERIAL = 4, IRQ_ACPI = 9, IRQ_DISK = 14 };

void on_exception(void), on_timer(void), on_master_interrupt(void), on_slave_interrupt(void), on_acpi_interrupt(void),
  on_disk_interrupt(void), on_spurious(void);

static struct gate { u16 low, selector, type, high; } gates[GATE_COUNT];

static void set_gate(u32 vector, void (*handler)(void)) {
  u32 address = (u32)handler;
  gates[vector] = (struct gate){ (u16)address, 0x08, 0x8e00, (u16)(address >> 16) };
}

/* Away from the processor's exceptions, to 0x20..0x2f; open for serial line, cascade, ACPI and disk. */
static void controllers_start(void) {
  static const u8 master[] = { 0x20, 0x04, 0x01 }, slave[] = { 0x28, 0x02, 0x01 };
  out8(0x20, 0x11);
  out8(0xa0, 0x11);
  for (u32 index = 0; index < 3; index++) {
    out8(0x21, master[index]);
    out8(0xa1, slave[index]);
  }
  out8(0x21, (u8)~(1u << IRQ_SERIAL | 1u << 2));
  out8(0xa1, (u8)~(1u << (IRQ_ACPI - 8) | 1u << (IRQ_DISK - 8)));
}

static volatile u32 *apic(u32 offset) {
  return (volatile u32 *)(0xfee00000u + offset);
}

static void apic_start(void) {
  *apic(0xf0) = 0x100 | SPURIOUS_VECTOR;
  *apic(0x350) = 0x700;        /* LINT0 passes the 8259s on */
  *apic(0x320) = TIMER_VECTOR; /* one shot */
  *apic(0x3e0) = 0x0b;         /* undivided: a nanosecond a count, in QEMU and in KVM */
}

void timer_set(u32 nanoseconds) {
  *apic(0x380) = nanoseconds;
}

void interrupts_start(void) {
  struct __attribute__((packed)) { u16 limit; u32 base; } table = { sizeof gates - 1, (u32)gates };
  for (u32 vector = 0; vector < GATE_COUNT; vector++) set_gate(vector, vector < 0x20 ? on_exception : on_spurious);
  for (u32 line = 0; line < 8; line++) {
    set_gate(0x20 + line, on_master_interrupt);
    set_gate(0x28 + line, on_slave_interrupt);
  }
  set_gate(0x20 + IRQ_ACPI, on_acpi_interrupt);
  set_gate(0x20 + IRQ_DISK, on_disk_interrupt);
  set_gate(TIMER_VECTOR, on_timer);
  __asm__ volatile("lidt %0" : : "m"(table));
  controllers_start();
  apic_start();
}
