/* The commands. guests/README.md lists them for people. */
#include "guest.h"

enum { MOST_ARGUMENTS = 3 };

struct command {
  const char *name;
  /* In a usage, '#' stands for the largest area in MiB and '@' for the disk's data sectors. */
  const char *usage;
  u32 arguments;
  int (*run)(const u32 *arguments); /* 0: refused, the usage is said */
};

static u32 data_sectors(void) {
  u32 sectors = machine_disk_sectors();
  return sectors > DISK_DATA_SECTOR ? sectors - DISK_DATA_SECTOR : 0;
}

static int run_tick(const u32 *arguments) {
  if (arguments[0] > 60000) return 0;
  set_tick(arguments[0]);
  return 1;
}

static int run_load(const u32 *arguments) {
  if (arguments[0] > 1000) return 0;
  set_load(arguments[0]);
  return 1;
}

/* Another area or seed than the present one fills first, so that the area can always be replayed from one seed. */
static int run_dirty(const u32 *arguments) {
  if (arguments[0] > 10000 || !arguments[1] || arguments[1] > machine_area_limit_mib()) return 0;
  int same = guest.area_mib == arguments[1] && guest.seed == arguments[2];
  if (arguments[0] && !same && !fill_start(arguments[1], arguments[2])) return 0;
  set_dirty_rate(arguments[0]);
  return 1;
}

static int run_fill(const u32 *arguments) {
  return arguments[0] && arguments[0] <= machine_area_limit_mib() && fill_start(arguments[0], arguments[1]);
}

static int run_sum(const u32 *arguments) {
  (void)arguments;
  if (!guest.area_mib) return 0;
  guest.job = JOB_SUM;
  guest.job_position = 0;
  guest.job_sum = (u32)PATTERN_SUM_START;
  return 1;
}

static int run_work(const u32 *arguments) {
  (void)arguments;
  say("work ");
  say_number(guest.work);
  say_line_end();
  return 1;
}

static void say_counter(const char *name, u64 value) {
  say(name);
  say_number(value);
}

static int run_stats(const u32 *arguments) {
  (void)arguments;
  say_counter("stats count=", guest.heartbeats);
  say_counter(" work=", guest.work);
  say_counter(" steps=", guest.steps);
  say_counter(" dirtied=", guest.dirtied_kib);
  say_counter(" boot=", guest.boot);
  say_counter(" tick=", guest.tick_us / 1000);
  say_counter(" load=", guest.load_permille);
  say_counter(" rate=", guest.dirty_mbps);
  say_counter(" area=", guest.area_mib);
  say_counter(" seed=", guest.seed);
  say_line_end();
  return 1;
}

static int run_disk_fill(const u32 *arguments) {
  if (!arguments[0] || arguments[0] > data_sectors()) return 0;
  disk_job_start(DISK_WRITE, arguments[0], arguments[1]);
  return 1;
}

static int run_disk_sum(const u32 *arguments) {
  if (!arguments[0] || arguments[0] > data_sectors()) return 0;
  disk_job_start(DISK_READ, arguments[0], 0);
  return 1;
}

static int run_off(const u32 *arguments) {
  (void)arguments;
  machine_power_off();
  return 1;
}

static int run_panic(const u32 *arguments) {
  (void)arguments;
  machine_panic();
  return 1;
}

static const struct command commands[] = {
  { "tick", "tick <ms 0..60000>", 1, run_tick },
  { "load", "load <permille 0..1000>", 1, run_load },
  { "dirty", "dirty <MBps 0..10000> <areaMiB 1..#> <seed>", 3, run_dirty },
  { "fill", "fill <areaMiB 1..#> <seed>", 2, run_fill },
  { "sum", "fill or dirty before sum", 0, run_sum },
  { "work", "work", 0, run_work },
  { "stats", "stats", 0, run_stats },
  { "disk fill", "disk fill <sectors 1..@> <seed>", 2, run_disk_fill },
  { "disk sum", "disk sum <sectors 1..@>", 1, run_disk_sum },
  { "off", "off", 0, run_off },
  { "panic", "panic", 0, run_panic },
};

static void say_error(const char *usage) {
  say("error ");
  for (; *usage; usage++) {
    char text[2] = { *usage, 0 };
    if (*usage == '#') say_number(machine_area_limit_mib());
    else if (*usage == '@') say_number(data_sectors());
    else say(text);
  }
  say_line_end();
}

/* The rest of the line after that name, or 0 when the line has another command. */
static const char *after_name(const char *line, const char *name) {
  while (*name && *line == *name) line++, name++;
  return !*name && (!*line || *line == ' ') ? line : 0;
}

/* Exactly `count` decimal numbers of 32 bits, each after spaces, and nothing more. */
static int parse_numbers(const char *text, u32 count, u32 *numbers) {
  for (u32 index = 0; index < count; index++) {
    u64 number = 0;
    if (*text != ' ') return 0;
    while (*text == ' ') text++;
    if (*text < '0' || *text > '9') return 0;
    for (; *text >= '0' && *text <= '9'; text++) {
      number = number * 10 + (u32)(*text - '0');
      if (number >> 32) return 0;
    }
    numbers[index] = (u32)number;
  }
  while (*text == ' ') text++;
  return !*text;
}

static void run_ping(const char *token) {
  while (*token == ' ') token++;
  if (!*token) {
    say_error("ping <token>");
    return;
  }
  say("pong ");
  say(token);
  say_line_end();
}

void command_run(const char *line) {
  const char *rest = after_name(line, "ping");
  if (rest) {
    run_ping(rest);
    return;
  }
  for (u32 index = 0; index < sizeof commands / sizeof commands[0]; index++) {
    const struct command *command = &commands[index];
    u32 arguments[MOST_ARGUMENTS];
    rest = after_name(line, command->name);
    if (!rest) continue;
    if (!parse_numbers(rest, command->arguments, arguments) || !command->run(arguments)) say_error(command->usage);
    return;
  }
  say_error("tick, load, dirty, fill, sum, ping, work, stats, disk fill, disk sum, off or panic");
}
