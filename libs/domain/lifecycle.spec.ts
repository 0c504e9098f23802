import {
  canBecome,
  drillTransitions,
  guestTransitions,
  hostTransitions,
  maintenanceTransitions,
  migrationTransitions,
  recommendationTransitions,
  simulationTransitions,
  snapshotTransitions,
  standbyTransitions,
  taskTransitions,
  type Transitions,
} from './lifecycle';

const lifecycles: readonly [string, Transitions<string>, string][] = [
  ['guest', guestTransitions, 'cloning'],
  ['host', hostTransitions, 'joining'],
  ['maintenance', maintenanceTransitions, 'none'],
  ['standby', standbyTransitions, 'none'],
  ['migration', migrationTransitions, 'check'],
  ['drill', drillTransitions, 'predicting'],
  ['snapshot', snapshotTransitions, 'taking'],
  ['task', taskTransitions, 'queued'],
  ['recommendation', recommendationTransitions, 'open'],
  ['simulation', simulationTransitions, 'running'],
];

function reachableFrom(transitions: Transitions<string>, start: string): ReadonlySet<string> {
  const seen = new Set([start]);
  for (const state of seen) for (const next of transitions[state] ?? []) seen.add(next);
  return seen;
}

describe.each(lifecycles)('the lifecycle of a %s', (_name, transitions, start) => {
  const states = Object.keys(transitions);
  const ends = states.filter((state) => transitions[state]!.length === 0);

  test('has no transition to a state that it does not have', () => {
    for (const nexts of Object.values(transitions)) for (const next of nexts) expect(states).toContain(next);
  });

  test('reaches every state from its first', () => {
    expect([...reachableFrom(transitions, start)].sort()).toEqual([...states].sort());
  });

  test('leaves every state but its ends, and can never be caught short of one', () => {
    for (const state of states) {
      const reached = reachableFrom(transitions, state);
      const isEnd = ends.includes(state);
      expect([state, isEnd ? reached.size === 1 : reached.size > 1]).toEqual([state, true]);
      if (ends.length > 0) expect([state, ends.some((end) => reached.has(end))]).toEqual([state, true]);
    }
  });
});

test('a released guest of a migration never goes back to being copied', () => {
  expect(canBecome(migrationTransitions, 'switch-over', 'copy')).toBe(false);
  expect(canBecome(migrationTransitions, 'commit', 'failed')).toBe(false);
});
