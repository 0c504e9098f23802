import type { FleetRecord, Guest, Host, Migration, Placement, Pool } from '@argosy/domain/entities';
import type { FleetWrite } from '@argosy/control/ports/fleet-store';
import { openDatabase } from '@argosy/inventory/database';
import { FleetQueries } from '@argosy/inventory/fleet-queries';
import type { PrismaClient } from '@argosy/inventory/generated/client';
import { PrismaFleetStore } from '@argosy/inventory/prisma-fleet-store';
import { TestServers, type TestServer } from './servers';

const servers = new TestServers();
let database: TestServer;
let prisma: PrismaClient;
let store: PrismaFleetStore;
let queries: FleetQueries;
let term: number;

const durationMs = 60_000;

beforeAll(async () => {
  database = await servers.postgres({ durable: true });
  prisma = openDatabase({ url: database.url });
  store = new PrismaFleetStore(prisma);
  queries = new FleetQueries(prisma);
});
afterAll(async () => {
  await prisma.$disconnect();
  await servers.stop();
});
beforeEach(async () => {
  await prisma.$executeRawUnsafe(
    'TRUNCATE placements, guests, hosts, pools, migrations, alarms, events, lease RESTART IDENTITY',
  );
  term = (await store.holdLease('first', 'http://first', durationMs)).term;
});

const pool: Pool = {
  id: 'p1', name: 'lab', isolationResponse: 'power-off', createdAt: 1_000, network: { subnet: '10.128.0.0/16', gateway: '10.128.0.1' },
  balance: { automation: 'full', threshold: 3, intervalMs: 5000, coolDownMs: 10_000, cpuSafetyShare: 0.9, memoryRatio: 1.5, vcpuRatio: 4 },
  migration: { autoConverge: true, postCopy: false, encrypted: true, bandwidthMiBPerSecond: 100, downtimeLimitMs: 50, copyDeadlineMs: 60_000, concurrentPerHost: 2 },
  failure: { suspectAfterMs: 1500, failedAfterMs: 2500, datastoreSilentAfterMs: 3000, isolatedAfterMs: 10_000, watchdogLeaseMs: 20_000, lockIsProof: false, restartReady: 'placed', restartWaitMs: 60_000, guestMonitoringMs: 0, guestRestarts: 20, poolRestarts: 1000, hostFailures: 3, budgetWindowMs: 3_600_000, admission: 'none', reservedCpuShare: 0.25, reservedMemoryShare: 0.25, maximumSilentHosts: 1, toleratedHostFailures: 1 },
  power: { automation: 'automatic', offShare: 0.5, onShare: 0.7, lowForMs: 60_000 },
}; // prettier-ignore

function aHost(id: string): Host {
  return {
    id, name: `host-${id}`, poolId: 'p1', state: 'online', stateReason: '', maintenance: 'none', standby: 'none', incarnation: 1, peerAddress: '127.0.0.1:1',
    queue: 'q', capacity: { cpuMillicores: 1000, memoryMiB: 512 }, capabilities: null, failureDomain: null, failoverOnly: false, degraded: null, quarantined: false, failures: [], fenceDevices: [], createdAt: 1_000,
  }; // prettier-ignore
}

function aGuest(id: string, changes: Partial<Guest> = {}): Guest {
  return {
    id, name: `guest-${id}`, poolId: 'p1', imageId: 'i1', datastoreId: 'ds1', memoryPath: null, memoryMachine: null, vcpus: 1, memoryMiB: 64, diskMiB: 8, cpuReservationMillicores: 0, cpuLimitMillicores: null,
    cpuShares: 1000, restartPriority: 'medium', cloudInit: null,
    address: `10.128.0.${id}`, macAddress: `02:41:${id}`, desired: 'running', state: 'running', stateReason: '', epoch: 1, reservedEpoch: 1,
    diskMade: true, hostId: 'h1', createdAt: 1_760_000_000_000, movedAt: null, failedStarts: 0, retryAt: null, restarts: [], lostAt: null, display: 'none', probe: null, isTemplate: false, clonedFrom: null, basePaths: [], ...changes,
  }; // prettier-ignore
}

