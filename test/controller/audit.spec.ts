import type { AuditOutcome } from '@argosy/domain/access';
import { AuditStore } from '@argosy/inventory/audit-store';
import { openDatabase } from '@argosy/inventory/database';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditedCall } from '../../apps/controller/src/audit-trail';
import { makeLab, newcomer, startEdge, type Called, type Edge } from './edge';

// Who did what: every call that is to change something is in the record, and so is every reader who was denied.

jest.setTimeout(60_000);

let edge: Edge;
beforeAll(async () => {
  edge = await startEdge({}, { removedAtOnce: 7 });
  await makeLab(edge);
}, 60_000);
afterAll(() => edge.stop());

type Who = 'administrator' | 'operator' | 'viewer' | 'wrong' | 'none';
const names: Record<Who, string | null> = {
  administrator: 'ada',
  operator: 'olga',
  viewer: 'vera',
  wrong: null,
  none: null,
};
const newGuest = { name: 'db', pool: 'lab', image: 'tiny', memoryMiB: 64 };

const anEvent: AuditedCall['event'] = {
  ...{ actor: 'olga', tokenId: null, address: null, method: 'POST', route: 'guest.start', subject: null },
  ...{ outcome: 'done', status: 202, code: null },
};

interface Row {
  readonly who: Who;
  readonly asks: readonly [method: string, path: string, body?: unknown];
  readonly recorded: null | {
    readonly route: string;
    readonly subject: string | null;
    readonly outcome: AuditOutcome;
    readonly status: number;
    readonly code: string | null;
  };
}
const row = (
  who: Who,
  asks: Row['asks'],
  ...[route, subject, outcome, status, code]: [string, string | null, AuditOutcome, number, string?]
): Row => ({ who, asks, recorded: { route, subject, outcome, status, code: code ?? null } });

const table: readonly Row[] = [
  row('operator', ['POST', '/guests', newGuest], 'guest.create', 'db', 'done', 201),
  row('operator', ['POST', '/guests', newGuest], 'guest.create', null, 'refused', 409, 'name-taken'),
  row('operator', ['POST', '/guests', '{"name":'], 'guest.create', null, 'refused', 400, 'invalid-request'),
  row('operator', ['PATCH', '/guests/db', { cpuShares: 500 }], 'guest.update', 'db', 'done', 200),
  row('viewer', ['POST', '/guests/db/start'], 'guest.start', 'db', 'denied', 403, 'forbidden'),
  row('none', ['POST', '/guests/db/start'], 'guest.start', 'db', 'denied', 401, 'unauthenticated'),
  row('wrong', ['DELETE', '/guests/db'], 'guest.remove', 'db', 'denied', 401, 'unauthenticated'),
  row('operator', ['DELETE', '/guests/db'], 'guest.remove', 'db', 'done', 204),
  row('operator', ['DELETE', '/guests/db'], 'guest.remove', 'db', 'refused', 404, 'unknown-guest'),
  row('administrator', ['POST', '/hosts/h1/maintenance'], 'host.enter-maintenance', 'h1', 'done', 202),
  row('operator', ['POST', '/hosts/h1/fence'], 'host.fence', 'h1', 'denied', 403, 'forbidden'),
  row(
    'administrator',
    ['DELETE', '/hosts/h1/fence-devices/door'],
    'host.remove-fence-device',
    'h1/door',
    'refused',
    404,
    'unknown-fence-device',
  ),
  row('administrator', ['POST', '/users', { name: 'tom', role: 'viewer' }], 'user.create', 'tom', 'done', 201),
  row('administrator', ['DELETE', '/users/tom'], 'user.remove', 'tom', 'done', 204),
  row('viewer', ['GET', '/users'], 'user.list', null, 'denied', 403, 'forbidden'),
  row('none', ['GET', '/guests/db'], 'guest.get', 'db', 'denied', 401, 'unauthenticated'),
  row('wrong', ['GET', '/events/stream'], 'event.stream', null, 'denied', 401, 'unauthenticated'),
  row('wrong', ['POST', '/agents/register', newcomer('h9')], 'agent.register', 'h9', 'denied', 401, 'unauthenticated'),
  { who: 'viewer', asks: ['GET', '/guests'], recorded: null },
  { who: 'viewer', asks: ['GET', '/guests/nobody'], recorded: null },
  { who: 'none', asks: ['POST', '/nothing/here'], recorded: null },
];

const tokenOf = (who: Who) => (who === 'none' ? null : who === 'wrong' ? 'argosy_token_wrong' : edge.tokens[who]);
const latest = async (query = 'limit=1') => (await edge.call('audit.list', { query })).items;
const lastId = async () => (await latest())[0]?.id ?? 0;

