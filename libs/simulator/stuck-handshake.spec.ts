import { inventoryOf } from './inventory-plan';
import { World } from './world';

test.each(['by the copy’s own silence', 'by an administrator’s cancel'])(
  'a target that takes the connection and says nothing is given up %s, and the guest runs on with its memory',
  (how) => {
    const world = new World({
      inventory: inventoryOf({
        hosts: ['h1', 'h2'].map((name) => ({ name, memoryMiB: 4096 })),
        guests: [{ name: 'a', memoryMiB: 128, on: 'h1' }],
      }),
    });
    world.run(10_000);
    world.request('test', { kind: 'guest.migrate', guest: 'a', host: 'h2' });
    const waiting = () => [...world.site.instances()].find((instance) => instance.state === 'incoming');
    for (let step = 0; step < 200 && !waiting(); step++) world.run(5);
    waiting()!.freeze();
    if (how.includes('cancel')) {
      world.run(1_000);
      const [migration] = world.store.load()!.migrations;
      world.request('test', { kind: 'migration.cancel', migration: migration!.id });
    }
    world.run(15_000);
    expect([...world.site.instances()].map(({ machine, state }) => `${machine.name} ${state}`)).toEqual(['h1 running']);
    expect(world.store.load()!.migrations).toEqual([]);
    expect(world.site.datastore.disks.get('/datastore/guests/a/disk.qcow2')?.bootCount).toBe(1);
    expect(world.invariants.violations).toEqual([]);
  },
);
