import type { Edge } from './edge';
import { credentialOf, makeLab, newcomer, startEdge } from './edge';
import { routeNames, routes, routeUrl, type Route } from '@argosy/contracts/routes';

// What is secret is answered to nobody but once to whom it was made for, and stands in no event, error or log.

const password = 'hunter2-of-the-guest';
const doorKey = 'secret-of-the-fence-device';
let edge: Edge;
const secrets: Record<string, string> = {};
const streamed: string[] = [];

beforeAll(async () => {
  edge = await startEdge();
  const authorization = `Bearer ${edge.tokens.administrator}`;
  const stream = await fetch(`${edge.url}/api/v1/events/stream`, { headers: { authorization } });
  void (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of stream.body as unknown as AsyncIterable<Uint8Array>) streamed.push(decoder.decode(chunk));
  })().catch(() => undefined);
  await makeLab(edge);
  const { call } = edge;
  secrets['the administrator'] = edge.tokens.administrator;
  secrets['a credential'] = credentialOf('h1');
  secrets['a hash of a credential'] = newcomer('h1').credentialHash;
  secrets['cloud-init'] = password;
  secrets['a token'] = (await call('token.create', { body: { description: 'laptop' } })).secret;
  secrets['a join token'] = (await call('join-token.create', { body: { pool: 'lab' } })).secret;
  secrets['a fence device'] = doorKey;
  const cloudInit = `#cloud-config\npassword: ${password}\n`;
  const guest = await call('guest.create', {
    body: { name: 'db', pool: 'lab', image: 'tiny', memoryMiB: 64, cloudInit, start: true },
  });
  expect(guest).toMatchObject({ cloudInitBytes: cloudInit.length });
  await call('guest.update', { params: { guest: 'db' }, body: { cpuShares: 500 } });
  await edge.send('POST', '/api/v1/hosts/h1/fence-devices', {
    body: { name: 'door', kind: 'webhook', address: 'https://power.example/off', secrets: { token: doorKey } },
  });
  // What is refused may quote what was sent, and must not.
  await edge.send('GET', '/api/v1/guests', { token: secrets['a join token'] });
  await edge.send('POST', '/api/v1/agents/register', { token: 'argosy_join_wrong', body: newcomer('h9') });
  await edge.send('POST', '/api/v1/guests', { body: { name: 'db', pool: 'lab', image: 'tiny', cloudInit } });
  await edge.send('POST', '/api/v1/guests', { body: { name: 'X!', pool: 'lab', image: 'tiny', cloudInit } });
}, 60_000);
afterAll(() => edge.stop());

const expectNone = (where: string, text: string) => {
  for (const [what, secret] of Object.entries(secrets))
    expect({ where, what, has: text.includes(secret) }).toEqual({ where, what, has: false });
};

test('no list and no row has a secret in it, not even for an administrator', async () => {
  for (const name of routeNames) {
    const route: Route = routes[name];
    if (route.method !== 'GET') continue;
    const params = { pool: 'lab', host: 'h1', guest: 'db', id: 'tiny' };
    const { body } = await edge.send('GET', routeUrl(route.path, params));
    expectNone(name, JSON.stringify(body));
  }
  expectNone('metrics', String((await edge.send('GET', '/metrics')).body));
});

test('no change that is told has a secret in it', async () => {
  await edge.call('guest.update', { params: { guest: 'db' }, body: { cpuShares: 600 } });
  const end = performance.now() + 5000;
  while (!streamed.join('').includes('"cpuShares":600') && performance.now() < end)
    await new Promise((resolve) => setTimeout(resolve, 10));
  expect(streamed.join('')).toContain('"cpuShares":600');
  expectNone('the stream', streamed.join(''));
});

test('no log has a secret in it, and no answer to a fault', async () => {
  edge.gateway.nextAnswer = () => Promise.reject(new Error('a fault'));
  const { body } = await edge.send('POST', '/api/v1/guests', {
    body: { name: 'web', pool: 'lab', image: 'tiny', cloudInit: password },
  });
  expectNone('an answer', JSON.stringify(body));
  expect(edge.logged.join('\n')).toContain('a fault');
  expectNone('the log', edge.logged.join('\n'));
});

test('the database has tokens and credentials as hashes only', async () => {
  const rows = JSON.stringify([await edge.access.tokens(), await edge.access.joinTokens(), await edge.access.users()]);
  expectNone('the access store', rows);
});
