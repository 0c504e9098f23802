/* The kernel: it owns timer, console and disk, and serves the one process. Time is in microseconds, as the machine counts it. */
#include "system.h"

#define READ(register) ({ u32 value_; __asm__ volatile("csrr %0, " #register : "=r"(value_)); value_; })
#define WRITE(register, value) __asm__ volatile("csrw " #register ", %0" : : "r"((u32)(value)) : "memory")

/* The machine's own control registers, in the numbers that RISC-V leaves to implementations. */
#define TIME_COMPARE 0x7c4
#define TIME_COMPARE_HIGH 0x7c5
#define MEMORY_BYTES 0x7c6
#define POWER 0x7c7
#define CONSOLE 0x7c8
#define DISK_ADDRESS 0x7d0
#define DISK_SECTOR 0x7d1
#define DISK_COMMAND 0x7d2
#define DISK_SECTORS 0x7d3
#define READ_NUMBERED(number) READ_EXPANDED(number)
#define READ_EXPANDED(number) READ(number)
#define WRITE_NUMBERED(number, value) WRITE_EXPANDED(number, value)
#define WRITE_EXPANDED(number, value) WRITE(number, value)

enum { TIMER_ENABLE = 1 << 7, EXTERNAL_ENABLE = 1 << 11, USER_CALL = 8 };
enum { A0 = 10, A7 = 17 };

static u64 now(void) {
  u32 high, low;
  do {
    high = READ(mcycleh);
    low = READ(mcycle);
  } while (high != READ(mcycleh));
  return (u64)high << 32 | low;
}

/* Interrupts are enabled one by one and never taken: a pending one ends the wait, and that is all that is wanted of it. */
static void sleep_until(u64 time) {
  WRITE_NUMBERED(TIME_COMPARE_HIGH, time >> 32);
  WRITE_NUMBERED(TIME_COMPARE, time);
  WRITE(mie, TIMER_ENABLE | EXTERNAL_ENABLE);
  __asm__ volatile("wfi");
  WRITE(mie, 0);
}

static u32 write_console(const u8 *bytes, u32 length) {
  for (u32 index = 0; index < length; index++) WRITE_NUMBERED(CONSOLE, bytes[index]);
  return length;
}

static u32 transfer(u32 operation, u32 sector, u32 count, u32 address) {
  static const u32 commands[] = { 1, 2 };
  if (operation == DISK_FLUSH) return DISK_DONE;
  for (u32 index = 0; index < count; index++) {
    WRITE_NUMBERED(DISK_ADDRESS, address + index * SECTOR_BYTES);
    WRITE_NUMBERED(DISK_SECTOR, sector + index);
    WRITE_NUMBERED(DISK_COMMAND, commands[operation]);
    if (READ_NUMBERED(DISK_COMMAND) != 0) return DISK_FAILED;
  }
  return DISK_DONE;
}

static void power_off(u32 code) {
  for (;;) WRITE_NUMBERED(POWER, POWER_OFF | code << 16);
}

static u64 serve(u32 call, const u32 *arguments) {
  switch (call) {
    case SYSTEM_NOW: return now();
    case SYSTEM_SLEEP: sleep_until((u64)arguments[1] << 32 | arguments[0]); return 0;
    case SYSTEM_READ: return READ_NUMBERED(CONSOLE);
    case SYSTEM_WRITE: return write_console((const u8 *)arguments[0], arguments[1]);
    case SYSTEM_MEMORY: return READ_NUMBERED(MEMORY_BYTES);
    case SYSTEM_SECTORS: return READ_NUMBERED(DISK_SECTORS);
    case SYSTEM_TRANSFER: return transfer(arguments[0], arguments[1], arguments[2], arguments[3]);
    case SYSTEM_OFF: power_off(arguments[0]); return 0;
    default: return 0;
  }
}

/* Anything but a call is a bug of the process, and ends as a panic does. */
void kernel_trap(u32 *registers) {
  if (READ(mcause) != USER_CALL || registers[A7] >= SYSTEM_COUNT) power_off(PANIC_CODE);
  u64 answer = serve(registers[A7], registers + A0);
  registers[A0] = (u32)answer;
  registers[A0 + 1] = (u32)(answer >> 32);
  WRITE(mepc, READ(mepc) + 4);
}
