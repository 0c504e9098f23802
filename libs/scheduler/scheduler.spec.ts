import { balance, type BalanceOptions } from './balance';
import { brokenRules } from './rules';
import { imbalance, move, type RuleFigures } from './cluster';
import { explainRejections, place } from './place';
import { aCluster, aGuest, aHost, aPlatform } from './testing';

const options: BalanceOptions = {
  cpuSafetyShare: 0.85,
  horizonMs: 300_000,
  bandwidthMiBPerSecond: 1000,
  maximumMoves: 20,
};

function rule(kind: RuleFigures['kind'], guestIds: readonly string[], hostIds: readonly string[] = []): RuleFigures {
  return { name: kind, kind, guestIds, hostIds };
}

describe('placing a guest', () => {
  test('takes the host with the most room', () => {
    const cluster = aCluster(
      [aHost('h1'), aHost('h2')],
      [aGuest('a', 'h1', { cpuDemandMillicores: 500 }), aGuest('new', null)],
    );
    expect(place(cluster, 1).chosen?.hostId).toBe('h2');
  });

  test('says of every host that refuses which check failed and by how much', () => {
    const cluster = aCluster(
      [aHost('h1', { memoryMiB: 512 }), aHost('h2', { use: 'evacuating', useReason: 'it is in maintenance' })],
      [aGuest('new', null, { memoryMiB: 1024 })],
    );
    const answer = place(cluster, 0);
    expect(answer.chosen).toBeNull();
    expect(explainRejections(cluster, answer.rejections)).toBe(
      'h1: needs 1024 MiB, 512 MiB free: 512 MiB short; h2: it is in maintenance',
    );
  });

  test.each([
    ['apart', rule('apart', ['a', 'new']), 'h2'],
    ['together', rule('together', ['a', 'new']), 'h1'],
    ['must-run-on', rule('must-run-on', ['new'], ['h1']), 'h1'],
    ['must-not-run-on', rule('must-not-run-on', ['new'], ['h2']), 'h1'],
    ['should-run-on', rule('should-run-on', ['new'], ['h1']), 'h1'],
  ])('keeps a rule of kind %s although the other host has more room', (_kind, kept, expected) => {
    const busy = expected === 'h1' ? 'h1' : 'h2';
    const cluster = aCluster(
      [aHost('h1'), aHost('h2')],
      [aGuest('a', 'h1'), aGuest('load', busy, { cpuDemandMillicores: 400 }), aGuest('new', null)],
      [kept],
    );
    expect(place(cluster, 2).chosen?.hostId).toBe(expected);
  });

  test('keeps a running guest on its CPU model, and starts one wherever its architecture is run', () => {
    const cluster = aCluster(
      [
        aHost('h1', { platform: aPlatform() }),
        aHost('h2', { platform: aPlatform({ cpuModel: 'zen3' }) }),
        aHost('h3', { platform: aPlatform({ guestArchitectures: ['aarch64'] }) }),
      ],
      [aGuest('running', 'h1', { architecture: 'x86_64' }), aGuest('new', null, { architecture: 'aarch64' })],
    );
    expect(explainRejections(cluster, place(cluster, 0, { avoid: 0 }).rejections)).toBe(
      'h2: its CPU model is haswell on h1 and zen3 here, and a running guest cannot change it; h3: its processor is x86_64, and aarch64 is run here',
    );
    expect(place(cluster, 1).chosen?.hostId).toBe('h3');
  });

  test('goes on from a memory only on the machine that it is of', () => {
    const platform = aPlatform();
    const { driver, accelerator, cpuModel } = platform;
    const older = { driver, accelerator, cpuModel, machineType: 'pc-older' };
    const hosts = [aHost('h1', { platform }), aHost('h2', { platform: aPlatform(older) })];
    const guest = aGuest('suspended', null, { memoryMachine: older });
    const mixed = aCluster(hosts, [guest]);
    expect(place(mixed, 0)).toMatchObject({
      chosen: { hostId: 'h2' },
    });
    expect(explainRejections(mixed, place(mixed, 0, { explain: true }).rejections)).toBe(
      'h1: its memory was kept where the machine type is pc-older, and here it is pc: a memory goes on only on the same',
    );
    expect(place(aCluster(hosts.slice(0, 1), [guest]), 0).chosen).toBeNull();
  });

  test.each([
    ['the failure domain of the others', 500, 'h2'],
    ['anywhere, where that has no room', 2000, 'h3'],
  ])('near: it goes to %s', (_where, memoryMiB, expected) => {
    const cluster = aCluster(
      [
        aHost('h1', { failureDomain: 'north' }),
        aHost('h2', { failureDomain: 'north' }),
        aHost('h3', { failureDomain: 'south', cpuMillicores: 9000, memoryMiB: 9000 }),
      ],
      [aGuest('database', 'h1', { memoryMiB: 900 }), aGuest('new', null, { memoryMiB })],
      [rule('near', ['database', 'new'])],
    );
    expect(place(cluster, 1).chosen?.hostId).toBe(expected);
  });

  test('keeps to the virtual processors that a pool allows, for a whole group that comes along as well', () => {
    const cluster = aCluster(
      [aHost('h1', { vcpus: 4 }), aHost('h2', { vcpus: 3, memoryMiB: 9000 })],
      [aGuest('a', 'h1', { vcpus: 1 }), aGuest('new', null, { vcpus: 4 }), aGuest('mate', null, { vcpus: 2 })],
    );
    expect(explainRejections(cluster, place(cluster, 1).rejections)).toBe(
      'h1: has 4 virtual processors, and 1 of the 4 that the pool allows are there; h2: has 4 virtual processors, and 0 of the 3 that the pool allows are there',
    );
    expect(place(cluster, 0, { company: [2] }).chosen?.hostId).toBe('h2');
    expect(place(cluster, 2, { company: [1] }).chosen).toBeNull();
  });

  test('counts reservations, not demand, against a limit that must hold', () => {
    const cluster = aCluster(
      [aHost('h1')],
      [aGuest('a', 'h1', { cpuReservationMillicores: 900 }), aGuest('new', null, { cpuReservationMillicores: 200 })],
    );
    expect(place(cluster, 1).rejections[0]).toMatchObject({ check: 'reservation', code: 'not-enough-cpu' });
  });
});

