// Who is killed while a guest of the embedded VMM moves, at each of the steps, with real agents: the same tables that the
// simulation and QEMU are held to. What is not the VMM's (controller, Redis, database) is in migration-faults.slow.spec.ts.
import {
  expectations,
  hostExpectations,
  migrationSteps,
  postCopyExpectations,
  postCopyHostExpectations,
  type FaultStep,
  type Victim,
} from '@argosy/simulator/migration-faults';
import type { Fleet } from './lab';
import { type Cell, type Copying, postCopy, preCopy, runCell, startMigrationFleet, Subject } from './migration-cell';
import { loseHost, strike } from './migration-moments';

const victims: readonly Victim[] = ['source VMM', 'target VMM', 'source agent', 'target agent'];
/** As for QEMU, nobody can be killed in between 'sent' and 'released' of a post-copy. */
const postCopySteps: readonly FaultStep[] = [
  'copy',
  'switch-over: released',
  'switch-over: granted',
  'commit',
  'release',
];

const cellMs = 240_000;

interface Faults {
  readonly copying: Copying;
  readonly table: typeof expectations;
  readonly steps: readonly FaultStep[];
  /** Of whole hosts. */
  readonly hosts: typeof hostExpectations;
}

function describeFaults(name: string, { copying, table, steps, hosts }: Faults): void {
  describe(name, () => {
    let fleet: Fleet;
    const subject = new Subject(() => fleet, copying.dirtyMBps);
    beforeAll(async () => {
      fleet = await startMigrationFleet(copying, 'embedded');
    }, 180_000);
    afterAll(() => fleet?.stop(), 60_000);

    async function cell(plan: Cell): Promise<void> {
      await runCell(fleet, subject, plan).catch((error) => {
        throw fleet.explained(error);
      });
    }

    describe.each(victims)('%s killed', (victim) => {
      test.each(steps.map((step) => [step, table[victim][step]] as const))(
        'at %s: %s',
        (step, outcome) => cell({ step, outcome, act: (moment) => strike(victim, moment) }),
        cellMs,
      );
    });

    describe.each(['source', 'target'] as const)('the %s host lost and returned', (role) => {
      test.each(steps.map((step) => [step, hosts[role][step]] as const))(
        'at %s: %s',
        (step, outcome) => cell({ step, outcome, fenced: true, act: (moment) => loseHost(role, moment) }),
        cellMs,
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

describeFaults('pre-copy', { copying: preCopy, table: expectations, steps: migrationSteps, hosts: hostExpectations });
describeFaults('post-copy', {
  copying: postCopy,
  table: embeddedPostCopyExpectations,
  steps: postCopySteps,
  hosts: postCopyHostExpectations,
});
