/* The pseudo-random content of memory and disk. libs/domain/guest-console.ts replays it: change both or neither. */
#include "guest.h"

/* A 32-bit finalizer (two multiplications, three shifts): every input bit reaches every output bit. */
static inline u32 mix(u32 value) {
  value = (value ^ (value >> 16)) * 0x7feb352du;
  value = (value ^ (value >> 15)) * 0x846ca68bu;
  return value ^ (value >> 16);
}

u32 pattern_base(u32 seed) {
  return mix(seed ^ 0xa5906e5fu);
}

/* Words first .. first + count - 1 of the pattern. Content depends on the position alone, so any piece can be made by itself. */
void pattern_fill(u32 *words, u32 first, u32 count, u32 base) {
  u32 input = base + first * 0x9e3779b9u;
  for (u32 index = 0; index < count; index++, input += 0x9e3779b9u) words[index] = mix(input);
}

/* FNV-1a by words: multiplication by an odd number loses nothing, so one wrong word always shows. */
u32 pattern_sum(const u32 *words, u32 count, u32 sum) {
  for (u32 index = 0; index < count; index++) sum = (sum ^ words[index]) * 16777619u;
  return sum;
}

/* One dirtying step: it depends on seed and step only, never on time or on what memory holds. */
void pattern_step(u32 *area, u32 pages, u32 seed, u32 step) {
  u32 choice = mix(mix(seed ^ 0x5bd1e995u) + step * 0x9e3779b9u);
  u32 page = (u32)(((u64)choice * pages) >> 32);
  u32 value = mix(choice ^ step);
  area[page * PAGE_WORDS + (value & (PAGE_WORDS - 1))] = value;
}
