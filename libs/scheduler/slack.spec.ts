import { fits } from './checks';
import { type Cluster, move, type RuleFigures, setUse } from './cluster';
import { Slack } from './slack';
import { aCluster, aGuest, aHost, aPlatform, seeded } from './testing';
import { guestsOn } from './tolerance';

const kinds = ['apart', 'together', 'spread', 'must-run-on', 'must-not-run-on'] as const;

/** Hosts of several sizes in racks, a part of them without one datastore or without one architecture, and rules that name many hosts. */
function pool(seed: number): Cluster {
  const random = seeded(seed);
  const upTo = (limit: number): number => Math.floor(random() * limit);
  const vcpus = upTo(2) === 0 ? { vcpus: 12 } : {};
  const hosts = Array.from({ length: 28 }, (_, number) =>
    aHost(`h${number}`, {
      memoryMiB: 800 + 200 * upTo(3),
      failureDomain: `rack-${number % 7}`,
      missingDatastores: new Map(number % 3 === 0 ? [['far', 'not mounted']] : []),
      platform: aPlatform({ guestArchitectures: number % 2 === 0 ? ['x86_64', 'aarch64'] : ['x86_64'] }),
      use: upTo(14) === 0 ? 'evacuating' : 'usable',
      ...vcpus,
    }),
  );
  const fullness = 0.5 + 0.1 * upTo(6);
  const free = hosts.map(({ memoryMiB }) => memoryMiB * fullness);
  const guests = Array.from({ length: 60 + 20 * upTo(5) }, (_, number) => {
    const memoryMiB = 60 + 20 * upTo(8);
    const arm = upTo(8) === 0;
    const host = arm ? 2 * upTo(hosts.length / 2) : upTo(hosts.length);
    free[host]! -= memoryMiB;
    return aGuest(`g${number}`, free[host]! >= 0 ? `h${host}` : null, {
      memoryMiB,
      cpuReservationMillicores: 50 * upTo(3),
      architecture: arm ? 'aarch64' : 'x86_64',
      datastores: upTo(9) === 0 ? [{ id: 'far', name: 'far', hostId: null }] : [],
    });
  });
  const hostsFrom = (first: number, count: number): string[] => hosts.slice(first, first + count).map(({ id }) => id);
  const rules = Array.from({ length: 9 }, (_, number): RuleFigures => {
    const kind = kinds[number % kinds.length]!;
    const first = 3 * number;
    const members =
      kind === 'together' ? guests.filter(({ hostId }) => hostId === `h${number}`) : guests.slice(first, first + 3);
    const hostIds = kind.endsWith('-on') ? hostsFrom(upTo(20), 3 + upTo(5)) : [];
    return { name: `r${number}`, kind, guestIds: members.map(({ id }) => id), hostIds };
  });
  return aCluster(hosts, guests, rules);
}

/** Guests that stay together are placed as one. */
function unitsOf(cluster: Cluster, guests: readonly number[]): number[][] {
  const units = new Map<unknown, number[]>();
  for (const guest of guests) {
    const key = cluster.rulesOf[guest]!.find(({ kind }) => kind === 'together') ?? guest;
    units.set(key, [...(units.get(key) ?? []), guest]);
  }
  return [...units.values()];
}

/** Places those of that unit on the host, or none. */
function takes(cluster: Cluster, unit: readonly number[], host: number): boolean {
  const placed: number[] = [];
  for (const guest of unit) {
    if (!fits(cluster, guest, host)) break;
    move(cluster, guest, host);
    placed.push(guest);
  }
  if (placed.length === unit.length) return true;
  for (const guest of placed) move(cluster, guest, -1);
  return false;
}

/** The guests of those hosts come in some order, and each goes to some host that takes it: who is left over. */
function leftOver(cluster: Cluster, lost: readonly number[], random: () => number): number[] {
  const homeless = lost.flatMap((host) => guestsOn(cluster, host).map((guest) => ({ guest, host })));
  for (const { guest } of homeless) move(cluster, guest, -1);
  for (const host of lost) setUse(cluster, host, 'unusable');
  const shuffled = <Item>(items: readonly Item[]): Item[] =>
    items
      .map((item) => ({ item, key: random() }))
      .sort((a, b) => a.key - b.key)
      .map(({ item }) => item);
  const hosts = [...cluster.hosts.keys()].filter((host) => cluster.useOf[host] === 0);
  const units = shuffled(
    unitsOf(
      cluster,
      homeless.map(({ guest }) => guest),
    ),
  );
  const over = units.filter((unit) => !shuffled(hosts).some((host) => takes(cluster, unit, host)));
  for (const { guest } of homeless) if (cluster.hostOf[guest]! >= 0) move(cluster, guest, -1);
  for (const host of lost) setUse(cluster, host, cluster.hosts[host]!.use);
  for (const { guest, host } of homeless.reverse()) move(cluster, guest, host);
  return over.flat();
}

