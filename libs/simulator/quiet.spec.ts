import { inventoryOf } from './inventory-plan';
import { World } from './world';

const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

test('a pool at rest is left alone: minutes of reports and passes bring no command and no record', () => {
  const world = new World({
    inventory: inventoryOf({
      hosts: ['h1', 'h2', 'h3'].map((name) => ({ name, memoryMiB: 4096 })),
      guests: names.map((name, index) => ({ name, memoryMiB: 128, on: ['h1', 'h2', 'h3'][index % 3]! })),
    }),
  });
  world.run(30_000);
  const records = world.store.records.length;
  let commands = 0;
  world.bus.fate = () => {
    commands++;
    return 'once';
  };
  world.run(300_000);
  expect(commands).toBe(0);
  expect(world.store.records.slice(records)).toEqual([]);
  expect(world.invariants.violations).toEqual([]);
});

test('one seed is one run: the same world gives the same log, event for event', () => {
  const history = (): string => {
    const world = new World({
      inventory: inventoryOf({
        hosts: ['h1', 'h2', 'h3'].map((name) => ({ name, memoryMiB: 4096 })),
        guests: names.map((name) => ({ name, memoryMiB: 128, on: 'h1' })),
      }),
    });
    world.clock.at(10_000, () => world.host('h1').powerOff());
    world.runUntil(40_000);
    return JSON.stringify(world.log);
  };
  expect(history()).toBe(history());
});