function aMigration(id: string, changes: Partial<Migration> = {}): Migration {
  return {
    id, guestId: 'g1', sourceHostId: 'h1', targetHostId: 'h2', sourceDatastoreId: null, targetDatastoreId: null,
    epoch: 2, step: 'copy', reason: 'balance', requestedBy: 'argosy', progress: null,
    downtimeMs: 12.5, guestSeenDowntimeMs: null, failure: null, steps: [{ step: 'check', at: 1 }], createdAt: 1_000, endedAt: null, ...changes,
  }; // prettier-ignore
}

function put(row: Guest): FleetWrite {
  return { kind: 'put', entity: 'guest', row };
}
function open(guestId: string, epoch: number, from: number, hostId = 'h1'): FleetWrite {
  const placement: Placement = { guestId, hostId, epoch, from, to: null, reason: 'started', endReason: null };
  return { kind: 'open-placement', placement };
}
function close(guestId: string, epoch: number, to: number): FleetWrite {
  return { kind: 'close-placement', guestId, epoch, to, endReason: 'migrated' };
}
function record(message: string, changes: Partial<FleetRecord> = {}): FleetWrite {
  const said: FleetRecord = {
    at: 5,
    code: 'test',
    severity: 'information',
    subjectKind: 'guest',
    subjectId: 'g1',
    message,
    actor: 'test',
    details: {},
    ...changes,
  };
  return { kind: 'record', record: said };
}
const committed = { outcome: 'committed' };

describe('rows', () => {
  test('what is put is loaded again as it was, and what has ended is not loaded', async () => {
    const guest = aGuest('g1', { movedAt: 1_760_000_000_500, cpuLimitMillicores: 300, cloudInit: 'a "quoted"\nline' });
    const running = aMigration('m1');
    const writes: FleetWrite[] = [
      { kind: 'put', entity: 'pool', row: pool },
      { kind: 'put', entity: 'host', row: aHost('h1') },
      put(guest),
      { kind: 'put', entity: 'migration', row: running },
      { kind: 'put', entity: 'migration', row: aMigration('m2', { step: 'done', endedAt: 9 }) },
      {
        kind: 'put',
        entity: 'rule',
        row: {
          id: 'r1',
          name: 'apart',
          poolId: 'p1',
          kind: 'apart',
          guestIds: ['g1', 'g2'],
          hostIds: [],
          createdAt: 1,
        },
      },
    ];
    expect(await store.commit(term, writes)).toEqual(committed);
    expect(await store.load()).toMatchObject({
      pools: [pool],
      hosts: [aHost('h1')],
      guests: [guest],
      migrations: [running],
    });
    expect((await store.load()).rules[0]).toMatchObject({ guestIds: ['g1', 'g2'], hostIds: [] });
    const all = await queries.migrations({ limit: 10 });
    expect(all).toMatchObject({
      ok: true,
      value: { items: [{ id: 'm2' }, { id: 'm1', downtimeMs: 12.5 }], nextCursor: null },
    });
    await store.commit(term, [{ kind: 'remove', entity: 'rule', id: 'r1' }]);
  });

  test('of several writes to a row the last one counts, and a removed name is free at once', async () => {
    await store.commit(term, [put(aGuest('g1', { name: 'db' }))]);
    const writes: FleetWrite[] = [
      put(aGuest('g2', { name: 'db', memoryMiB: 32 })),
      put(aGuest('g2', { name: 'db', memoryMiB: 48 })),
      { kind: 'remove', entity: 'guest', id: 'g1' },
    ];
    expect(await store.commit(term, writes)).toEqual(committed);
    expect(await queries.guests()).toMatchObject([{ id: 'g2', name: 'db', memoryMiB: 48 }]);
  });

  test('a name that is taken is a conflict, and nothing of the step is written', async () => {
    await store.commit(term, [put(aGuest('g1', { name: 'db' }))]);
    const outcome = await store.commit(term, [record('lost'), put(aGuest('g2', { name: 'db' })), open('g2', 1, 10)]);
    expect(outcome).toMatchObject({ outcome: 'conflict', message: expect.stringContaining('guests_name_key') });
    expect(await queries.guests()).toHaveLength(1);
    expect(await prisma.placement.count()).toBe(0);
    expect(await prisma.event.count()).toBe(0);
  });

  test('text that PostgreSQL cannot hold, and instants with fractions, do not stop a commit', async () => {
    const writes = [
      put(aGuest('g1', { stateReason: 'it said \0 and \ud800', createdAt: 5.4 })),
      record('\0', { at: 1.5, details: { text: '\0' } }),
    ];
    expect(await store.commit(term, writes)).toEqual(committed);
    expect(await queries.guest('g1')).toMatchObject({ stateReason: 'it said \ufffd and \ufffd', createdAt: 5 });
  });
});

