import type { Guest } from '@argosy/domain/entities';
import { VirtualClock } from './clock';
import { Downtime } from './downtime';
import { type FleetPlan, inventoryOf } from './inventory-plan';
import { ModelSite } from './model-machine';
import { ModelStore } from './model-store';

const plan: FleetPlan = {
  hosts: ['h1', 'h2', 'h3'].map((name) => ({ name, memoryMiB: 1024 })),
  guests: [
    { name: 'a', memoryMiB: 512, on: 'h1' },
    { name: 'b', memoryMiB: 900, on: 'h2' },
    { name: 'c', memoryMiB: 900, on: 'h3' },
  ],
};

/** Guest a is down, on whatever record, in a world that has what it takes to bring it back unless that is taken away. */
function aDowntime(changes: Partial<Guest> = {}) {
  const clock = new VirtualClock();
  const store = new ModelStore(clock);
  store.seed(inventoryOf(plan), []);
  for (const name of ['b', 'c']) setGuest(store, name, { desired: 'stopped' });
  setGuest(store, 'a', changes);
  const ails = { leader: 'one' as string | null, off: new Set<string>(), unproved: new Set<string>() };
  const failures: string[] = [];
  const means = {
    leader: () => ails.leader,
    isAtWork: (host: string) => !ails.off.has(host),
    isSilent: (host: string) => ails.off.has(host),
    isProvedOff: (host: string) => ails.off.has(host) && !ails.unproved.has(host),
  };
  const downtime = new Downtime(new ModelSite(clock), store, means, (message) => failures.push(message));
  /** Whether it was down for too long by then. */
  const after = (seconds: number): boolean => {
    for (let second = 0; second < seconds; second++) {
      clock.runUntil(clock.now + 1000);
      downtime.pass();
    }
    return failures.length > 0;
  };
  return { store, ails, after };
}

function setGuest(store: ModelStore, name: string, changes: Partial<Guest>): void {
  store.rows.guest.set(name, { ...store.rows.guest.get(name)!, ...changes });
}

const lost: Partial<Guest> = { state: 'recovering', hostId: null };

test('a guest that some host takes is down for its minute and no longer, whatever alarm says why', () => {
  const { store, after } = aDowntime(lost);
  store.rows.alarm.set('x', { id: 'x', code: 'guest-down', subjectKind: 'guest', subjectId: 'a' } as never);
  expect(after(59)).toBe(false);
  expect(after(3)).toBe(true);
});

test.each<[string, Partial<Guest>]>([
  ['that no host takes', { ...lost, memoryMiB: 1025 }],
  ['whose pool wants it left alone', { ...lost, restartPriority: 'disabled' }],
  ['that is given up', { ...lost, state: 'failed' }],
  ['that waits for its next try', { ...lost, retryAt: 1_000_000 }],
  ['that nobody wants', { ...lost, desired: 'stopped' }],
])('one %s has no minute', (_why, changes) => {
  expect(aDowntime(changes).after(300)).toBe(false);
});

test('a rule that leaves it no host is an excuse, and one that leaves it one is none', () => {
  for (const [hostIds, isTooLong] of [
    [['h2'], false],
    [['h1'], true],
  ] as const) {
    const { store, after } = aDowntime(lost);
    const rule = { id: 'r', name: 'r', poolId: 'main', kind: 'must-run-on', guestIds: ['a'], hostIds, createdAt: 0 };
    store.rows.rule.set('r', rule as never);
    expect(after(200)).toBe(isTooLong);
  }
});

test('time without a leader does not count, and each change of leader gives some of it back', () => {
  const { ails, after } = aDowntime(lost);
  expect(after(50)).toBe(false);
  ails.leader = null;
  expect(after(100)).toBe(false);
  ails.leader = 'two';
  expect(after(24)).toBe(false);
  expect(after(4)).toBe(true);
});

test('a host that is off counts once that can be proved, unless more fell silent with it than the pool fences', () => {
  const onHost: Partial<Guest> = { state: 'running' };
  const one = aDowntime(onHost);
  setGuest(one.store, 'b', { hostId: null });
  one.ails.off.add('h1');
  one.ails.unproved.add('h1');
  expect(one.after(200)).toBe(false);
  one.ails.unproved.clear();
  expect(one.after(62)).toBe(true);

  const two = aDowntime(onHost);
  setGuest(two.store, 'b', { hostId: null });
  two.ails.off.add('h1').add('h3');
  expect(two.after(200)).toBe(false);
});
