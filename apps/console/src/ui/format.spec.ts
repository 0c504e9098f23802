import { bytes, count, duration, mebibytes, percent, processors } from './format';

test('amounts have the unit in which they are short', () => {
  expect([mebibytes(64), mebibytes(1536), mebibytes(2 * 1024 * 1024)]).toEqual(['64 MiB', '1.5 GiB', '2 TiB']);
  expect([bytes(0), bytes(331_776), bytes(16 * 1_048_576)]).toEqual(['0 MiB', '324 KiB', '16 MiB']);
  expect([processors(250), processors(24_000)]).toEqual(['250 m', '24 CPUs']);
  expect([percent(0.256), count(1, 'guest'), count(2, 'guest')]).toEqual(['26 %', '1 guest', '2 guests']);
});

test.each([
  [15, '15 ms'],
  [2860, '2.9 s'],
  [90_000, '1 min 30 s'],
  [3_660_000, '1 h 1 min'],
  [3 * 86_400_000, '3 d 0 h'],
])('%d ms are read as %s', (ms, text) => {
  expect(duration(ms)).toBe(text);
});
