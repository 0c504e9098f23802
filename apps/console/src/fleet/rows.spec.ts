import type { StreamMessage } from '@argosy/contracts/stream';
import { applied, compareNames, noRows } from './rows';

const task = (id: string, state = 'running') =>
  ({ id: 'x-1', kind: 'put', entity: 'task', row: { id, state } }) as unknown as StreamMessage;
const removed = (id: string): StreamMessage => ({ id: 'x-2', kind: 'remove', entity: 'task', row: { id } });

test('a burst of messages makes one new map of each kind that changed, and leaves the others', () => {
  const before = noRows();
  const after = applied(before, [task('a'), task('b'), task('a', 'succeeded'), removed('b')]);
  expect([...after.task.values()]).toEqual([{ id: 'a', state: 'succeeded' }]);
  expect(before.task.size).toBe(0);
  expect(after.guest).toBe(before.guest);
});

test('what says nothing of rows changes nothing', () => {
  const before = noRows();
  expect(applied(before, [{ id: 'x-1', kind: 'reset', entity: 'fleet', row: { reason: '' } }])).toBe(before);
});

test('what only grows is kept up to a number, the latest of it', () => {
  const after = applied(
    noRows(),
    Array.from({ length: 600 }, (_, index) => task(`t${index}`)),
  );
  expect(after.task.size).toBe(500);
  expect(after.task.has('t0')).toBe(false);
  expect(after.task.has('t599')).toBe(true);
});

test('names are ordered as people count', () => {
  expect(['h10', 'h2', 'h1'].sort(compareNames)).toEqual(['h1', 'h2', 'h10']);
});
