import { recordUsage, withPast } from './usage-history';

const heard = (hostId: string, at: number, used: number) =>
  recordUsage({ hostId, heardAt: at, capacity: { cpuMillicores: 1, memoryMiB: 1 }, cpuMillicores: used, guests: [] });
const past = { at: [1000, 2000, 3000], usedMillicores: [1, null, 3], wantedMillicores: [1, null, 3] };

test('the past goes before what was heard, and ends where that begins', () => {
  heard('h1', 2500, 20);
  heard('h1', 3500, 30);
  expect(withPast('h1', past)).toEqual([
    [1, 2, 2.5, 3.5],
    [1, null, 20, 30],
    [1, null, 20, 30],
  ]);
});

test('without anything heard there is the past, and without a past what was heard', () => {
  expect(withPast('h2', past)[0]).toEqual([1, 2, 3]);
  heard('h3', 5000, 7);
  expect(withPast('h3', undefined)).toEqual([[5], [7], [7]]);
});
