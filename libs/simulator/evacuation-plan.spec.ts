import { createFleet, stepFleet } from '@argosy/control/fleet';
import type { EvacuationPlan } from '@argosy/domain/entities';
import type { Result } from '@argosy/domain/refusal';
import { type FleetPlan, inventoryOf } from './inventory-plan';

function planOf(host: string, fleetPlan: FleetPlan): EvacuationPlan {
  const fleet = createFleet({ newId: () => 'id' });
  stepFleet(fleet, { kind: 'took-over', term: 1, inventory: inventoryOf(fleetPlan) }, 0);
  const request = { kind: 'host.evacuation', host } as const;
  const step = stepFleet(fleet, { kind: 'request', requestId: 'r', actor: 'test', request }, 1);
  expect(step.writes).toEqual([]);
  const [reply] = step.effects;
  if (reply?.kind !== 'reply') throw new Error('no reply');
  const result = reply.result as Result<EvacuationPlan>;
  if (!result.ok) throw new Error(result.refusal.message);
  return result.value;
}

const hosts = ['h1', 'h2', 'h3'].map((name) => ({ name, memoryMiB: 1000 }));
const guest = (name: string, on: string, memoryMiB: number) => ({ name, on, memoryMiB });

test('guests that would each go to the same host are planned together, and share what room there is', () => {
  const guests = [guest('a', 'h1', 400), guest('b', 'h1', 400), guest('c', 'h2', 300), guest('d', 'h3', 400)];
  const { moves, stuck } = planOf('h1', { hosts, guests });
  expect(moves).toEqual([
    { guestId: 'a', toHostId: 'h2' },
    { guestId: 'b', toHostId: 'h3' },
  ]);
  expect(stuck).toEqual([]);
});

test('one for whom the others leave no room is named, with what each host lacks', () => {
  const guests = [guest('a', 'h1', 500), guest('b', 'h1', 450), guest('c', 'h2', 400), guest('d', 'h3', 600)];
  const { moves, stuck } = planOf('h1', { hosts, guests });
  expect(moves).toEqual([{ guestId: 'a', toHostId: 'h2' }]);
  expect(stuck).toEqual([{ guestId: 'b', reason: expect.stringMatching(/h2.*350 MiB.*h3/s) }]);
});

test('the plan of an empty host is empty, and of one that nobody knows a refusal', () => {
  expect(planOf('h3', { hosts, guests: [guest('a', 'h1', 500)] })).toMatchObject({ moves: [], stuck: [], staying: [] });
  expect(() => planOf('h9', { hosts, guests: [] })).toThrow('h9');
});
