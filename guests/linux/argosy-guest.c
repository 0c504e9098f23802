/*
 * The measuring guest as a Linux program: argosy-guest <console> [<disk or file>]. It uses system calls and nothing else, so
 * that one 10 kB file runs on any x86-64 kernel, as the first process of a small guest or as a service of a large one.
 */
#include "system-calls.h"
#include "../common/guest.h"

enum { INPUT_BYTES = 256, MOST_BUTTONS = 4, KEY_POWER = 116, EVENT_KEY = 1 };
/* What the kernel needs for itself while the area is full. */
enum { MEMORY_KEPT_MIB = 16 };

struct input_event {
  u64 seconds, microseconds;
  u16 type, code;
  u32 value;
};

static int console = -1, disk = -1, is_first_process;
static u32 disk_sectors, memory_kib, area_limit_mib;
static u32 *area;
static enum disk_state disk_state;
static int waits_for_room;
static int buttons[MOST_BUTTONS];
static u32 button_count;

u64 machine_now(void) {
  struct time_value now;
  system_call(CALL_CLOCK_GETTIME, CLOCK_MONOTONIC_ID, (long)&now, 0, 0);
  return (u64)now.seconds * 1000000 + (u64)now.nanoseconds / 1000;
}

/* While output waits for room, input is not read; waiting for it would only spin. */
void machine_sleep_until(u64 microseconds) {
  u64 now = machine_now();
  if (microseconds <= now) return;
  u64 wait = microseconds - now;
  struct time_value timeout = { (long)(wait / 1000000), (long)(wait % 1000000) * 1000 };
  struct poll_entry entry = { console, waits_for_room ? POLL_OUT : POLL_IN, 0 };
  system_call6(CALL_PPOLL, (long)&entry, 1, (long)&timeout, 0, 0, 0);
}

int machine_read_byte(void) {
  static u8 input[INPUT_BYTES];
  static long length, position;
  if (position == length) {
    position = 0;
    length = system_call(CALL_READ, console, (long)input, INPUT_BYTES, 0);
    if (length <= 0) return length = 0, -1;
  }
  return input[position++];
}

u32 machine_write(const u8 *bytes, u32 length) {
  long taken = system_call(CALL_WRITE, console, (long)bytes, length, 0);
  if (taken < 0) taken = 0;
  waits_for_room = (u32)taken < length;
  return (u32)taken;
}

u32 machine_memory_kib(void) {
  return memory_kib;
}

u32 machine_area_limit_mib(void) {
  return area_limit_mib;
}

/* The whole limit is mapped once, without reserving it: the kernel gives pages as they are written. */
u32 *machine_area(u32 mib) {
  if (mib > area_limit_mib) return 0;
  if (!area) {
    long address = system_call6(CALL_MMAP, 0, (long)area_limit_mib << 20, MAP_READ_WRITE, MAP_OWN_UNRESERVED, -1, 0);
    if (address < 0 && address > -4096) return 0;
    area = (u32 *)address;
  }
  return area;
}

u32 machine_disk_sectors(void) {
  return disk_sectors;
}

/* Direct and at once: what is read back comes from the disk, not from the kernel's cache. */
void machine_disk_begin(enum disk_operation operation, u32 sector, u32 count, u32 *words) {
  long bytes = (long)count * SECTOR_BYTES, done = 0;
  if (operation == DISK_FLUSH) done = system_call(CALL_FDATASYNC, disk, 0, 0, 0);
  else
    done = system_call(operation == DISK_READ ? CALL_PREAD : CALL_PWRITE, disk, (long)words, bytes, (long)sector * SECTOR_BYTES);
  disk_state = done == (operation == DISK_FLUSH ? 0 : bytes) ? DISK_DONE : DISK_FAILED;
}

enum disk_state machine_disk_poll(void) {
  return disk_state;
}

