import { mayCall, routeNames, routes, routeUrl, type Route, type RouteName } from '@argosy/contracts/routes';
import { roles } from '@argosy/domain/entities';
import { makeLab, registration, startEdge, type Edge } from './edge';

// Who may do what: every route against every role, and the ways that users, tokens and hosts come in.

let edge: Edge;
let credentials: { h1: string; h2: string };
beforeAll(async () => {
  edge = await startEdge({ failedLoginBurst: 500 });
  credentials = await makeLab(edge);
}, 60_000);
afterAll(() => edge.stop());

function attempt(name: RouteName, token: string | null) {
  const route: Route = routes[name];
  const params = Object.fromEntries(
    Object.keys(route.params?.shape ?? {}).map((each) => [each, 'nobody-has-this-name']),
  );
  return edge.send(route.method, routeUrl(route.path, params), { token });
}

describe('every route', () => {
  test.each(routeNames)('%s refuses who has no token, a bad one or too low a role', async (name) => {
    expect(await attempt(name, null)).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    const { access } = routes[name];
    if (access === 'join') return;
    expect(await attempt(name, 'argosy_token_wrong')).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    for (const role of roles) {
      const { status, body } = await attempt(name, edge.tokens[role]);
      const isForbidden = status === 403 && body.code === 'forbidden';
      expect({ name, role, isForbidden }).toEqual({ name, role, isForbidden: !mayCall(role, access) });
      if (isForbidden) expect(body.message).toContain(`needs the role ${access}`);
    }
  });
});

test('the wrong scheme, and a token in the URL, are no way in', async () => {
  const headers = { authorization: `Basic ${edge.tokens.viewer}` };
  expect(await edge.send('GET', '/api/v1/hosts', { token: null, headers })).toMatchObject({ status: 401 });
  const inUrl = await edge.send('GET', `/api/v1/events/stream?token=${edge.tokens.viewer}`, { token: null });
  expect(inUrl).toMatchObject({ status: 401 });
});

test('a token ends when it is revoked, when it runs out and with its user', async () => {
  const { call, send } = edge;
  const user = await call('user.create', { body: { name: 'tom', role: 'viewer' } });
  const first = await call('token.create', { body: { user: 'tom', description: 'first' } });
  expect(await call('whoami', { token: first.secret })).toEqual({ name: 'tom', role: 'viewer', tokenId: first.id });
  const own = await call('token.create', { body: {}, token: first.secret });
  expect(own.userId).toBe(user.id);
  await call('token.revoke', { params: { id: first.id }, token: own.secret });
  expect(await send('GET', '/api/v1/whoami', { token: first.secret })).toMatchObject({ status: 401 });
  await call('user.update', { params: { id: 'tom' }, body: { role: 'operator' } });
  expect(await call('whoami', { token: own.secret })).toMatchObject({ role: 'operator' });
  const short = await call('token.create', { body: { expiresInMs: 60_000 }, token: own.secret });
  edge.clock.skippedMs = 60_001;
  expect(await send('GET', '/api/v1/whoami', { token: short.secret })).toMatchObject({ status: 401 });
  edge.clock.skippedMs = 0;
  await call('user.remove', { params: { id: 'tom' } });
  expect(await send('GET', '/api/v1/whoami', { token: own.secret })).toMatchObject({ status: 401 });
});

test("nobody sees, makes or revokes others' tokens but an administrator", async () => {
  const { call, send, tokens } = edge;
  const all = await call('token.list');
  const own = await call('token.list', { token: tokens.viewer });
  expect(new Set(own.items.map(({ userId }) => userId)).size).toBe(1);
  expect(all.items.length).toBeGreaterThan(2);
  expect(JSON.stringify(all)).not.toContain(tokens.viewer);
  const others = all.items.find(({ userId }) => userId !== own.items[0]?.userId)!;
  expect(await send('DELETE', `/api/v1/tokens/${others.id}`, { token: tokens.viewer })).toMatchObject({
    status: 404,
    body: { code: 'unknown-token' },
  });
  const forAda = await send('POST', '/api/v1/tokens', { body: { user: 'ada' }, token: tokens.viewer });
  expect(forAda).toMatchObject({ status: 403, body: { code: 'forbidden' } });
});

test('the last administrator stays', async () => {
  expect(await edge.send('DELETE', '/api/v1/users/ada')).toMatchObject({ status: 409, body: { code: 'in-use' } });
  const demoted = await edge.send('PATCH', '/api/v1/users/ada', { body: { role: 'viewer' } });
  expect(demoted).toMatchObject({ status: 409 });
});

describe('hosts', () => {
  const register = (token: string, body: unknown) => edge.send('POST', '/api/v1/agents/register', { token, body });

  test('come back with their credential, and only as themselves', async () => {
    const again = await register(credentials.h1, registration('h1'));
    expect(again).toMatchObject({
      status: 200,
      body: {
        credential: null,
        redisUrl: 'redis://127.0.0.1:1/0',
        peerSecret: 'peer-secret',
        assignments: { incarnation: 2 },
      },
    });
    expect(await register(credentials.h1, registration('h2'))).toMatchObject({
      status: 403,
      body: { code: 'forbidden' },
    });
  });

  test('need a token that is for joining, for this pool, and not used up', async () => {
    const { call, tokens } = edge;
    for (const token of [tokens.administrator, 'argosy_join_wrong'])
      expect(await register(token, registration('h3'))).toMatchObject({
        status: 401,
        body: { code: 'unauthenticated' },
      });
    await call('pool.create', { body: { name: 'other' } });
    const { secret } = await call('join-token.create', { body: { pool: 'other' } });
    expect(await register(secret, registration('h3', 'lab'))).toMatchObject({ status: 401 });
    expect(await register(secret, registration('h3', 'nowhere'))).toMatchObject({
      status: 404,
      body: { code: 'unknown-pool' },
    });
    expect(await register(secret, registration('h3', 'other'))).toMatchObject({ status: 200 });
    expect(await register(secret, registration('h4', 'other'))).toMatchObject({ status: 401 });
    expect(await edge.send('GET', '/api/v1/hosts', { token: secret })).toMatchObject({ status: 401 });
  });

  test('keep their credential when the brain could not take them in at once', async () => {
    const { call, gateway } = edge;
    const { secret } = await call('join-token.create', { body: {} });
    gateway.nextAnswer = async () => ({ ok: false, refusal: { code: 'store-unavailable', message: 'away' } });
    const refused = await register(secret, registration('h5'));
    expect(refused).toMatchObject({ status: 503, body: { code: 'store-unavailable' } });
    expect(await register(refused.body.details.credential, registration('h5'))).toMatchObject({ status: 200 });
  });

  test('are forgotten with their credential', async () => {
    const { call } = edge;
    const { secret } = await call('join-token.create', { body: {} });
    const { credential } = await call('agent.register', { body: registration('h6'), token: secret });
    const { gateway } = edge;
    // The brain removes no host that is online; that is its own test.
    gateway.nextAnswer = async () => ({ ok: true, value: null });
    await call('host.remove', { params: { host: 'h6' } });
    expect(await register(credential as string, registration('h6'))).toMatchObject({ status: 401 });
  });
});
