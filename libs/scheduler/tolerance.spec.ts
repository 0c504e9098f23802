import { fits, isCompatible, keepsRules, reachesDatastores } from './checks';
import { aCluster, aGuest, aHost, aPlatform, seeded } from './testing';
import { type Cluster, type GuestFigures, type HostFigures, move, type RuleFigures } from './cluster';
import { chooseHost } from './place';
import { planTogether } from './repacking';
import { guestsOn, tolerance } from './tolerance';

type Rows = [HostFigures[], GuestFigures[], RuleFigures[]];

const kinds = ['apart', 'together', 'spread', 'must-run-on', 'must-not-run-on'] as const;

/** Tiny, and so full that one loss more or less decides. */
function rowsOf(seed: number): Rows {
  const random = seeded(seed);
  const upTo = (limit: number): number => Math.floor(random() * limit);
  const memoryMiB = 600 + 100 * upTo(5);
  const vcpus = upTo(4) === 0 ? { vcpus: 3 + upTo(3) } : {};
  const hosts = Array.from({ length: 3 + upTo(3) }, (_, number) =>
    aHost(`h${number}`, {
      memoryMiB: upTo(3) === 0 ? 500 : memoryMiB,
      use: upTo(9) === 0 ? 'evacuating' : 'usable',
      ...vcpus,
      failureDomain: upTo(2) === 0 ? `rack-${upTo(2)}` : null,
      platform: upTo(4) === 0 ? aPlatform({ guestArchitectures: ['x86_64'] }) : null,
    }),
  );
  const free = hosts.map((host) => host.memoryMiB);
  const guests = Array.from({ length: 3 + upTo(6) }, (_, number) => {
    const size = 100 * (1 + upTo(4));
    const host = upTo(hosts.length);
    free[host]! -= size;
    return aGuest(`g${number}`, free[host]! >= 0 ? `h${host}` : null, {
      memoryMiB: size,
      cpuReservationMillicores: 100 * upTo(4),
      vcpus: 1 + upTo(2),
      architecture: upTo(5) === 0 ? 'aarch64' : 'x86_64',
      datastores: upTo(12) === 0 ? [{ id: 'local', name: 'local', hostId: `h${host}` }] : [],
    });
  });
  const rules = Array.from({ length: upTo(3) }, (_, number): RuleFigures => {
    const kind = kinds[upTo(kinds.length)]!;
    const guestIds = [...new Set([0, 1].map(() => guests[upTo(guests.length)]!.id))];
    return { name: `r${number}`, kind, guestIds, hostIds: kind.endsWith('-on') ? ['h0', 'h1'] : [] };
  });
  return [hosts, guests, rules];
}

/** Every set of losses, and every way to place what they leave homeless. */
function bruteForce(rows: Rows, losses: number): number {
  let tolerated = 0;
  for (let count = 1; count <= losses; count++) {
    const cluster = aCluster(...rows);
    const running = cluster.hosts.flatMap(({ use }, host) => (use === 'unusable' ? [] : [host]));
    if (!subsets(running, count).every((lost) => survives(rows, lost))) return tolerated;
    tolerated = count;
  }
  return tolerated;
}

function subsets(of: readonly number[], count: number): number[][] {
  if (count === 0) return [[]];
  return of.flatMap((first, index) => subsets(of.slice(index + 1), count - 1).map((rest) => [first, ...rest]));
}