for (const { who, asks, recorded } of table) {
  const [method, path, body] = asks;
  const outcome = recorded ? `${recorded.outcome} ${recorded.status}` : 'not recorded';
  test(`${method} ${path} of ${who} is ${outcome}${recorded?.code ? `, ${recorded.code}` : ''}`, async () => {
    const [before, from] = [await lastId(), Date.now()];
    await edge.send(method, `/api/v1${path}`, { token: tokenOf(who), body });
    const added = (await latest('limit=5')).filter(({ id }) => id > before);
    if (!recorded) return expect(added).toEqual([]);
    const actor = names[who];
    const tokenId = actor === null ? null : (await edge.call('whoami', { token: tokenOf(who)! })).tokenId;
    const always = { id: expect.any(Number), at: expect.any(Number), address: '127.0.0.1', dropped: 0 };
    expect(added).toEqual([{ ...always, ...recorded, method, actor, tokenId }]);
    expect(added[0]!.at).toBeGreaterThanOrEqual(from);
    expect(added[0]!.at).toBeLessThanOrEqual(Date.now());
  });
}

test('a host that joins is the actor, and only once it has proved who it is', async () => {
  const { secret } = await edge.call('join-token.create', { body: { pool: 'lab' } });
  await edge.call('agent.register', { body: newcomer('h3'), token: secret });
  await edge.send('POST', '/api/v1/agents/register', { body: newcomer('h3'), token: secret });
  expect(await latest('route=agent.register&limit=2')).toMatchObject([
    { actor: null, subject: 'h3', outcome: 'denied' },
    { actor: 'host h3', subject: 'h3', outcome: 'done', tokenId: null },
  ]);
  expect(await latest('actor=host%20h3')).toHaveLength(1);
});

test('what fails within is recorded as failed, and a caller who hangs up has done it all the same', async () => {
  edge.gateway.nextAnswer = () => Promise.reject(new Error('a fault'));
  await edge.send('POST', '/api/v1/hosts/h2/maintenance');
  expect(await latest()).toMatchObject([{ outcome: 'failed', status: 500, code: 'internal', subject: 'h2' }]);

  let isAsked = false;
  edge.gateway.nextAnswer = async () => {
    isAsked = true;
    await sleep(300);
    return { ok: true, value: {} };
  };
  const hangUp = new AbortController();
  const headers = { authorization: `Bearer ${edge.tokens.operator}` };
  const asked = fetch(`${edge.url}/api/v1/hosts/h2/maintenance`, { method: 'DELETE', headers, signal: hangUp.signal });
  while (!isAsked) await sleep(5);
  hangUp.abort();
  await expect(asked).rejects.toThrow();
  await sleep(500);
  expect(await latest()).toMatchObject([{ actor: 'olga', route: 'host.exit-maintenance', outcome: 'done' }]);
});

test('it is filtered, paged, and for administrators alone', async () => {
  const all = await latest('limit=1000');
  const by = async (query: string) => (await latest(`limit=1000&${query}`)).map(({ id }) => id);
  const expected = (keep: (event: (typeof all)[number]) => boolean) => all.filter(keep).map(({ id }) => id);
  expect(await by('actor=olga')).toEqual(expected(({ actor }) => actor === 'olga'));
  expect(await by('route=guest.remove')).toEqual(expected(({ route }) => route === 'guest.remove'));
  expect(await by('outcome=refused')).toEqual(expected(({ outcome }) => outcome === 'refused'));
  const { at } = all[5]!;
  expect(await by(`since=${at}`)).toEqual(expected((event) => event.at >= at));
  expect(await by(`until=${at}&actor=olga`)).toEqual(expected((event) => event.at <= at && event.actor === 'olga'));
  const first = await edge.call('audit.list', { query: 'limit=3' });
  const second = await edge.call('audit.list', { query: `limit=3&cursor=${first.nextCursor}` });
  expect([...first.items, ...second.items]).toEqual(all.slice(0, 6));
  for (const token of [edge.tokens.operator, edge.tokens.viewer])
    expect(await edge.send('GET', '/api/v1/audit', { token })).toMatchObject({ status: 403 });
  expect(await edge.send('GET', '/api/v1/audit?outcome=odd')).toMatchObject({ status: 400 });
  expect(await edge.send('GET', '/api/v1/audit?cursor=x')).toMatchObject({ status: 400 });
});

test('no secret gets into it: none that is made, sent, or put into a path by mistake', async () => {
  const made = await edge.call('token.create', { body: { description: 'laptop' } });
  const join = await edge.call('join-token.create', { body: { pool: 'lab' } });
  const password = 'hunter2-of-the-guest';
  await edge.send('POST', '/api/v1/guests', { body: { ...newGuest, name: 'sealed', cloudInit: password } });
  await edge.send('POST', '/api/v1/guests', { body: { ...newGuest, name: 'X!', cloudInit: password } });
  await edge.send('DELETE', `/api/v1/tokens/${made.secret}`);
  await edge.send('DELETE', '/api/v1/guests/%1b%5b31mred%00');
  await edge.send('GET', '/api/v1/guests?token=in-the-url', { token: null });
  const written = JSON.stringify(await latest('limit=1000'));
  expect(written).toContain(made.id);
  const credential = newcomer('h3').credentialHash;
  for (const secret of [made.secret, join.secret, password, credential, 'in-the-url', ...Object.values(edge.tokens)])
    expect(written).not.toContain(secret);
  expect(written).toContain('(a secret)');
  expect(written).toContain('\uFFFD[31mred\uFFFD');
});

