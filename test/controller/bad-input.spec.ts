import { request } from 'node:http';
import { makeLab, startEdge, type Edge } from './edge';

// What may be wrong with what is sent: each is refused with its code and a sentence that names what is wrong, and
// changes nothing.

let edge: Edge;
beforeAll(async () => {
  edge = await startEdge({ bodyBytes: 20_000 });
  await makeLab(edge);
  await edge.call('guest.create', { body: { name: 'db', pool: 'lab', image: 'tiny', memoryMiB: 64 } });
}, 60_000);
afterAll(() => edge.stop());

const guest = { name: 'web', pool: 'lab', image: 'tiny', memoryMiB: 64 };

test.each([
  [
    'a wrong type',
    'POST',
    '/guests',
    { ...guest, memoryMiB: '64' },
    400,
    'invalid-request',
    /^memoryMiB must be a whole number from 16/,
  ],
  [
    'a value out of range',
    'POST',
    '/guests',
    { ...guest, vcpus: 0 },
    400,
    'invalid-request',
    /^vcpus must be a whole number from 1 to 512/,
  ],
  [
    'an unknown field',
    'POST',
    '/guests',
    { ...guest, memory: 1 },
    400,
    'invalid-request',
    /"memory" is not known here; the fields are name,/,
  ],
  [
    'no body',
    'POST',
    '/guests',
    undefined,
    400,
    'invalid-request',
    /^the body must be an object with the fields name,/,
  ],
  ['a list for a body', 'POST', '/guests', [guest], 400, 'invalid-request', /^the body must be an object/],
  ['a body where there is none', 'POST', '/guests/db/start', { now: true }, 400, 'invalid-request', /takes no body/],
  [
    'a bad name',
    'POST',
    '/guests',
    { ...guest, name: 'Web_1' },
    400,
    'invalid-request',
    /^name must be 1 to 63 lower-case/,
  ],
  ['an unknown pool', 'POST', '/guests', { ...guest, pool: 'nowhere' }, 404, 'unknown-pool', /nowhere.*Known: lab/],
  ['an unknown image', 'POST', '/guests', { ...guest, image: 'none' }, 404, 'unknown-image', /none/],
  ['an unknown guest', 'GET', '/guests/nobody', undefined, 404, 'unknown-guest', /no guest "nobody".*Known: db/],
  ['an unknown guest to start', 'POST', '/guests/nobody/start', undefined, 404, 'unknown-guest', /nobody/],
  ['an unknown guest on a console', 'POST', '/guests/nobody/console', { text: 'x' }, 404, 'unknown-guest', /nobody/],
  ['a past of nobody', 'GET', '/guests/nobody/placements', undefined, 404, 'unknown-guest', /never was/],
  ['an unknown host', 'GET', '/hosts/h9', undefined, 404, 'unknown-host', /h9.*Known: h1, h2/],
  ['an unknown host in a filter', 'GET', '/guests?host=h9', undefined, 404, 'unknown-host', /h9/],
  ['an unknown datastore', 'GET', '/datastores/x', undefined, 404, 'unknown-datastore', /x/],
  ['an unknown rule', 'DELETE', '/rules/x', undefined, 404, 'unknown-rule', /x/],
  ['an unknown migration', 'GET', '/migrations/x', undefined, 404, 'unknown-migration', /x/],
  ['an unknown drill', 'GET', '/drills/x', undefined, 404, 'unknown-drill', /x/],
  ['an unknown task', 'GET', '/tasks/x', undefined, 404, 'unknown-task', /x/],
  [
    'an unknown recommendation',
    'POST',
    '/recommendations/apply',
    { recommendations: ['x'] },
    404,
    'unknown-recommendation',
    /x/,
  ],
  ['an unknown user', 'PATCH', '/users/x', { role: 'viewer' }, 404, 'unknown-user', /x/],
  ['an unknown join token', 'DELETE', '/join-tokens/x', undefined, 404, 'unknown-token', /x/],
  [
    'an unknown role',
    'POST',
    '/users',
    { name: 'x', role: 'root' },
    400,
    'invalid-request',
    /^role must be one of viewer, operator, administrator/,
  ],
  ['a name that is taken', 'POST', '/guests', { ...guest, name: 'db' }, 409, 'name-taken', /"db" exists already/],
  ['a user name that is taken', 'POST', '/users', { name: 'vera', role: 'viewer' }, 409, 'name-taken', /vera/],
  [
    'memory beyond any host',
    'POST',
    '/guests',
    { ...guest, memoryMiB: 100_000 },
    422,
    'memory-exceeds-every-host',
    /100000/,
  ],
  [
    'a rule that names no host',
    'POST',
    '/rules',
    { name: 'r', pool: 'lab', kind: 'must-run-on', guests: ['db'] },
    400,
    'invalid-request',
    /^hosts must name at least one/,
  ],
  ['a drill of nothing', 'POST', '/drills', { drill: 'host-loss' }, 400, 'invalid-request', /^host must be given/],
  ['a guest that does not run', 'POST', '/guests/db/migrate', undefined, 409, 'guest-not-running', /db/],
  [
    'a console of a stopped guest',
    'POST',
    '/guests/db/console',
    { text: 'load 1\n' },
    409,
    'guest-not-running',
    /db is stopped/,
  ],
  ['a pool in use', 'DELETE', '/pools/lab', undefined, 409, 'in-use', /lab/],
  [
    'an instant without a zone',
    'GET',
    '/placements?at=14:05',
    undefined,
    400,
    'invalid-request',
    /^at must be an instant like/,
  ],
  [
    'a limit out of range',
    'GET',
    '/events?limit=100000',
    undefined,
    400,
    'invalid-request',
    /^limit must be a whole number from 1 to 1000/,
  ],
  [
    'a cursor of its own making',
    'GET',
    '/migrations?cursor=1',
    undefined,
    400,
    'invalid-request',
    /^cursor must be the nextCursor/,
  ],
  [
    'an unknown filter',
    'GET',
    '/hosts?colour=red',
    undefined,
    400,
    'invalid-request',
    /"colour" is not known here; the fields are pool/,
  ],
  [
    'a filter where there is none',
    'GET',
    '/pools?name=x',
    undefined,
    400,
    'invalid-request',
    /"name" is not known here; the fields are none/,
  ],
  [
    'a filter given twice',
    'GET',
    '/hosts?pool=a&pool=b',
    undefined,
    400,
    'invalid-request',
    /^pool must be an id or a name/,
  ],
  [
    'a word that is not one of them',
    'GET',
    '/events?severity=loud',
    undefined,
    400,
    'invalid-request',
    /^severity must be one of information, warning, error/,
  ],
  [
    'a path with steps upwards',
    'POST',
    '/images',
    { name: 'x', format: 'raw', diskPath: '/a/../b' },
    400,
    'invalid-request',
    /^diskPath must not contain a ".." step/,
  ],
  [
    'an image that is a file of the hosts',
    'POST',
    '/images',
    { name: 'x', format: 'raw', diskPath: '/etc/shadow', datastore: 'shared' },
    422,
    'image-outside-datastore',
    /^diskPath \/etc\/shadow is no file for images: .* below its datastore's folder, \/srv\/argosy,/,
  ],
  [
    'a RAM disk with a comma in its path',
    'POST',
    '/images',
    { name: 'x', format: 'kernel', kernelPath: '/srv/argosy/a', initrdPath: '/srv/argosy/a,b' },
    400,
    'invalid-request',
    /^initrdPath must have no comma and no space/,
  ],
])('%s is refused', async (_what, method, path, body, status, code, sentence) => {
  const before = edge.gateway.fleet.guests.size;
  const answer = await edge.send(method, `/api/v1${path}`, { body });
  expect(answer).toMatchObject({ status, body: { code, message: expect.stringMatching(sentence) } });
  expect(edge.gateway.fleet.guests.size).toBe(before);
});

