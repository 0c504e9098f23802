import { beginMove, buildCluster, type Cluster, endMoves, type GuestFigures, move, setDemand, setUse } from './cluster';
import { place } from './place';
import { indexOf } from './placement-index';
import { type ClusterNews, renewCluster } from './renew-cluster';

const hostCount = 12;
const nothing: ClusterNews = { added: new Map(), guests: new Map(), hosts: new Map() };

/** mulberry32. */
function chances(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

function aHost(index: number, use: 'usable' | 'unusable' = 'usable'): Cluster['hosts'][number] {
  const figures = { cpuMillicores: 8_000, memoryMiB: 65_536, failureDomain: `d${index % 3}`, useReason: '' };
  return { id: `h${index}`, name: `h${index}`, use, ...figures, missingDatastores: new Map() };
}

function aGuest(name: string, chance: (below: number) => number): GuestFigures {
  const hostId = chance(5) === 0 ? null : `h${chance(hostCount)}`;
  return {
    ...{ id: name, name, hostId, leavingHostId: hostId !== null && chance(9) === 0 ? `h${chance(hostCount)}` : null },
    ...{ cpuDemandMillicores: chance(900) / 7, cpuReservationMillicores: chance(300), memoryMiB: 64 + chance(4_000) },
    ...{ dirtyBytesPerSecond: chance(1_000_000), datastores: [], pinned: chance(4) === 0 },
  };
}

function figuresOf({ watchers: _, hostTouched: _h, guestTouched: _g, ...figures }: Cluster): unknown {
  return figures;
}

/** What nobody means: whoever asked went on to ask what would be. */
function think(cluster: Cluster, chance: (below: number) => number): void {
  for (let thought = 0; thought < 6; thought++) {
    const guest = chance(cluster.guests.length);
    if (cluster.leaving[guest]! >= 0) continue;
    if (chance(2) === 0) setDemand(cluster, guest, chance(2_000));
    if (cluster.hostOf[guest]! >= 0 && chance(2) === 0) beginMove(cluster, guest, chance(hostCount));
    else move(cluster, guest, chance(hostCount + 1) - 1);
    if (chance(2) === 0) endMoves(cluster, [guest]);
    if (chance(3) === 0) setUse(cluster, chance(hostCount), 'evacuating');
  }
}

test('a renewed cluster is, to the last bit, the one that would be built, whatever was thought in between', () => {
  const chance = chances(7);
  const hosts = Array.from({ length: hostCount }, (_, index) => aHost(index));
  let guests = Array.from({ length: 60 }, (_, index) => aGuest(`g${String(index).padStart(4, '0')}`, chance));
  const rules = [{ name: 'a', kind: 'apart' as const, guestIds: ['g0003', 'g0041', 'g0059'], hostIds: [] }];
  let cluster = buildCluster([...hosts], [...guests], rules);
  for (let round = 0; round < 40; round++) {
    think(cluster, chance);
    place(cluster, chance(guests.length));
    const names = round % 4 === 0 ? [`g${String(chance(60)).padStart(4, '0')}-${round}`, `x${1_000 + round}`] : [];
    guests = [...guests, ...names.map((name) => aGuest(name, chance))].sort((a, b) => (a.name < b.name ? -1 : 1));
    const added = new Map(guests.flatMap((guest, index) => (names.includes(guest.name) ? [[index, guest]] : [])));
    const changed = new Map<number, GuestFigures>();
    for (let index = chance(guests.length); index < guests.length; index += 1 + chance(30))
      if (!added.has(index)) changed.set(index, (guests[index] = aGuest(guests[index]!.name, chance)));
    const other = chance(hostCount);
    if (round % 3 === 0) hosts[other] = aHost(other, chance(3) === 0 ? 'unusable' : 'usable');
    const news = { added, guests: changed, hosts: new Map(round % 3 === 0 ? [[other, hosts[other]!]] : []) };
    cluster = renewCluster(cluster, news);
    const built = buildCluster([...hosts], [...guests], rules);
    expect(figuresOf(cluster)).toEqual(figuresOf(built));
    for (let guest = 0; guest < guests.length; guest += 7) expect(place(cluster, guest)).toEqual(place(built, guest));
  }
});

test('what one guest does is told of its hosts alone, and the way to find hosts is kept', () => {
  const chance = chances(3);
  const guests = Array.from({ length: 60 }, (_, index) => ({ ...aGuest(`g${index}`, chance), leavingHostId: null }));
  const hosts = Array.from({ length: hostCount }, (_, index) => aHost(index));
  const before = buildCluster(hosts, guests, []);
  place(before, 0);
  const tree = indexOf(before).spread;
  const changed = jest.spyOn(tree, 'hostChanged');
  const index = guests.findIndex(({ hostId }) => hostId === 'h4');
  const after = renewCluster(before, { ...nothing, guests: new Map([[index, { ...guests[index]!, hostId: 'h9' }]]) });
  expect(indexOf(after).spread).toBe(tree);
  expect(changed.mock.calls.map(([host]) => host)).toEqual([4, 9]);
});
