import { mayCall, routeNames, routes, routeUrl, screenPath } from '@argosy/contracts/routes';
import { roles, type Role } from '@argosy/domain/access';
import { fastify } from 'fastify';
import { addGate, type RouteConfig } from '../../apps/controller/src/http/gate';
import { credentialOf, makeLab, newcomer, registration, startEdge, type Edge, type RegisteredRoute } from './edge';

// Who may do what: every route against every role, and the ways that users, tokens and hosts come in.

let edge: Edge;
let credentials: { h1: string; h2: string };
beforeAll(async () => {
  edge = await startEdge({ failedLoginBurst: 5000 });
  credentials = await makeLab(edge);
}, 60_000);
afterAll(() => edge.stop());

type CallerName = 'nobody' | 'unknown' | 'expired' | 'revoked' | Role | 'agent' | 'joining';

/** Every way to come, and what may be had by it. */
async function everyCaller(): Promise<Record<CallerName, string | null>> {
  const { access, call, tokens } = edge;
  const expired = await access.createToken('ada', { expiresInMs: 1 });
  const revoked = await access.createToken('ada');
  await access.revokeToken(revoked!.id);
  const joining = await call('join-token.create', { body: { pool: 'lab', reusable: true } });
  const [unknown, agent] = ['argosy_token_wrong', credentials.h1];
  const others = { nobody: null, unknown, expired: expired!.secret, revoked: revoked!.secret };
  return { ...others, ...tokens, agent, joining: joining.secret };
}

function expected(caller: CallerName, access: RouteConfig['access']): 'in' | 'unauthenticated' | 'forbidden' {
  if (access === 'everyone') return 'in';
  if (access === 'join') return caller === 'agent' || caller === 'joining' ? 'in' : 'unauthenticated';
  const role = roles.find((each) => each === caller);
  if (!role) return 'unauthenticated';
  return mayCall(role, access) ? 'in' : 'forbidden';
}

/** What came of it; a stream that opens is closed again. */
async function attempt({ method, path }: RegisteredRoute, token: string | null): Promise<string> {
  const url = path.replace('*', 'x').replace(/:\w+/g, 'nobody-has-this-name');
  const isRegistration = path === routeUrl(routes['agent.register'].path);
  const abort = new AbortController();
  const response = await fetch(`${edge.url}${url}`, {
    method,
    signal: abort.signal,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(isRegistration ? { 'content-type': 'application/json' } : {}),
    },
    ...(isRegistration ? { body: JSON.stringify(newcomer('h1')) } : {}),
  });
  const isRefused = response.status === 401 || response.status === 403;
  const outcome = isRefused ? ((await response.json()) as { code: string }).code : 'in';
  abort.abort();
  return outcome;
}

