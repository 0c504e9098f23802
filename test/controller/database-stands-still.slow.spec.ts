import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Edge, startEdge } from './edge';

jest.setTimeout(120_000);

let edge: Edge;
beforeAll(async () => {
  edge = await startEdge();
}, 60_000);
afterAll(() => edge.stop());

/** All of it: the server's processes for connections that are there would go on by themselves. */
function signalWhole(pid: number, name: NodeJS.Signals): void {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  for (const each of [pid, ...children]) process.kill(each, name);
}

test('a database that takes every question and answers none is away, and that is no internal error', async () => {
  const { send, postgres } = edge;
  const answers = new Map<string, number>();
  let isOver = false;
  const asker = async (method: string, path: string, body?: () => object): Promise<void> => {
    while (!isOver) {
      const answer = await send(method, path, body ? { body: body() } : undefined);
      const key = `${answer.status} ${answer.status < 400 ? '' : answer.body.code}`;
      answers.set(key, (answers.get(key) ?? 0) + 1);
      // Below the limit of requests, which is not what this is about.
      await sleep(50);
    }
  };
  let pools = 0;
  const askers = [
    asker('GET', '/api/v1/hosts'),
    asker('GET', '/api/v1/events?limit=5'),
    asker('GET', '/api/v1/users'),
    asker('POST', '/api/v1/pools', () => ({ name: `p${pools++}` })),
  ];
  // Less and more than a question may take.
  for (const heldMs of [3_000, 14_000]) {
    signalWhole(postgres.pid(), 'SIGSTOP');
    await sleep(heldMs);
    signalWhole(postgres.pid(), 'SIGCONT');
    await sleep(1_000);
  }
  isOver = true;
  await Promise.all(askers);
  const internal = edge.logged.filter((line) => line.startsWith('internal error'));
  expect({ internal, answers: [...answers.keys()].filter((key) => key.startsWith('5')) }).toEqual({
    internal: [],
    answers: ['503 store-unavailable'],
  });
});
