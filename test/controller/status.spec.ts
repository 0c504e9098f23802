import { accepted } from '@argosy/domain/refusal';
import { makeLab, startEdge, type Edge } from './edge';

// What the edge says of the controller itself, and how it stands when what it needs is away.

let edge: Edge;
beforeAll(async () => {
  edge = await startEdge({ requestDeadlineMs: 3000 });
  await makeLab(edge);
}, 60_000);
afterAll(() => edge.stop());

async function eventually(check: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 15_000;
  while (!(await check())) {
    if (performance.now() > end) throw new Error('it did not come to that within 15 s');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
const health = () => edge.send('GET', '/health', { token: null });

test('health is asked for without a token', async () => {
  expect(await health()).toMatchObject({
    status: 200,
    body: { status: 'ok', leading: true, database: 'up', redis: 'up', at: expect.any(Number) },
  });
});

test('Prometheus is told of hosts, guests, migrations, passes and requests', async () => {
  const { gateway, send, tokens } = edge;
  const row = { id: 'm1', step: 'done', createdAt: 1000, endedAt: 3000, downtimeMs: 20, guestSeenDowntimeMs: 30 };
  const write = { kind: 'put', entity: 'migration', row } as never;
  // Twice: a row that is written again is still one migration.
  gateway.publish([write]);
  gateway.publish([write]);
  await send('GET', '/api/v1/guests');
  const { status, body, headers } = await send('GET', '/metrics', { token: tokens.viewer });
  expect(status).toBe(200);
  expect(headers.get('content-type')).toMatch(/^text\/plain/);
  const lines = body.split('\n');
  for (const line of [
    'argosy_hosts{state="online"} 2',
    'argosy_hosts{state="failed"} 0',
    'argosy_guests{state="running"} 0',
    'argosy_migrations_total{outcome="done"} 1',
    'argosy_migrations_total{outcome="failed"} 0',
    'argosy_migration_seconds_sum 2',
    'argosy_migration_downtime_seconds_sum{seen_by="guest"} 0.03',
    'argosy_leading 1',
    'argosy_http_requests_total{route="guest.list",status="200"} 1',
  ])
    expect(lines).toContain(line);
  expect(body).toMatch(/^argosy_control_pass_seconds_count /m);
  expect(body).toMatch(/^process_resident_memory_bytes /m);
});

test('a follower answers nothing but where the leader is', async () => {
  const { gateway, send } = edge;
  gateway.leads = false;
  for (const path of ['/api/v1/guests', '/api/v1/events/stream', '/api/v1/users']) {
    const { status, body, headers } = await send('GET', path);
    expect({ status, body }).toMatchObject({
      status: 503,
      body: { code: 'not-leader', details: { leaderUrl: 'http://127.0.0.1:8080' } },
    });
    expect(headers.get('retry-after')).toBe('1');
  }
  for (const path of ['/health', '/metrics', '/api/openapi.json'])
    expect(await send('GET', path)).toMatchObject({ status: 200 });
  gateway.leads = true;
});

test('a bug says nothing of itself but the id under which the log has it', async () => {
  const { gateway, send, logged } = edge;
  gateway.nextAnswer = () => Promise.reject(new Error('secret of the inside'));
  const { status, body } = await send('POST', '/api/v1/guests/db/start');
  expect({ status, code: body.code }).toEqual({ status: 500, code: 'internal' });
  expect(JSON.stringify(body)).not.toMatch(/secret|at .*\.ts/);
  expect(logged.at(-1)).toContain(body.details.id);
  expect(logged.at(-1)).toContain('secret of the inside');
});

test('a brain that does not answer is not waited for', async () => {
  const { gateway, send } = edge;
  gateway.nextAnswer = () => new Promise(() => undefined);
  expect(await send('POST', '/api/v1/guests/db/start')).toMatchObject({
    status: 504,
    body: { code: 'deadline-passed' },
  });
});

test('refusals of the agents keep their code', async () => {
  const { gateway, send } = edge;
  for (const [code, status] of [
    ['disk-full', 507],
    ['image-corrupt', 422],
    ['queue-unavailable', 503],
  ] as const) {
    gateway.nextAnswer = async () => ({ ok: false, refusal: { code, message: 'said by the host' } });
    expect(await send('POST', '/api/v1/guests/db/start')).toMatchObject({
      status,
      body: { code, message: 'said by the host' },
    });
  }
});

test('HEAD answers as GET does, with no body', async () => {
  expect(await edge.send('HEAD', '/api/v1/guests')).toMatchObject({ status: 200, body: '' });
});

test('pages need nothing from elsewhere and allow nothing inline', async () => {
  const { send } = edge;
  for (const path of ['/', '/api']) {
    const { status, body, headers } = await send('GET', path, { token: null });
    expect(status).toBe(200);
    expect(headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'");
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(body).not.toMatch(/https?:\/\/|<script>|style="|onclick/);
    for (const [, file] of body.matchAll(/(?:src|href)="(\/pages\/[^"]+)"/g))
      expect(await send('GET', file, { token: null })).toMatchObject({ status: 200 });
  }
  expect((await send('GET', '/api/v1/whoami')).headers.get('cache-control')).toBe('no-store');
  expect(await send('GET', '/pages/../ports.ts', { token: null })).toMatchObject({ status: 404 });
});

test('without Redis the API answers, and health says what is away', async () => {
  const { redis, send, call } = edge;
  redis.kill();
  await eventually(async () => (await health()).body.redis === 'down');
  expect(await health()).toMatchObject({ status: 503, body: { status: 'degraded', database: 'up', redis: 'down' } });
  expect(await send('GET', '/api/v1/guests')).toMatchObject({ status: 200 });
  expect(await call('lab.get')).toMatchObject({ redis: 'down' });
  await redis.restart();
  await eventually(async () => (await health()).status === 200);
});

test('without the database calls are refused in time, and work again after', async () => {
  const { postgres, send, gateway } = edge;
  postgres.kill();
  // The processes that serve the connections end a moment after their parent.
  await eventually(async () => (await send('GET', '/api/v1/guests')).status === 503);
  const begun = performance.now();
  for (const [method, path] of [
    ['GET', '/guests'],
    ['POST', '/guests/db/start'],
    ['GET', '/events'],
  ] as const) {
    gateway.nextAnswer = async () => accepted(null);
    const { status, body } = await send(method, `/api/v1${path}`);
    expect({ status, code: body.code }).toEqual({ status: 503, code: 'store-unavailable' });
    expect(body.message).not.toMatch(/prisma|postgres/i);
  }
  expect(performance.now() - begun).toBeLessThan(15_000);
  await eventually(async () => (await health()).body.database === 'down');
  expect((await health()).status).toBe(503);
  gateway.nextAnswer = null;
  await postgres.restart();
  await eventually(async () => (await send('GET', '/api/v1/events')).status === 200);
});
