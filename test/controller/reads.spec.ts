import type { Migration } from '@argosy/domain/entities';
import { makeLab, startEdge, type Edge } from './edge';

// What is there, what was, and what is asked for: each answer is held against the contract.

let edge: Edge;
beforeAll(async () => {
  edge = await startEdge();
  await makeLab(edge);
}, 60_000);
afterAll(() => edge.stop());

test('what was made is read back, by name and by id', async () => {
  const { call } = edge;
  const made = await call('guest.create', { body: { name: 'db', pool: 'lab', image: 'tiny', memoryMiB: 64 } });
  expect(made).toMatchObject({ name: 'db', memoryMiB: 64, state: 'stopped' });
  for (const guest of ['db', made.id]) expect(await call('guest.get', { params: { guest } })).toEqual(made);
  const changed = await call('guest.update', { params: { guest: 'db' }, body: { cpuShares: 2000 } });
  expect(changed.cpuShares).toBe(2000);
  expect(
    await call('pool.update', { params: { pool: 'lab' }, body: { settings: { balance: { threshold: 4 } } } }),
  ).toMatchObject({
    balance: { threshold: 4 },
  });
});

test('lists have the form of pages, in the order of names', async () => {
  const { call } = edge;
  expect((await call('host.list')).items.map(({ name }) => name)).toEqual(['h1', 'h2']);
  for (const name of ['pool.list', 'guest.list', 'image.list', 'datastore.list', 'rule.list', 'usage.list'] as const)
    expect(await call(name)).toMatchObject({ nextCursor: null });
  expect((await call('guest.list', { query: 'pool=lab&host=h1' })).items).toEqual([]);
  expect((await call('host.list', { query: 'pool=lab' })).items).toHaveLength(2);
  expect(await call('host.capabilities', { params: { host: 'h1' } })).toMatchObject({
    hostName: 'h1',
    drivers: [{ driver: 'qemu', accelerator: 'tcg' }],
  });
});

test('history comes from the database, in pages', async () => {
  const { call } = edge;
  const first = await call('event.list', { query: 'limit=2' });
  expect(first.items).toHaveLength(2);
  const second = await call('event.list', { query: `limit=2&cursor=${first.nextCursor}` });
  expect(second.items[0]!.id).toBeLessThan(first.items[1]!.id);
  const ofHost = await call('event.list', { query: 'subject=h1' });
  expect(new Set(ofHost.items.map(({ subjectKind }) => subjectKind))).toEqual(new Set(['host']));
  const lists = [
    'migration.list',
    'balance.list',
    'recommendation.list',
    'drill.list',
    'task.list',
    'alarm.list',
    'placement.list',
  ] as const;
  for (const name of lists) await call(name);
  expect((await call('placement.list', { query: 'at=2020-01-01T00:00:00Z' })).items).toEqual([]);
  expect(await call('guest.placements', { params: { guest: 'db' } })).toEqual({ items: [], nextCursor: null });
});

test('a subject that two kinds have a name in common with needs its kind', async () => {
  const { call, send } = edge;
  await call('guest.create', { body: { name: 'h1', pool: 'lab', image: 'tiny', memoryMiB: 64 } });
  expect(await send('GET', '/api/v1/events?subject=h1')).toMatchObject({
    status: 400,
    body: { message: expect.stringContaining('subjectKind') },
  });
  expect((await call('event.list', { query: 'subject=h1&subjectKind=guest' })).items).toHaveLength(1);
  await call('guest.remove', { params: { guest: 'h1' } });
});

test('a guest that starts is placed, and its placement is read back', async () => {
  const { call } = edge;
  const guest = await call('guest.start', { params: { guest: 'db' } });
  expect(guest).toMatchObject({ desired: 'running', state: 'starting' });
  const now = await call('placement.list');
  expect(now.items).toMatchObject([{ guestId: guest.id, guestName: 'db', hostId: guest.hostId, to: null }]);
  expect((await call('guest.placements', { params: { guest: 'db' } })).items).toHaveLength(1);
  expect((await call('placement.list', { query: `at=${Date.now() - 3_600_000}` })).items).toEqual([]);
});

