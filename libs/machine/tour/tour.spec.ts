import { createRandom } from '@argosy/simulator/random';
import { tourScreens } from './tour';

const shown = tourScreens.map(({ title, lines }) => [title, lines(createRandom(1))] as const);
const text = (title: string) => shown.find(([name]) => name === title)![1].join('\n');

test('there are ten, and each fits a terminal of 100 columns and 24 lines with its head and its keys', () => {
  expect(shown).toHaveLength(10);
  for (const [title, lines] of shown) {
    expect([title, lines.length <= 20]).toEqual([title, true]);
    expect([title, ...lines.filter((line) => line.length > 100)]).toEqual([title]);
  }
});

test.each([
  ['The machine', /mul a2, a0, a1 +a2 = 0x0000002a/],
  ['Relocation and bounds', /base 0x00009000 +bound 0x00001000 +0x80000200 held 0x09090909 +trap 5 at 0x80001000/],
  ['A trap', /ecall +mode = machine, mbound = 0xfffff000, mpbound = 0x00002000\n +mepc = 0x80000004, mcause = 8/],
  ['A trap', /mret +mode = user/],
  ['Which instructions are sensitive', /not privileged, behaviour-sensitive +4 .*\n(.*\n)+.*csrr mbase/],
  ['The three theorems', /unprivileged-reads +fails +fails +fails/],
  ['The three theorems', /hybrid +fails +fails +holds/],
  ['Trap and emulate', /csrrw zero, mscratch, a0 +trap 2, then the VMM +mscratch = 0x00000005/],
  ['Trap and emulate', /reads its mbase: 0x00000000\. It really lies at 0x00001000/],
  ['A VM in a VM', /( +[0-3] +hi +500500 +3006 +off .*\n){4}/],
  ['A patched instruction', /as the guest reads it +0x00000000 +0x00001000 +0x00000000/],
  ['A patched instruction', /once the page was run +0x7c002573 +0x7c002573 +0x00000000/],
  ['A patched instruction', /as the guest loads it +0x7c002573 +0x7c002573 +0x7c002573/],
  ['Two engines', /What differs: nothing/],
  ['A migration, page by page', /round 1 +#{32} +32 pages\n +round 2 .*\n(.*\n)*? +standing /],
  ['A migration, page by page', /what differs is nothing/],
])('%s: what it says did happen', (title, expected) => {
  expect(text(title)).toMatch(expected);
});
