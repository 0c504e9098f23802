import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { startEdge, type Edge } from './edge';

let edge: Edge;
beforeAll(async () => {
  edge = await startEdge({
    requestsPerSecond: 1,
    requestBurst: 5,
    failedLoginsPerSecond: 1,
    failedLoginBurst: 5,
    connections: 30,
  });
}, 60_000);
afterAll(() => edge.stop());

test('who calls too often waits, and others do not', async () => {
  const { send, tokens } = edge;
  const statuses: number[] = [];
  for (let count = 0; count < 7; count++)
    statuses.push((await send('GET', '/api/v1/whoami', { token: tokens.viewer })).status);
  expect(statuses.slice(0, 5)).toEqual([200, 200, 200, 200, 200]);
  const refused = await send('GET', '/api/v1/whoami', { token: tokens.viewer });
  expect(refused).toMatchObject({ status: 429, body: { code: 'too-many-requests' } });
  expect(refused.headers.get('retry-after')).toBe('1');
  expect((await send('GET', '/api/v1/whoami', { token: tokens.operator })).status).toBe(200);
});

test('an address that tries tokens is stopped', async () => {
  const { send } = edge;
  const statuses: number[] = [];
  for (let count = 0; count < 8; count++)
    statuses.push((await send('GET', '/api/v1/whoami', { token: `guess-${count}` })).status);
  expect(statuses.slice(0, 5)).toEqual([401, 401, 401, 401, 401]);
  expect(statuses.at(-1)).toBe(429);
});

test('an address that names no token is stopped, at what needs one and at what everybody may ask', async () => {
  for (const path of ['/api/v1/whoami', '/health', '/nowhere']) {
    const statuses: number[] = [];
    for (let count = 0; count < 8; count++) statuses.push((await edge.send('GET', path, { token: null })).status);
    expect(statuses.at(-1)).toBe(429);
  }
});

test('more connections than a controller has room for are closed, and those that it has go on', async () => {
  const { hostname, port } = new URL(edge.url);
  const closed = new Set<Socket>();
  const sockets = Array.from({ length: 60 }, () => connect(Number(port), hostname));
  for (const socket of sockets)
    socket
      .on('error', () => undefined)
      .on('close', () => closed.add(socket))
      .resume();
  const end = performance.now() + 8_000;
  while (closed.size < 30 && performance.now() < end) await sleep(10);
  expect(closed.size).toBeGreaterThanOrEqual(30);
  for (const socket of sockets) socket.destroy();
  // The address has tried tokens before, and waits for that.
  const ask = async () => (await edge.send('GET', '/api/v1/whoami', { token: edge.tokens.administrator })).status;
  let status = await ask();
  for (; status === 429 && performance.now() < end; status = await ask()) await sleep(200);
  expect(status).toBe(200);
});