test('what the brain knows of a migration is fresher than the database', async () => {
  const { call, gateway } = edge;
  const progress = {
    transferredBytes: 5,
    remainingBytes: 5,
    totalBytes: 10,
    bytesPerSecond: 1,
    dirtyBytesPerSecond: 0,
    iteration: 1,
    expectedEndMs: 5,
  };
  const migration: Migration = {
    id: 'm1',
    guestId: 'g',
    sourceHostId: 'a',
    targetHostId: 'b',
    sourceDatastoreId: null,
    targetDatastoreId: null,
    epoch: 2,
    step: 'copy',
    reason: 'asked for',
    requestedBy: 'ada',
    progress: null,
    downtimeMs: null,
    guestSeenDowntimeMs: null,
    failure: null,
    steps: [],
    createdAt: Date.now(),
    endedAt: null,
  };
  gateway.fleet.migrations.set('m1', { ...migration, progress });
  expect(await call('migration.get', { params: { id: 'm1' } })).toMatchObject({ progress });
  gateway.fleet.migrations.delete('m1');
});

test('balance is looked at on demand', async () => {
  const { call } = edge;
  expect(await call('balance.run', { body: { pool: 'lab' } })).toEqual({ items: [], nextCursor: null });
  expect((await call('balance.list', { query: 'pool=lab' })).items.length).toBeGreaterThanOrEqual(0);
  expect(await call('recommendation.apply', { body: { recommendations: 'all' } })).toEqual({
    items: [],
    nextCursor: null,
  });
});

test('what a host uses, and what a guest says, are the latest that were heard', async () => {
  const { call, gateway } = edge;
  const host = await call('host.get', { params: { host: 'h1' } });
  await gateway.report({
    hostId: host.id,
    incarnation: host.incarnation,
    sequence: 1,
    sentAt: Date.now(),
    capacity: host.capacity,
    guests: [],
    migrations: [],
    datastores: [],
    diskWork: [],
    cpuMillicores: 123,
    isolation: null,
    health: null,
    run: null,
    term: 1,
    queue: 'q',
    refusals: [],
  });
  expect((await call('usage.list')).items).toMatchObject([
    { hostId: host.id, cpuMillicores: 123 },
    { cpuMillicores: 0 },
  ]);
  expect(await call('guest.processors', { params: { guest: 'db' } })).toMatchObject({
    shares: 2000,
    usedMillicores: null,
    metShare: null,
  });
  const tail = await call('guest.console', { params: { guest: 'db' }, query: 'maximumBytes=10' });
  expect(tail.text).toBe('the last 10 bytes of db');
  await call('guest.console-write', { params: { guest: 'db' }, body: { text: 'load 500\n' } });
  expect(gateway.typed).toEqual(['db: load 500\n']);
});

test('the controller says what it is', async () => {
  expect(await edge.call('lab.get')).toMatchObject({
    version: '0.1.0',
    database: 'up',
    redis: 'up',
    lab: null,
    leader: { held: true },
  });
});

test('actions are recorded under the name of the user who asked', async () => {
  const { call, tokens } = edge;
  await call('guest.create', {
    body: { name: 'by-olga', pool: 'lab', image: 'tiny', memoryMiB: 64 },
    token: tokens.operator,
  });
  const { items } = await call('event.list', { query: 'subject=by-olga' });
  expect(items[0]).toMatchObject({ actor: 'olga' });
});

test('a guest is told which hosts would take it, and why the others would not', async () => {
  const { call } = edge;
  const names = { pool: 'lab', image: 'tiny' };
  await call('guest.create', { body: { name: 'picky', memoryMiB: 64, ...names } });
  await call('guest.create', { body: { name: 'twin', memoryMiB: 64, ...names } });
  await call('rule.create', {
    body: { name: 'off-h2', pool: 'lab', kind: 'must-not-run-on', guests: ['picky'], hosts: ['h2'] },
  });
  const { items } = await call('guest.hosts', { params: { guest: 'picky' } });
  expect(items).toMatchObject([
    { hostName: 'h1', isBest: true, isCurrent: false, rejection: null },
    { hostName: 'h2', isBest: false, rejection: { check: 'rules', code: 'rule-violated' } },
  ]);
  const forTwin = await call('guest.hosts', { params: { guest: 'twin' } });
  expect(forTwin.items.map(({ rejection }) => rejection)).toEqual([null, null]);
  expect(forTwin.items.filter(({ isBest }) => isBest)).toHaveLength(1);
  await call('host.enter-maintenance', { params: { host: 'h1' } });
  expect((await call('guest.hosts', { params: { guest: 'picky' } })).items[0]).toMatchObject({
    rejection: { code: 'host-in-maintenance' },
  });
  await call('host.exit-maintenance', { params: { host: 'h1' } });
});
