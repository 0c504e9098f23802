import { inventoryOf } from './inventory-plan';
import { World } from './world';

// A host says that it runs a guest at a later epoch than the record's. It may know better, and it may be wrong, or false.

function aWorld(): World {
  const world = new World({
    inventory: inventoryOf({
      hosts: ['h1', 'h2'].map((name) => ({ name, memoryMiB: 4096 })),
      guests: [{ name: 'db', memoryMiB: 128, on: 'h1' }],
      settings: { balance: { automation: 'partial' } },
    }),
  });
  world.run(3_000);
  return world;
}

/** Of a guest that is not there: h2 says so in its reports and has it in its journal, as one that was broken into would. */
function claim(world: World, epoch: number): () => void {
  const { state } = world.host('h2').agent!;
  const guestId = world.guest('db').id;
  const key = `${guestId}:${epoch}`;
  state.guests.set(key, { kind: 'guest', guestId, epoch, guest: null, state: 'running', refusal: null });
  return () => void state.guests.delete(key);
}

const openAlarms = (world: World): string[] =>
  [...world.store.rows.alarm.values()].filter(({ clearedAt }) => clearedAt === null).map(({ code }) => code);

test('a guest that lives where the record has it is neither taken nor stopped by the word of another host', () => {
  const world = aWorld();
  const [before, copy] = [world.guest('db'), world.copyOf('db')];
  const takeBack = claim(world, 9);
  world.run(20_000);
  expect(world.guest('db')).toEqual(before);
  expect(world.copyOf('db')).toBe(copy);
  expect(openAlarms(world)).toEqual(['guest-claimed']);
  takeBack();
  world.run(3_000);
  expect(openAlarms(world)).toEqual([]);
});

test('such a claim is believed when the guest is not where the record has it any more', () => {
  const world = aWorld();
  claim(world, 9);
  world.run(3_000);
  world.host('h1').agent!.state.guests.clear();
  world.run(3_000);
  expect(world.guest('db')).toMatchObject({ state: 'running', epoch: 9, hostId: 'h2' });
  expect(openAlarms(world)).toEqual(['record-behind']);
});

test('an epoch after which there would be no next one is never believed, and keeps no guest down', () => {
  const world = aWorld();
  claim(world, 2_147_483_647);
  world.run(3_000);
  world.copyOf('db')!.die('crashed', 'it fell over');
  world.run(5_000);
  expect(world.guest('db')).toMatchObject({ state: 'running', epoch: 2, hostId: world.store.rows.host.get('h1')!.id });
  expect(openAlarms(world)).toEqual(['guest-claimed']);
  expect(world.invariants.violations).toEqual([]);
});
