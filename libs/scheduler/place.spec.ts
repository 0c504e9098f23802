import { rejection } from './checks';
import { type Cluster, move, type RuleFigures, setDemand } from './cluster';
import { chooseHost, type Objective, place } from './place';
import { aCluster, aGuest, aHost, seeded } from './testing';

/** What the index must find: every host looked at. */
function scan(cluster: Cluster, guest: number, objective: Objective): number[] {
  const scored = cluster.hosts.flatMap((_, host) => {
    if (rejection(cluster, guest, host) !== null) return [];
    const { chosen } = place(cluster, guest, { objective, only: host });
    const claim = Math.max(cluster.guestDemand[guest]!, cluster.guestReservation[guest]!);
    const isFull = cluster.cpuClaimed[host]! + claim > cluster.cpuCapacity[host]!;
    return chosen && !(objective === 'packing' && isFull) ? [{ host, score: chosen.score }] : [];
  });
  const best = Math.max(...scored.map(({ score }) => score));
  return scored.filter(({ score }) => score >= best - 1e-9).map(({ host }) => host);
}

const kinds = [
  'apart',
  'together',
  'spread',
  'must-run-on',
  'must-not-run-on',
  'should-run-on',
  'should-not-run-on',
] as const;

/** Guests still to be placed, on hosts of a few sizes, under rules of every kind. */
function aFleet(seed: number): Cluster {
  const random = seeded(seed);
  const upTo = (limit: number): number => Math.floor(random() * limit);
  const hosts = Array.from({ length: 3 + upTo(20) }, (_, number) =>
    aHost(`h${number}`, {
      cpuMillicores: 1000 * (1 + upTo(3)),
      memoryMiB: 1024 * (1 + upTo(3)),
      failureDomain: upTo(3) === 0 ? null : `rack-${upTo(3)}`,
      use: upTo(8) === 0 ? 'evacuating' : 'usable',
      missingDatastores: new Map(upTo(6) === 0 ? [['d', 'not mounted']] : []),
    }),
  );
  const guests = Array.from({ length: 60 }, (_, number) =>
    aGuest(`g${number}`, null, {
      memoryMiB: 16 * (1 + upTo(30)),
      cpuDemandMillicores: 10 * upTo(40),
      cpuReservationMillicores: 10 * upTo(30),
      datastores: upTo(5) === 0 ? [{ id: 'd', name: 'd', hostId: upTo(3) === 0 ? 'h1' : null }] : [],
    }),
  );
  const some = (from: readonly { readonly id: string }[], count: number): string[] =>
    Array.from({ length: count }, () => from[upTo(from.length)]!.id);
  const rules: RuleFigures[] = Array.from({ length: 8 }, (_, number) => {
    const kind = kinds[upTo(kinds.length)]!;
    const hostIds = kind.endsWith('-on') ? some(hosts, 3) : [];
    return { name: `r${number}`, kind, guestIds: [...new Set(some(guests, 3))], hostIds };
  });
  return aCluster(hosts, guests, rules);
}

describe('the index', () => {
  test.each(['spread', 'packing'] as const)('finds what a look at every host finds (%s)', (objective) => {
    for (let seed = 1; seed <= 25; seed++) {
      const cluster = aFleet(seed);
      const random = seeded(seed);
      for (let guest = 0; guest < cluster.guests.length; guest++) {
        const host = chooseHost(cluster, guest, { objective });
        const best = scan(cluster, guest, objective);
        if (best.length === 0) expect(host).toBe(-1);
        else if (objective === 'spread') expect(host).toBe(best[0]);
        else expectTight(cluster, guest, host, best[0]!);
        move(cluster, guest, host);
        // What was placed moves, leaves and changes, and the index follows.
        const other = Math.floor(random() * (guest + 1));
        if (random() < 0.2) move(cluster, other, -1);
        else if (random() < 0.3) setDemand(cluster, other, Math.floor(random() * 300));
      }
    }
  });

  /** A host of the same cell of the map may be chosen: 1/4096 of the largest host, of both resources. */
  function expectTight(cluster: Cluster, guest: number, host: number, best: number): void {
    const scoreOn = (only: number): number => place(cluster, guest, { objective: 'packing', only }).chosen!.score;
    expect(host).toBeGreaterThanOrEqual(0);
    expect(scoreOn(host)).toBeGreaterThan(scoreOn(best) - 3 / 4096);
  }
});

