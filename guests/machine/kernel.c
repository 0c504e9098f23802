/* The kernel: it owns timer, console, disk and network, and gives its processes the processor in turns. Time is in microseconds; the
 * machine counts in units of which there are two to the power of its time scale in one. */
#include "kernel.h"

enum { TIMER_ENABLE = 1 << 7, EXTERNAL_ENABLE = 1 << 11, USER_CALL = 8, TIMER_INTERRUPT = 0x80000007u };
enum { SP = 2, A0 = 10, A7 = 17, REGISTERS = 32, STACK_BYTES = 16384 };
enum { WAS_ENABLED = 1 << 7, PREVIOUS_MODE = 3 << 11 };
/* What a process that has not given the processor up may use of it while another waits for what no timer tells. */
enum { TURN_US = 2000 };

/* Asleep until a time, or until what it waits for is there: input of the console, or frames. */
enum waiting { WAITS_NOT, WAITS_FOR_INPUT, WAITS_FOR_FRAMES };

struct process {
  u32 registers[REGISTERS]; /* the first is pc, for x0 needs no place */
  enum waiting waiting;
  /* Another has woken it: its next wait, or the one that it is in, ends at once. */
  u32 is_woken;
  u64 wakes_at;
  u8 stack[STACK_BYTES] __attribute__((aligned(16)));
};

static struct process processes[PROCESSES];
/* Without a network there is the one only. */
static u32 process_count = 1, current;
/* The same on every machine that this one may come to be on. */
static u32 time_scale;

void process_main(void);
void network_main(void);

static u64 now(void) {
  u32 high, low;
  do {
    high = READ(mcycleh);
    low = READ(mcycle);
  } while (high != READ(mcycleh));
  /* By halves: without a library's help, for each wake of an idle guest. */
  return (u64)(high >> time_scale) << 32 | ((high << 1) << (31 - time_scale) | low >> time_scale);
}

static void set_timer(u64 microseconds) {
  u32 high = (u32)(microseconds >> 32), low = (u32)microseconds;
  WRITE(TIME_COMPARE_HIGH, high << time_scale | (low >> 1) >> (31 - time_scale));
  WRITE(TIME_COMPARE, low << time_scale);
}

static void power_off(u32 code) {
  for (;;) WRITE(POWER, POWER_OFF | code << 16);
}

static int is_ready(const struct process *process, u64 time) {
  if (process->waiting == WAITS_NOT || process->is_woken || process->wakes_at <= time) return 1;
  u32 frames = READ(NETWORK_WAITING);
  if (process->waiting == WAITS_FOR_FRAMES) return frames != 0;
  /* One line tells of both: of input it tells when the frames have been taken. */
  return !frames && (READ(mip) & EXTERNAL_ENABLE);
}

static u64 first_timer(u32 besides) {
  u64 first = NEVER;
  for (u32 index = 0; index < process_count; index++) {
    const struct process *process = &processes[index];
    if (index != besides && process->waiting != WAITS_NOT && process->wakes_at < first) first = process->wakes_at;
  }
  return first;
}

/* A pending interrupt ends the wait, and is not taken in machine mode. */
static void wait_for_work(void) {
  set_timer(first_timer(PROCESSES));
  WRITE(mie, TIMER_ENABLE | EXTERNAL_ENABLE);
  __asm__ volatile("wfi");
  WRITE(mie, 0);
}

/* Who waited for a frame is given it. */
static void end_wait(struct process *process) {
  if (process->waiting == WAITS_NOT) return;
  if (process->waiting == WAITS_FOR_FRAMES) {
    u32 length = READ(NETWORK_WAITING), room = process->registers[A0 + 1];
    if (length > room) length = room;
    process->registers[A0] = length && kernel_receive(process->registers[A0], length) ? length : 0;
  }
  process->waiting = WAITS_NOT;
  process->is_woken = 0;
}

