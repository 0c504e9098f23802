import { check, type Expected, outageMs, runCell, runMigration, strike } from './migration-bench';
import {
  expectations,
  type FaultStep,
  hostExpectations,
  migrationSteps,
  type Outcome,
  postCopyExpectations,
  postCopyHostExpectations,
  victims,
} from './migration-faults';
import type { World } from './world';

const survives: Expected = { outcome: 'intact', fenced: false };

const cellsOf = (row: Readonly<Record<FaultStep, Outcome>>) => migrationSteps.map((step) => [step, row[step]] as const);

describe.each(victims)('%s killed', (victim) => {
  test.each(cellsOf(expectations[victim]))('at %s: %s', (step, outcome) => {
    runCell({ step, outcome, fenced: false }, (world) => strike(world, victim));
  });
});

const roles = [
  ['source', 'h1'],
  ['target', 'h2'],
] as const;

function loseAndReturn(hostName: string): (world: World) => void {
  return (world) => {
    world.host(hostName).powerOff();
    world.clock.after(30_000, () => world.host(hostName).powerOn());
  };
}

describe.each(roles)('the %s host lost and returned', (role, hostName) => {
  test.each(cellsOf(hostExpectations[role]))('at %s: %s', (step, outcome) => {
    runCell({ step, outcome, fenced: true }, loseAndReturn(hostName));
  });
});

describe.each(roles)('in post-copy, the %s host lost and returned', (role, hostName) => {
  test.each(cellsOf(postCopyHostExpectations[role]))('at %s: %s', (step, outcome) => {
    runCell({ step, outcome, fenced: true, kind: 'post-copy' }, loseAndReturn(hostName));
  });
});

describe.each(victims)('in post-copy, %s killed', (victim) => {
  test.each(cellsOf(postCopyExpectations[victim]))('at %s: %s', (step, outcome) => {
    runCell({ step, outcome, fenced: false, kind: 'post-copy' }, (world) => strike(world, victim));
  });
});

/** What costs no memory at any step. */
const nuisances: Record<string, (world: World) => void> = {
  'every job delivered twice, the second time after it stalled': (world) => {
    world.bus.fate = () => 'twice';
  },
  'every job delivered twice, the second time while it is still valid': (world) => {
    world.bus.fate = () => ({ againAfterMs: 4000 });
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
    world.host('h1').cut('both');
    world.clock.after(outageMs, () => world.host('h1').cut('none'));
  },
  'the target cut off from Redis and controllers': (world) => {
    world.host('h2').cut('both');
    world.clock.after(outageMs, () => world.host('h2').cut('none'));
  },
  'both agents and the controller killed': (world) => {
    world.host('h1').killAgent();
    world.host('h2').killAgent();
    world.leader()!.crash();
  },
};

describe.each(Object.keys(nuisances))('%s', (name) => {
  test.each(migrationSteps)('at %s: intact', (step) => {
    runCell({ step, ...survives }, nuisances[name]!);
  });
});

test('a source VMM that dies as its copy begins leaves a target that listens for ever: it is given up', () => {
  const world = runMigration((fresh) => {
    fresh.host('h1').onJournal = ({ value }) => {
      if (value?.kind === 'migration' && value.phase === 'copying') strike(fresh, 'source VMM');
    };
  });
  check(world, { outcome: 'crash', fenced: false });
});

test('with no fault the guest moves, and its memory with it', () => {
  const world = runCell({ step: 'copy', ...survives }, () => {});
  expect(world.copyOf('g')!.machine.name).toBe('h2');
});