test('packing fills one host after the other, and spread takes them in turns', () => {
  const hosts = [1, 2, 3].map((number) => aHost(`h${number}`));
  const guests = [1, 2, 3, 4, 5, 6].map((number) => aGuest(`g${number}`, null, { memoryMiB: 500 }));
  const hostsUsed = (objective: Objective): string[] => {
    const cluster = aCluster(hosts, guests);
    return guests.map((_, guest) => {
      const { chosen } = place(cluster, guest, { objective });
      move(cluster, guest, chosen!.host);
      return chosen!.hostId;
    });
  };
  expect(hostsUsed('packing')).toEqual(['h1', 'h1', 'h2', 'h2', 'h3', 'h3']);
  expect(hostsUsed('spread')).toEqual(['h1', 'h2', 'h3', 'h1', 'h2', 'h3']);
});

test('a group of guests that stay together comes to a host with room for all of them', () => {
  const cluster = aCluster(
    [aHost('h1', { cpuMillicores: 4000, memoryMiB: 1400 }), aHost('h2', { memoryMiB: 1600 })],
    [aGuest('a', null, { memoryMiB: 800 }), aGuest('b', null, { memoryMiB: 800 })],
  );
  expect(place(cluster, 0).chosen?.hostId).toBe('h1');
  expect(place(cluster, 0, { company: [1] }).chosen?.hostId).toBe('h2');
});

test('who refuses is listed only when it is asked for, or when nobody takes the guest', () => {
  const cluster = aCluster(
    [aHost('h1', { memoryMiB: 10 }), aHost('h2')],
    [aGuest('a', null), aGuest('b', null, { memoryMiB: 5000 })],
  );
  expect(place(cluster, 0).rejections).toEqual([]);
  expect(place(cluster, 0, { explain: true }).rejections).toMatchObject([{ hostId: 'h1', check: 'memory' }]);
  expect(place(cluster, 1).rejections).toHaveLength(2);
});

describe('a rule that spreads guests over failure domains', () => {
  const hosts = ['north', 'north', 'south', null].map((failureDomain, number) =>
    aHost(`h${number}`, { failureDomain }),
  );
  const guests = [0, 1, 2, 3].map((number) => aGuest(`g${number}`, null));
  const rule: RuleFigures = { name: 'racks', kind: 'spread', guestIds: guests.map(({ id }) => id), hostIds: [] };

  test('lets no domain take more than an even share, and a host of none is a domain', () => {
    // Four guests over three domains: two in one of them at most.
    const cluster = aCluster(hosts, guests, [rule]);
    move(cluster, 0, 0);
    expect(rejection(cluster, 1, 1)).toBeNull();
    move(cluster, 1, 1);
    expect(rejection(cluster, 2, 0)).toMatchObject({
      code: 'rule-violated',
      reason: 'rule racks spreads it: 2 others are in north, and 2 of them belong in one failure domain at most',
    });
    expect([2, 3].map((host) => rejection(cluster, 2, host))).toEqual([null, null]);
  });

  test('counts only domains that take guests', () => {
    const evacuating = hosts.map((host) => (host.id === 'h2' ? { ...host, use: 'unusable' as const } : host));
    const few = { ...rule, guestIds: ['g0', 'g1', 'g2'] };
    const [all, left] = [hosts, evacuating].map((each) => {
      const cluster = aCluster(each, guests, [few]);
      move(cluster, 0, 0);
      return rejection(cluster, 1, 1) === null;
    });
    expect({ all, left }).toEqual({ all: false, left: true });
  });
});
