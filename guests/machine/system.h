/* What a process asks of the kernel: the number in a7, arguments from a0 on, and the answer in a0 and a1. */
#ifndef SYSTEM_H
#define SYSTEM_H
#include "../common/guest.h"

enum system_call {
  SYSTEM_NOW, SYSTEM_SLEEP, SYSTEM_READ, SYSTEM_WRITE, SYSTEM_MEMORY, SYSTEM_SECTORS, SYSTEM_TRANSFER, SYSTEM_OFF, SYSTEM_BUTTON,
  SYSTEM_STATION, SYSTEM_SEND, SYSTEM_RECEIVE, SYSTEM_WAKE, SYSTEM_COUNT
};
enum process_number { MEASURING, NETWORK, PROCESSES };
enum { AREA_START = 0x80100000u, MEMORY_START = 0x80000000u, POWER_OFF = 1, PANIC_CODE = 1, LONGEST_FRAME = 1514 };
/* A time that never comes, and of which the kernel can still make units. */
#define NEVER (~0ull >> 16)

u64 system_call(enum system_call number, u32 first, u32 second, u32 third, u32 fourth);

#endif
