import { fits } from './checks';
import { type Cluster, type GuestFigures, type HostFigures, move, type RuleFigures, setUse } from './cluster';
import { leastRounds } from './least-rounds';
import { fewestRounds } from './rounds';
import { aCluster, aGuest, aHost, aPlatform, seeded } from './testing';
import { guestsOn } from './tolerance';

type Rows = [HostFigures[], GuestFigures[], RuleFigures[]];

const always = (): boolean => true;

function rowsOf(seed: number): Rows {
  const random = seeded(seed);
  const upTo = (limit: number): number => Math.floor(random() * limit);
  const hosts = Array.from({ length: 3 + upTo(3) }, (_, number) =>
    aHost(`h${number}`, { memoryMiB: 500 + 100 * upTo(4) }),
  );
  const free = hosts.map(({ memoryMiB }) => memoryMiB);
  const guests = Array.from({ length: 3 + upTo(4) }, (_, number) => {
    const size = 100 * (1 + upTo(4));
    const host = upTo(hosts.length);
    free[host]! -= size;
    return aGuest(`g${number}`, free[host]! >= 0 ? `h${host}` : null, { memoryMiB: size });
  });
  const guestIds = [...new Set([0, 1].map(() => guests[upTo(guests.length)]!.id))];
  return [hosts, guests, upTo(2) === 0 ? [{ name: 'r', kind: 'apart', guestIds, hostIds: [] }] : []];
}

/** Every way to place the guests of those hosts. */
function canBeAway(rows: Rows, away: readonly number[], spareMiB: number): boolean {
  const cluster = aCluster(...rows);
  const guests = away.flatMap((host) => guestsOn(cluster, host));
  for (const host of away) setUse(cluster, host, 'evacuating');
  for (const guest of guests) move(cluster, guest, -1);
  return canPlace(cluster, guests) && hasSpare(cluster, spareMiB);
}

/** The memory of the hosts that are left, beside what all guests ask for. */
function hasSpare(cluster: Cluster, spareMiB: number): boolean {
  const left = cluster.hosts.reduce((sum, { memoryMiB }, host) => sum + (cluster.useOf[host] === 0 ? memoryMiB : 0), 0);
  const asked = cluster.guests.reduce((sum, { memoryMiB, hostId }) => sum + (hostId === null ? 0 : memoryMiB), 0);
  return left - asked >= spareMiB;
}

function canPlace(cluster: Cluster, [guest, ...others]: readonly number[]): boolean {
  if (guest === undefined) return true;
  return cluster.hosts.some((_, host) => {
    if (!fits(cluster, guest, host)) return false;
    move(cluster, guest, host);
    const isDone = canPlace(cluster, others);
    move(cluster, guest, -1);
    return isDone;
  });
}

/** The fewest parts of which each may be away, over all ways to part the hosts. */
function bruteForce(hosts: readonly number[], mayBeAway: (away: readonly number[]) => boolean): number {
  let best = Infinity;
  const part = (index: number, parts: number[][]): void => {
    if (parts.length >= best) return;
    const host = hosts[index];
    if (host === undefined) {
      if (parts.every(mayBeAway)) best = parts.length;
      return;
    }
    for (const [at, members] of parts.entries())
      part(index + 1, [...parts.slice(0, at), [...members, host], ...parts.slice(at + 1)]);
    part(index + 1, [...parts, [host]]);
  };
  part(0, []);
  return best;
}

test('are as few as any way to part the hosts gives, on small pools', () => {
  const seen = new Map<number, number>();
  for (let seed = 1; seed <= 150; seed++) {
    const rows = rowsOf(seed);
    const spareMiB = 200 * (seed % 3);
    const cluster = aCluster(...rows);
    const before = [...cluster.hostOf, ...cluster.memoryUsed, ...cluster.useOf];
    const hosts = cluster.hosts.map((_, host) => host);
    const {
      rounds,
      left,
      least: proved,
    } = fewestRounds(cluster, {
      hosts,
      keepsRoom: () => hasSpare(cluster, spareMiB),
      mostAway: null,
    });
    expect([...cluster.hostOf, ...cluster.memoryUsed, ...cluster.useOf]).toEqual(before);
    const mayBeAway = (away: readonly number[]): boolean => canBeAway(rows, away, spareMiB);
    expect([seed, left]).toEqual([seed, hosts.filter((host) => !mayBeAway([host]))]);
    expect([...rounds.flat(), ...left].sort()).toEqual(hosts);
    for (const round of rounds) expect([seed, round, mayBeAway(round)]).toEqual([seed, round, true]);
    const least = bruteForce(rounds.flat(), mayBeAway);
    expect([seed, rounds.length, proved]).toEqual([seed, rounds.length === 0 ? 0 : least, rounds.length]);
    seen.set(rounds.length, (seen.get(rounds.length) ?? 0) + 1);
  }
  expect([0, 2, 3, 4].map((count) => (seen.get(count) ?? 0) > 3)).toEqual([true, true, true, true]);
});

