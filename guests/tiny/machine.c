/* The machine under the tiny guest: QEMU's pc-i440fx as SeaBIOS leaves it. */
#include "machine.h"

enum { SERIAL = 0x3f8 };
enum { PM_STATUS = 0x600, PM_ENABLE = 0x602, PM_CONTROL = 0x604, PM_TIMER = 0x608, PM_TIMER_HZ = 3579545 };
enum { POWER_BUTTON = 0x100, SLEEP_ENABLE = 0x2000 };
enum { PANIC_PORT = 0x505, AREA_START = 0x200000 };

struct multiboot {
  u32 flags, memory_lower_kib, memory_upper_kib, unused[8], map_length, map_address;
};

struct __attribute__((packed)) map_entry {
  u32 size;
  u64 base, length;
  u32 type;
};

void timer_set(u32 nanoseconds);
void wait_for_interrupt(void);
void on_exception(void);

volatile u16 acpi_events;

static u32 memory_kib, area_limit_mib;
static u64 clock_us;
static u32 clock_last, clock_remainder;

/* The ACPI timer has the same frequency on every host and moves with the guest, unlike the time-stamp counter. Its 24 bits
   last 4.7 s, and the loop never sleeps for longer than one. */
u64 machine_now(void) {
  u32 timer = in32(PM_TIMER) & 0xffffff;
  u32 ticks = (timer - clock_last) & 0xffffff;
  u64 scaled = (u64)ticks * 1000000 + clock_remainder;
  u32 microseconds;
  clock_last = timer;
  __asm__("divl %4"
          : "=a"(microseconds), "=d"(clock_remainder)
          : "a"((u32)scaled), "d"((u32)(scaled >> 32)), "r"((u32)PM_TIMER_HZ));
  clock_us += microseconds;
  return clock_us;
}

void machine_sleep_until(u64 microseconds) {
  u64 now = machine_now();
  if (microseconds <= now) return;
  timer_set((u32)(microseconds - now) * 1000);
  wait_for_interrupt();
}

int machine_read_byte(void) {
  return in8(SERIAL + 5) & 1 ? in8(SERIAL) : -1;
}

/* The interrupt for room is open only while there is something to write, so that it cannot keep an idle guest awake. */
u32 machine_write(const u8 *bytes, u32 length) {
  static u8 waiting;
  u32 count = 0;
  while (count < length && in8(SERIAL + 5) & 0x20) out8(SERIAL, bytes[count++]);
  u8 waits = count < length;
  if (waits != waiting) out8(SERIAL + 1, waits ? 3 : 1);
  waiting = waits;
  return count;
}

u32 machine_memory_kib(void) {
  return memory_kib;
}

u32 machine_area_limit_mib(void) {
  return area_limit_mib;
}

u32 *machine_area(u32 mib) {
  return mib <= area_limit_mib ? (u32 *)AREA_START : 0;
}

int machine_power_button(void) {
  return acpi_events & POWER_BUTTON;
}

void machine_power_off(void) {
  out16(PM_CONTROL, SLEEP_ENABLE);
  for (;;) wait_for_interrupt();
}

/* With a pvpanic device QEMU reports a panic; without one the port reads as all ones, and a triple fault must do. */
void machine_panic(void) {
  u8 offered = in8(PANIC_PORT);
  if (offered != 0xff && offered & 1) out8(PANIC_PORT, 1);
  on_exception();
}

/* The firmware's tables lie at the top of memory, so the area ends where the map's piece above 1 MiB ends. They
   take less than a MiB, which is why the size is rounded up to what the machine was given. */
static void read_memory_map(const struct multiboot *info) {
  u32 offset = 0;
  memory_kib = (info->memory_upper_kib + 2047) & ~1023u;
  while (offset < info->map_length) {
    const struct map_entry *entry = (const struct map_entry *)(info->map_address + offset);
    u64 end = entry->base + entry->length;
    if (end > 0xffffffffu) end = 0xffffffffu;
    if (entry->type == 1 && entry->base <= AREA_START && end > AREA_START) area_limit_mib = ((u32)end - AREA_START) >> 20;
    offset += entry->size + 4;
  }
}

/* Without its FIFO: turning that on would throw away a command that came before the guest was ready. */
static void serial_start(void) {
  out8(SERIAL + 1, 0);
  out8(SERIAL + 3, 0x80); /* 115200 baud */
  out8(SERIAL + 0, 1);
  out8(SERIAL + 1, 0);
  out8(SERIAL + 3, 0x03);
  out8(SERIAL + 4, 0x0b);
  out8(SERIAL + 1, 0x01);
}

void tiny_main(const struct multiboot *info) {
  read_memory_map(info);
  interrupts_start();
  serial_start();
  out16(PM_STATUS, 0xffff);
  out16(PM_ENABLE, POWER_BUTTON);
  clock_last = in32(PM_TIMER) & 0xffffff;
  disk_start();
  guest_run();
}
