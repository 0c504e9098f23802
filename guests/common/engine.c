/* The counters and the pace: heartbeats, load and dirtying, each told the time and answering when it wants to run next. */
#include "guest.h"

enum {
  LONGEST_SLEEP_US = 1000000,
  DEFAULT_TICK_US = 250000,
  BURN_PERIOD_US = 10000,
  /* The loop looks at the clock and at the console at least this often while it burns. */
  BURN_SLICE_US = 100,
  WORK_UNIT_ITERATIONS = 2048,
  DIRTY_BATCH_US = 2000,
  DIRTY_BATCH_PAGES = 64,
  /* What was not dirtied in time is dropped beyond this, or a guest that was held up would make up for it in a burst. */
  DIRTY_MOST_OWED_US = 100000,
  JOB_PIECE_WORDS = 16384,
  HEARTBEAT_ROOM = 64,
  ANSWER_ROOM = 1024,
};

static const u64 NEVER = ~0ull;

struct guest guest;

void set_tick(u32 milliseconds) {
  guest.tick_us = milliseconds * 1000;
  guest.next_tick = machine_now() + guest.tick_us;
}

void set_load(u32 permille) {
  guest.load_permille = permille;
  guest.burn_period_start = machine_now();
}

void set_dirty_rate(u32 megabytes_per_second) {
  guest.dirty_mbps = megabytes_per_second;
  guest.dirtied_until = machine_now();
  guest.owed_bytes = 0;
}

/* A counter moves only when its line has a place in the console's ring, so no number is ever skipped. */
static u64 beat(u64 now) {
  if (!guest.tick_us) return NEVER;
  if (now < guest.next_tick) return guest.next_tick;
  if (!console_has_room(HEARTBEAT_ROOM)) return now + guest.tick_us;
  guest.heartbeats++;
  say("hb ");
  say_number(guest.heartbeats);
  say(" ");
  say_number(guest.work);
  say_line_end();
  guest.next_tick += guest.tick_us;
  if (guest.next_tick <= now) guest.next_tick = now + guest.tick_us;
  return guest.next_tick;
}

static void work_unit(void) {
  u32 value = (u32)guest.work;
  for (u32 iteration = 0; iteration < WORK_UNIT_ITERATIONS; iteration++) {
    value = (value ^ (value >> 15)) * 0x846ca68bu;
    /* Without this the compiler may find that nobody needs the value, and there is no work. */
    __asm__ volatile("" : "+r"(value));
  }
  guest.work++;
}

static u64 burn(u64 now) {
  if (!guest.load_permille) return NEVER;
  u64 period_end = guest.burn_period_start + BURN_PERIOD_US;
  if (now >= period_end) {
    guest.burn_period_start = now < period_end + BURN_PERIOD_US ? period_end : now;
    period_end = guest.burn_period_start + BURN_PERIOD_US;
  }
  u64 burn_end = guest.burn_period_start + guest.load_permille * (BURN_PERIOD_US / 1000);
  u64 slice_end = now + BURN_SLICE_US < burn_end ? now + BURN_SLICE_US : burn_end;
  for (u64 time = now; time < slice_end; time = machine_now()) work_unit();
  return slice_end < burn_end || burn_end == period_end ? now : period_end;
}

/* One megabyte per second is one byte per microsecond. */
static u64 dirty(u64 now) {
  if (!guest.dirty_mbps || !guest.area_mib) return NEVER;
  u64 elapsed = now - guest.dirtied_until;
  if (elapsed > DIRTY_MOST_OWED_US) elapsed = DIRTY_MOST_OWED_US;
  guest.dirtied_until = now;
  guest.owed_bytes += (u32)elapsed * guest.dirty_mbps;
  u32 most_owed = DIRTY_MOST_OWED_US * guest.dirty_mbps;
  if (guest.owed_bytes > most_owed) guest.owed_bytes = most_owed;
  for (u32 count = 0; count < DIRTY_BATCH_PAGES && guest.owed_bytes >= PAGE_BYTES; count++) {
    pattern_step(guest.area, guest.area_mib * MIB_PAGES, guest.seed, (u32)guest.steps);
    guest.steps++;
    guest.dirtied_kib += PAGE_BYTES / 1024;
    guest.owed_bytes -= PAGE_BYTES;
  }
  if (guest.owed_bytes >= PAGE_BYTES) return now;
  u32 until_page = (PAGE_BYTES - guest.owed_bytes) / guest.dirty_mbps + 1;
  return now + (until_page > DIRTY_BATCH_US ? until_page : DIRTY_BATCH_US);
}

int fill_start(u32 area_mib, u32 seed) {
  guest.area = machine_area(area_mib);
  if (!guest.area) return 0;
  guest.area_mib = area_mib;
  guest.seed = seed;
  guest.steps = 0;
  guest.job = JOB_FILL;
  guest.job_position = 0;
  return 1;
}

static void finish_fill(void) {
  say("filled ");
  say_number(guest.area_mib);
  say(" ");
  say_number(guest.seed);
  say_line_end();
}

static void finish_sum(void) {
  say("sum ");
  say_number(guest.steps);
  say(" ");
  say_hex(guest.job_sum);
  say_line_end();
}

static u64 memory_job_step(u64 now) {
  u32 *piece = guest.area + guest.job_position;
  if (guest.job == JOB_FILL) pattern_fill(piece, guest.job_position, JOB_PIECE_WORDS, pattern_base(guest.seed));
  else guest.job_sum = pattern_sum(piece, JOB_PIECE_WORDS, guest.job_sum);
  guest.job_position += JOB_PIECE_WORDS;
  if (guest.job_position < guest.area_mib * MIB_WORDS) return now;
  if (guest.job == JOB_FILL) finish_fill();
  else finish_sum();
  guest.job = JOB_NONE;
  /* The time of the job is not owed: dirtying stood still for it. */
  set_dirty_rate(guest.dirty_mbps);
  return now;
}

/* A job, or the next command, or dirtying: never two of them at once, so that a checksum sees whole steps. */
static u64 obey(u64 now) {
  if (guest.job == JOB_DISK) {
    u64 next_job = disk_job_step(now);
    u64 next_dirty = dirty(now);
    return next_job < next_dirty ? next_job : next_dirty;
  }
  if (guest.job != JOB_NONE) return memory_job_step(now);
  const char *line = console_has_room(ANSWER_ROOM) ? console_read_line() : 0;
  if (line) {
    command_run(line);
    return now;
  }
  return dirty(now);
}

static void start(void) {
  guest.boot = disk_count_boot();
  say("ready v1 memory=");
  say_number(machine_memory_kib());
  say(" boot=");
  say_number(guest.boot);
  say_line_end();
  guest.tick_us = DEFAULT_TICK_US;
  guest.next_tick = machine_now();
}

static u64 earlier(u64 one, u64 other) {
  return one < other ? one : other;
}

void guest_run(void) {
  start();
  for (;;) {
    u64 now = machine_now();
    u64 wake = now + LONGEST_SLEEP_US;
    if (machine_power_button()) machine_power_off();
    wake = earlier(wake, beat(now));
    wake = earlier(wake, obey(now));
    wake = earlier(wake, burn(now));
    /* The console's interrupt tells of new room; the 10 ms are for a machine where input hides it. */
    if (!console_flush()) wake = earlier(wake, now + 10000);
    if (wake > now) machine_sleep_until(wake);
  }
}
