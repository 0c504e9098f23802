import { drillTarget, firstFit } from './drill-target';

const hosts = (stateOfSecond: string) => [
  { id: '1', name: 'h1', state: 'online' },
  { id: '2', name: 'h2', state: stateOfSecond },
];

test('a host that is not online any more stays the chosen one and may not be hit, and no other takes its place', () => {
  expect(drillTarget('host', hosts('online'), '2')).toMatchObject({ chosen: { name: 'h2' }, because: null });
  const { chosen, because, choices } = drillTarget('host', hosts('suspect'), '2');
  expect(chosen?.name).toBe('h2');
  expect(because).toBe('h2 is suspect: choose another host, or wait.');
  expect(choices).toEqual([
    { value: '2', label: 'h2 (suspect)' },
    { value: '1', label: 'h1' },
  ]);
});

test('one that is gone leaves nobody chosen', () => {
  expect(drillTarget('host', hosts('online'), '3')).toMatchObject({ chosen: undefined, because: 'Choose a host.' });
});

test('the first that is fit is proposed, and nobody where none is', () => {
  expect(firstFit('host', hosts('online'))).toBe('1');
  expect(firstFit('guest', hosts('online'))).toBe('');
});
