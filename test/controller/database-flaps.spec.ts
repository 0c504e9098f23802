import { setTimeout as sleep } from 'node:timers/promises';
import { type Edge, startEdge } from './edge';

jest.setTimeout(120_000);

let edge: Edge;
beforeAll(async () => {
  edge = await startEdge();
}, 60_000);
afterAll(() => edge.stop());

const deaths = 12;

test('however a database dies and comes back, what it cannot answer is answered "store-unavailable"', async () => {
  const { send, postgres } = edge;
  const answers = new Map<string, number>();
  let isOver = false;
  const asker = async (method: string, path: string): Promise<void> => {
    while (!isOver) {
      const { status, body } = await send(method, path);
      const key = `${status} ${status < 400 ? '' : body.code}`;
      answers.set(key, (answers.get(key) ?? 0) + 1);
      // Below the limit of requests, which is not what this is about.
      await sleep(50);
    }
  };
  const askers = [
    asker('GET', '/api/v1/hosts'),
    asker('GET', '/api/v1/events?limit=5'),
    asker('GET', '/api/v1/migrations'),
    asker('DELETE', '/api/v1/hosts/nobody/maintenance'),
    asker('GET', '/api/v1/users'),
  ];
  // This server forgets its last moments when it is killed: until then the callers' tokens are on its disk.
  await sleep(1_500);
  for (let death = 0; death < deaths; death++) {
    await sleep(100 + 40 * death);
    postgres.kill();
    await sleep(30 * death);
    await postgres.restart();
  }
  await sleep(1_000);
  isOver = true;
  await Promise.all(askers);
  const internal = edge.logged.filter((line) => line.startsWith('internal error'));
  expect({ internal, answers: [...answers.keys()].filter((key) => key.startsWith('5')) }).toEqual({
    internal: [],
    answers: ['503 store-unavailable'],
  });
  expect(answers.get('200 ')).toBeGreaterThan(deaths);
});
