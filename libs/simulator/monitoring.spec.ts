import { inventoryOf } from './inventory-plan';
import { World } from './world';

function aWorld(guestMonitoringMs: number): World {
  const world = new World({
    inventory: inventoryOf({
      hosts: [{ name: 'h1', memoryMiB: 1024 }],
      guests: [{ name: 'a', memoryMiB: 64, on: 'h1' }],
      // Nobody becomes suspicious of a host before guests are judged.
      settings: { failure: { guestMonitoringMs, suspectAfterMs: 60_000, failedAfterMs: 90_000 } },
    }),
  });
  world.run(5_000);
  return world;
}

const resets = (world: World): string[] =>
  world.log.filter(({ text }) => text.includes('guest-reset')).map(({ text }) => text);

test('an agent that stood still for longer than the window has missed its guests, and they are not reset', () => {
  const world = aWorld(10_000);
  const { machine } = world.host('h1');
  const { listener } = machine;
  // It hears no guest, and soon tells nothing; when it goes on, its first reports know nothing newer.
  machine.listener = null;
  world.run(1_500);
  world.host('h1').cut('both');
  world.run(20_000);
  world.host('h1').cut('none');
  world.run(1_500);
  machine.listener = listener;
  world.run(20_000);
  expect(resets(world)).toEqual([]);
  expect(world.copyOf('a')?.memory?.boot).toBe(1);
});

test('a guest that hangs is left as it is where the pool does not want it to be reset', () => {
  const world = aWorld(0);
  world.copyOf('a')?.freeze();
  world.run(120_000);
  expect(resets(world)).toEqual([]);
});

test('where storage hangs a reset would help nobody', () => {
  const world = aWorld(5_000);
  const { unreachable } = world.site.datastore;
  unreachable.add('h1');
  world.run(15_000);
  world.copyOf('a')?.freeze();
  world.run(30_000);
  expect(resets(world)).toEqual([]);
  unreachable.delete('h1');
  world.run(20_000);
  expect(resets(world)).toHaveLength(1);
});
