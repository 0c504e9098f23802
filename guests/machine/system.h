/* What the process asks of the kernel: the number in a7, arguments from a0 on, and the answer in a0 and a1. */
#ifndef SYSTEM_H
#define SYSTEM_H
#include "../common/guest.h"

enum system_call { SYSTEM_NOW, SYSTEM_SLEEP, SYSTEM_READ, SYSTEM_WRITE, SYSTEM_MEMORY, SYSTEM_SECTORS, SYSTEM_TRANSFER, SYSTEM_OFF, SYSTEM_BUTTON, SYSTEM_COUNT };
enum { AREA_START = 0x80100000u, MEMORY_START = 0x80000000u, POWER_OFF = 1, PANIC_CODE = 1 };

#endif
