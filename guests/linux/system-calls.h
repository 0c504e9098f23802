/* The little of Linux's x86-64 interface that argosy-guest uses; the numbers are the kernel's. */
#ifndef SYSTEM_CALLS_H
#define SYSTEM_CALLS_H

enum {
  CALL_READ = 0, CALL_WRITE = 1, CALL_OPEN = 2, CALL_SEEK = 8, CALL_MMAP = 9, CALL_IOCTL = 16, CALL_PREAD = 17, CALL_PWRITE = 18,
  CALL_GETPID = 39, CALL_EXIT = 60, CALL_KILL = 62, CALL_FDATASYNC = 75, CALL_SYSINFO = 99, CALL_SYNC = 162, CALL_REBOOT = 169,
  CALL_CLOCK_GETTIME = 228, CALL_PPOLL = 271,
};

enum { OPEN_READ = 0, OPEN_READ_WRITE = 2, OPEN_NO_TERMINAL = 0400, OPEN_NO_WAIT = 04000, OPEN_DIRECT = 040000 };
enum { CLOCK_MONOTONIC_ID = 1, SEEK_TO_END = 2, POLL_IN = 1, POLL_OUT = 4 };
enum { MAP_READ_WRITE = 3, MAP_OWN_UNRESERVED = 0x4022 };
enum { TERMINAL_GET = 0x5401, TERMINAL_SET = 0x5402, TERMINAL_115200_8_BITS = 0x1002 | 060 | 0200 | 04000, TERMINAL_LEAST_BYTES = 6 };
enum { SIGNAL_SYSTEMD_POWER_OFF = 38 };
#define REBOOT_MAGIC_1 0xfee1deadL
#define REBOOT_MAGIC_2 672274793L
#define REBOOT_POWER_OFF 0x4321fedcL

struct time_value { long seconds, nanoseconds; };
struct poll_entry { int file; short wanted, happened; };
struct terminal { unsigned int input, output, control, local; unsigned char line, characters[19]; };
struct system_information {
  long uptime;
  unsigned long loads[3], total_memory, free_memory, shared, buffers, total_swap, free_swap;
  unsigned short processes, padding;
  unsigned long total_high, free_high;
  unsigned int memory_unit;
};

static inline long system_call6(long number, long a, long b, long c, long d, long e, long f) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall" : "+a"(number) : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
  return number;
}

static inline long system_call(long number, long a, long b, long c, long d) {
  return system_call6(number, a, b, c, d, 0, 0);
}

#endif
