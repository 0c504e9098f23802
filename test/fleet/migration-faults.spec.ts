// One fault for each step of a migration, on real QEMU, with each process that takes part as the victim of one at least.
// All of them at all steps: migration-faults.slow.spec.ts. The same table in simulation: libs/simulator.
import { expectations, type FaultStep, type Victim } from '@argosy/simulator/migration-faults';
import type { Fleet } from './lab';
import { runCell, startMigrationFleet, Subject } from './migration-cell';
import { strike } from './migration-moments';

const cells: readonly (readonly [FaultStep, Victim])[] = [
  ['reserve', 'controller'],
  ['open-target', 'target agent'],
  ['copy', 'source VMM'],
  ['switch-over: sent', 'Redis'],
  ['switch-over: released', 'source agent'],
  ['switch-over: granted', 'target VMM'],
  ['commit', 'database'],
  ['release', 'source VMM'],
];

let fleet: Fleet;
const subject = new Subject(() => fleet);
beforeAll(async () => {
  fleet = await startMigrationFleet();
}, 180_000);
afterAll(() => fleet?.stop(), 60_000);

test.each(cells)(
  'at %s the %s is killed, and the guest runs exactly once',
  async (step, victim) => {
    const outcome = expectations[victim][step];
    await runCell(fleet, subject, { step, outcome, act: (moment) => strike(victim, moment) }).catch((error) => {
      throw fleet.explained(error);
    });
  },
  150_000,
);