test('a rule that contradicts another is refused', async () => {
  const { call, send } = edge;
  await call('guest.create', { body: { ...guest, name: 'app' } });
  await call('rule.create', { body: { name: 'near', pool: 'lab', kind: 'together', guests: ['db', 'app'] } });
  const contradiction = { name: 'far', pool: 'lab', kind: 'apart', guests: ['db', 'app'] };
  expect(await send('POST', '/api/v1/rules', { body: contradiction })).toMatchObject({
    status: 409,
    body: { code: 'contradicting-rule', message: expect.stringContaining('near') },
  });
});

test('a guest is not migrated to where it is, to a host in maintenance, nor to one that is unknown', async () => {
  const { call, send, gateway } = edge;
  await call('guest.create', { body: { ...guest, name: 'mover' } });
  const { id } = await call('guest.get', { params: { guest: 'mover' } });
  const row = gateway.fleet.guests.get(id)!;
  const host = [...gateway.fleet.hosts.values()].find(({ name }) => name === 'h1')!;
  // As if it ran on h1: what it takes to get there is tested with the brain.
  gateway.fleet.guests.set(id, { ...row, state: 'running', desired: 'running', hostId: host.id });
  const migrate = (body: object) => send('POST', '/api/v1/guests/mover/migrate', { body });
  expect(await migrate({ host: 'h1' })).toMatchObject({ status: 422, body: { code: 'same-host' } });
  expect(await migrate({ host: 'h9' })).toMatchObject({ status: 404, body: { code: 'unknown-host' } });
  await call('host.enter-maintenance', { params: { host: 'h2' } });
  expect(await migrate({ host: 'h2' })).toMatchObject({ status: 409, body: { code: 'host-in-maintenance' } });
  await call('host.exit-maintenance', { params: { host: 'h2' } });
});