/* Their driver is loaded after this program starts, so they are looked for once a second until they are there. */
static void find_buttons(void) {
  static u64 next_look;
  char path[] = "/dev/input/event0";
  if (machine_now() < next_look) return;
  next_look = machine_now() + 1000000;
  while (button_count < MOST_BUTTONS) {
    path[sizeof path - 2] = (char)('0' + button_count);
    int file = (int)system_call(CALL_OPEN, (long)path, OPEN_READ | OPEN_NO_WAIT, 0, 0);
    if (file < 0) return;
    buttons[button_count++] = file;
  }
}

/* Only as the first process: elsewhere the service manager minds the button. */
int machine_power_button(void) {
  struct input_event event;
  if (!is_first_process) return 0;
  find_buttons();
  for (u32 index = 0; index < button_count; index++)
    while (system_call(CALL_READ, buttons[index], (long)&event, sizeof event, 0) == sizeof event)
      if (event.type == EVENT_KEY && event.code == KEY_POWER && event.value) return 1;
  return 0;
}

void machine_power_off(void) {
  system_call(CALL_SYNC, 0, 0, 0, 0);
  if (is_first_process) system_call(CALL_REBOOT, REBOOT_MAGIC_1, REBOOT_MAGIC_2, REBOOT_POWER_OFF, 0);
  /* systemd starts its poweroff.target at this signal. */
  else system_call(CALL_KILL, 1, SIGNAL_SYSTEMD_POWER_OFF, 0, 0);
}

void machine_panic(void) {
  int file = (int)system_call(CALL_OPEN, (long)"/proc/sysrq-trigger", OPEN_READ_WRITE, 0, 0);
  system_call(CALL_WRITE, file, (long)"c", 1, 0);
}

static void fail(const char *text) {
  u32 length = 0;
  while (text[length]) length++;
  system_call(CALL_WRITE, 2, (long)text, length, 0);
  system_call(CALL_EXIT, 1, 0, 0, 0);
}

/* Raw: no echo, no line editing, no translation of line ends. */
static void open_console(const char *path) {
  struct terminal terminal = { 0 };
  console = (int)system_call(CALL_OPEN, (long)path, OPEN_READ_WRITE | OPEN_NO_WAIT | OPEN_NO_TERMINAL, 0, 0);
  if (console < 0) fail("argosy-guest: the console cannot be opened\n");
  if (system_call(CALL_IOCTL, console, TERMINAL_GET, (long)&terminal, 0) < 0) return;
  terminal.input = terminal.output = terminal.local = 0;
  terminal.control = TERMINAL_115200_8_BITS;
  terminal.characters[TERMINAL_LEAST_BYTES] = 1;
  system_call(CALL_IOCTL, console, TERMINAL_SET, (long)&terminal, 0);
}

static void open_disk(const char *path) {
  disk = (int)system_call(CALL_OPEN, (long)path, OPEN_READ_WRITE | OPEN_DIRECT, 0, 0);
  if (disk < 0) return;
  long bytes = system_call(CALL_SEEK, disk, 0, SEEK_TO_END, 0);
  if (bytes > 0) disk_sectors = bytes / SECTOR_BYTES > 0x7fffffff ? 0x7fffffff : (u32)(bytes / SECTOR_BYTES);
}

static void read_memory_size(void) {
  struct system_information information = { 0 };
  system_call(CALL_SYSINFO, (long)&information, 0, 0, 0);
  memory_kib = (u32)(information.total_memory * information.memory_unit >> 10);
  u32 free_mib = (u32)(information.free_memory * information.memory_unit >> 20);
  area_limit_mib = free_mib > MEMORY_KEPT_MIB ? free_mib - MEMORY_KEPT_MIB : 0;
}

__attribute__((used)) void linux_main(const long *stack) {
  long argument_count = stack[0];
  const char *const *arguments = (const char *const *)(stack + 1);
  if (argument_count < 2) fail("usage: argosy-guest <console> [<disk or file>]\n");
  is_first_process = system_call(CALL_GETPID, 0, 0, 0, 0) == 1;
  open_console(arguments[1]);
  if (argument_count > 2) open_disk(arguments[2]);
  read_memory_size();
  guest_run();
}

__asm__(".global _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call linux_main\n ud2\n");
