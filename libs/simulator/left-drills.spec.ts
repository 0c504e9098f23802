import { createFleet, stepFleet } from '@argosy/control/fleet';
import type { FleetEffect, FleetEvent, FleetStep } from '@argosy/control/fleet-types';
import type { Drill } from '@argosy/domain/drill';
import { inventoryOf } from './inventory-plan';

// What a drill waits for is lost with the leader that had asked for it: a drill may not stand in the way of all others for that.

const inventory = inventoryOf({ hosts: ['h1', 'h2'].map((name) => ({ name, memoryMiB: 1024 })), guests: [] });

/** A leader with that drill in its record, which somebody else may have begun. */
function leaderWith(drills: readonly Drill[]): (event: FleetEvent, now: number) => FleetStep {
  const fleet = createFleet({ newId: () => 'd1' });
  stepFleet(fleet, { kind: 'took-over', term: 1, inventory: { ...inventory, drills } }, 0);
  return (event, now) => stepFleet(fleet, event, now);
}

const drillIn = ({ writes }: FleetStep): Drill | undefined =>
  writes.flatMap((write) => (write.kind === 'put' && write.entity === 'drill' ? [write.row] : [])).at(-1);
const kindsOf = (effects: readonly FleetEffect[]): string[] => effects.map(({ kind }) => kind);
const request = { kind: 'drill.run', drill: 'host-loss', host: 'h1' } as const;
const begin: FleetEvent = { kind: 'request', requestId: 'r', actor: 'ada', request };
const predicted: FleetEvent = {
  kind: 'prediction',
  drillId: 'd1',
  result: { ok: true, value: { phases: {}, outages: [] } },
};

test('a drill that was being predicted is predicted anew by the next leader, and goes on', () => {
  const begun = leaderWith([])(begin, 1_000);
  expect(kindsOf(begun.effects)).toContain('predict');
  const next = leaderWith([drillIn(begun)!]);
  expect(kindsOf(next({ kind: 'tick' }, 2_000).effects)).toEqual(['predict']);
  expect(kindsOf(next({ kind: 'tick' }, 3_000).effects)).toEqual([]);
  expect(kindsOf(next(predicted, 3_100).effects)).toEqual(['inject']);
});

test('a fault that may have been caused is not caused again: the drill ends, and says so', () => {
  const first = leaderWith([]);
  first(begin, 1_000);
  const injecting = drillIn(first(predicted, 1_100))!;
  expect(injecting.state).toBe('injecting');
  expect(drillIn(first({ kind: 'tick' }, 2_000))).toBeUndefined();
  const step = leaderWith([injecting])({ kind: 'tick' }, 2_000);
  expect(kindsOf(step.effects)).toEqual([]);
  expect(drillIn(step)).toMatchObject({ state: 'aborted', endedAt: 2_000 });
  expect(drillIn(step)!.explanation).toMatch(/whether it did is not known. Look at h1/);
});
