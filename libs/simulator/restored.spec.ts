import type { FleetRequest } from '@argosy/domain/fleet-request';
import { type MigrationStep, migrationTransitions } from '@argosy/domain/lifecycle';
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

// A backup of every moment of a guest's life, and what became of the guest between the backup and the loss of the database.

type Deed = (world: World) => void;
const moveTo =
  (...targets: string[]): Deed =>
  (world) => {
    for (const target of targets) {
      ask(world, { kind: 'guest.migrate', guest: 'db', host: target });
      expect(world.runWhile(() => world.copyOf('db')?.machine.name !== target || !isSettled(world), 20_000)).toBe(true);
    }
  };
const ask = (world: World, request: FleetRequest): void => world.request('ada', request);
const isSettled = ({ store }: World): boolean =>
  [...store.rows.migration.values()].every(({ step }) => migrationTransitions[step].length === 0);
const inStep =
  (step: MigrationStep): Deed =>
  (world) => {
    ask(world, { kind: 'guest.migrate', guest: 'db', host: 'h2' });
    const isThere = (): boolean => [...world.store.rows.migration.values()].some((row) => row.step === step);
    expect(world.runWhile(() => !isThere(), 20_000)).toBe(true);
  };
const crash: Deed = (world) => {
  world.copyOf('db')!.die('crashed', 'it fell over');
  expect(world.runWhile(() => world.guest('db').state !== 'starting', 20_000)).toBe(true);
};

const moments: Readonly<Record<string, Deed>> = {
  running: () => {},
  'starting again': crash,
  'in a migration, open-target': inStep('open-target'),
  'in a migration, copy': inStep('copy'),
  'in a migration, release': inStep('release'),
  stopping: (world) => {
    ask(world, { kind: 'guest.power', guest: 'db', desired: 'stopped' });
    expect(world.runWhile(() => world.guest('db').state !== 'stopping', 20_000)).toBe(true);
  },
  stopped: (world) => {
    ask(world, { kind: 'guest.power', guest: 'db', desired: 'stopped' });
    expect(world.runWhile(() => world.guest('db').state !== 'stopped', 20_000)).toBe(true);
  },
};
const since: Readonly<Record<string, Deed>> = {
  'it runs on': () => {},
  'it was moved': moveTo('h3'),
  'it was moved twice': moveTo('h3', 'h4'),
  'it crashed and was moved': (world) => {
    crash(world);
    expect(world.runWhile(() => world.guest('db').state !== 'running', 20_000)).toBe(true);
    moveTo('h3')(world);
  },
};
const cases = Object.keys(moments).flatMap((moment) =>
  Object.keys(since).flatMap((what) => [0, 400, 800].map((phaseMs) => [moment, what, phaseMs] as const)),
);

test.each(cases)(
  'a backup of a guest that is %s; since then %s; hosts report %i ms apart: no copy is harmed',
  (moment, what, phaseMs) => {
    const names = ['h1', 'h2', 'h3', 'h4'];
    const world = new World({
      inventory: inventoryOf({
        hosts: names.map((name) => ({ name, memoryMiB: 4096 })),
        guests: [{ name: 'db', memoryMiB: 128, on: 'h1' }],
        settings: { balance: { automation: 'partial' } },
      }),
      phases: new Map(names.map((name, index) => [name, (phaseMs * index) % 1000])),
    });
    world.run(3_000);
    moments[moment]!(world);
    world.backUp();
    world.runWhile(() => world.guest('db').state === 'stopping' || !isSettled(world), 20_000);
    ask(world, { kind: 'guest.power', guest: 'db', desired: 'running' });
    expect(world.runWhile(() => world.guest('db').state !== 'running', 20_000)).toBe(true);
    since[what]!(world);
    world.run(25_000);
    const copy = world.copyOf('db')!;
    const { boot } = copy.memory!;

    world.restore();
    world.run(60_000);
    expect(world.invariants.violations).toEqual([]);
    // The very copy that ran before; or the administrator's order to stop it, which stands in the record, was carried out.
    if (moment === 'stopping') return;
    expect(world.copyOf('db')?.memory?.boot).toBe(boot);
    expect(world.copyOf('db')).toBe(copy);
    expect(world.guest('db')).toMatchObject({ state: 'running', hostId: copy.machine.name });
  },
);
