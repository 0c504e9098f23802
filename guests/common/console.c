/* Lines in and out. Output goes through a ring, so that a console nobody reads never stops the guest. */
#include "guest.h"

enum { RING_BYTES = 4096, LINE_BYTES = 128 };

static u8 ring[RING_BYTES];
static u32 ring_written, ring_read;
static char line[LINE_BYTES];
static u32 line_length;

int console_has_room(u32 bytes) {
  return RING_BYTES - (ring_written - ring_read) >= bytes;
}

static void put(char character) {
  if (console_has_room(1)) ring[ring_written++ % RING_BYTES] = (u8)character;
}

void say(const char *text) {
  while (*text) put(*text++);
}

/* Division in 16-bit steps: a 32-bit program without a library has no 64-bit division. */
static u32 divide_by_ten(u64 *number) {
  u32 remainder = 0;
  u64 quotient = 0;
  for (int shift = 48; shift >= 0; shift -= 16) {
    u32 part = (remainder << 16) | (u32)((*number >> shift) & 0xffff);
    quotient |= (u64)(part / 10) << shift;
    remainder = part % 10;
  }
  *number = quotient;
  return remainder;
}

void say_number(u64 number) {
  char digits[20];
  u32 count = 0;
  while (number >> 32) digits[count++] = (char)('0' + divide_by_ten(&number));
  u32 rest = (u32)number;
  do digits[count++] = (char)('0' + rest % 10);
  while (rest /= 10);
  while (count) put(digits[--count]);
}

void say_hex(u32 number) {
  for (int shift = 28; shift >= 0; shift -= 4) put("0123456789abcdef"[(number >> shift) & 15]);
}

void say_line_end(void) {
  say("\r\n");
}

int console_flush(void) {
  while (ring_read != ring_written) {
    u32 start = ring_read % RING_BYTES;
    u32 length = ring_written - ring_read;
    if (length > RING_BYTES - start) length = RING_BYTES - start;
    u32 taken = machine_write(ring + start, length);
    if (!taken) return 0;
    ring_read += taken;
  }
  return 1;
}

/* A carriage return ends a line too (a person at a terminal sends one); the empty line that \r\n then makes is ignored. */
const char *console_read_line(void) {
  for (;;) {
    int byte = machine_read_byte();
    if (byte < 0) return 0;
    if (byte == '\r' || byte == '\n') {
      if (!line_length) continue;
      line[line_length] = 0;
      line_length = 0;
      return line;
    }
    /* The surplus of a line too long is dropped from its middle, which makes it malformed: that is answered with an error. */
    if (line_length == LINE_BYTES - 1) line[0] = '?';
    else line[line_length++] = (char)byte;
  }
}
