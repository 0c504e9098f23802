import { hostState } from './host-states';

test('a host that is off to save power is in standby, and not failed; maintenance goes before both', () => {
  expect(hostState({ state: 'online', maintenance: 'none', standby: 'none' })).toBe('online');
  expect(hostState({ state: 'fenced', maintenance: 'none', standby: 'in' })).toBe('in standby');
  expect(hostState({ state: 'fenced', maintenance: 'in', standby: 'in' })).toBe('in');
});
