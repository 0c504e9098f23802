import fc from 'fast-check';
import { demandMillicores, waitedMs } from './processor-demand';

test('a guest that is never held up demands what it uses', () => {
  expect(demandMillicores({ usedMs: 375, waitedMs: 0, elapsedMs: 1000, vcpus: 1 })).toBe(375);
});

test('a guest that works whenever it may demands all of its processors, however little it is given', () => {
  expect(demandMillicores({ usedMs: 250, waitedMs: 1750, elapsedMs: 1000, vcpus: 2 })).toBe(2000);
  expect(demandMillicores({ usedMs: 0, waitedMs: 1000, elapsedMs: 1000, vcpus: 1 })).toBe(1000);
});

test('a guest that works in bursts demands no more for waiting long before each of them', () => {
  // Bursts of 3 ms with 5 ms of sleep after each: alone it uses 3 of 8.
  for (const wait of [0, 1, 5, 50]) {
    const rounds = 1000 / (3 + 5 + wait);
    const use = { usedMs: 3 * rounds, waitedMs: wait * rounds, elapsedMs: 1000, vcpus: 1 };
    expect(demandMillicores(use)).toBeCloseTo(375, 6);
  }
});

test('from what a guest is said to have waited its demand is found again', () => {
  const share = fc.double({ min: 0.01, max: 1, noNaN: true });
  fc.assert(
    fc.property(share, share, fc.integer({ min: 1, max: 16 }), (wanted, given, vcpus) => {
      const elapsedMs = 500;
      const use = { usedMs: wanted * given * vcpus * elapsedMs, elapsedMs, vcpus };
      const wantedMillicores = 1000 * wanted * vcpus;
      const found = demandMillicores({ ...use, waitedMs: waitedMs(wantedMillicores, use) });
      expect(found).toBeCloseTo(wantedMillicores, 6);
    }),
  );
});