describe('placements', () => {
  test('a hand-over closes one and opens the next in one transaction, whatever its order among the guests', async () => {
    expect(await store.commit(term, [open('g1', 1, 100), open('g2', 1, 100)])).toEqual(committed);
    const moves = [
      close('g1', 1, 200),
      open('g1', 2, 200, 'h2'),
      close('g2', 1, 200),
      open('g2', 2, 200, 'h2'),
      close('g2', 2, 300),
    ];
    expect(await store.commit(term, moves)).toEqual(committed);
    const history = await queries.placementHistory('g2', { limit: 10 });
    expect(history).toMatchObject({
      ok: true,
      value: {
        items: [
          { epoch: 2, hostId: 'h2', from: 200, to: 300, endReason: 'migrated' },
          { epoch: 1, to: 200 },
        ],
      },
    });
  });

  test('a second open placement is refused by the database itself', async () => {
    await store.commit(term, [open('g1', 1, 100)]);
    expect(await store.commit(term, [open('g1', 2, 200)])).toMatchObject({ outcome: 'conflict' });
    const insert = `INSERT INTO placements ("guestId", "hostId", epoch, "from", reason) VALUES ('g1', 'h2', 2, 200, 'by hand')`;
    await expect(prisma.$executeRawUnsafe(insert)).rejects.toThrow(/placements_one_open_per_guest/);
  });

  test('an overlap in time is refused by the database itself', async () => {
    await store.commit(term, [open('g1', 1, 100)]);
    await store.commit(term, [close('g1', 1, 200)]);
    const insert = `INSERT INTO placements ("guestId", "hostId", epoch, "from", "to", reason) VALUES ('g1', 'h2', 2, 199, 300, 'by hand')`;
    await expect(prisma.$executeRawUnsafe(insert)).rejects.toThrow(/placements_never_overlap/);
    expect(await store.commit(term, [open('g1', 2, 199)])).toMatchObject({ outcome: 'conflict' });
    expect(await store.commit(term, [open('g1', 2, 200)])).toEqual(committed);
  });

  test('an epoch that is not above the latest is refused, and says so', async () => {
    await store.commit(term, [open('g1', 5, 100)]);
    await store.commit(term, [close('g1', 5, 200)]);
    for (const epoch of [4, 5])
      expect(await store.commit(term, [open('g1', epoch, 300)])).toEqual({
        outcome: 'conflict',
        message: `guest g1 has had epoch 5, so a placement with epoch ${epoch} is refused`,
      });
  });

  test('two transactions that open placements of one guest follow each other', async () => {
    const insert = (epoch: number) =>
      `INSERT INTO placements ("guestId", "hostId", epoch, "from", "to", reason) VALUES ('g1', 'h1', ${epoch}, ${10 * epoch}, ${10 * epoch + 5}, 'by hand')`;
    let second: Promise<number | string> = Promise.resolve('');
    await prisma.$transaction(async (transaction) => {
      await transaction.$executeRawUnsafe(insert(5));
      // A lower epoch, elsewhere in time: no index forbids it, and the first row cannot be seen yet.
      second = prisma.$executeRawUnsafe(insert(4)).catch((error: Error) => error.message);
      await new Promise((resolve) => setTimeout(resolve, 100));
    });
    expect(await second).toMatch(/guest g1 has had epoch 5/);
  });

  test('history is not rewritten', async () => {
    await store.commit(term, [open('g1', 1, 100)]);
    await expect(prisma.$executeRawUnsafe(`UPDATE placements SET "hostId" = 'h9'`)).rejects.toThrow(/is history/);
    await store.commit(term, [close('g1', 1, 200)]);
    await expect(prisma.$executeRawUnsafe(`UPDATE placements SET "to" = NULL`)).rejects.toThrow(/is history/);
    expect(await store.commit(term, [close('g1', 1, 250)])).toMatchObject({
      outcome: 'conflict',
      message: expect.stringMatching(/not open: g1 with epoch 1/),
    });
  });

  test('any instant can be asked for, with the names of then, by an index', async () => {
    await store.commit(term, [
      put(aGuest('g1')),
      { kind: 'put', entity: 'host', row: aHost('h1') },
      open('g1', 1, 100),
      open('g2', 1, 150),
    ]);
    await store.commit(term, [close('g1', 1, 200), open('g1', 2, 200, 'h2')]);
    await store.commit(term, [{ kind: 'remove', entity: 'guest', id: 'g1' }]);
    const at = async (instant?: number) => {
      const { items } = await queries.placementsAt({ limit: 10 }, { at: instant });
      return items.map(({ guestId, hostId }) => `${guestId} on ${hostId}`);
    };
    expect(await at(99)).toEqual([]);
    expect(await at(100)).toEqual(['g1 on h1']);
    expect(await at(199)).toEqual(['g1 on h1', 'g2 on h1']);
    expect(await at(200)).toEqual(['g1 on h2', 'g2 on h1']);
    expect(await at()).toEqual(['g1 on h2', 'g2 on h1']);
    const byName = await queries.placementHistory('guest-g1', { limit: 1 });
    expect(byName).toMatchObject({
      ok: true,
      value: { items: [{ epoch: 2, guestName: 'guest-g1', hostName: null }], nextCursor: expect.any(String) },
    });
    if (byName.ok)
      expect(
        await queries.placementHistory('guest-g1', { limit: 1, cursor: byName.value.nextCursor ?? '' }),
      ).toMatchObject({ value: { items: [{ epoch: 1, hostName: 'host-h1' }], nextCursor: null } });

    await prisma.$executeRawUnsafe(`INSERT INTO placements ("guestId", "hostId", epoch, "from", "to", reason)
      SELECT 'many' || n % 100, 'h1', n, n * 1000, n * 1000 + 900, 'test' FROM generate_series(1, 3000) n ORDER BY n`);
    await prisma.$executeRawUnsafe('ANALYZE placements');
    const plan = await prisma.$queryRawUnsafe<{ 'QUERY PLAN': string }[]>(
      'EXPLAIN SELECT * FROM placements WHERE int8range("from", "to") @> 1500500::bigint ORDER BY "guestId" LIMIT 100',
    );
    expect(plan.map((line) => line['QUERY PLAN']).join('\n')).toContain('placements_at_instant');
  });
});

