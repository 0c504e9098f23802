import { inventoryOf } from './inventory-plan';
import { World } from './world';

// A host says that it runs a guest at a later epoch than the record's. It may know better, and it may be wrong, or false.

interface Circumstances {
  /** null: it is off. */
  readonly on?: string | null;
  readonly poolOfH2?: string;
  readonly phases?: Readonly<Record<string, number>>;
}

function aWorld({ on = 'h1', poolOfH2 = 'main', phases = {} }: Circumstances = {}): World {
  const inventory = inventoryOf({
    hosts: ['h1', 'h2', 'h3'].map((name) => ({ name, memoryMiB: 4096 })),
    guests: [{ name: 'db', memoryMiB: 128, ...(on === null ? {} : { on }) }],
    settings: { balance: { automation: 'partial' } },
  });
  const [main] = inventory.pools;
  const world = new World({
    inventory: {
      ...inventory,
      pools: [main!, { ...main!, id: 'other', name: 'other' }],
      hosts: inventory.hosts.map((host) => (host.name === 'h2' ? { ...host, poolId: poolOfH2 } : host)),
    },
    phases: new Map(Object.entries(phases)),
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

test('nor while the host of its record is not heard: it may still run there, and does when its agent is back', () => {
  const world = aWorld();
  const [before, copy] = [world.guest('db'), world.copyOf('db')];
  world.host('h1').restartsAgent = false;
  world.host('h1').killAgent();
  world.run(10_000);
  expect(world.store.rows.host.get('h1')!.state).toBe('disconnected');
  claim(world, 9);
  world.run(10_000);
  expect(world.guest('db')).toEqual(before);
  expect(openAlarms(world)).toContain('guest-claimed');
  world.host('h1').restartsAgent = true;
  world.host('h1').killAgent();
  world.run(20_000);
  expect(world.guest('db')).toEqual(before);
  expect(world.copyOf('db')).toBe(copy);
  expect(openAlarms(world)).toEqual(['guest-claimed']);
  // One alarm from first to last, also while that agent has yet to tell what it has.
  const told = world.store.records.filter(({ code }) => code.endsWith('guest-claimed'));
  expect(told.map(({ code }) => code)).toEqual(['alarm-raised.guest-claimed']);
});

test('nor by a new leader that hears the claim before the host of the record', () => {
  const world = aWorld({ phases: { h1: 900, h2: 300, h3: 500 } });
  const [before, copy] = [world.guest('db'), world.copyOf('db')];
  claim(world, 9);
  for (let leader = 0; leader < 10; leader++) {
    world.leader()!.crash();
    world.addController(`next${leader}`);
    world.run(12_345);
  }
  expect(world.guest('db')).toEqual(before);
  expect(world.copyOf('db')).toBe(copy);
});

test('when the host of its record is proved off it is believed at last, before the guest is started a second time', () => {
  const world = aWorld();
  world.backUp();
  world.request('ada', { kind: 'guest.migrate', guest: 'db', host: 'h2' });
  expect(world.runWhile(() => world.copyOf('db')?.machine.name !== 'h2', 20_000)).toBe(true);
  world.run(5_000);
  const copy = world.copyOf('db');
  world.host('h1').powerOff();
  world.restore();
  world.run(60_000);
  expect(world.store.rows.host.get('h1')!.state).toBe('fenced');
  expect(world.copyOf('db')).toBe(copy);
  expect(world.guest('db')).toMatchObject({ state: 'running', hostId: world.store.rows.host.get('h2')!.id, epoch: 2 });
  expect(world.invariants.violations).toEqual([]);
});

test('a host of another pool is never believed, for no guest ever comes there', () => {
  const world = aWorld({ on: null, poolOfH2: 'other' });
  const before = world.guest('db');
  claim(world, 9);
  world.run(10_000);
  expect(world.guest('db')).toEqual(before);
  expect(openAlarms(world)).toContain('guest-claimed');
});

test('of a guest that is off it is believed: to doubt what is true would let it be started a second time', () => {
  const world = aWorld({ on: null });
  claim(world, 9);
  world.run(3_000);
  expect(world.guest('db')).toMatchObject({ state: 'running', epoch: 9, hostId: world.store.rows.host.get('h2')!.id });
  expect(openAlarms(world)).toEqual(['record-behind']);
});