test('a database that is away keeps no caller waiting, and finds every event once when it is back', async () => {
  edge.postgres.kill();
  const answers: Called[] = [];
  for (let count = 0; count < 10; count++) {
    const began = performance.now();
    answers.push(await edge.send('POST', `/api/v1/guests/away-${count}/start`, { token: null }));
    expect(performance.now() - began).toBeLessThan(1000);
  }
  expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(401));
  expect(await edge.send('POST', '/api/v1/guests/away/stop')).toMatchObject({ status: 503 });
  await sleep(500);
  await edge.postgres.restart();
  const end = performance.now() + 20_000;
  while ((await edge.send('GET', '/api/v1/audit')).status !== 200 && performance.now() < end) await sleep(100);
  const found = (await latest('limit=100')).filter(({ subject }) => subject?.startsWith('away'));
  expect(found.map(({ subject }) => subject).reverse()).toEqual(
    [...Array(10).keys()].map((n) => `away-${n}`).concat('away'),
  );
  expect(found[0]).toMatchObject({ outcome: 'failed', status: 503, code: 'store-unavailable', actor: null });
});

test('events whose writing was given up, and which are written again, are there once', async () => {
  const database = openDatabase({ url: edge.postgres.url });
  const store = new AuditStore(database);
  const calls = ['first', 'second', 'third'].map((subject) => ({
    ...anEvent,
    subject,
    at: 1,
    dropped: 0,
    callId: subject,
  }));
  await store.add(calls.slice(0, 2));
  await store.add(calls);
  expect((await latest('until=1&limit=9')).map(({ subject }) => subject)).toEqual(['third', 'second', 'first']);
  await database.$disconnect();
});

test('what is older than the retention is removed, in batches, and nothing else is', async () => {
  const all = (await latest('limit=1000')).filter(({ at }) => at > 1);
  const dayMs = 86_400_000;
  expect(await edge.audit.removeOld()).toBe(3);
  edge.clock.skippedMs = 91 * dayMs;
  await edge.send('POST', '/api/v1/guests/later/start');
  expect(all.length).toBeGreaterThan(3 * 7);
  expect(await edge.audit.removeOld()).toBe(all.length);
  expect(await latest('limit=1000')).toMatchObject([{ subject: 'later' }]);
  edge.clock.skippedMs = 0;
});

describe('a flood', () => {
  let flooded: Edge;
  const burst = 20;
  beforeAll(async () => {
    const wait = { waiting: 30, sayDroppedMs: 300 };
    const strangers = { strangersBurst: burst, strangersPerSecond: 0.01, deniedBurst: 10, deniedPerSecond: 0.01 };
    flooded = await startEdge({}, { ...wait, ...strangers });
  }, 60_000);
  afterAll(() => flooded.stop());
  const list = async (query: string) => (await flooded.call('audit.list', { query: `limit=1000&${query}` })).items;
  const droppedIn = async () => (await list('outcome=dropped')).reduce((sum, { dropped }) => sum + dropped, 0);
  async function untilDropped(count: number): Promise<void> {
    const end = performance.now() + 10_000;
    while ((await droppedIn()) < count && performance.now() < end) await sleep(100);
    expect(await droppedIn()).toBe(count);
  }

  test('of strangers leaves a bounded record that says how much it left out, and hides no user', async () => {
    for (let count = 0; count < 200; count++) await flooded.send('GET', '/api/v1/guests', { token: null });
    await untilDropped(190);
    expect(await list('outcome=denied')).toHaveLength(10);
    const metrics = String((await flooded.send('GET', '/metrics')).body);
    expect(metrics).toContain('argosy_audit_dropped_total{reason="flood"} 190');
    expect(flooded.logged.join('\n')).toContain('left out of the audit trail');
    await flooded.send('GET', '/api/v1/users', { token: flooded.tokens.viewer });
    await flooded.send('POST', '/api/v1/guests/db/start', { token: flooded.tokens.operator });
    expect(await list('actor=vera')).toMatchObject([{ outcome: 'denied' }]);
    expect(await list('actor=olga')).toMatchObject([{ outcome: 'refused' }]);
  });

  test('while the database is away fills no memory', async () => {
    flooded.postgres.pause();
    for (let count = 0; count < 500; count++)
      flooded.audit.take({ event: anEvent, isAdmitted: true, isStranger: false, source: 'olga' });
    flooded.postgres.resume();
    await untilDropped(190 + 470);
    expect(await list('route=guest.start&outcome=done')).toHaveLength(30);
  });
});
