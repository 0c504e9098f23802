import { editDistance, nearest } from './nearest';

test.each([
  ['', 'abc', 3],
  ['list', 'list', 0],
  ['lsit', 'list', 1],
  ['gest', 'guest', 1],
  ['mirgate', 'migrate', 1],
  ['start', 'stop', 3],
])('%s to %s', (left, right, distance) => expect(editDistance(left, right)).toBe(distance));

test('only what is near is offered', () => {
  expect(nearest('restrat', ['start', 'stop', 'restart'])).toBe('restart');
  expect(nearest('capab', ['list', 'capabilities'])).toBe('capabilities');
  expect(nearest('frobnicate', ['list', 'show'])).toBeUndefined();
});
