import { hostToEmpty, loadShare, type PowerSavingOptions } from './power-saving';
import { aCluster, aGuest, aHost } from './testing';

const options: PowerSavingOptions = { offShare: 0.6, onShare: 0.8, losses: 1, without: new Set() };
const anyone = (): boolean => true;
const hosts = [1, 2, 3].map((number) => aHost(`h${number}`, { memoryMiB: 1000 }));
const guest = (name: string, on: string, memoryMiB: number, cpuDemandMillicores = 50) =>
  aGuest(name, on, { memoryMiB, cpuDemandMillicores });

test('the emptiest host goes, and thinking about it leaves the cluster as it was', () => {
  const cluster = aCluster(hosts, [
    guest('a', 'h1', 300),
    guest('b', 'h2', 200),
    guest('c', 'h2', 50),
    guest('d', 'h3', 100),
  ]);
  const before = [...cluster.hostOf, ...cluster.memoryUsed, ...cluster.firstGuestOn, ...cluster.useOf];
  expect(hostToEmpty(cluster, anyone, options)).toEqual({ host: 2, shareAfter: 0.325 });
  expect([...cluster.hostOf, ...cluster.memoryUsed, ...cluster.firstGuestOn, ...cluster.useOf]).toEqual(before);
});

test.each([
  [
    'the losses that are to be borne would not be',
    [guest('a', 'h1', 600), guest('b', 'h2', 300), guest('c', 'h3', 200)],
    {},
  ],
  ['the others would be asked for too much', [guest('a', 'h1', 100, 700), guest('b', 'h2', 100, 600)], {}],
  [
    'one of the others would be',
    [guest('a', 'h1', 100, 500), guest('b', 'h2', 100, 500), guest('c', 'h3', 100, 400)],
    { offShare: 0.75, losses: 0 },
  ],
  [
    'one of the others would hold more than the hosts that are kept for failover',
    [guest('a', 'h1', 200), guest('b', 'h2', 200), guest('c', 'h3', 200)],
    { losses: 0, mostHeld: { memoryMiB: 300, cpuMillicores: 1000 } },
  ],
  ['a guest of each must stay', ['h1', 'h2', 'h3'].map((on) => aGuest(`on-${on}`, on, { pinned: true })), {}],
])('no host goes where %s', (_why, guests, changes) => {
  expect(hostToEmpty(aCluster(hosts, guests), anyone, { ...options, ...changes })).toBeNull();
});

test('the last hosts that bear a loss stay, and a single one stays in any case', () => {
  expect(hostToEmpty(aCluster(hosts.slice(0, 2), []), anyone, options)).toBeNull();
  expect(hostToEmpty(aCluster(hosts.slice(0, 1), []), anyone, { ...options, losses: 0 })).toBeNull();
  expect(hostToEmpty(aCluster(hosts, []), anyone, options)?.host).toBe(2);
});

test('load is that of the resource that is asked for more', () => {
  expect(loadShare(aCluster(hosts, [guest('a', 'h1', 600, 300)]))).toBeCloseTo(0.2);
  expect(loadShare(aCluster(hosts, [guest('a', 'h1', 300, 900)]))).toBeCloseTo(0.3);
});