describe('balancing', () => {
  const crowded = () =>
    aCluster(
      [aHost('h1', { cpuMillicores: 500 }), aHost('h2', { cpuMillicores: 500 }), aHost('h3', { cpuMillicores: 500 })],
      [1, 2, 3].map((number) => aGuest(`g${number}`, 'h1', { cpuDemandMillicores: 400 })),
    );

  test('moves guests off a crowded host, each with a reason, a gain above its cost, and the projected state', () => {
    const cluster = crowded();
    const { moves, imbalanceBefore, imbalanceAfter } = balance(cluster, options);
    expect(moves.map((each) => each.toHostId).sort()).toEqual(['h2', 'h3']);
    for (const each of moves) {
      expect(each.gain).toBeGreaterThan(each.cost);
      expect(each.reason).toMatch(/h1 is asked for \d+ %/);
    }
    expect(moves[0]!.projected.map((host) => host.cpuAfter)).toEqual([800, 400]);
    expect(imbalanceAfter).toBeLessThan(imbalanceBefore);
  });

  test('does nothing to what it has balanced', () => {
    const cluster = crowded();
    balance(cluster, options);
    expect(balance(cluster, options).moves).toEqual([]);
  });

  test('comes to rest on any cluster: no guest moves twice in an answer, and no state ever comes back', () => {
    let seed = 12345;
    const random = (limit: number): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return (seed >>> 8) % limit;
    };
    for (let round = 0; round < 200; round++) {
      const hosts = [0, 1, 2, 3].map((number) => aHost(`h${number}`, { cpuMillicores: 500 + 100 * random(10) }));
      const guests = Array.from({ length: 12 }, (_, number) =>
        aGuest(`g${number}`, `h${random(4)}`, { cpuDemandMillicores: random(600) }),
      );
      const cluster = aCluster(hosts, guests);
      const states = new Set([cluster.hostOf.join(' ')]);
      for (let moves = balance(cluster, options).moves; moves.length > 0; moves = balance(cluster, options).moves) {
        expect(new Set(moves.map((each) => each.guestId)).size).toBe(moves.length);
        const state = cluster.hostOf.join(' ');
        expect(states).not.toContain(state);
        states.add(state);
      }
      expect(states.size).toBeLessThan(20);
    }
  });

  test('leaves a guest where it is when the copy costs more than the relief', () => {
    const heavy = { cpuDemandMillicores: 460, memoryMiB: 200_000, dirtyBytesPerSecond: 900e6 };
    const cluster = aCluster(
      [
        aHost('h1', { cpuMillicores: 500, memoryMiB: 1_000_000 }),
        aHost('h2', { cpuMillicores: 500, memoryMiB: 1_000_000 }),
      ],
      [aGuest('g', 'h1', heavy), aGuest('small', 'h1', { ...heavy, cpuDemandMillicores: 10 })],
    );
    expect(balance(cluster, options).moves).toEqual([]);
  });

  test('moves what must move whatever it costs, and says why what cannot move is stuck', () => {
    const hosts = [
      aHost('h1', { use: 'evacuating', useReason: 'it is in maintenance' }),
      aHost('h2', { memoryMiB: 100 }),
    ];
    const cluster = aCluster(hosts, [aGuest('a', 'h1'), aGuest('b', 'h1')]);
    const { moves, stuck } = balance(cluster, options);
    expect(moves).toMatchObject([{ guestId: 'a', toHostId: 'h2', priority: 1 }]);
    expect(stuck).toEqual([{ guestId: 'b', reason: 'h2: needs 64 MiB, 36 MiB free: 28 MiB short' }]);
  });

  test('mends a broken rule with one move', () => {
    const cluster = aCluster(
      [aHost('h1'), aHost('h2')],
      [aGuest('a', 'h1'), aGuest('b', 'h1')],
      [rule('apart', ['a', 'b'])],
    );
    expect(balance(cluster, options).moves).toHaveLength(1);
    expect(brokenRules(cluster)).toEqual([]);
  });

  test('does not touch a guest that is pinned', () => {
    const cluster = aCluster(
      [aHost('h1', { cpuMillicores: 500 }), aHost('h2', { cpuMillicores: 500 })],
      [
        aGuest('a', 'h1', { cpuDemandMillicores: 400, pinned: true }),
        aGuest('b', 'h1', { cpuDemandMillicores: 400, pinned: true }),
      ],
    );
    expect(balance(cluster, options).moves).toEqual([]);
  });
});