test('one alarm of a kind is open at a time', async () => {
  const alarm = {
    code: 'too-many-silent',
    subjectKind: 'pool',
    subjectId: 'p1',
    severity: 'error',
    message: '',
    raisedAt: 1,
    clearedAt: null,
  } as const;
  expect(await store.commit(term, [{ kind: 'put', entity: 'alarm', row: { id: 'a1', ...alarm } }])).toEqual(committed);
  expect(await store.commit(term, [{ kind: 'put', entity: 'alarm', row: { id: 'a2', ...alarm } }])).toMatchObject({
    outcome: 'conflict',
  });
  const cleared: FleetWrite[] = [
    { kind: 'put', entity: 'alarm', row: { id: 'a1', ...alarm, clearedAt: 2 } },
    { kind: 'put', entity: 'alarm', row: { id: 'a2', ...alarm } },
  ];
  expect(await store.commit(term, cleared)).toEqual(committed);
});

test('events come newest first, in pages, and by what they are about', async () => {
  await store.commit(term, [
    record('one'),
    record('two', { severity: 'error' }),
    record('three', { subjectId: 'g2', severity: 'warning' }),
  ]);
  const messages = async (...asked: Parameters<FleetQueries['events']>) => {
    const page = await queries.events(...asked);
    return page.ok ? page.value.items.map(({ message }) => message) : page.refusal.message;
  };
  expect(await messages({ limit: 2 })).toEqual(['three', 'two']);
  expect(await messages({ limit: 2, cursor: '2' })).toEqual(['one']);
  expect(await messages({ limit: 9 }, { subjectId: 'g1' })).toEqual(['two', 'one']);
  expect(await messages({ limit: 9 }, { severity: 'warning' })).toEqual(['three', 'two']);
  expect(await messages({ limit: 9, cursor: 'nonsense' })).toMatch(/^cursor must be/);
});

