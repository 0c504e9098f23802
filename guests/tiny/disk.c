/* The first IDE disk by programmed I/O, without ever waiting in a loop: each poll does what can be done now. */
#include "machine.h"

enum { DATA = 0x1f0, COUNT = 0x1f2, LBA = 0x1f3, DRIVE = 0x1f6, STATUS = 0x1f7, CONTROL = 0x3f6 };
enum { ERROR = 0x01, WANTS_DATA = 0x08, FAULT = 0x20, BUSY = 0x80 };
enum { READ_SECTORS = 0x20, WRITE_SECTORS = 0x30, FLUSH_CACHE = 0xe7, IDENTIFY = 0xec };

static u32 disk_sectors;
static struct {
  enum disk_operation operation;
  u32 left;
  u32 *words;
  int is_told; /* the disk's next step comes with an interrupt: every one but the first sector of a write */
} transfer;

volatile u32 disk_interrupted;

u32 machine_disk_sectors(void) {
  return disk_sectors;
}

void machine_disk_begin(enum disk_operation operation, u32 sector, u32 count, u32 *words) {
  static const u8 command[] = { READ_SECTORS, WRITE_SECTORS, FLUSH_CACHE };
  transfer.operation = operation;
  transfer.left = count;
  transfer.words = words;
  transfer.is_told = operation != DISK_WRITE;
  disk_interrupted = 0;
  out8(DRIVE, (u8)(0xe0 | sector >> 24));
  out8(COUNT, (u8)count);
  out8(LBA, (u8)sector);
  out8(LBA + 1, (u8)(sector >> 8));
  out8(LBA + 2, (u8)(sector >> 16));
  out8(STATUS, command[operation]);
}

static void move_sector(void) {
  u32 count = SECTOR_WORDS;
  if (transfer.operation == DISK_READ)
    __asm__ volatile("rep insl" : "+D"(transfer.words), "+c"(count) : "d"(DATA) : "memory");
  else
    __asm__ volatile("rep outsl" : "+S"(transfer.words), "+c"(count) : "d"(DATA) : "memory");
  transfer.left--;
}

/* Between an interrupt and the next the status means nothing: QEMU shows a write that it will try again, as on a full
   datastore, for a while as if it were over. */
enum disk_state machine_disk_poll(void) {
  for (;;) {
    if (transfer.is_told && !disk_interrupted) return DISK_BUSY;
    disk_interrupted = 0;
    u8 status = in8(STATUS);
    if (status & BUSY) return DISK_BUSY;
    if (status & (ERROR | FAULT)) return DISK_FAILED;
    if (transfer.left && !(status & WANTS_DATA)) return DISK_FAILED;
    if (!transfer.left) return DISK_DONE;
    move_sector();
    transfer.is_told = 1;
    if (!transfer.left && transfer.operation == DISK_READ) return DISK_DONE;
  }
}

/* A CD-ROM or an empty place answers the identification with an error, or not at all (0 or 0xff). */
void disk_start(void) {
  static u32 identity[SECTOR_WORDS];
  out8(CONTROL, 0);
  out8(DRIVE, 0xa0);
  u8 status = in8(STATUS);
  if (status == 0 || status == 0xff) return;
  out8(COUNT, 0);
  out8(LBA, 0);
  out8(LBA + 1, 0);
  out8(LBA + 2, 0);
  out8(STATUS, IDENTIFY);
  transfer.operation = DISK_READ;
  transfer.left = 1;
  transfer.words = identity;
  transfer.is_told = 1;
  enum disk_state state;
  while ((state = machine_disk_poll()) == DISK_BUSY) machine_sleep_until(machine_now() + 1000);
  if (state == DISK_DONE) disk_sectors = identity[30]; /* words 60 and 61: sectors that 28 bits address */
}
