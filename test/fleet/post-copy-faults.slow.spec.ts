// Who is killed while a guest's memory is in two places, on real QEMU. The table is libs/simulator/migration-faults.ts,
// where 'switch-over: sent' is a step as well: here the source's agent itself begins it, and journals the next within a
// millisecond, so nobody can be killed in between on purpose.
import { type FaultStep, postCopyExpectations, type Victim } from '@argosy/simulator/migration-faults';
import type { Fleet } from './lab';
import { postCopy, runCell, startMigrationFleet, Subject } from './migration-cell';
import { strike } from './migration-moments';

const steps: readonly FaultStep[] = ['copy', 'switch-over: released', 'switch-over: granted', 'commit', 'release'];
const victims: readonly Victim[] = ['source VMM', 'target VMM', 'source agent', 'target agent', 'controller'];

let fleet: Fleet;
const subject = new Subject(() => fleet, postCopy.dirtyMBps);
beforeAll(async () => {
  fleet = await startMigrationFleet(postCopy);
}, 180_000);
afterAll(() => fleet?.stop(), 60_000);

describe.each(victims)('%s killed', (victim) => {
  test.each(steps.map((step) => [step, postCopyExpectations[victim][step]] as const))(
    'at %s: %s',
    async (step, outcome) => {
      await runCell(fleet, subject, { step, outcome, act: (moment) => strike(victim, moment) }).catch((error) => {
        throw fleet.explained(error);
      });
    },
    240_000,
  );
});
