import { inventoryOf } from './inventory-plan';
import { World } from './world';

// A source's agent dies as its guest is handed over, and comes back when the guest has gone from its target as well. It asks the target
// whether it may run on, and must not be told that it may.

const sourceAwayMs = 8_000;

function migrating(): World {
  const world = new World({
    inventory: inventoryOf({
      hosts: ['h1', 'h2', 'h3'].map((name) => ({ name, memoryMiB: 1024 })),
      guests: [{ name: 'db', memoryMiB: 256, on: 'h1' }],
      settings: { balance: { automation: 'partial' } },
    }),
    calibration: { host: { agentRestartMs: sourceAwayMs } },
  });
  world.run(3_000);
  world.request('ada', { kind: 'guest.migrate', guest: 'db', host: 'h2' });
  return world;
}

const placeOf = (world: World): string | undefined => world.copyOf('db')?.machine.name;

function handedOverAt(): number {
  const world = migrating();
  world.runWhile(() => placeOf(world) !== 'h2', 60_000);
  return world.clock.now;
}

const departures: Record<string, { readonly ask: (world: World) => void; readonly end: string | undefined }> = {
  'is stopped': {
    ask: (world) => world.request('ada', { kind: 'guest.power', guest: 'db', desired: 'stopped', force: true }),
    end: undefined,
  },
  'moves on': { ask: (world) => world.request('ada', { kind: 'guest.migrate', guest: 'db', host: 'h3' }), end: 'h3' },
};

test.each(Object.entries(departures))('a guest that %s meanwhile runs once', (_what, { ask, end }) => {
  const handedOver = handedOverAt();
  const wrong: string[] = [];
  let settled = 0;
  for (let atMs = handedOver - 12; atMs <= handedOver + 12; atMs++) {
    const world = migrating();
    world.runUntil(atMs);
    world.host('h1').killAgent();
    world.runWhile(() => world.guest('db').state !== 'running', 20_000);
    world.run(2_000);
    // Where the source had not asked yet, nothing is settled before it is back.
    if (world.clock.now > atMs + sourceAwayMs) continue;
    settled++;
    ask(world);
    world.runUntil(atMs + sourceAwayMs);
    // Nobody is there to tell it.
    world.leader()?.crash();
    world.run(15_000);
    if (placeOf(world) !== end || world.invariants.violations.length > 0)
      wrong.push(`${atMs - handedOver} ms: on ${placeOf(world)} ${world.invariants.violations.join(' ')}`);
  }
  expect(wrong).toEqual([]);
  expect(settled).toBeGreaterThan(10);
});
