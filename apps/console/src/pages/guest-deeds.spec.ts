import { mayBeStopped, whyNotRemoved } from './guest-deeds';

test('a suspended guest can be stopped, and is removed only after that', () => {
  expect(mayBeStopped({ state: 'suspended' })).toBe(true);
  expect(whyNotRemoved({ state: 'suspended' })).toBe('Stop it first: that throws its memory away.');
  expect([whyNotRemoved({ state: 'stopped' }), whyNotRemoved({ state: 'failed' })]).toEqual([null, null]);
});

test('who is never off until something else has ended is not told to stop it first', () => {
  for (const state of ['suspending', 'cloning'] as const)
    expect(whyNotRemoved({ state })).toBe(`Not while it is ${state}.`);
});
