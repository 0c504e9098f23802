import type { BalanceRun } from '@argosy/domain/entities';
import { inventoryOf } from './inventory-plan';
import { World } from './world';

const hosts = ['h1', 'h2'].map((name) => ({ name, memoryMiB: 4096, cpuMillicores: 2000 }));

function aWorld(guests: readonly { name: string; on: string }[]): { world: World; commands: () => number } {
  const world = new World({
    inventory: inventoryOf({ hosts, guests: guests.map((guest) => ({ ...guest, memoryMiB: 64 })) }),
  });
  world.run(30_000);
  let commands = 0;
  world.bus.fate = () => {
    commands++;
    return 'once';
  };
  return { world, commands: () => commands };
}

const runs = (world: World): BalanceRun[] => [...world.store.rows.balanceRun.values()];

function ask(world: World): void {
  world.request('administrator', { kind: 'balance.run', pool: 'main' });
  world.run(100);
}

test('a run that somebody asks for is written also where there is nothing to do, with the reason, and orders nothing', () => {
  const { world, commands } = aWorld([
    { name: 'a', on: 'h1' },
    { name: 'b', on: 'h2' },
  ]);
  expect(runs(world)).toEqual([]);
  ask(world);
  ask(world);
  expect(runs(world)).toHaveLength(2);
  for (const run of runs(world)) {
    expect(run).toMatchObject({ recommendationCount: 0, imbalanceAfter: run.imbalanceBefore });
    expect(run.explanation).toBe('Nothing to do, because no move would bring more than it costs.');
  }
  expect(commands()).toBe(0);
});

test('of a pool in which nothing runs that is the reason', () => {
  const { world } = aWorld([]);
  ask(world);
  expect(runs(world).map(({ explanation }) => explanation)).toEqual(['Nothing to do, because no guest runs in it.']);
});

test('what nobody asked for is written only when it recommends something', () => {
  const { world, commands } = aWorld([
    { name: 'a', on: 'h1' },
    { name: 'b', on: 'h2' },
  ]);
  world.run(300_000);
  expect(runs(world)).toEqual([]);
  expect(commands()).toBe(0);
});

test('a run whose time was over before it had looked at everything says so, and withdraws nothing', () => {
  const { world } = aWorld([
    { name: 'a', on: 'h1' },
    { name: 'b', on: 'h1' },
    { name: 'c', on: 'h1' },
  ]);
  world.request('administrator', {
    kind: 'pool.update',
    pool: 'main',
    settings: { balance: { automation: 'manual' } },
  });
  for (const guest of ['a', 'b', 'c']) world.copyOf(guest)?.consoleWrite('load 900\n');
  world.run(30_000);
  const before = [...world.store.rows.recommendation.values()].map(({ guestId, state }) => `${guestId} ${state}`);
  expect(before.some((each) => each.endsWith('open'))).toBe(true);
  Object.assign(world.leader()!.fleet, { deadline: () => () => true });
  ask(world);
  expect(runs(world).at(-1)!.explanation).toContain('It was cut short after 1.00 s; the next pass goes on.');
  expect([...world.store.rows.recommendation.values()].map(({ guestId, state }) => `${guestId} ${state}`)).toEqual(
    before,
  );
});