describe('the lease', () => {
  test('is renewed by its holder with the same term, and refused to another while it holds', async () => {
    expect(await store.holdLease('first', 'http://first', durationMs)).toEqual({
      term,
      holder: 'first',
      url: 'http://first',
      held: true,
      at: expect.any(Number),
    });
    expect(await store.holdLease('second', 'http://second', durationMs)).toEqual({
      term,
      holder: 'first',
      url: 'http://first',
      held: false,
      at: expect.any(Number),
    });
  });

  test('goes to another once it has run out; the old term then writes nothing', async () => {
    await store.holdLease('first', 'http://first', 50);
    await new Promise((resolve) => setTimeout(resolve, 80));
    expect(await store.commit(term, [put(aGuest('g1'))])).toMatchObject({
      outcome: 'conflict',
      message: expect.stringMatching(/has run out/),
    });
    expect(await store.holdLease('second', 'http://second', durationMs)).toMatchObject({ term: term + 1, held: true });
    expect(await store.commit(term, [put(aGuest('g1'))])).toMatchObject({
      outcome: 'conflict',
      message: `the lease has term ${term + 1}, so nothing of term ${term} may be written`,
    });
    expect(await store.holdLease('first', 'http://first', durationMs)).toMatchObject({
      term: term + 1,
      holder: 'second',
      held: false,
    });
    expect(await store.commit(term + 1, [put(aGuest('g1'))])).toEqual(committed);
  });

  test('goes on above a term that hosts have seen, for its holder only', async () => {
    expect(await store.raiseTerm('second', 900)).toBe(false);
    expect(await store.raiseTerm('first', 900)).toBe(true);
    expect(await store.holdLease('first', 'http://first', durationMs)).toMatchObject({ term: 901, held: true });
    expect(await store.commit(term, [put(aGuest('g1'))])).toMatchObject({ outcome: 'conflict' });
    expect(await store.raiseTerm('first', 5)).toBe(true);
    expect(await store.holdLease('first', 'http://first', durationMs)).toMatchObject({ term: 902 });
  });

  test('is seized from its holder at the term that was seen, once, and what the old leader then decides is not written', async () => {
    const from = await store.holdLease('first', 'http://first', durationMs);
    expect(await store.seizeLease({ ...from, term: from.term - 1 }, 'second', '')).toBe(false);
    const seized = await Promise.all(['a', 'b', 'c'].map((holder) => store.seizeLease(from, holder, '')));
    expect(seized.filter((each) => each)).toHaveLength(1);
    const lost = await store.holdLease('first', 'http://first', durationMs);
    expect(lost).toMatchObject({ term: from.term + 1, held: false });
    expect(await store.commit(from.term, [put(aGuest('g1'))])).toMatchObject({ outcome: 'conflict' });
    await store.seizeLease(lost, 'first', 'http://first');
    term = lost.term + 1;
  });

  test('is free at once when it is released, and of many that want it one has it', async () => {
    await store.releaseLease('second');
    expect((await store.holdLease('second', '', durationMs)).held).toBe(false);
    await store.releaseLease('first');
    const leases = await Promise.all(['a', 'b', 'c', 'd'].map((holder) => store.holdLease(holder, '', durationMs)));
    expect(leases.filter(({ held }) => held)).toHaveLength(1);
    expect(new Set(leases.map((lease) => lease.term))).toEqual(new Set([term + 1]));
  });

  test('is not taken over in the middle of a commit', async () => {
    await store.holdLease('first', 'http://first', 100);
    let takeover: Promise<unknown> = Promise.resolve();
    await prisma.$transaction(async (transaction) => {
      await transaction.$queryRaw`SELECT "term" FROM "lease" WHERE "id" = 1 FOR SHARE`;
      await new Promise((resolve) => setTimeout(resolve, 150));
      takeover = store.holdLease('second', '', durationMs);
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect((await transaction.lease.findUnique({ where: { id: 1 } }))?.holder).toBe('first');
    });
    expect(await takeover).toMatchObject({ held: true, term: term + 1 });
  });
});

