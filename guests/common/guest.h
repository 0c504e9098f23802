/*
 * The measuring guest: one program for two worlds. The files in this folder know the console protocol, the counters and the
 * pace; the machine_ functions below are provided by guests/tiny (bare processor), guests/machine (a kernel of ours) or guests/linux (system calls).
 * Everything runs in one thread and one loop, so a checksum can never see half a write.
 */
#ifndef GUEST_H
#define GUEST_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

enum {
  SECTOR_BYTES = 512,
  SECTOR_WORDS = SECTOR_BYTES / 4,
  PAGE_BYTES = 4096,
  PAGE_WORDS = PAGE_BYTES / 4,
  MIB_WORDS = 1024 * 1024 / 4,
  MIB_PAGES = 256,
  /* Sector 0 holds the boot counter; data starts on the next 4 KiB boundary, which direct I/O needs. */
  DISK_DATA_SECTOR = 8,
  DISK_BLOCK_SECTORS = 8,
};

/* ---- What a machine offers ---- */

/* Microseconds of guest time. They stand still while the guest is paused or being moved. */
u64 machine_now(void);
/* Sleeps until that time, or until console input, console room or the disk wants attention. */
void machine_sleep_until(u64 microseconds);
int machine_read_byte(void); /* -1 when there is none */
u32 machine_write(const u8 *bytes, u32 length); /* how many bytes were taken; never waits */
u32 machine_memory_kib(void);
u32 machine_area_limit_mib(void);
u32 *machine_area(u32 mib); /* the same words each time; 0 when they are not to be had */
int machine_power_button(void);
void machine_power_off(void);
void machine_panic(void);

enum disk_operation { DISK_READ, DISK_WRITE, DISK_FLUSH };
enum disk_state { DISK_BUSY, DISK_DONE, DISK_FAILED };

u32 machine_disk_sectors(void); /* 0 without a disk */
void machine_disk_begin(enum disk_operation operation, u32 sector, u32 count, u32 *words);
enum disk_state machine_disk_poll(void);

/* ---- console.c ---- */

int console_has_room(u32 bytes);
void say(const char *text);
void say_number(u64 number);
void say_hex(u32 number);
void say_line_end(void);
int console_flush(void); /* whether everything was taken */
const char *console_read_line(void); /* 0 when no whole line has come */

/* ---- pattern.c ---- */

u32 pattern_base(u32 seed);
void pattern_fill(u32 *words, u32 first, u32 count, u32 base);
u32 pattern_sum(const u32 *words, u32 count, u32 sum);
void pattern_step(u32 *area, u32 pages, u32 seed, u32 step);
enum { PATTERN_SUM_START = (int)0x811c9dc5 };

/* ---- disk.c ---- */

u32 disk_count_boot(void);
u64 disk_job_step(u64 now);
void disk_job_start(enum disk_operation operation, u32 sectors, u32 seed);

/* ---- commands.c ---- */

void command_run(const char *line);

/* ---- engine.c ---- */

enum job { JOB_NONE, JOB_FILL, JOB_SUM, JOB_DISK };

struct guest {
  u64 heartbeats, work, steps, dirtied_kib;
  u32 boot, tick_us, load_permille, dirty_mbps;
  /* The area's content is always fill(area_mib, seed) and then `steps` steps; area_mib 0: nothing filled yet. */
  u32 area_mib, seed;
  u32 *area;
  u64 next_tick, burn_period_start, dirtied_until;
  u32 owed_bytes;
  /* A job is long work done in small pieces, so that heartbeats go on. Commands wait until it is done. */
  enum job job;
  u32 job_position, job_sum;
};

extern struct guest guest;

void guest_run(void);
int fill_start(u32 area_mib, u32 seed);
void set_tick(u32 milliseconds);
void set_load(u32 permille);
void set_dirty_rate(u32 megabytes_per_second);

#endif
