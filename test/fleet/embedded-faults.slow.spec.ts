// Who is killed while a guest of the embedded VMM moves, at each of the steps, with real agents: the same tables that the
// simulation and QEMU are held to. What is not the VMM's (controller, Redis, database) is in migration-faults.slow.spec.ts.
import {
  expectations,
  migrationSteps,
  postCopyExpectations,
  type FaultStep,
  type Victim,
} from '@argosy/simulator/migration-faults';
import type { Fleet } from './lab';
import { type Copying, postCopy, preCopy, runCell, startMigrationFleet, Subject } from './migration-cell';
import { strike } from './migration-moments';

const victims: readonly Victim[] = ['source VMM', 'target VMM', 'source agent', 'target agent'];
/** As for QEMU, nobody can be killed in between 'sent' and 'released' of a post-copy. */
const postCopySteps: readonly FaultStep[] = [
  'copy',
  'switch-over: released',
  'switch-over: granted',
  'commit',
  'release',
];

function describeFaults(name: string, copying: Copying, table: typeof expectations, steps: readonly FaultStep[]): void {
  describe(name, () => {
    let fleet: Fleet;
    const subject = new Subject(() => fleet, copying.dirtyMBps);
    beforeAll(async () => {
      fleet = await startMigrationFleet(copying, 'embedded');
    }, 180_000);
    afterAll(() => fleet?.stop(), 60_000);

    describe.each(victims)('%s killed', (victim) => {
      test.each(steps.map((step) => [step, table[victim][step]] as const))(
        'at %s: %s',
        async (step, outcome) => {
          await runCell(fleet, subject, { step, outcome, act: (moment) => strike(victim, moment) }).catch((error) => {
            throw fleet.explained(error);
          });
        },
        240_000,
      );
    });
  });
}

/**
 * What QEMU's source cannot take back once a post-copy has begun, ours can as long as the target has not run: it has sent copies of
 * its pages, and has them all.
 */
const embeddedPostCopyExpectations = {
  ...postCopyExpectations,
  'target VMM': { ...postCopyExpectations['target VMM'], 'switch-over: released': 'intact' },
} as const;

describeFaults('pre-copy', preCopy, expectations, migrationSteps);
describeFaults('post-copy', postCopy, embeddedPostCopyExpectations, postCopySteps);
