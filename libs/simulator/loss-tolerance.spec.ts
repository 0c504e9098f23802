import { createFleet, stepFleet } from '@argosy/control/fleet';
import type { LossTolerance } from '@argosy/domain/entities';
import type { Result } from '@argosy/domain/refusal';
import { type FleetPlan, inventoryOf } from './inventory-plan';

function toleranceOf(plan: FleetPlan): LossTolerance {
  const fleet = createFleet({ newId: () => 'id' });
  stepFleet(fleet, { kind: 'took-over', term: 1, inventory: inventoryOf(plan) }, 0);
  const request = { kind: 'pool.tolerance', pool: 'main' } as const;
  const step = stepFleet(fleet, { kind: 'request', requestId: 'r', actor: 'test', request }, 1);
  expect(step.writes).toEqual([]);
  const [reply] = step.effects;
  if (reply?.kind !== 'reply') throw new Error('no reply');
  const result = reply.result as Result<LossTolerance>;
  if (!result.ok) throw new Error(result.refusal.message);
  return result.value;
}

const hosts = ['h1', 'h2', 'h3'].map((name) => ({ name, memoryMiB: 1024 }));
const guest = (name: string, on: string, memoryMiB: number) => ({ name, on, memoryMiB });

test('a pool says how many hosts it can lose, and which loss leaves which guests down', () => {
  const guests = [guest('a', 'h1', 500), guest('b', 'h2', 500), guest('c', 'h3', 400), guest('d', 'h3', 100)];
  expect(toleranceOf({ hosts, guests })).toMatchObject({
    tolerated: 1,
    isExact: true,
    witness: { hostIds: ['h1', 'h2'], guestIds: ['b'] },
    explanation: 'tolerates 1 host; losing h1 and h2 leaves 1 guest down: b',
  });
});

test('guests that could run nowhere else are told apart from those for whom there is no room', () => {
  const rules = [{ name: 'here', kind: 'must-run-on' as const, guests: ['a'], hosts: ['h1'] }];
  const guests = [guest('a', 'h1', 500), guest('b', 'h2', 100)];
  const { tolerated, explanation } = toleranceOf({ hosts, guests, rules });
  expect(tolerated).toBe(2);
  expect(explanation).toBe(
    'tolerates 2 hosts, all but one; rules or datastores leave 1 guest none of the hosts that are left after such a loss, whatever room there is: a',
  );
});

test('guests that are not to be restarted leave no room short', () => {
  const guests = ['h1', 'h2', 'h3'].map((on, index) => ({
    ...guest(`g${index}`, on, 900),
    restartPriority: 'disabled' as const,
  }));
  expect(toleranceOf({ hosts, guests }).tolerated).toBe(2);
});
