import { clusterOf } from '@argosy/control/fleet/placement';
import { type FleetTurn, put } from '@argosy/control/fleet/turn';
import type { Guest } from '@argosy/domain/entities';
import { createFleet, stepFleet } from '@argosy/control/fleet';
import { place } from '@argosy/scheduler/place';
import { inventoryOf } from './inventory-plan';
import { modelCapabilities } from './model-vmm';

test('a pool of hosts of one kind that is kept knows of a memory that is of another', () => {
  const inventory = inventoryOf({
    hosts: [{ name: 'h1', memoryMiB: 1024, cpuModel: 'zen3' }],
    guests: [{ name: 'a', memoryMiB: 64 }],
  });
  const fleet = createFleet({ newId: () => 'id' });
  stepFleet(fleet, { kind: 'took-over', term: 1, inventory }, 0);
  const turn: FleetTurn = { fleet, now: 1, writes: [], effects: [], actor: 'test' };
  const chosen = () => place(clusterOf(turn, 'main'), 0).chosen;
  const guest: Guest = { ...inventory.guests[0]!, state: 'suspended', memoryPath: '/memory' };
  const { driver, accelerator, machineType } = modelCapabilities;
  const of = (cpuModel: string): Guest => ({
    ...guest,
    memoryMachine: { driver, accelerator, machineType, cpuModel },
  });
  put(turn, 'guest', of('zen3'));
  expect(chosen()).toMatchObject({ hostId: 'h1' });
  put(turn, 'guest', of('haswell'));
  expect(chosen()).toBeNull();
  put(turn, 'guest', { ...of('haswell'), memoryPath: null });
  expect(chosen()).toMatchObject({ hostId: 'h1' });
});
