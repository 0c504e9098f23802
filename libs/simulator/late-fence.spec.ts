import { createFleet, stepFleet } from '@argosy/control/fleet';
import type { FleetEvent, FleetStep } from '@argosy/control/fleet-types';
import { inventoryOf } from './inventory-plan';

const plan = {
  hosts: [
    { name: 'h1', memoryMiB: 1024 },
    { name: 'h2', memoryMiB: 1024 },
  ],
  guests: [{ name: 'a', on: 'h1', memoryMiB: 256 }],
};

/** h1 came back as incarnation 2 after a fence, has failed again, and its devices are being asked once more. */
function fencingAgain(): (event: FleetEvent) => FleetStep {
  const inventory = inventoryOf(plan);
  const hosts = inventory.hosts.map((host) =>
    host.name === 'h1' ? { ...host, incarnation: 2, state: 'fencing' as const, stateReason: 'silent' } : host,
  );
  const fleet = createFleet({ newId: () => 'id' });
  stepFleet(fleet, { kind: 'took-over', term: 1, inventory: { ...inventory, hosts } }, 0);
  return (event) => stepFleet(fleet, event, 1);
}

function proofOf(incarnation: number): FleetEvent {
  return {
    kind: 'fence-result',
    action: 'off',
    hostId: 'h1',
    incarnation,
    device: 'chassis',
    result: { ok: true, value: null },
  };
}

test('a proof that an older incarnation was cut off comes late, and proves nothing of the present one', () => {
  expect(fencingAgain()(proofOf(1))).toEqual({ writes: [], effects: [] });
});

test('nor does one of an incarnation that has never been', () => {
  expect(fencingAgain()(proofOf(3))).toEqual({ writes: [], effects: [] });
});

test('the proof of the present one frees its guests', () => {
  const codes = fencingAgain()(proofOf(2)).writes.flatMap((write) =>
    write.kind === 'record' ? [write.record.code] : [],
  );
  expect(codes).toEqual(expect.arrayContaining(['host-fenced', 'guest-lost']));
});