describe('the wire', () => {
  const post = (body: string, headers: object = {}) => edge.send('POST', '/api/v1/guests', { body, headers });

  test.each([
    ['broken JSON', '{"name":', 400, 'invalid-request', /not valid JSON/],
    ['a prototype in JSON', '{"__proto__": {"admin": true}}', 400, 'invalid-request', /not valid JSON|cannot be read/],
    ['an empty body', '', 400, 'invalid-request', /must be an object/],
    [
      'a body that is too large',
      JSON.stringify({ ...guest, cloudInit: 'x'.repeat(30_000) }),
      413,
      'too-large',
      /at most 20000 bytes/,
    ],
  ])('%s is refused', async (_what, body, status, code, sentence) => {
    expect(await post(body)).toMatchObject({ status, body: { code, message: expect.stringMatching(sentence) } });
  });

  test('a body that is not JSON is refused', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    expect(await post('name=web', headers)).toMatchObject({ status: 415, body: { code: 'unsupported-media-type' } });
  });

  test('an unknown route, a wrong method and a bad URL are refused as JSON', async () => {
    const { send, url } = edge;
    expect(await send('GET', '/api/v1/gests')).toMatchObject({ status: 404, body: { code: 'unknown-route' } });
    expect(await send('POST', '/sdk', { body: '<soap/>', headers: { 'content-type': 'text/xml' } })).toMatchObject({
      status: 415,
    });
    const wrong = await send('PUT', '/api/v1/guests/db', { body: {} });
    expect(wrong).toMatchObject({ status: 405, body: { code: 'method-not-allowed' } });
    expect(wrong.headers.get('allow')).toBe('GET, PATCH, DELETE');
    expect((await send('DELETE', '/health')).status).toBe(405);
    // fetch would mend it.
    const bad = await new Promise<{ status: number; text: string }>((resolve, reject) => {
      const { hostname, port } = new URL(url);
      request({ hostname, port, path: '/api/v1/guests/%zz' }, (response) => {
        let text = '';
        response.on('data', (data) => (text += data));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      })
        .on('error', reject)
        .end();
    });
    expect(bad.status).toBe(400);
    expect(JSON.parse(bad.text)).toMatchObject({ code: 'invalid-request' });
  });

  test('a long name is looked for, and one that is too long is refused', async () => {
    const { send } = edge;
    expect(await send('GET', `/api/v1/guests/${'a'.repeat(150)}`)).toMatchObject({
      status: 404,
      body: { code: 'unknown-guest' },
    });
    expect(await send('GET', `/api/v1/guests/${'a'.repeat(250)}`)).toMatchObject({
      status: 400,
      body: { code: 'invalid-request' },
    });
  });

  test('no page of another origin is answered', async () => {
    const headers = { origin: 'http://example.com', 'access-control-request-method': 'GET' };
    const preflight = await edge.send('OPTIONS', '/api/v1/guests', { token: null, headers });
    expect(preflight.status).toBe(405);
    expect([...preflight.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
  });
});

test('what may be left out may be left out', async () => {
  expect(await edge.send('POST', '/api/v1/guests/db/stop')).toMatchObject({ status: 202 });
});
