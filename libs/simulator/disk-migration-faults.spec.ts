import { outageMs, runCell, strike } from './migration-bench';
import { atEveryStep, expectations, hostExpectations, migrationSteps, victims } from './migration-faults';
import type { World } from './world';

/**
 * The table of a migration with its disk, between hosts of which neither reaches the other's: the same as with a disk that both
 * reach. After each cell the guest runs once, from the disk that it wrote to last, and that is the only one left of it.
 */
describe.each(victims)('with its disk, %s killed', (victim) => {
  test.each(migrationSteps.map((step) => [step, expectations[victim][step]] as const))('at %s: %s', (step, outcome) => {
    runCell({ step, outcome, fenced: false, kind: 'with-disk' }, (world) => strike(world, victim));
  });
});

describe.each([
  ['source', 'h1'],
  ['target', 'h2'],
] as const)('with its disk, the %s host lost and returned', (role, hostName) => {
  test.each(migrationSteps.map((step) => [step, hostExpectations[role][step]] as const))(
    'at %s: %s',
    (step, outcome) => {
      runCell({ step, outcome, fenced: true, kind: 'with-disk' }, (world) => {
        world.host(hostName).powerOff();
        world.clock.after(30_000, () => world.host(hostName).powerOn());
      });
    },
  );
});

describe('with its disk, both hosts lost and returned', () => {
  test.each(migrationSteps.map((step) => [step, atEveryStep('crash')[step]] as const))('at %s: %s', (step, outcome) => {
    runCell({ step, outcome, fenced: false, kind: 'with-disk' }, (world) => {
      for (const name of ['h1', 'h2']) {
        world.host(name).powerOff();
        world.clock.after(30_000, () => world.host(name).powerOn());
      }
    });
  });
});

const nuisances: Record<string, (world: World) => void> = {
  'every job delivered twice, the second time after it stalled': (world) => {
    world.bus.fate = () => 'twice';
  },
  'the answer to a commit lost': (world) => {
    world.store.lostAnswers = 1;
  },
  'the link between the agents cut': (world) => {
    world.site.network.cut('h1', 'h2');
    world.clock.after(outageMs, () => world.site.network.heal('h1', 'h2'));
  },
  'both agents and the controller killed': (world) => {
    world.host('h1').killAgent();
    world.host('h2').killAgent();
    world.leader()!.crash();
  },
};

describe.each(Object.keys(nuisances))('with its disk, %s', (name) => {
  test.each(migrationSteps)('at %s: intact', (step) => {
    runCell({ step, outcome: 'intact', fenced: false, kind: 'with-disk' }, nuisances[name]!);
  });
});

test('with no fault the guest and its disk move', () => {
  const world = runCell({ step: 'copy', outcome: 'intact', fenced: false, kind: 'with-disk' }, () => {});
  expect(world.copyOf('g')!.machine.name).toBe('h2');
  expect(world.guest('g').datastoreId).toBe('local-h2');
  expect([...world.site.datastore.disks.keys()].filter((path) => path.startsWith('/local-h1'))).toEqual([]);
});
