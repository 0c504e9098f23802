/* The boot counter in sector 0, and the two disk commands. */
#include "guest.h"

static const char magic[8] = { 'A', 'R', 'G', 'O', 'S', 'Y', 'B', '1' };

static u32 block[DISK_BLOCK_SECTORS * SECTOR_WORDS] __attribute__((aligned(PAGE_BYTES)));

static struct {
  enum disk_operation operation;
  u32 sectors, base;
  int begun;
} disk_job;

static enum disk_state transfer(enum disk_operation operation, u32 count) {
  enum disk_state state;
  machine_disk_begin(operation, 0, count, block);
  while ((state = machine_disk_poll()) == DISK_BUSY) machine_sleep_until(machine_now() + 10000);
  return state;
}

/* Ours: the magic. Blank: only zeros. Any other disk belongs to someone, and is never written. */
static int sector_is_ours_or_blank(void) {
  const u8 *bytes = (const u8 *)block;
  u32 index = 0, zeros = 0;
  while (index < sizeof magic && bytes[index] == (u8)magic[index]) index++;
  while (zeros < SECTOR_BYTES && !bytes[zeros]) zeros++;
  return index == sizeof magic || zeros == SECTOR_BYTES;
}

/* The number of this boot, durable before it is told. 0: there is no disk to count on. */
u32 disk_count_boot(void) {
  u8 *bytes = (u8 *)block;
  if (!machine_disk_sectors()) return 0;
  if (transfer(DISK_READ, 1) != DISK_DONE || !sector_is_ours_or_blank()) return 0;
  for (u32 index = 0; index < sizeof magic; index++) bytes[index] = (u8)magic[index];
  u32 boot = ++block[2];
  if (transfer(DISK_WRITE, 1) != DISK_DONE || transfer(DISK_FLUSH, 0) != DISK_DONE) return 0;
  return boot;
}

void disk_job_start(enum disk_operation operation, u32 sectors, u32 seed) {
  disk_job.operation = operation;
  disk_job.sectors = sectors;
  disk_job.base = pattern_base(seed);
  disk_job.begun = 0;
  guest.job = JOB_DISK;
  guest.job_position = 0;
  guest.job_sum = (u32)PATTERN_SUM_START;
}

static u32 block_sectors(void) {
  u32 left = disk_job.sectors - guest.job_position;
  return left < DISK_BLOCK_SECTORS ? left : DISK_BLOCK_SECTORS;
}

static void begin_block(void) {
  u32 count = block_sectors();
  if (disk_job.operation == DISK_WRITE)
    pattern_fill(block, guest.job_position * SECTOR_WORDS, count * SECTOR_WORDS, disk_job.base);
  machine_disk_begin(disk_job.operation, DISK_DATA_SECTOR + guest.job_position, count, block);
  disk_job.begun = 1;
}

static void finish(enum disk_state state) {
  guest.job = JOB_NONE;
  if (state == DISK_FAILED) {
    say("error disk works, it failed at data sector ");
    say_number(guest.job_position);
  } else if (disk_job.operation == DISK_READ) {
    say("disk sum ");
    say_hex(guest.job_sum);
  } else {
    say("disk filled ");
    say_number(disk_job.sectors);
  }
  say_line_end();
}

/* One block, or the flush at the end of writing. Returns when to look again. */
u64 disk_job_step(u64 now) {
  if (!disk_job.begun) begin_block();
  enum disk_state state = machine_disk_poll();
  /* The disk's interrupt ends the sleep; the 10 ms are for a machine that has none. */
  if (state == DISK_BUSY) return now + 10000;
  disk_job.begun = 0;
  u32 count = block_sectors();
  int was_flush = !count;
  if (state == DISK_FAILED || was_flush) {
    finish(state);
    return now;
  }
  if (disk_job.operation == DISK_READ) guest.job_sum = pattern_sum(block, count * SECTOR_WORDS, guest.job_sum);
  guest.job_position += count;
  if (guest.job_position < disk_job.sectors) return now;
  if (disk_job.operation == DISK_READ) {
    finish(DISK_DONE);
    return now;
  }
  machine_disk_begin(DISK_FLUSH, 0, 0, block);
  disk_job.begun = 1;
  return now;
}
