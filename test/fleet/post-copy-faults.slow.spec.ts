// Who is killed while a guest's memory is in two places, on real QEMU. The table is libs/simulator/migration-faults.ts,
// where 'switch-over: sent' is a step as well: here the source's agent itself begins it, and journals the next within a
// millisecond, so nobody can be killed in between on purpose.
import {
  type FaultStep,
  postCopyExpectations,
  postCopyHostExpectations,
  type Victim,
} from '@argosy/simulator/migration-faults';
import type { Fleet } from './lab';
import { type Cell, postCopy, runCell, startMigrationFleet, Subject } from './migration-cell';
import { loseHost, strike } from './migration-moments';

const steps: readonly FaultStep[] = ['copy', 'switch-over: released', 'switch-over: granted', 'commit', 'release'];
const victims: readonly Victim[] = ['source VMM', 'target VMM', 'source agent', 'target agent', 'controller'];

let fleet: Fleet;
const subject = new Subject(() => fleet, postCopy.dirtyMBps);
beforeAll(async () => {
  fleet = await startMigrationFleet(postCopy);
}, 180_000);
afterAll(() => fleet?.stop(), 60_000);

const cellMs = 240_000;

async function cell(plan: Cell): Promise<void> {
  await runCell(fleet, subject, plan).catch((error) => {
    throw fleet.explained(error);
  });
}

describe.each(victims)('%s killed', (victim) => {
  test.each(steps.map((step) => [step, postCopyExpectations[victim][step]] as const))(
    'at %s: %s',
    (step, outcome) => cell({ step, outcome, act: (moment) => strike(victim, moment) }),
    cellMs,
  );
});

describe.each(['source', 'target'] as const)('the %s host lost and returned', (role) => {
  test.each(steps.map((step) => [step, postCopyHostExpectations[role][step]] as const))(
    'at %s: %s',
    (step, outcome) => cell({ step, outcome, fenced: true, act: (moment) => loseHost(role, moment) }),
    cellMs,
  );
});
