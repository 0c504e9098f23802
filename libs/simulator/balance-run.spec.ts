import type { BalanceRun } from '@argosy/domain/entities';
import { inventoryOf } from './inventory-plan';
import { World } from './world';

const hosts = ['h1', 'h2'].map((name) => ({ name, memoryMiB: 4096 }));

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
