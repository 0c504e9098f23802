/* The commands of this guest's own; all others are those of every measuring guest. The linker puts this before them. */
#include "network.h"

void __real_command_run(const char *line);

static const char *after(const char *line, const char *name) {
  while (*name && *line == *name) line++, name++;
  return !*name && (!*line || *line == ' ') ? line : 0;
}

/* A decimal number up to that, at `*text`, which is moved behind it; -1: there is none. */
static int number(const char **text, int most) {
  int value = -1;
  for (; **text >= '0' && **text <= '9'; ++*text) {
    value = (value < 0 ? 0 : value * 10) + (**text - '0');
    if (value > most) return -1;
  }
  return value;
}

static int parse_echo(const char *text, u32 *peer, u32 *milliseconds) {
  *peer = 0;
  for (u32 index = 0; index < 4; index++) {
    while (!index && *text == ' ') text++;
    if (index && *text++ != '.') return 0;
    int part = number(&text, 255);
    if (part < 0) return 0;
    *peer = *peer << 8 | (u32)part;
  }
  if (*text++ != ' ') return 0;
  int interval = number(&text, 60000);
  *milliseconds = (u32)interval;
  return interval >= 0 && !*text;
}

static void say_counter(const char *name, u32 value) {
  say(name);
  say_number(value);
}

static void say_network(void) {
  say("net address=");
  for (int shift = 24; shift >= 0; shift -= 8) {
    say_number((network.address >> shift) & 255);
    if (shift) say(".");
  }
  say_counter(" sent=", network.sent);
  say_counter(" answered=", network.answered);
  say_counter(" served=", network.served);
  say_line_end();
}

static void say_error(const char *expected) {
  say("error ");
  say(expected);
  say_line_end();
}

void __wrap_command_run(const char *line) {
  const char *echo = after(line, "echo"), *net = after(line, "net");
  u32 peer, milliseconds;
  if (!echo && (!net || *net)) __real_command_run(line);
  else if (!network.address) say_error("a network, which is not here");
  else if (net) say_network();
  else if (parse_echo(echo, &peer, &milliseconds)) network_ask(peer, milliseconds * 1000);
  else say_error("echo <address> <ms 0..60000>");
}
