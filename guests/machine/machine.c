/* The machine under the measuring guest, as its process sees it: system calls. */
#include "network.h"

static u32 memory_bytes;
static enum disk_state last_transfer;

u64 system_call(enum system_call number, u32 first, u32 second, u32 third, u32 fourth) {
  register u32 a0 __asm__("a0") = first;
  register u32 a1 __asm__("a1") = second;
  register u32 a2 __asm__("a2") = third;
  register u32 a3 __asm__("a3") = fourth;
  register u32 a7 __asm__("a7") = number;
  __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a3), "r"(a7) : "memory");
  return (u64)a1 << 32 | a0;
}

u64 machine_now(void) {
  return system_call(SYSTEM_NOW, 0, 0, 0, 0);
}

void machine_sleep_until(u64 microseconds) {
  system_call(SYSTEM_SLEEP, (u32)microseconds, (u32)(microseconds >> 32), 0, 0);
}

int machine_read_byte(void) {
  return (int)system_call(SYSTEM_READ, 0, 0, 0, 0);
}

u32 machine_write(const u8 *bytes, u32 length) {
  return (u32)system_call(SYSTEM_WRITE, (u32)bytes, length, 0, 0);
}

u32 machine_memory_kib(void) {
  return memory_bytes / 1024;
}

u32 machine_area_limit_mib(void) {
  return (memory_bytes - (AREA_START - MEMORY_START)) >> 20;
}

u32 *machine_area(u32 mib) {
  return mib <= machine_area_limit_mib() ? (u32 *)AREA_START : 0;
}

int machine_power_button(void) {
  return (int)system_call(SYSTEM_BUTTON, 0, 0, 0, 0);
}

void machine_power_off(void) {
  system_call(SYSTEM_OFF, 0, 0, 0, 0);
}

void machine_panic(void) {
  system_call(SYSTEM_OFF, PANIC_CODE, 0, 0, 0);
}

u32 machine_disk_sectors(void) {
  return (u32)system_call(SYSTEM_SECTORS, 0, 0, 0, 0);
}

void machine_disk_begin(enum disk_operation operation, u32 sector, u32 count, u32 *words) {
  last_transfer = (enum disk_state)system_call(SYSTEM_TRANSFER, operation, sector, count, (u32)words);
}

enum disk_state machine_disk_poll(void) {
  return last_transfer;
}

void process_main(void) {
  memory_bytes = (u32)system_call(SYSTEM_MEMORY, 0, 0, 0, 0);
  guest_run();
}
