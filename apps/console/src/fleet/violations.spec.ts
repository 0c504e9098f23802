import type { Guest, Host, Rule } from './rows';
import { violators } from './violations';

const hosts = new Map(
  ['h1', 'h2', 'h3'].map((id) => [
    id,
    { id, name: id, poolId: 'p', failureDomain: id === 'h3' ? null : 'rack' } as Host,
  ]),
);
const placed = (places: Readonly<Record<string, string | null>>) =>
  new Map(Object.entries(places).map(([id, hostId]) => [id, { id, name: id, hostId } as Guest]));
const judged = (kind: Rule['kind'], places: Readonly<Record<string, string | null>>, hostIds: string[] = []) =>
  violators({ kind, poolId: 'p', guestIds: Object.keys(places), hostIds } as unknown as Rule, {
    guests: placed(places),
    hosts,
  });

test.each([
  ['together', { a: 'h1', b: 'h1' }, [], []],
  ['together', { a: 'h1', b: 'h2' }, [], ['a', 'b']],
  ['apart', { a: 'h1', b: 'h1', c: 'h2' }, [], ['a', 'b']],
  ['apart', { a: 'h1', b: 'h2' }, [], []],
  ['spread', { a: 'h1', b: 'h2' }, [], ['a', 'b']],
  ['spread', { a: 'h1', b: 'h3' }, [], []],
  ['near', { a: 'h1', b: 'h2' }, [], []],
  ['near', { a: 'h1', b: 'h3' }, [], ['a', 'b']],
  ['must-run-on', { a: 'h1', b: 'h2' }, ['h1'], ['b']],
  ['should-not-run-on', { a: 'h1', b: 'h2' }, ['h1'], ['a']],
] as const)('%s with guests at %j and hosts %j is broken by %j', (kind, places, hostIds, broken) => {
  expect(judged(kind, places, [...hostIds])).toEqual(broken);
});

test('a guest that is nowhere breaks no rule', () => {
  expect(judged('together', { a: 'h1', b: null })).toEqual([]);
});
