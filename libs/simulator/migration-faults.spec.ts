import type { FleetWrite } from '@argosy/control/ports/fleet-store';
import type { HostMigration } from '@argosy/control/host-types';
import type { MigrationStep } from '@argosy/domain/lifecycle';
import type { MigrationPhase } from '@argosy/domain/host-report';
import { inventoryOf } from './inventory-plan';
import { World } from './world';

/**
 * Each process that takes part in a migration is killed at each written step. `intact`: the guest runs once and its
 * counters went on. `crash`: the killed VMM held the only complete copy; the guest runs once, booted from its disk once
 * more, and the record says so.
 */
type Outcome = 'intact' | 'crash';

const victims = ['source agent', 'target agent', 'source VMM', 'target VMM', 'controller', 'Redis', 'database'] as const;
type Victim = (typeof victims)[number];

const steps = ['reserve', 'open-target', 'copy', 'switch-over: sent', 'switch-over: released', 'switch-over: granted', 'commit', 'release'] as const;
type Step = (typeof steps)[number];

const all = (outcome: Outcome): Record<Step, Outcome> => Object.fromEntries(steps.map((step) => [step, outcome])) as Record<Step, Outcome>;

/** Until all is sent the source alone is complete; while both are, neither loss costs the memory; after the grant only the target counts. */
const expectations: Record<Victim, Record<Step, Outcome>> = {
  'source agent': all('intact'),
  'target agent': all('intact'),
  controller: all('intact'),
  Redis: all('intact'),
  database: all('intact'),
  'source VMM': { ...all('intact'), reserve: 'crash', 'open-target': 'crash', copy: 'crash' },
  'target VMM': { ...all('intact'), 'switch-over: granted': 'crash', commit: 'crash', release: 'crash' },
};

const outageMs = 10_000;

function aMigration(): World {
  const world = new World({
    inventory: inventoryOf({
      hosts: ['h1', 'h2', 'h3'].map((name) => ({ name, memoryMiB: 4096 })),
      guests: [
        { name: 'g', memoryMiB: 512, on: 'h1' },
        { name: 'neighbour', memoryMiB: 64, on: 'h2' },
      ],
      settings: { balance: { automation: 'manual' }, migration: { bandwidthMiBPerSecond: 200 } },
    }),
  });
  world.run(3000);
  world.copyOf('g')!.consoleWrite('dirty 20 256 7\ndisk fill 16 5\n');
  world.run(2000);
  return world;
}

function begin(world: World): void {
  world.request('administrator', { kind: 'guest.migrate', guest: 'g', host: 'h2' }, (result) => {
    if (!result.ok) throw new Error(result.refusal.message);
  });
}

/** Calls back at the very moment: inside the step that writes it, before anything that follows. */
function atStep(world: World, step: Step, act: () => void): void {
  let done = false;
  const once = (): void => {
    if (done) return;
    done = true;
    world.note(`! now: ${step}`);
    act();
  };
  const writes = (write: FleetWrite, migrationStep: MigrationStep): boolean => write.kind === 'put' && write.entity === 'migration' && write.row.step === migrationStep;
  const { onWrite } = world.store;
  const onCommitted = (migrationStep: MigrationStep): void => {
    world.store.onWrite = (write) => {
      onWrite?.(write);
      if (writes(write, migrationStep)) once();
    };
  };
  const onPhase = (hostName: string, phase: MigrationPhase, run: () => void): void => {
    world.host(hostName).onJournal = ({ value }) => value?.kind === 'migration' && (value as HostMigration).phase === phase && run();
  };
  switch (step) {
    case 'reserve':
      return onCommitted('open-target');
    case 'open-target':
      return onPhase('h2', 'preparing', once);
    case 'copy':
      return onPhase('h1', 'copying', () => world.clock.after(500, once));
    case 'switch-over: sent':
      world.site.onHandOver = once;
      return;
    case 'switch-over: released':
      return onPhase('h1', 'released', once);
    case 'switch-over: granted':
      return onPhase('h2', 'granted', once);
    case 'commit':
      world.store.beforeCommit = (transaction) => transaction.some((write) => writes(write, 'commit')) && once();
      return;
    case 'release':
      return onCommitted('release');
  }
}

function strike(world: World, victim: Victim): void {
  const killOn = (hostName: string): void => {
    for (const instance of [...world.host(hostName).machine.instances.values()]) if (instance.guest.name === 'g') instance.die('crashed', 'killed by the test');
  };
  const killers: Record<Victim, () => void> = {
    'source agent': () => world.host('h1').killAgent(),
    'target agent': () => world.host('h2').killAgent(),
    'source VMM': () => killOn('h1'),
    'target VMM': () => killOn('h2'),
    controller: () => world.leader()!.crash(),
    Redis: () => {
      world.bus.setUp(false);
      world.clock.after(outageMs, () => world.bus.setUp(true));
    },
    database: () => {
      world.store.away = true;
      world.clock.after(outageMs, () => (world.store.away = false));
    },
  };
  killers[victim]();
}

function history(world: World): string {
  return world.log.map(({ at, text }) => `${(at / 1000).toFixed(3)} ${text}`).join('\n');
}

