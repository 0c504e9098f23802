/* The kernel: it owns timer, console and disk, and serves the one process. Time is in microseconds; the machine counts in units of which
 * there are two to the power of its time scale in one. */
#include "kernel.h"

enum { TIMER_ENABLE = 1 << 7, EXTERNAL_ENABLE = 1 << 11, USER_CALL = 8 };
enum { A0 = 10, A7 = 17 };
enum { WAS_ENABLED = 1 << 7, PREVIOUS_MODE = 3 << 11 };

static u64 now(void) {
  u32 high, low;
  do {
    high = READ(mcycleh);
    low = READ(mcycle);
  } while (high != READ(mcycleh));
  return ((u64)high << 32 | low) >> READ(TIME_SCALE);
}

/* Interrupts are enabled one by one and never taken: a pending one ends the wait, and that is all that is wanted of it. */
static void sleep_until(u64 microseconds) {
  u64 time = microseconds << READ(TIME_SCALE);
  WRITE(TIME_COMPARE_HIGH, time >> 32);
  WRITE(TIME_COMPARE, time);
  WRITE(mie, TIMER_ENABLE | EXTERNAL_ENABLE);
  __asm__ volatile("wfi");
  WRITE(mie, 0);
}

static void power_off(u32 code) {
  for (;;) WRITE(POWER, POWER_OFF | code << 16);
}

static u64 serve(u32 call, const u32 *arguments) {
  switch (call) {
    case SYSTEM_NOW: return now();
    case SYSTEM_SLEEP: sleep_until((u64)arguments[1] << 32 | arguments[0]); return 0;
    case SYSTEM_READ: return READ(CONSOLE);
    case SYSTEM_WRITE: return kernel_write_console((const u8 *)arguments[0], arguments[1]);
    case SYSTEM_MEMORY: return READ(MEMORY_BYTES);
    case SYSTEM_SECTORS: return READ(DISK_SECTORS);
    case SYSTEM_TRANSFER:
      if (arguments[0] == DISK_FLUSH) return DISK_DONE;
      return kernel_transfer(arguments[0], arguments[1], arguments[2], arguments[3]);
    case SYSTEM_BUTTON: return READ(POWER);
    case SYSTEM_OFF: power_off(arguments[0]); return 0;
    default: return 0;
  }
}

/* The process runs with interrupts enabled, in user mode. */
void kernel_start(void) {
  kernel_set_status(WAS_ENABLED);
}

/* Anything but a call of a process that runs as it was started is a bug, and ends as a panic does. */
void kernel_trap(u32 *registers) {
  u32 status = kernel_status() & (WAS_ENABLED | PREVIOUS_MODE);
  if (READ(mcause) != USER_CALL || status != WAS_ENABLED || registers[A7] >= SYSTEM_COUNT) power_off(PANIC_CODE);
  u64 answer = serve(registers[A7], registers + A0);
  registers[A0] = (u32)answer;
  registers[A0 + 1] = (u32)(answer >> 32);
  WRITE(mepc, READ(mepc) + 4);
}
