import { setTimeout as sleep } from 'node:timers/promises';
import { expectOnlyAway, keepAsking } from './asking';
import { type Edge, startEdge } from './edge';

jest.setTimeout(120_000);

let edge: Edge;
beforeAll(async () => {
  edge = await startEdge();
}, 60_000);
afterAll(() => edge.stop());

const deaths = 12;

test('however a database dies and comes back, what it cannot answer is answered "store-unavailable"', async () => {
  const { postgres } = edge;
  const stopAsking = keepAsking(edge, [
    { method: 'GET', path: '/api/v1/hosts' },
    { method: 'GET', path: '/api/v1/events?limit=5' },
    { method: 'GET', path: '/api/v1/migrations' },
    { method: 'DELETE', path: '/api/v1/hosts/nobody/maintenance' },
    { method: 'GET', path: '/api/v1/users' },
  ]);
  // This server forgets its last moments when it is killed: until then the callers' tokens are on its disk.
  await sleep(1_500);
  for (let death = 0; death < deaths; death++) {
    await sleep(100 + 40 * death);
    postgres.kill();
    await sleep(30 * death);
    await postgres.restart();
  }
  await sleep(1_000);
  const answers = await stopAsking();
  expectOnlyAway(edge, answers);
  expect(answers.get('200 ')).toBeGreaterThan(deaths);
});