/** What must be true after every cell, and what the cell expects. */
function check(world: World, { outcome, fenced }: Expected, heartbeatsBefore: number, startedAt: number): void {
  world.invariants.checkSettled();
  const copies = world.site.runningCopies(world.guest('g').id);
  const memory = copies[0]?.memory;
  const crashes = world.store.records.filter((record) => record.subjectId === 'g' && /^guest-(crashed|lost)$/.test(record.code)).length;
  const elapsedBeats = (world.clock.now - startedAt) / 250;
  const facts = {
    violations: world.invariants.violations,
    copies: copies.length,
    boot: memory?.boot,
    diskVersion: copies[0]?.disk.dataVersion,
    crashesRecorded: crashes > 0,
    counterWentOn: outcome === 'crash' || (memory != null && memory.heartbeats > heartbeatsBefore + elapsedBeats * 0.6),
    area: memory?.areaMiB,
    openMigrations: world.store.load()?.migrations.length,
    neighbour: world.site.runningCopies('neighbour').length,
    hostFenced: world.store.records.some((record) => record.code === 'host-fenced'),
  };
  const expected = {
    violations: [],
    copies: 1,
    boot: outcome === 'intact' ? 1 : 2,
    diskVersion: 1,
    crashesRecorded: outcome === 'crash',
    counterWentOn: true,
    area: outcome === 'intact' ? 256 : 0,
    openMigrations: 0,
    neighbour: 1,
    hostFenced: fenced,
  };
  if (JSON.stringify(facts) !== JSON.stringify(expected)) throw new Error(`expected ${JSON.stringify(expected)}\n   found ${JSON.stringify(facts)}\n${history(world)}`);
}

interface Expected {
  readonly outcome: Outcome;
  readonly fenced: boolean;
}

function runCell(step: Step, expected: Expected, act: (world: World) => void): World {
  const world = aMigration();
  const heartbeats = world.copyOf('g')!.memory!.heartbeats;
  const startedAt = world.clock.now;
  let struck = false;
  atStep(world, step, () => {
    struck = true;
    act(world);
  });
  begin(world);
  world.run(90_000);
  if (!struck) throw new Error(`the step was never reached\n${history(world)}`);
  check(world, expected, heartbeats, startedAt);
  return world;
}

const survives: Expected = { outcome: 'intact', fenced: false };

describe.each(victims)('%s killed', (victim) => {
  test.each(steps.map((step) => [step, expectations[victim][step]] as const))('at %s: %s', (step, outcome) => {
    runCell(step, { outcome, fenced: false }, (world) => strike(world, victim));
  });
});

/**
 * A whole host is lost, fenced, and comes back half a minute later with its old journal and queue. A target that is lost
 * with the question of its grant unanswered may have run: the source's memory is of no use then, although it is whole.
 */
const hostExpectations: Record<'h1' | 'h2', Record<Step, Outcome>> = {
  h1: { ...all('intact'), reserve: 'crash', 'open-target': 'crash', copy: 'crash' },
  h2: { ...all('crash'), reserve: 'intact', 'open-target': 'intact', copy: 'intact' },
};

describe.each([
  ['source', 'h1'],
  ['target', 'h2'],
] as const)('the %s host lost and returned', (_role, hostName) => {
  test.each(steps.map((step) => [step, hostExpectations[hostName][step]] as const))('at %s: %s', (step, outcome) => {
    runCell(step, { outcome, fenced: true }, (world) => {
      world.host(hostName).powerOff();
      world.clock.after(30_000, () => world.host(hostName).powerOn());
    });
  });
});

/** What costs no memory at any step. */
const nuisances: Record<string, (world: World) => void> = {
  'every job delivered twice, the second time after it stalled': (world) => {
    world.bus.fate = () => 'twice';
  },
  'every job late by three seconds': (world) => {
    world.bus.fate = () => ({ lateMs: 3000 });
  },
  'every job late beyond its deadline, for ten seconds': (world) => {
    world.bus.fate = () => ({ lateMs: 7000 });
    world.clock.after(outageMs, () => (world.bus.fate = () => 'once'));
  },
  'Redis emptied': (world) => world.bus.empty(),
  'a leader that sleeps beyond its lease': (world) => {
    const leader = world.leader()!;
    leader.pause();
    world.clock.after(12_000, () => leader.resume());
  },
  'the answer to a commit lost': (world) => {
    world.store.lostAnswers = 1;
  },
  'the link between the agents cut': (world) => {
    world.site.network.cut('h1', 'h2');
    world.clock.after(outageMs, () => world.site.network.heal('h1', 'h2'));
  },
  'the source cut off from Redis and controllers': (world) => {
    world.host('h1').isolate(true);
    world.clock.after(outageMs, () => world.host('h1').isolate(false));
  },
  'the target cut off from Redis and controllers': (world) => {
    world.host('h2').isolate(true);
    world.clock.after(outageMs, () => world.host('h2').isolate(false));
  },
  'both agents and the controller killed': (world) => {
    world.host('h1').killAgent();
    world.host('h2').killAgent();
    world.leader()!.crash();
  },
};

describe.each(Object.keys(nuisances))('%s', (name) => {
  test.each(steps)('at %s: intact', (step) => {
    runCell(step, survives, nuisances[name]!);
  });
});

test('with no fault the guest moves, and its memory with it', () => {
  const world = runCell('copy', survives, () => {});
  expect(world.copyOf('g')!.machine.name).toBe('h2');
});
