import { startEdge, type Edge } from './edge';

let edge: Edge;
beforeAll(async () => {
  edge = await startEdge({ requestsPerSecond: 1, requestBurst: 5, failedLoginsPerSecond: 1, failedLoginBurst: 5 });
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
