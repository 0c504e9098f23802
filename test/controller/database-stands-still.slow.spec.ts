import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expectOnlyAway, keepAsking } from './asking';
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
  const { postgres } = edge;
  let pools = 0;
  const stopAsking = keepAsking(edge, [
    { method: 'GET', path: '/api/v1/hosts' },
    { method: 'GET', path: '/api/v1/events?limit=5' },
    { method: 'GET', path: '/api/v1/users' },
    { method: 'POST', path: '/api/v1/pools', body: () => ({ name: `p${pools++}` }) },
  ]);
  // Less and more than a question may take.
  for (const heldMs of [3_000, 14_000]) {
    signalWhole(postgres.pid(), 'SIGSTOP');
    await sleep(heldMs);
    signalWhole(postgres.pid(), 'SIGCONT');
    await sleep(1_000);
  }
  const answers = await stopAsking();
  expectOnlyAway(edge, answers);
});