test('are fewer than the first round that bears each host gives, where another way is better', () => {
  // The empty host joins the first round by itself, and then either of the large ones has to go alone.
  const hosts = [300, 300, 700, 700].map((memoryMiB, number) => aHost(`h${number}`, { memoryMiB }));
  const guests = [aGuest('a', 'h2', { memoryMiB: 600 }), aGuest('b', 'h3', { memoryMiB: 100 })];
  const order = [0, 1, 3, 2];
  const { rounds } = fewestRounds(aCluster(hosts, guests), {
    hosts: order,
    keepsRoom: (away) => away.size <= 2,
    mostAway: null,
  });
  expect(rounds.length).toBe(2);
});

test('a guest that runs goes to a machine like its own, and to no other', () => {
  const platforms = ['haswell', 'haswell', 'zen', 'zen'].map((cpuModel) => aPlatform({ cpuModel }));
  const hosts = platforms.map((platform, number) => aHost(`h${number}`, { platform }));
  const guests = [0, 1, 2, 3].map((number) => aGuest(`g${number}`, `h${number}`));
  const { rounds } = fewestRounds(aCluster(hosts, guests), { hosts: [0, 1, 2, 3], keepsRoom: always, mostAway: null });
  for (const round of rounds) expect(round.map((host) => host < 2)).toEqual([true, false]);
  expect(rounds.length).toBe(2);
});

const manyHosts = 120;

function manyRounds(guestsOnEach: number, spareHosts: number): ReturnType<typeof fewestRounds> {
  const hosts = Array.from({ length: manyHosts }, (_, number) => aHost(`h${number}`, { memoryMiB: 10_000 }));
  const guests = Array.from({ length: guestsOnEach * manyHosts }, (_, number) =>
    aGuest(`g${number}`, `h${number % manyHosts}`, { memoryMiB: 1000 }),
  );
  const asked = guests.length * 1000;
  const most = manyHosts * 10_000 - asked - spareHosts * 10_000;
  const leftMiB = (away: ReadonlySet<number>): number => (manyHosts - away.size - spareHosts) * 10_000;
  return fewestRounds(aCluster(hosts, guests), {
    hosts: hosts.map((_, host) => host),
    keepsRoom: (away) => leftMiB(away) >= asked,
    mostAway: { memoryMiB: most, cpuMillicores: Infinity },
  });
}

test.each([
  { guestsOnEach: 5, spareHosts: 0, least: 2 },
  { guestsOnEach: 5, spareHosts: 2, least: 3 },
  // Thirteen at a time, and room for most of a fourteenth: by the sum alone nine would do.
  { guestsOnEach: 8.7, spareHosts: 2, least: 10 },
])(
  'of many hosts with $guestsOnEach guests each and $spareHosts to spare, $least rounds are proved to be the fewest',
  ({ guestsOnEach, spareHosts, least }) => {
    const rounds = manyRounds(guestsOnEach, spareHosts);
    expect({ ...rounds, rounds: rounds.rounds.length }).toEqual({ rounds: least, least, left: [] });
  },
);

test('no bound is above what any way to part the hosts gives', () => {
  let tight = 0;
  for (let seed = 1; seed <= 300; seed++) {
    const rows = rowsOf(seed);
    const cluster = aCluster(...rows);
    const mayBeAway = (away: readonly number[]): boolean => canBeAway(rows, away, 0);
    const movable = cluster.hosts.flatMap((_, host) => (mayBeAway([host]) ? [host] : []));
    const least = movable.length === 0 ? 0 : bruteForce(movable, mayBeAway);
    const bound = leastRounds(cluster, movable, null);
    expect([seed, bound <= least]).toEqual([seed, true]);
    if (bound > 1 && bound === least) tight++;
  }
  expect(tight).toBeGreaterThan(30);
});

test('hosts of two sizes go in fewer rounds the largest first, and in no more than some order gives', () => {
  // In the order given the small ones fill the first rounds, and each of the large ones goes alone.
  const sizes = [...Array.from({ length: 12 }, () => 3_000), ...Array.from({ length: 6 }, () => 7_000)];
  const hosts = sizes.map((memoryMiB, number) => aHost(`h${number}`, { memoryMiB }));
  const away = (set: ReadonlySet<number>): number => [...set].reduce((sum, host) => sum + sizes[host]!, 0);
  const { rounds, least } = fewestRounds(aCluster(hosts, []), {
    hosts: sizes.map((_, host) => host),
    keepsRoom: (set) => away(set) <= 13_000,
    mostAway: { memoryMiB: 13_000, cpuMillicores: Infinity },
  });
  expect([rounds.length, least]).toEqual([6, 6]);
  for (const round of rounds) expect(away(new Set(round))).toBeLessThanOrEqual(13_000);
});
