/* The kernel's work by the machine's own control registers: each access is an instruction of its own. */
#include "kernel.h"

u32 kernel_status(void) {
  return READ(mstatus);
}

void kernel_set_status(u32 status) {
  WRITE(mstatus, status);
}

u32 kernel_write_console(const u8 *bytes, u32 length) {
  for (u32 index = 0; index < length; index++) WRITE(CONSOLE, bytes[index]);
  return length;
}

u32 kernel_transfer(enum disk_operation operation, u32 sector, u32 count, u32 address) {
  for (u32 index = 0; index < count; index++) {
    WRITE(DISK_ADDRESS, address + index * SECTOR_BYTES);
    WRITE(DISK_SECTOR, sector + index);
    WRITE(DISK_COMMAND, operation == DISK_READ ? 1 : 2);
    if (READ(DISK_COMMAND) != 0) return DISK_FAILED;
  }
  return DISK_DONE;
}

static u32 command_network(u32 command, u32 address, u32 length) {
  WRITE(NETWORK_ADDRESS, address);
  WRITE(NETWORK_LENGTH, length);
  WRITE(NETWORK_COMMAND, command);
  return READ(NETWORK_COMMAND) == 0;
}

u32 kernel_send(u32 address, u32 length) {
  return command_network(1, address, length);
}

u32 kernel_receive(u32 address, u32 length) {
  return command_network(2, address, length);
}