test('migrations are applied once, also by two at the same moment', async () => {
  expect(await Promise.all([servers.migrate(database.url), servers.migrate(database.url)])).toEqual([[], []]);
});

test('a commit of 20 writes is quick', async () => {
  const took: number[] = [];
  for (let round = 1; round <= 30; round += 1) {
    const writes = Array.from({ length: 5 }, (_, n) => [
      put(aGuest(`g${n}`, { epoch: round })),
      ...(round > 1 ? [close(`g${n}`, round - 1, round * 100)] : []),
      open(`g${n}`, round, round * 100),
      record(`moved ${n}`),
    ]).flat();
    const before = performance.now();
    expect(await store.commit(term, writes)).toEqual(committed);
    took.push(performance.now() - before);
  }
  const median = took.sort((left, right) => left - right)[15] ?? 0;
  console.log(`a commit of 20 writes: median ${median.toFixed(1)} ms`);
  expect(median).toBeLessThan(100);
});

test('killed in the middle and back: what was acknowledged is there, and what was not is there whole or not at all', async () => {
  let acknowledged = 0;
  let away = false;
  const write = async () => {
    for (let n = 1; !away; n += 1) {
      const outcome = await store.commit(term, [put(aGuest(`g${n}`)), open(`g${n}`, 1, 100), record(`guest ${n}`)]);
      expect(outcome).toEqual(committed);
      acknowledged = n;
    }
  };
  const writing = write().catch((error: unknown) => error);
  await new Promise((resolve) => setTimeout(resolve, 300));
  database.kill();
  expect(await writing).toBeInstanceOf(Error);
  away = true;
  const before = performance.now();
  await expect(store.load()).rejects.toThrow();
  await expect(store.holdLease('first', '', durationMs)).rejects.toThrow();
  expect(performance.now() - before).toBeLessThan(6000);

  await database.restart();
  const { guests } = await store.load();
  expect(acknowledged).toBeGreaterThan(0);
  expect(guests.length === acknowledged || guests.length === acknowledged + 1).toBe(true);
  expect(await prisma.placement.count()).toBe(guests.length);
  expect(await prisma.event.count()).toBe(guests.length);
  expect(await store.commit(term, [put(aGuest('after'))])).toEqual(committed);
});

test('a database that hangs costs a bounded time, and is used again when it goes on', async () => {
  const impatient = openDatabase({ url: database.url, statementTimeoutMs: 300, maximumConnections: 1 });
  const bounded = new PrismaFleetStore(impatient);
  const [backend] = await impatient.$queryRaw<{ pid: number }[]>`SELECT pg_backend_pid() AS "pid"`;
  const pid = backend?.pid ?? 0;
  process.kill(pid, 'SIGSTOP');
  try {
    const before = performance.now();
    await expect(bounded.commit(term, [put(aGuest('g1'))])).rejects.toThrow();
    expect(performance.now() - before).toBeLessThan(8000);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await until(() => bounded.load());
  expect(await bounded.commit(term, [put(aGuest('g1'))])).toEqual(committed);
  await impatient.$disconnect();
});

async function until(works: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await works();
      return;
    } catch (error) {
      if (attempt === 20) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