test('a loss that the bound covers is one whose guests find places in whatever order they come, also where few hosts may take them', () => {
  const covered = { ordinary: 0, special: 0, not: 0 };
  for (let seed = 1; seed <= 60; seed++) {
    const cluster = pool(seed);
    const random = seeded(seed + 1000);
    const slack = new Slack(cluster, () => true);
    slack.ask(2);
    const hosts = [...cluster.hosts.keys()];
    slack.order(hosts);
    const isSpecial = (host: number): boolean =>
      guestsOn(cluster, host).some((guest) => cluster.rulesOf[guest]!.some(({ kind }) => kind !== 'apart'));
    for (const one of hosts)
      for (const other of hosts) {
        if (other <= one) continue;
        if (!slack.covers([one, other], 0, 0)) covered.not++;
        else {
          covered[isSpecial(one) || isSpecial(other) ? 'special' : 'ordinary']++;
          expect([seed, one, other, leftOver(cluster, [one, other], random)]).toEqual([seed, one, other, []]);
        }
      }
  }
  expect(covered.special).toBeGreaterThan(300);
  expect(covered.ordinary).toBeGreaterThan(300);
  expect(covered.not).toBeGreaterThan(300);
});

const racks = ['a', 'a', 'b', 'b', 'c', 'c', 'full', 'full'];
const elsewhere = Array.from({ length: 12 }, (_, number) => `p${number}`);

/** Small guests on roomy hosts, of which h0 and h1 are lost; the two hosts of one rack are full. */
function roomyPool(rules: readonly RuleFigures[], count: number): Cluster {
  const hosts = Array.from({ length: count }, (_, number) =>
    aHost(`h${number}`, { failureDomain: racks[number] ?? null }),
  );
  const full = [6, 7].map((host) => aGuest(`full${host}`, `h${host}`, { memoryMiB: 1024 }));
  const others = elsewhere.map((name, number) =>
    aGuest(name, `h${[2, 4, 3, 5, 8, 9, 10, 11, 12, 13, 14, 15][number]}`),
  );
  return aCluster(
    hosts,
    [aGuest('guest', 'h0'), ...full, ...others.filter(({ hostId }) => Number(hostId!.slice(1)) < count)],
    rules,
  );
}

const aRule = (kind: RuleFigures['kind'], guestIds: string[], hostIds: string[] = []): RuleFigures[] => [
  { name: 'r', kind, guestIds, hostIds },
];

test.each([
  ['both hosts that it must run on are lost', aRule('must-run-on', ['guest'], ['h0', 'h1']), 8],
  ['only full hosts are left of those that it must run on', aRule('must-run-on', ['guest'], ['h0', 'h6', 'h7']), 8],
  [
    'it must not run on any host that has room',
    aRule('must-not-run-on', ['guest'], ['h2', 'h3', 'h4', 'h5', 'h8', 'h9', 'h10', 'h11', 'h12', 'h13']),
    14,
  ],
  [
    'it is spread over racks, and the only one without another of them is full',
    aRule('spread', ['guest', 'p0', 'p1']),
    8,
  ],
  ['one that it is apart from is on each host that has room', aRule('apart', ['guest', ...elsewhere]), 16],
])('a loss is not covered where %s', (_claim, rules, count) => {
  const slackOf = (each: readonly RuleFigures[]): Slack => {
    const cluster = roomyPool(each, count);
    const slack = new Slack(
      cluster,
      (guest) => cluster.guests[guest]!.id === 'guest' || cluster.guests[guest]!.id.startsWith('p'),
    );
    slack.ask(2);
    return slack;
  };
  expect(slackOf([]).covers([0, 1], 0, 0)).toBe(true);
  expect(slackOf(rules).covers([0, 1], 0, 0)).toBe(false);
});
