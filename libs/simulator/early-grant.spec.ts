import { inventoryOf } from './inventory-plan';
import { World } from './world';

// An agent listens for its peers from its first moment; what it has journalled, and what runs here, it knows a little later.

test('an agent that was killed with a grant in its journal does not disown it while it looks at what runs', () => {
  const world = new World({
    inventory: inventoryOf({
      hosts: ['h1', 'h2'].map((name) => ({ name, memoryMiB: 4096 })),
      guests: [{ name: 'db', memoryMiB: 128, on: 'h1' }],
      settings: { balance: { automation: 'partial' } },
    }),
    // Each look takes as long as on a busy host: the source asks again meanwhile.
    calibration: { vmm: { callMs: 700 } },
  });
  world.run(3_000);
  const { boot } = world.copyOf('db')!.memory!;
  const target = world.host('h2');
  target.onJournal = ({ value }) => {
    if (value?.kind !== 'migration' || value.phase !== 'granted') return;
    target.onJournal = null;
    target.killAgent();
  };
  world.request('ada', { kind: 'guest.migrate', guest: 'db', host: 'h2' });
  world.run(60_000);
  expect(target.onJournal).toBeNull();
  expect(world.copyOf('db')).toMatchObject({ machine: { name: 'h2' }, memory: { boot } });
  expect(world.guest('db')).toMatchObject({ state: 'running', epoch: 2 });
  expect(world.invariants.violations).toEqual([]);
});