test('moving a guest there and back leaves every sum as it was', () => {
  const cluster = aCluster([aHost('h1'), aHost('h2')], [aGuest('a', 'h1', { cpuReservationMillicores: 50 })]);
  const before = [...cluster.cpuDemand, ...cluster.cpuReserved, ...cluster.memoryUsed, imbalance(cluster)];
  move(cluster, 0, 1);
  move(cluster, 0, 0);
  expect([...cluster.cpuDemand, ...cluster.cpuReserved, ...cluster.memoryUsed, imbalance(cluster)]).toEqual(before);
});

describe('datastores', () => {
  const local = [{ id: 'd1', name: 'local-h1', hostId: 'h1' }];

  test('a guest on a datastore of one host is placed on that host only, and the others say why not', () => {
    const cluster = aCluster(
      [aHost('h1'), aHost('h2')],
      [aGuest('load', 'h1', { cpuDemandMillicores: 800 }), aGuest('new', null, { datastores: local })],
    );
    const answer = place(cluster, 1, { explain: true });
    expect(answer.chosen?.hostId).toBe('h1');
    expect(answer.rejections).toEqual([
      {
        hostId: 'h2',
        check: 'datastore',
        code: 'datastore-not-reached',
        reason: 'it needs datastore local-h1, which only h1 reaches',
      },
    ]);
  });

  test('a host that does not reach a shared datastore takes no guest of it', () => {
    const missingDatastores = new Map([['d', '/srv is not on this host']]);
    const cluster = aCluster(
      [aHost('h1', { missingDatastores }), aHost('h2', { use: 'evacuating', useReason: 'it is in maintenance' })],
      [aGuest('new', null, { datastores: [{ id: 'd', name: 'main', hostId: null }] })],
    );
    expect(place(cluster, 0).rejections[0]).toMatchObject({ check: 'datastore', reason: '/srv is not on this host' });
  });
});
