import { createFleet, stepFleet } from '@argosy/control/fleet';
import type { Fleet, FleetStep } from '@argosy/control/fleet-types';
import type { FleetRequest } from '@argosy/domain/fleet-request';
import { inventoryOf } from './inventory-plan';
import { World } from './world';

// Orders that nobody takes any more may hold what only their host was to know: they go with their queue.

/** h1 and h2 with the given queues, h1 empty and in maintenance. */
function aFleet(queues: readonly [string, string]): (request: FleetRequest) => FleetStep {
  const { fleet } = takenOver(queues);
  return (request) => stepFleet(fleet, { kind: 'request', requestId: 'r', actor: 'ada', request }, 1);
}

function takenOver(queues: readonly [string, string]): { readonly fleet: Fleet; readonly step: FleetStep } {
  const inventory = inventoryOf({ hosts: ['h1', 'h2'].map((name) => ({ name, memoryMiB: 1024 })), guests: [] });
  const hosts = inventory.hosts.map((host, index) => ({
    ...host,
    queue: queues[index]!,
    maintenance: host.name === 'h1' ? ('in' as const) : host.maintenance,
  }));
  const fleet = createFleet({ newId: () => 'id' });
  const step = stepFleet(fleet, { kind: 'took-over', term: 1, inventory: { ...inventory, hosts } }, 0);
  return { fleet, step };
}

const forgotten = ({ effects }: FleetStep): string[] =>
  effects.flatMap((effect) => (effect.kind === 'forget-queue' ? [effect.queue] : []));

function registrationOn(queue: string): FleetRequest {
  const [host] = inventoryOf({ hosts: [{ name: 'h1', memoryMiB: 1024, cpuModel: 'any' }], guests: [] }).hosts;
  const { name, peerAddress, capacity, capabilities } = host!;
  const poolName = inventoryOf({ hosts: [], guests: [] }).pools[0]!.name;
  return {
    kind: 'host.register',
    registration: {
      hostName: name,
      poolName,
      peerAddress,
      queue,
      capacity,
      capabilities: capabilities!,
      fenceDevice: null,
    },
  };
}

test('an agent that starts again takes orders from a new queue, and the old one goes', () => {
  expect(forgotten(aFleet(['old', 'other'])(registrationOn('new')))).toEqual(['old']);
});

test('the queue of a host that is removed goes', () => {
  expect(forgotten(aFleet(['old', 'other'])({ kind: 'host.remove', host: 'h1' }))).toEqual(['old']);
});

test('a queue that other hosts of the same process take orders from stays', () => {
  const step = aFleet(['shared', 'shared']);
  expect(forgotten(step({ kind: 'host.remove', host: 'h1' }))).toEqual([]);
  expect(forgotten(aFleet(['shared', 'shared'])(registrationOn('new')))).toEqual([]);
});

test('a new leader lets go of every queue that no host takes orders from: the one before it may have died on the way to that', () => {
  expect(takenOver(['one', 'shared']).step).toEqual({
    writes: [],
    effects: [{ kind: 'keep-queues', queues: ['one', 'shared'] }],
  });
  const world = new World({ inventory: inventoryOf({ hosts: [{ name: 'h1', memoryMiB: 1024 }], guests: [] }) });
  world.run(2_000);
  const order = {
    commandId: 'c',
    hostId: 'h1',
    incarnation: 1,
    term: 1,
    notAfter: 0,
    order: { kind: 'host.report' },
  } as const;
  world.bus.enqueue('of-nobody', order);
  world.run(2_000);
  world.leader()!.crash();
  world.run(20_000);
  const heard: unknown[] = [];
  world.bus.work('of-nobody', (command) => void heard.push(command));
  world.run(1_000);
  expect(heard).toEqual([]);
});
