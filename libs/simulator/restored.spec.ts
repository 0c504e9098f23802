import { inventoryOf } from './inventory-plan';
import { World } from './world';

// A database that was restored from a backup is behind: what hosts know better is believed, and nothing is killed for it.

function aRestoredWorld(): World {
  const world = new World({
    inventory: inventoryOf({
      hosts: ['h1', 'h2'].map((name) => ({ name, memoryMiB: 4096 })),
      guests: [
        { name: 'db', memoryMiB: 128, on: 'h1' },
        { name: 'web', memoryMiB: 128 },
      ],
    }),
  });
  // What an earlier leader, of whom the backup knows nothing, has told the hosts.
  for (const host of world.hosts.values()) host.agent!.state.term = 500;
  const h1 = world.host('h1');
  h1.agent!.state.incarnation = 7;
  h1.incarnation = 7;
  return world;
}

const openAlarms = (world: World): string[] =>
  [...world.store.rows.alarm.values()].filter(({ clearedAt }) => clearedAt === null).map(({ code }) => code);

test('the leadership goes on above the highest term that a host has seen, and hosts take its orders', () => {
  const world = aRestoredWorld();
  world.run(5_000);
  expect(world.leader()!.fleet.term).toBeGreaterThan(500);
  world.request('ada', { kind: 'guest.power', guest: 'web', desired: 'running' });
  world.run(5_000);
  expect(world.guest('web').state).toBe('running');
  expect(openAlarms(world)).toContain('term-behind');
  expect(world.invariants.violations).toEqual([]);
});

test('a host of a later incarnation than recorded is believed, and is not fenced for it', () => {
  const world = aRestoredWorld();
  world.run(20_000);
  expect(world.store.rows.host.get('h1')).toMatchObject({ state: 'online', incarnation: 7 });
  expect(world.store.records.map(({ code }) => code)).not.toContain('fence-asked');
  expect(world.copyOf('db')?.machine.name).toBe('h1');
  expect(openAlarms(world)).toContain('record-behind');
});

test('such an alarm goes when somebody has seen it, and one of what still is so does not', () => {
  const world = aRestoredWorld();
  world.host('h2').restartsAgent = false;
  world.host('h2').killAgent();
  world.run(20_000);
  const acknowledge = (code: string): string => {
    const alarm = [...world.store.rows.alarm.values()].find((each) => each.code === code && each.clearedAt === null)!;
    let answer = 'none';
    world.request('ada', { kind: 'alarm.acknowledge', alarm: alarm.id }, (result) => {
      answer = result.ok ? 'cleared' : result.refusal.message;
    });
    world.run(1_000);
    return answer;
  };
  expect(acknowledge('term-behind')).toBe('cleared');
  expect(openAlarms(world)).not.toContain('term-behind');
  expect(acknowledge('agent-silent')).toMatch(/goes by itself when it is over/);
});
