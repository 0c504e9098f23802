import { balance } from './balance';
import type { Cluster } from './cluster';
import { beginMove, endMoves } from './cluster';
import { divide, entitle } from './entitlement';
import { aCluster, aGuest, aHost, seeded } from './testing';
import { guestsOn } from './tolerance';

const sum = (parts: Iterable<number>): number => [...parts].reduce((total, each) => total + each, 0);

function divided(
  millicores: number,
  ...claims: readonly (readonly [wanted: number, reserved: number, shares: number])[]
) {
  const column = (place: 0 | 1 | 2): Float64Array => Float64Array.from(claims, (claim) => claim[place]);
  return [...divide(millicores, { wanted: column(0), reserved: column(1), shares: column(2) })].map(Math.round);
}

describe('processors that do not do for all', () => {
  test.each([
    ['by shares', [1000, 0, 3000], [1000, 0, 1000], [750, 250]],
    ['what one does not want goes to the others', [100, 0, 3000], [2000, 0, 1000], [100, 900]],
    ['what is reserved is had whatever the shares', [1000, 600, 1000], [1000, 0, 9000], [600, 400]],
    ['what is reserved and not wanted is had by others', [200, 600, 1000], [2000, 0, 1000], [200, 800]],
    ['what is reserved counts towards the part by shares', [1000, 400, 1000], [1000, 0, 1000], [500, 500]],
  ] as const)('are divided: %s', (_, first, second, parts) => {
    expect(divided(1000, first, second)).toEqual(parts);
  });

  test('are nobody’s where all get what they want, and cut alike where more is reserved than there is', () => {
    expect(divided(1000, [300, 0, 1], [400, 0, 9])).toEqual([300, 400]);
    expect(divided(1000, [900, 900, 1], [600, 600, 9])).toEqual([600, 400]);
  });

  test('are given out to the last, between what is reserved and what is wanted, the rest in proportion to the shares', () => {
    const random = seeded(7);
    for (let round = 0; round < 500; round++) {
      const wanted = Float64Array.from({ length: 1 + Math.floor(12 * random()) }, () => Math.floor(2000 * random()));
      const shares = wanted.map(() => 1 + Math.floor(10 ** (6 * random())));
      const reserved = wanted.map((each) => (random() < 0.5 ? 0 : Math.floor(each * random())));
      const millicores = sum(reserved) + random() * 1.2 * (sum(wanted) - sum(reserved));
      const parts = divide(millicores, { wanted, reserved, shares });
      expect(sum(parts)).toBeCloseTo(Math.min(millicores, sum(wanted)), 5);
      const levels = [...parts].flatMap((part, claim) => {
        expect(part).toBeGreaterThanOrEqual(reserved[claim]! - 1e-9);
        expect(part).toBeLessThanOrEqual(wanted[claim]!);
        const isFree = part > reserved[claim]! + 1e-6 && part < wanted[claim]! - 1e-6;
        return isFree ? [part / shares[claim]!] : [];
      });
      for (const level of levels) expect(level / levels[0]!).toBeCloseTo(1, 6);
    }
  });
});

/** What the host gives its guests, beside what they are entitled to. */
function missedOn(cluster: Cluster, host: number): number {
  const here = guestsOn(cluster, host);
  const of = (column: Float64Array): Float64Array => Float64Array.from(here, (guest) => column[guest]!);
  const { guestDemand, guestReservation, guestShares, guestEntitlement } = cluster;
  const claims = { wanted: of(guestDemand), reserved: of(guestReservation), shares: of(guestShares) };
  const given = divide(cluster.cpuCapacity[host]!, claims);
  return sum(here.map((guest, claim) => Math.max(0, guestEntitlement[guest]! - given[claim]!)));
}

function crowded(seed: number): Cluster {
  const random = seeded(seed);
  const hosts = [1, 2, 3, 4].map((number) => aHost(`h${number}`, { cpuMillicores: 1000 * number, memoryMiB: 4096 }));
  const guests = Array.from({ length: 24 }, (_, number) =>
    aGuest(`g${number}`, `h${1 + Math.floor(4 * random())}`, {
      cpuDemandMillicores: Math.floor(1200 * random()),
      cpuReservationMillicores: Math.floor(60 * random()),
      cpuShares: [500, 1000, 4000][Math.floor(3 * random())]!,
    }),
  );
  return aCluster(hosts, guests);
}

test('what guests miss of their entitlements on a host is what it owes beyond what it has', () => {
  for (let seed = 1; seed <= 100; seed++) {
    const cluster = crowded(seed);
    entitle(cluster);
    for (let host = 0; host < 4; host++)
      expect(missedOn(cluster, host)).toBeCloseTo(
        Math.max(0, cluster.cpuEntitled[host]! - cluster.cpuCapacity[host]!),
        4,
      );
  }
});

test('balancing a pool that is asked for more than it has leaves less of what its guests are entitled to unmet', () => {
  const options = { cpuSafetyShare: 1, horizonMs: 300_000, bandwidthMiBPerSecond: 1000, maximumMoves: 50 };
  let [before, after] = [0, 0];
  for (let seed = 1; seed <= 60; seed++) {
    const cluster = crowded(seed);
    entitle(cluster);
    const missed = (): number => sum([0, 1, 2, 3].map((host) => missedOn(cluster, host)));
    const first = missed();
    balance(cluster, options);
    expect(missed()).toBeLessThanOrEqual(first + 1e-6);
    [before, after] = [before + first, after + missed()];
  }
  expect(after).toBeLessThan(0.1 * before);
});

test('of two hosts that are asked for the same, the one whose guests have the larger shares is relieved', () => {
  const guests = ['a', 'b', 'c'].flatMap((name) => [
    aGuest(`${name}-gold`, 'h1', { cpuDemandMillicores: 500, cpuShares: 4000 }),
    aGuest(`${name}-bronze`, 'h2', { cpuDemandMillicores: 500, cpuShares: 500 }),
  ]);
  const cluster = aCluster([aHost('h1'), aHost('h2')], guests);
  const { moves } = balance(cluster, {
    cpuSafetyShare: 1,
    horizonMs: 300_000,
    bandwidthMiBPerSecond: 1000,
    maximumMoves: 9,
  });
  expect(moves[0]).toMatchObject({ fromHostId: 'h1', toHostId: 'h2', guestId: 'a-gold' });
  expect(moves[0]!.reason).toBe(
    'the guests of h1 are entitled to 150 % of its processors, and a-gold to 500 of the 500 millicores that it asks for; on h2 500 millicores more of that are met',
  );
  expect(moves.every(({ guestId }) => guestId.endsWith('gold'))).toBe(true);
});

test('a move leaves entitlements as they were, and they are all of the demand where the pool has enough', () => {
  const cluster = aCluster([aHost('h1'), aHost('h2')], [aGuest('a', 'h1', { cpuDemandMillicores: 1500 })]);
  entitle(cluster);
  expect([...cluster.cpuEntitled]).toEqual([1500, 0]);
  beginMove(cluster, 0, 1);
  endMoves(cluster, [0]);
  expect([...cluster.cpuEntitled]).toEqual([0, 1500]);
});
