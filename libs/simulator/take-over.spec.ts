import { inventoryOf } from './inventory-plan';
import { World } from './world';

// h1 is cut off and its fence device fails, so its guest is tried on another host under its disk's lock, in vain as long as it
// lives. Then the reason for trying goes away while an attempt is under way: whatever the moment, the guest runs once.

function cutOff(fenceMs = 60): World {
  const world = new World({
    inventory: inventoryOf({
      hosts: ['h1', 'h2', 'h3'].map((name) => ({ name, memoryMiB: 4096 })),
      guests: [{ name: 'db', memoryMiB: 128, on: 'h1' }],
      settings: { failure: { lockIsProof: true }, balance: { automation: 'partial' } },
    }),
    calibration: { host: { fenceMs } },
  });
  world.run(5_000);
  world.host('h1').fenceFaults.set(null, 'refuses');
  world.host('h1').cut('both');
  world.host('h1').datastoreCut = true;
  return world;
}

const attempts = (world: World): number => world.store.records.filter(({ code }) => code === 'take-over-tried').length;

/** Each is in vain, and followed by the next. */
function attemptAt(count: number, fenceMs?: number): number {
  const world = cutOff(fenceMs);
  world.runWhile(() => attempts(world) < count, 100_000);
  return world.clock.now;
}

function rejoin(world: World): void {
  world.host('h1').cut('none');
  world.host('h1').datastoreCut = false;
}

interface End {
  /** How long before it shows. */
  readonly leadMs: number;
  readonly come: (world: World) => void;
}

const ends: Record<string, End> = {
  'it is back': { leadMs: 0, come: rejoin },
  'it is back without its guest': {
    leadMs: 0,
    come: (world) => {
      world.copyOf('db')?.die('crashed', 'its process was killed');
      rejoin(world);
    },
  },
  'it is back after a restart': {
    leadMs: 3_000,
    come: (world) => {
      world.host('h1').powerOff();
      rejoin(world);
      world.host('h1').powerOn();
    },
  },
};

function runsWell(world: World): boolean {
  const { state, hostId } = world.guest('db');
  return state === 'running' && world.copyOf('db')?.machine.name === world.hostName(hostId);
}

const settledMs = 15_000;

describe.each(Object.entries(ends))('%s', (_what, { leadMs, come }) => {
  test.each([false, true])('and the guest runs once, whenever that is (controller killed: %p)', (isKilled) => {
    const wrong: string[] = [];
    const from = attemptAt(2) - leadMs - 60;
    for (let atMs = from; atMs < from + 160; atMs += 8) {
      const world = cutOff();
      world.runUntil(atMs);
      come(world);
      world.run(leadMs + 30);
      if (isKilled) world.leader()?.crash();
      world.run(settledMs);
      if (!runsWell(world) || world.invariants.violations.length > 0)
        wrong.push(`at ${atMs} ms: ${world.guest('db').state} ${world.invariants.violations.join(' ')}`);
    }
    expect(wrong).toEqual([]);
  });
});

test('its device proves it off before the attempt is known to have gone well, and the attempt becomes the restart', () => {
  let became = 0;
  for (let fenceMs = 20; fenceMs < 250; fenceMs += 10) {
    // Devices and attempts have their own intervals: the seventh is the first that is answered so soon.
    const at = attemptAt(7, fenceMs);
    const world = cutOff(fenceMs);
    world.runUntil(at - 10);
    world.host('h1').powerOff();
    world.host('h1').fenceFaults.clear();
    world.run(settledMs);
    expect([fenceMs, runsWell(world), world.guest('db').restarts.length]).toEqual([fenceMs, true, 1]);
    expect(world.invariants.violations).toEqual([]);
    if (world.store.records.some(({ message }) => message.includes('is being started already'))) became++;
  }
  expect(became).toBeGreaterThan(0);
});

test.each([
  ['crashed', 'running'],
  ['stopped', 'stopped'],
] as const)(
  'an attempt that ran and is %s before anybody hears of it proves the old copy dead all the same',
  (how, state) => {
    const world = cutOff();
    world.host('h1').powerOff();
    const at = attempts(world);
    world.runWhile(() => attempts(world) === at, 100_000);
    world.run(20);
    for (const controller of world.controllers) controller.cutOff = true;
    world.runWhile(() => world.copyOf('db') === undefined, 5_000);
    world.copyOf('db')!.die(how, 'as the test wants it');
    world.run(1_000);
    for (const controller of world.controllers) controller.cutOff = false;
    world.run(settledMs);
    expect(world.store.records.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/^db ran on h[23] at/),
    );
    expect([world.guest('db').state, world.guest('db').epoch]).toEqual([state, how === 'crashed' ? 3 : 2]);
    expect(world.invariants.violations).toEqual([]);
  },
);

test('a guest that is to be stopped meanwhile is stopped there too, and nobody takes its copy for news', () => {
  const from = attemptAt(2);
  for (let askedAt = from - 20; askedAt < from + 260; askedAt += 10) {
    const world = cutOff();
    world.runUntil(from - 30);
    world.host('h1').powerOff();
    world.runUntil(askedAt);
    world.request('ada', { kind: 'guest.power', guest: 'db', desired: 'stopped' });
    world.run(5_000);
    expect([askedAt - from, world.guest('db').desired, world.copyOf('db')]).toEqual([
      askedAt - from,
      'stopped',
      undefined,
    ]);
    world.host('h1').fenceFaults.clear();
    world.run(settledMs);
    expect([world.guest('db').state, world.copyOf('db')]).toEqual(['stopped', undefined]);
    expect(world.invariants.violations).toEqual([]);
  }
});
