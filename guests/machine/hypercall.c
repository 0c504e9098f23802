/* The kernel's work by asking the VMM that it knows of: one call where the machine's own registers would trap for each byte. */
#include "kernel.h"

enum { CALL_READ_STATUS, CALL_WRITE_STATUS, CALL_KICK };
enum { RING_CONSOLE_WRITE, RING_DISK_READ, RING_DISK_WRITE, RING_SEND, RING_RECEIVE };
enum { RING_ENTRIES = 16, LONGEST_WRITE = 4096 };

static struct {
  volatile u32 produced, consumed;
  struct { u32 operation, address, argument; volatile u32 status; } entries[RING_ENTRIES];
} ring;

static u32 call(u32 number, u32 argument) {
  register u32 a0 __asm__("a0") = argument;
  register u32 a7 __asm__("a7") = number;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a7) : "memory");
  return a0;
}

u32 kernel_status(void) {
  return call(CALL_READ_STATUS, 0);
}

void kernel_set_status(u32 status) {
  call(CALL_WRITE_STATUS, status);
}

static void produce(u32 operation, u32 address, u32 argument) {
  u32 index = ring.produced % RING_ENTRIES;
  ring.entries[index].operation = operation;
  ring.entries[index].address = address;
  ring.entries[index].argument = argument;
  ring.produced++;
}

u32 kernel_write_console(const u8 *bytes, u32 length) {
  if (length > LONGEST_WRITE) length = LONGEST_WRITE;
  produce(RING_CONSOLE_WRITE, (u32)bytes, length);
  call(CALL_KICK, (u32)&ring);
  return length;
}

/* As many sectors in a call as the ring has room for. */
u32 kernel_transfer(enum disk_operation operation, u32 sector, u32 count, u32 address) {
  u32 failed = 0;
  for (u32 done = 0; done < count;) {
    u32 first = ring.produced, left = count - done, part = left < RING_ENTRIES ? left : RING_ENTRIES;
    for (u32 index = 0; index < part; index++, done++)
      produce(operation == DISK_READ ? RING_DISK_READ : RING_DISK_WRITE, address + done * SECTOR_BYTES, sector + done);
    call(CALL_KICK, (u32)&ring);
    for (u32 index = 0; index < part; index++) failed |= ring.entries[(first + index) % RING_ENTRIES].status;
  }
  return failed ? DISK_FAILED : DISK_DONE;
}

static u32 exchange(u32 operation, u32 address, u32 length) {
  u32 index = ring.produced % RING_ENTRIES;
  produce(operation, address, length);
  call(CALL_KICK, (u32)&ring);
  return ring.entries[index].status == 0;
}

u32 kernel_send(u32 address, u32 length) {
  return exchange(RING_SEND, address, length);
}

u32 kernel_receive(u32 address, u32 length) {
  return exchange(RING_RECEIVE, address, length);
}
