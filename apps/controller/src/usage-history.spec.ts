import type { HostReport } from '@argosy/domain/host-report';
import { keptPoints, pointMs, UsageHistory } from './usage-history';

let now = 0;
let history: UsageHistory;
beforeEach(() => {
  now = 1_000_000;
  history = new UsageHistory(() => now);
});
afterEach(() => history.close());

const report = (used: number, guest: number | null, sequence = 1) =>
  ({
    hostId: 'h1',
    sequence,
    cpuMillicores: used,
    guests: [{ guestId: 'g', usage: guest === null ? null : { cpuMillicores: guest, cpuDemandMillicores: guest + 1 } }],
  }) as unknown as HostReport;

/** A whole point, in each part of which that is heard. */
function point(...heard: (HostReport | null)[]): void {
  for (let look = 0; look < 4; look++) {
    const each = heard[Math.min(look, heard.length - 1)] ?? null;
    now += pointMs / 4;
    if (each) history.hear(each);
    history.look();
  }
}

test('a point is the mean of what was heard in it', () => {
  point(report(100, 10), report(200, 20), report(300, 30), report(400, 40));
  expect(history.of('h1')).toEqual({
    everyMs: pointMs,
    at: [1_000_000 + pointMs],
    usedMillicores: [250],
    wantedMillicores: [250],
  });
  expect(history.of('g')).toMatchObject({ usedMillicores: [25], wantedMillicores: [26] });
});

test('a host that falls silent is a gap, and not what it said last; one that only says that it lives is none', () => {
  point(report(100, null));
  point(null);
  point(null);
  expect(history.of('h1').usedMillicores).toEqual([100, 100, null]);
  point(report(300, null, 7));
  for (let look = 0; look < 4; look++) {
    now += pointMs / 4;
    history.holds([{ hostId: 'h1', sequence: 7 }]);
    history.look();
  }
  expect(history.of('h1').usedMillicores).toEqual([100, 100, null, 300, 300]);
  expect(history.of('g').usedMillicores).toEqual([null, null, null, null, null]);
});

test('an hour is kept and no more, and what is gone for an hour is forgotten', () => {
  for (let at = 0; at < keptPoints + 20; at++) point(report(at, at < 10 ? at : null));
  const { at, usedMillicores } = history.of('h1');
  expect(at).toHaveLength(keptPoints);
  expect(usedMillicores).toEqual(Array.from({ length: keptPoints }, (_, index) => index + 20));
  expect(history.of('g').usedMillicores.every((each) => each === null)).toBe(true);
});

test('what came back after a long silence does not show what was an hour before', () => {
  point(report(500, 500));
  for (let gap = 0; gap < 30; gap++) point(null);
  point(report(100, 100));
  const { usedMillicores } = history.of('g');
  // In the part of the first gap that is not yet silence, it still holds.
  expect(usedMillicores.slice(3)).toEqual([...Array.from({ length: 28 }, () => null), 100]);
});

test('a heat is the share of what a host has', () => {
  point(report(500, null));
  const hosts = [
    { id: 'h1', capacity: { cpuMillicores: 2000, memoryMiB: 1 } },
    { id: 'h2', capacity: { cpuMillicores: 0, memoryMiB: 1 } },
  ];
  expect(history.heat(hosts).hosts).toEqual([
    { hostId: 'h1', usedPermille: [250] },
    { hostId: 'h2', usedPermille: [null] },
  ]);
});
