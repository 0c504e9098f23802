import { rejection } from './checks';
import { beginMove, endMoves } from './cluster';
import { makeRoom } from './make-room';
import { aCluster, aGuest, aHost, seeded } from './testing';

const options = { seed: 1, steps: 20_000 };

test('a guest that fits nowhere gets room by another that makes way', () => {
  const cluster = aCluster(
    [aHost('h1', { use: 'evacuating' }), aHost('h2', { memoryMiB: 1000 }), aHost('h3', { memoryMiB: 1000 })],
    [
      aGuest('wanting', 'h1', { memoryMiB: 600 }),
      aGuest('small', 'h2', { memoryMiB: 300 }),
      aGuest('large', 'h2', { memoryMiB: 300 }),
      aGuest('other', 'h3', { memoryMiB: 500 }),
    ],
  );
  const before = [...cluster.hostOf, ...cluster.memoryUsed];
  const moves = makeRoom(cluster, [0], options);
  expect([...cluster.hostOf, ...cluster.memoryUsed]).toEqual(before);
  expect(moves).toHaveLength(1);
  expect(moves[0]).toMatchObject({ host: 2, reason: 'it makes room on h2 for wanting, which no host could take' });
  beginMove(cluster, moves[0]!.guest, moves[0]!.host);
  endMoves(cluster, [moves[0]!.guest]);
  expect(rejection(cluster, 0, 1)).toBeNull();
});

test('in a pool of more hosts than are looked at, room is made where most of it is', () => {
  const hosts = Array.from({ length: 500 }, (_, number) => aHost(`h${number}`, { memoryMiB: 1000 }));
  hosts[0] = aHost('h0', { use: 'evacuating' });
  const guests = [aGuest('wanting', 'h0', { memoryMiB: 600 })];
  for (let host = 1; host < 500; host++) {
    const isRoomy = host === 444;
    guests.push(aGuest(`a${host}`, `h${host}`, { memoryMiB: isRoomy ? 250 : 500, pinned: !isRoomy }));
    guests.push(aGuest(`b${host}`, `h${host}`, { memoryMiB: 200 + (host % 50), pinned: !isRoomy }));
  }
  const cluster = aCluster(hosts, guests);
  const moves = makeRoom(cluster, [0], { ...options, steps: 50_000 });
  expect(moves.length).toBeGreaterThan(0);
  for (const { guest, host } of moves) {
    expect(rejection(cluster, guest, host)).toBeNull();
    beginMove(cluster, guest, host);
  }
  endMoves(
    cluster,
    moves.map(({ guest }) => guest),
  );
  expect(hosts.some((_, host) => rejection(cluster, 0, host) === null)).toBe(true);
});

test('nobody is moved where no way to make room is found', () => {
  const hosts = [
    aHost('h1', { use: 'evacuating' }),
    aHost('h2', { memoryMiB: 1000 }),
    aHost('h3', { memoryMiB: 1000 }),
  ];
  const guests = [
    aGuest('wanting', 'h1', { memoryMiB: 600 }),
    aGuest('a', 'h2', { memoryMiB: 700 }),
    aGuest('b', 'h3', { memoryMiB: 800 }),
  ];
  expect(makeRoom(aCluster(hosts, guests), [0], options)).toEqual([]);
  const pinned = [
    aGuest('wanting', 'h1', { memoryMiB: 600 }),
    aGuest('a', 'h2', { memoryMiB: 500, pinned: true }),
    aGuest('b', 'h3', { memoryMiB: 500, pinned: true }),
  ];
  expect(makeRoom(aCluster(hosts, pinned), [0], options)).toEqual([]);
});

test('whatever the pool, the moves pass every check one after the other, and the guest finds a place when all are done', () => {
  let found = 0;
  for (let seed = 1; seed <= 40; seed++) {
    const random = seeded(seed);
    const upTo = (limit: number): number => Math.floor(random() * limit);
    const hosts = [aHost('h0', { use: 'evacuating' }), ...[1, 2, 3, 4].map((n) => aHost(`h${n}`, { memoryMiB: 1000 }))];
    const guests = [aGuest('wanting', upTo(2) === 0 ? 'h0' : null, { memoryMiB: 500 })];
    for (let host = 1; host <= 4; host++)
      for (let used = 0; used < 550;) {
        const memoryMiB = 50 + 50 * upTo(6);
        used += memoryMiB;
        if (used <= 950) guests.push(aGuest(`g${guests.length}`, `h${host}`, { memoryMiB, pinned: upTo(8) === 0 }));
      }
    const names = guests.map(({ id }) => id);
    const pick = (): string => names[upTo(names.length)]!;
    const rules = [
      { name: 'apart', kind: 'apart' as const, guestIds: [...new Set([pick(), pick(), pick()])], hostIds: [] },
      { name: 'must', kind: 'must-run-on' as const, guestIds: [pick()], hostIds: ['h0', 'h1', 'h2', 'h3'] },
      { name: 'together', kind: 'together' as const, guestIds: [...new Set([pick(), pick()])], hostIds: [] },
    ];
    const cluster = aCluster(hosts, guests, rules);
    if (hosts.some((_, host) => rejection(cluster, 0, host) === null)) continue;
    const moves = makeRoom(cluster, [0], options);
    if (moves.length === 0) continue;
    for (const { guest, host } of moves) {
      expect([seed, rejection(cluster, guest, host)]).toEqual([seed, null]);
      beginMove(cluster, guest, host);
    }
    endMoves(
      cluster,
      moves.map(({ guest }) => guest),
    );
    expect([seed, hosts.some((_, host) => rejection(cluster, 0, host) === null)]).toEqual([seed, true]);
    found++;
  }

  expect(found).toBeGreaterThan(10);
});