/* From that one on, the first that can go on. Where there are others, a timer ends its turn. */
static u32 *next_turn(u32 index) {
  u64 time = now();
  for (u32 tried = 1; !is_ready(&processes[index], time); tried++) {
    index = (index + 1) % process_count;
    if (tried % process_count) continue;
    wait_for_work();
    time = now();
  }
  current = index;
  end_wait(&processes[index]);
  if (process_count > 1) {
    u64 turn_end = time + TURN_US, timer = first_timer(index);
    set_timer(timer < turn_end ? timer : turn_end);
    WRITE(mie, TIMER_ENABLE);
  }
  WRITE(mepc, processes[index].registers[0]);
  return processes[index].registers;
}

static void wait_until(enum waiting waiting, u64 microseconds) {
  processes[current].waiting = waiting;
  processes[current].wakes_at = microseconds;
}

static u64 serve(u32 call, const u32 *arguments) {
  switch (call) {
    case SYSTEM_NOW: return now();
    case SYSTEM_SLEEP: wait_until(WAITS_FOR_INPUT, (u64)arguments[1] << 32 | arguments[0]); return 0;
    case SYSTEM_READ: return READ(CONSOLE);
    case SYSTEM_WRITE: return kernel_write_console((const u8 *)arguments[0], arguments[1]);
    case SYSTEM_MEMORY: return READ(MEMORY_BYTES);
    case SYSTEM_SECTORS: return READ(DISK_SECTORS);
    case SYSTEM_TRANSFER:
      if (arguments[0] == DISK_FLUSH) return DISK_DONE;
      return kernel_transfer(arguments[0], arguments[1], arguments[2], arguments[3]);
    case SYSTEM_BUTTON: return READ(POWER);
    case SYSTEM_STATION: return (u64)READ(HARDWARE_ADDRESS_HIGH) << 32 | READ(HARDWARE_ADDRESS);
    case SYSTEM_SEND: return kernel_send(arguments[0], arguments[1]);
    /* Where to and how much stay where they are until there is a frame. */
    case SYSTEM_RECEIVE:
      wait_until(WAITS_FOR_FRAMES, (u64)arguments[3] << 32 | arguments[2]);
      return (u64)arguments[1] << 32 | arguments[0];
    case SYSTEM_WAKE: if (arguments[0] < process_count) processes[arguments[0]].is_woken = 1; return 0;
    case SYSTEM_OFF: power_off(arguments[0]); return 0;
    default: return 0;
  }
}

static void begin(u32 index, void (*main)(void)) {
  struct process *process = &processes[index];
  process->registers[0] = (u32)main;
  process->registers[SP] = (u32)(process->stack + STACK_BYTES);
}

/* Processes run with interrupts enabled, in user mode. */
u32 *kernel_start(void) {
  kernel_set_status(WAS_ENABLED);
  time_scale = READ(TIME_SCALE);
  begin(MEASURING, process_main);
  begin(NETWORK, network_main);
  process_count = READ(HARDWARE_ADDRESS) ? PROCESSES : 1;
  return next_turn(MEASURING);
}

/* Anything but a call of a process that runs as it was started, or the end of its turn, is a bug, and ends as a panic does. */
u32 *kernel_trap(u32 *registers) {
  u32 status = kernel_status() & (WAS_ENABLED | PREVIOUS_MODE), cause = READ(mcause);
  registers[0] = READ(mepc);
  if (status != WAS_ENABLED) power_off(PANIC_CODE);
  if (cause == TIMER_INTERRUPT) return next_turn((current + 1) % process_count);
  if (cause != USER_CALL || registers[A7] >= SYSTEM_COUNT) power_off(PANIC_CODE);
  u64 answer = serve(registers[A7], registers + A0);
  registers[A0] = (u32)answer;
  registers[A0 + 1] = (u32)(answer >> 32);
  registers[0] += 4;
  if (processes[current].waiting != WAITS_NOT) return next_turn(current);
  WRITE(mepc, registers[0]);
  return registers;
}