function survives(rows: Rows, lost: readonly number[]): boolean {
  const hosts = rows[0].map((host, index) => (lost.includes(index) ? { ...host, use: 'unusable' as const } : host));
  const cluster = aCluster(hosts, rows[1], rows[2]);
  const homeless = lost.flatMap((host) => guestsOn(cluster, host));
  for (const guest of homeless) move(cluster, guest, -1);
  const isUsable = hosts.some(({ use }) => use === 'usable');
  const hasHost = (guest: number): boolean =>
    !isUsable ||
    hosts.some(
      ({ use }, host) =>
        use === 'usable' &&
        isCompatible(cluster, guest, host) &&
        reachesDatastores(cluster, guest, host) &&
        keepsRules(cluster, guest, host),
    );
  return canPlace(cluster, homeless.filter(hasHost));
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

test('is what every loss and every way to place its guests give', () => {
  const seen = new Map<number, number>();
  for (let seed = 1; seed <= 250; seed++) {
    const rows = rowsOf(seed);
    const cluster = aCluster(...rows);
    const before = [...cluster.hostOf, ...cluster.memoryUsed, ...cluster.useOf];
    const { proved, isExact, witness } = tolerance(cluster, { losses: 2 });
    expect([seed, proved, isExact]).toEqual([seed, bruteForce(rows, 2), true]);
    expect([...cluster.hostOf, ...cluster.memoryUsed, ...cluster.useOf]).toEqual(before);
    if (witness) expect(survives(rows, witness.hosts)).toBe(false);
    seen.set(proved, (seen.get(proved) ?? 0) + 1);
  }
  expect([0, 1, 2].map((proved) => (seen.get(proved) ?? 0) > 20)).toEqual([true, true, true]);
});

test('memory that is free in pieces too small for a guest is no room for it', () => {
  const hosts = [1, 2, 3].map((number) => aHost(`h${number}`, { memoryMiB: 1000 }));
  const guests = [1, 2, 3].map((number) => aGuest(`g${number}`, `h${number}`, { memoryMiB: 600 }));
  // The other two have 800 MiB free together, and no guest of 600 fits on either.
  const { proved, witness, isExact } = tolerance(aCluster(hosts, guests), { losses: 1 });
  expect({ proved, witness, isExact }).toEqual({ proved: 0, witness: { hosts: [0], guests: [0] }, isExact: true });
});

test('a guest that a rule ties to its host is told, and does not count against the room', () => {
  const rule: RuleFigures = { name: 'licence', kind: 'must-run-on', guestIds: ['a'], hostIds: ['h1'] };
  const cluster = aCluster([aHost('h1'), aHost('h2')], [aGuest('a', 'h1'), aGuest('b', 'h1')], [rule]);
  expect(tolerance(cluster, { losses: 1 })).toEqual({ proved: 1, witness: null, isExact: true, unprotected: [0] });
});

test('a guest that rules leave none of the hosts that two losses spare is told, and does not count against the room', () => {
  const rule: RuleFigures = { name: 'licence', kind: 'must-run-on', guestIds: ['a'], hostIds: ['h1', 'h2'] };
  const hosts = ['h1', 'h2', 'h3', 'h4'].map((name) => aHost(name));
  const cluster = aCluster(hosts, [aGuest('a', 'h1'), aGuest('b', 'h1')], [rule]);
  expect(tolerance(cluster, { losses: 1 })).toMatchObject({ proved: 1, unprotected: [] });
  expect(tolerance(cluster, { losses: 2 })).toEqual({ proved: 2, witness: null, isExact: true, unprotected: [0] });
});

test('of two thousand hosts with room to spare two losses are proved without a search', () => {
  const random = seeded(5);
  const hosts = Array.from({ length: 2000 }, (_, number) => aHost(`h${number}`, { memoryMiB: 10_000 }));
  const guests = Array.from({ length: 8000 }, (_, number) =>
    aGuest(`g${number}`, `h${number % 2000}`, { memoryMiB: 500 + Math.floor(1500 * random()) }),
  );
  const answer = tolerance(aCluster(hosts, guests), { losses: 2, looks: 0 });
  expect(answer).toMatchObject({ proved: 2, witness: null, isExact: true });
});

test('of a thousand hosts whose guests may have so many virtual processors two losses are proved without a search as well', () => {
  const random = seeded(6);
  const hosts = Array.from({ length: 1000 }, (_, number) => aHost(`h${number}`, { memoryMiB: 10_000, vcpus: 16 }));
  const guests = Array.from({ length: 4000 }, (_, number) =>
    aGuest(`g${number}`, `h${number % 1000}`, { memoryMiB: 1000, vcpus: 1 + Math.floor(3 * random()) }),
  );
  const answer = tolerance(aCluster(hosts, guests), { losses: 2, looks: 0 });
  expect(answer).toMatchObject({ proved: 2, witness: null, isExact: true });
});

test('what is not found out with the effort allowed is left open, and no more is claimed', () => {
  const hosts = Array.from({ length: 6 }, (_, number) => aHost(`h${number}`, { memoryMiB: 1100 + number }));
  const guests = Array.from({ length: 24 }, (_, number) =>
    aGuest(`g${number}`, `h${number % 6}`, { memoryMiB: 190 + number }),
  );
  expect(tolerance(aCluster(hosts, guests), { losses: 1, looks: 3 })).toMatchObject({
    proved: 0,
    witness: null,
    isExact: false,
  });
});

describe('guests that lost their host', () => {
  const hosts = [aHost('h1', { memoryMiB: 1000 }), aHost('h2', { memoryMiB: 600 })];
  const lost = [500, 500, 600].map((memoryMiB, number) => aGuest(`g${number}`, null, { memoryMiB }));

  test('are given places by a plan where each by itself would take the room of another', () => {
    const cluster = aCluster(hosts, lost);
    expect([...planTogether(cluster, [0, 1, 2])!].sort()).toEqual([
      [0, 0],
      [1, 0],
      [2, 1],
    ]);
    expect([...cluster.hostOf]).toEqual([-1, -1, -1]);
  });

  test('need no plan where each as it comes finds the room that there is', () => {
    expect(planTogether(aCluster(hosts, lost), [0, 1])).toBeNull();
    expect(planTogether(aCluster([hosts[0]!], lost), [0, 1, 2])).toBeNull();
  });

  test('of which not all find room are planned from the most urgent on: who comes later costs nobody a place', () => {
    const few = [aHost('h1', { memoryMiB: 600 }), aHost('h2', { memoryMiB: 500 })];
    const urgency = [500, 600, 600].map((memoryMiB, number) => aGuest(`g${number}`, null, { memoryMiB }));
    // By itself the first would go where most room is, and take the only place of the second.
    expect([...planTogether(aCluster(few, urgency), [0, 1, 2])!].sort()).toEqual([
      [0, 1],
      [1, 0],
    ]);
  });

  test('find as many places, from the most urgent on, as any way to place them gives', () => {
    let planned = 0;
    for (let seed = 1; seed <= 200; seed++) {
      const [hosts, guests, rules] = rowsOf(seed);
      const homeless = guests.map((guest) => ({ ...guest, hostId: null, datastores: [] }));
      const cluster = aCluster(hosts, homeless, rules);
      const all = guests
        .map((_, guest) => guest)
        .filter((guest) => hosts.some((_, host) => fits(cluster, guest, host)));
      const plan = planTogether(cluster, all);
      const most = all.filter((_, index) => canPlace(cluster, all.slice(0, index + 1))).length;
      let placed = 0;
      for (const guest of all) {
        const host = plan?.get(guest) ?? chooseHost(cluster, guest);
        if (host < 0 || !fits(cluster, guest, host)) break;
        move(cluster, guest, host);
        placed++;
      }
      expect([seed, placed]).toEqual([seed, most]);
      if (plan && most < all.length) planned++;
    }
    expect(planned).toBeGreaterThan(5);
  });
});
