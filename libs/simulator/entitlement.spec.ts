import { type GuestProcessors, processorsOf } from '@argosy/control/outlook';
import type { BalancePolicy } from '@argosy/domain/policies';
import { inventoryOf } from './inventory-plan';
import { World } from './world';

const manual: Partial<BalancePolicy> = { automation: 'manual' };

function crowdedWorld(): World {
  const plan = { memoryMiB: 128, on: 'h1' };
  const world = new World({
    inventory: inventoryOf({
      hosts: [
        { name: 'h1', memoryMiB: 4096, cpuMillicores: 1000 },
        { name: 'h2', memoryMiB: 4096, cpuMillicores: 1000 },
      ],
      guests: [
        { ...plan, name: 'gold', cpuShares: 3000 },
        { ...plan, name: 'bronze' },
        { ...plan, name: 'limited', cpuLimitMillicores: 100 },
        { ...plan, name: 'other', on: 'h2' },
        { name: 'off', memoryMiB: 128 },
      ],
      settings: { balance: manual },
    }),
  });
  const loads: Readonly<Record<string, number>> = { gold: 950, bronze: 950, limited: 800, other: 950 };
  world.whenBooted((instance) => instance.consoleWrite(`load ${loads[instance.guest.name]}\n`));
  world.run(30_000);
  return world;
}

function seen(world: World, name: string): GuestProcessors {
  const { fleet } = world.leader()!;
  return processorsOf(
    fleet,
    [...fleet.guests.values()].find((each) => each.name === name)!,
    world.clock.now,
  );
}

test('a guest is told what it asks for, what is due to it and what it gets', () => {
  const world = crowdedWorld();
  // 2,960 are asked for and 2,000 are there: by shares gold has all that it wants, and the others divide the rest.
  expect(seen(world, 'gold')).toMatchObject({ shares: 3000, limitMillicores: null });
  const { gold, bronze } = { gold: seen(world, 'gold'), bronze: seen(world, 'bronze') };
  expect(gold.entitlementMillicores).toBe(gold.demandMillicores);
  expect(gold.demandMillicores).toBeGreaterThan(940);
  expect(bronze.entitlementMillicores).toBeLessThan(0.6 * bronze.demandMillicores);
  expect(bronze.entitlementMillicores).toBe(seen(world, 'other').entitlementMillicores);
  // On h1 there is less: three quarters of what the limited one leaves are gold's.
  expect(gold.usedMillicores! / (900 * 0.75)).toBeCloseTo(1, 1);
  expect(gold.metShare).toBeCloseTo(gold.usedMillicores! / gold.entitlementMillicores, 1);
  expect(bronze.metShare).toBeLessThan(0.6);
  expect(seen(world, 'other').metShare).toBe(1);
});

test('demand beyond a limit is none, and a guest that does not run asks for nothing', () => {
  const world = crowdedWorld();
  expect(seen(world, 'limited')).toMatchObject({ demandMillicores: 100, entitlementMillicores: 100, metShare: 1 });
  expect(seen(world, 'off')).toMatchObject({
    demandMillicores: 0,
    entitlementMillicores: 0,
    usedMillicores: null,
    metShare: null,
  });
});
