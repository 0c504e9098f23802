import type { Guest, Pool } from '@argosy/domain/entities';
import type { FleetRequest } from '@argosy/domain/fleet-request';
import type { Refusal, Result } from '@argosy/domain/refusal';
import { createFleet, stepFleet } from './fleet';
import type { Fleet } from './fleet-types';

let fleet: Fleet;
let nextId = 1;

function ask<Value>(request: FleetRequest): Result<Value> {
  const { effects } = stepFleet(fleet, { kind: 'request', requestId: 'r', actor: 'test', request }, 1);
  const reply = effects.find((effect) => effect.kind === 'reply');
  if (!reply) throw new Error('no reply');
  return reply.result as Result<Value>;
}

function must<Value>(request: FleetRequest): Value {
  const result = ask<Value>(request);
  if (!result.ok) throw new Error(result.refusal.message);
  return result.value;
}

function refusal(request: FleetRequest): Refusal {
  const result = ask(request);
  if (result.ok) throw new Error('it was not refused');
  return result.refusal;
}

const newGuest = (name: string, pool = 'one'): FleetRequest => ({
  kind: 'guest.create',
  guest: { name, pool, image: 'tiny' },
});

beforeEach(() => {
  fleet = createFleet({ newId: () => `id${nextId++}` });
  const nothing = {
    pools: [], hosts: [],
  fenceSecrets: [], guests: [], images: [], datastores: [], diskOperations: [], snapshots: [], rules: [], migrations: [], recommendations: [], drills: [], rolls: [], tasks: [], alarms: [],
  }; // prettier-ignore
  stepFleet(fleet, { kind: 'took-over', term: 1, inventory: nothing }, 0);
  must({ kind: 'datastore.create', datastore: { name: 'main', path: '/store', shared: true } });
  must({ kind: 'image.create', image: { name: 'tiny', format: 'kernel', kernelPath: '/store/tiny.elf' } });
  must({ kind: 'pool.create', name: 'one' });
});

test('each pool has a subnet of its own, and one that overlaps is refused by name', () => {
  const other = must<Pool>({ kind: 'pool.create', name: 'two' });
  expect(other.network).toEqual({ subnet: '10.129.0.0/16', gateway: null });
  const settings = { network: { subnet: '10.128.5.0/24' } };
  expect(refusal({ kind: 'pool.create', name: 'three', settings })).toMatchObject({
    code: 'subnet-overlaps',
    message: expect.stringContaining('10.128.0.0/16 of pool one') as string,
  });
  expect(refusal({ kind: 'pool.update', pool: 'two', settings }).code).toBe('subnet-overlaps');
});

test('a guest has an address and a MAC address for life, and neither is another guest’s', () => {
  const guests = ['a', 'b', 'c'].map((name) => must<Guest>(newGuest(name)));
  expect(guests.map(({ address }) => address)).toEqual(['10.128.0.2', '10.128.0.3', '10.128.0.4']);
  expect(guests[2]?.macAddress).toBe('02:41:0a:80:00:04');
  must({ kind: 'guest.remove', guest: 'c' });
  expect(must<Guest>(newGuest('d')).address).toBe('10.128.0.5');
});

test('a subnet that its guests’ addresses are not in is refused, and a full one says so', () => {
  must({ kind: 'pool.create', name: 'small', settings: { network: { subnet: '10.9.0.0/29', gateway: '10.9.0.1' } } });
  for (const name of ['a', 'b', 'c', 'd', 'e']) must(newGuest(name, 'small'));
  expect(refusal(newGuest('f', 'small')).code).toBe('subnet-full');
  const to = (subnet: string): FleetRequest => ({
    kind: 'pool.update',
    pool: 'small',
    settings: { network: { subnet } },
  });
  expect(refusal(to('10.8.0.0/29')).code).toBe('invalid-request');
  must({ kind: 'pool.update', pool: 'small', settings: { network: { gateway: null } } });
  expect(refusal(to('10.8.0.0/29')).code).toBe('in-use');
  must(to('10.9.0.0/24'));
  expect(must<Guest>(newGuest('f', 'small')).address).toBe('10.9.0.7');
});

test('a gateway outside of the subnet, or that is a guest’s address, is refused', () => {
  const to = (gateway: string): FleetRequest => ({
    kind: 'pool.update',
    pool: 'one',
    settings: { network: { gateway } },
  });
  must(newGuest('a'));
  expect(refusal(to('10.129.0.1')).code).toBe('invalid-request');
  expect(refusal(to('10.128.255.255')).code).toBe('invalid-request');
  expect(refusal(to('10.128.0.2')).code).toBe('in-use');
});