describe('every route', () => {
  test('of the contract is there, and what else is there is known', () => {
    const names = new Set(edge.registered.map(({ name }) => name));
    for (const name of routeNames) expect(names).toContain(name);
    const open = edge.registered.filter(({ access }) => access === 'everyone').map(({ path }) => path);
    const pages = ['/', '/assets/:file', '/api', '/pages/api.js', '/pages/client.js', '/pages/style.css'];
    expect(new Set(open)).toEqual(new Set(['/health', '/api/openapi.json', screenPath, ...pages, '/*']));
  });

  test('lets in whom its access says, and nobody else', async () => {
    const callers = await everyCaller();
    for (const route of edge.registered)
      for (const caller of Object.keys(callers) as CallerName[]) {
        // Joining under a taken name is another matter.
        if (route.access === 'join' && caller === 'joining') continue;
        const who = { route: `${route.method} ${route.path}`, caller };
        const outcome = await attempt(route, callers[caller]);
        expect({ ...who, outcome }).toEqual({ ...who, outcome: expected(caller, route.access) });
      }
  });

  test('that does not say who may call it keeps the controller from starting', () => {
    const server = fastify();
    addGate(server, null as never, null as never);
    expect(() => server.get('/forgotten', async () => 'all of it')).toThrow(
      'GET /forgotten does not say who may call it',
    );
  });

  test('looks at who calls before it reads what is sent', async () => {
    const body = { name: 'x'.repeat(2_000_000) };
    expect(await edge.send('POST', '/api/v1/guests', { token: null, body })).toMatchObject({ status: 401 });
    expect(await edge.send('POST', '/api/v1/guests', { token: edge.tokens.viewer, body })).toMatchObject({
      status: 403,
      body: { message: expect.stringContaining('needs the role operator') },
    });
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
    const { incarnation } = await edge.call('host.get', { params: { host: 'h1' } });
    const again = await register(credentials.h1, registration('h1'));
    expect(again).toMatchObject({
      status: 200,
      body: {
        redisUrl: 'redis://127.0.0.1:1/0',
        hostKey: expect.stringContaining('key of '),
        assignments: { incarnation: incarnation + 1 },
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
      expect(await register(token, newcomer('h3'))).toMatchObject({
        status: 401,
        body: { code: 'unauthenticated' },
      });
    await call('pool.create', { body: { name: 'other' } });
    const { secret } = await call('join-token.create', { body: { pool: 'other' } });
    expect(await register(secret, newcomer('h3', 'lab'))).toMatchObject({ status: 401 });
    expect(await register(secret, newcomer('h3', 'nowhere'))).toMatchObject({
      status: 404,
      body: { code: 'unknown-pool' },
    });
    expect(await register(secret, registration('h3', 'other'))).toMatchObject({
      status: 401,
      body: { message: expect.stringContaining('send "credentialHash"') },
    });
    expect(await register(secret, newcomer('h3', 'other'))).toMatchObject({ status: 200 });
    expect(await register(secret, newcomer('h4', 'other'))).toMatchObject({ status: 401 });
    expect(await edge.send('GET', '/api/v1/hosts', { token: secret })).toMatchObject({ status: 401 });
  });

  test('that were not told their pool come to that of their token, and back to where they were', async () => {
    const { call } = edge;
    const unnamed = (host: object): object => ({ ...host, poolName: undefined });
    const { secret } = await call('join-token.create', { body: { pool: 'other' } });
    expect(await register(secret, unnamed(newcomer('h9')))).toMatchObject({ status: 200 });
    const { poolId } = await call('host.get', { params: { host: 'h9' } });
    expect((await call('pool.get', { params: { pool: 'other' } })).id).toBe(poolId);
    expect(await register(credentialOf('h9'), unnamed(registration('h9')))).toMatchObject({ status: 200 });
    const { secret: forAny } = await call('join-token.create', { body: {} });
    expect(await register(forAny, unnamed(newcomer('h10')))).toMatchObject({
      status: 400,
      body: { code: 'invalid-request', message: expect.stringContaining('Say which pool') },
    });
    expect(await register(forAny, newcomer('h10'))).toMatchObject({ status: 200 });
  });

  test('whose name is taken do not get in as another, and their token is not used up', async () => {
    const { call } = edge;
    const { secret } = await call('join-token.create', { body: { pool: 'lab' } });
    expect(await register(secret, newcomer('h1', 'lab', 'an-impostor'))).toMatchObject({
      status: 409,
      body: { code: 'name-taken', message: expect.stringContaining('join-token create --host h1') },
    });
    expect(await register(credentials.h1, registration('h1'))).toMatchObject({ status: 200 });
    expect(await register(secret, newcomer('h7'))).toMatchObject({ status: 200 });
  });

  test('come back without their credential by a token for them alone, and the lost one holds no longer', async () => {
    const { call, send } = edge;
    const both = { host: 'h7', reusable: true };
    expect(await send('POST', '/api/v1/join-tokens', { body: both })).toMatchObject({ status: 400 });
    const { secret } = await call('join-token.create', { body: { host: 'h7' } });
    expect(await register(secret, newcomer('h8'))).toMatchObject({ status: 401 });
    expect(await register(secret, newcomer('h7', 'lab', 'made-anew'))).toMatchObject({ status: 200 });
    expect(await register(credentialOf('h7'), registration('h7'))).toMatchObject({ status: 401 });
    expect(await register('made-anew', registration('h7'))).toMatchObject({ status: 200 });
    expect(await register(secret, newcomer('h7', 'lab', 'once-more'))).toMatchObject({ status: 401 });
  });

  test('are known when the brain could not take them in at once, or its answer was lost', async () => {
    const { call, gateway } = edge;
    const { secret } = await call('join-token.create', { body: {} });
    gateway.nextAnswer = async () => ({ ok: false, refusal: { code: 'store-unavailable', message: 'away' } });
    const refused = await register(secret, newcomer('h5'));
    expect(refused).toMatchObject({ status: 503, body: { code: 'store-unavailable' } });
    expect(await register(credentialOf('h5'), registration('h5'))).toMatchObject({ status: 200 });
  });

  test('are forgotten with their credential', async () => {
    const { call } = edge;
    const { secret } = await call('join-token.create', { body: {} });
    await call('agent.register', { body: newcomer('h6'), token: secret });
    const { gateway } = edge;
    // The brain removes no host that is online; that is its own test.
    gateway.nextAnswer = async () => ({ ok: true, value: null });
    await call('host.remove', { params: { host: 'h6' } });
    expect(await register(credentialOf('h6'), registration('h6'))).toMatchObject({ status: 401 });
  });
});
