import { createFleet, stepFleet } from '@argosy/control/fleet';
import type { FleetRequest } from '@argosy/domain/fleet-request';
import type { Result } from '@argosy/domain/refusal';
import { inventoryOf } from './inventory-plan';

test('the room that a pool keeps is reckoned anew when a host or the policy changes, and for no guest', () => {
  let id = 0;
  const fleet = createFleet({ newId: () => `id${++id}` });
  const inventory = inventoryOf({
    hosts: ['h1', 'h2', 'h3', 'h4'].map((name) => ({ name, memoryMiB: 1_000 })),
    guests: [],
    settings: { failure: { admission: 'reserved-share', reservedMemoryShare: 0.5, reservedCpuShare: 0 } },
  });
  stepFleet(fleet, { kind: 'took-over', term: 1, inventory }, 0);
  const ask = (request: FleetRequest): Result<unknown> => {
    const { effects } = stepFleet(fleet, { kind: 'request', requestId: 'r', actor: 'test', request }, 20_000);
    return effects.flatMap((effect) => (effect.kind === 'reply' ? [effect.result] : []))[0]!;
  };
  const [image] = inventory.images;
  const guest = (name: string): FleetRequest => ({
    kind: 'guest.create',
    guest: { name, pool: 'main', image: image!.id, memoryMiB: 500, start: true },
  });
  const refusedFor = (result: Result<unknown>): string | null => (result.ok ? null : result.refusal.code);
  const names = ['a', 'b', 'c', 'd'];
  expect(names.map((name) => refusedFor(ask(guest(name))))).toEqual([null, null, null, null]);
  const remembered = new Map(fleet.indexes.ofHosts);
  expect(refusedFor(ask(guest('e')))).toBe('admission-control');
  expect(new Map(fleet.indexes.ofHosts)).toEqual(remembered);
  expect(ask({ kind: 'pool.update', pool: 'main', settings: { failure: { reservedMemoryShare: 0.25 } } }).ok).toBe(
    true,
  );
  expect(names.slice(0, 2).map((name) => refusedFor(ask(guest(`${name}2`))))).toEqual([null, null]);
  expect(refusedFor(ask(guest('f')))).toBe('admission-control');
  expect(ask({ kind: 'pool.update', pool: 'main', settings: { failure: { reservedMemoryShare: 0 } } }).ok).toBe(true);
  expect(ask({ kind: 'host.maintenance', host: 'h4', enter: true }).ok).toBe(true);
  expect(refusedFor(ask(guest('g')))).toBe('admission-control');
});
