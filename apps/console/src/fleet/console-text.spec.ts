import { appended } from './console-text';

test.each([
  ['', 'hello', 'hello'],
  ['hello', 'hello', ''],
  ['hello', 'hello\nworld', '\nworld'],
  ['one two three', 'two three four', ' four'],
  ['aaaa', 'aaaaa', 'a'],
  ['abc', 'xyz', 'xyz'],
])('after %j, of %j only %j is new', (before, now, fresh) => {
  expect(appended(before, now)).toBe(fresh);
});
