// Each process that takes part in a migration, killed at each of its steps, on real QEMU. What each cell expects is the
// table that the simulation is held to as well (libs/simulator/migration-faults.ts).
import {
  expectations,
  hostExpectations,
  migrationSteps,
  victims,
  type FaultStep,
} from '@argosy/simulator/migration-faults';
import { setTimeout as sleep } from 'node:timers/promises';
import { commandOf, JobMischief, signedFor } from './job-mischief';
import type { Fleet } from './lab';
import { signal, waitFor } from './lab-processes';
import { type Cell, runCell, startMigrationFleet, Subject } from './migration-cell';
import { loseHost, type Moment, strike } from './migration-moments';

let fleet: Fleet;
let jobs: JobMischief;
const subject = new Subject(() => fleet);
beforeAll(async () => {
  fleet = await startMigrationFleet();
  jobs = new JobMischief(fleet);
  await jobs.listen();
}, 180_000);
afterAll(async () => {
  await jobs?.close();
  await fleet?.stop();
}, 60_000);

const cellMs = 240_000;

async function cell(plan: Cell): Promise<void> {
  await runCell(fleet, subject, plan).catch((error) => {
    throw fleet.explained(error);
  });
}

describe.each(victims)('%s killed', (victim) => {
  test.each(migrationSteps.map((step) => [step, expectations[victim][step]] as const))(
    'at %s: %s',
    (step, outcome) => cell({ step, outcome, act: (moment) => strike(victim, moment) }),
    cellMs,
  );
});

describe.each(['source', 'target'] as const)('the %s host lost and returned', (role) => {
  test.each(migrationSteps.map((step) => [step, hostExpectations[role][step]] as const))(
    'at %s: %s',
    (step, outcome) => cell({ step, outcome, fenced: true, act: (moment) => loseHost(role, moment) }),
    cellMs,
  );
});

describe('both agents and the leader killed', () => {
  test.each(migrationSteps)(
    'at %s: intact',
    (step) =>
      cell({
        step,
        outcome: 'intact',
        act: async (moment) => {
          signal(moment.source.agentPid(), 'SIGKILL');
          signal(moment.target.agentPid(), 'SIGKILL');
          return strike('controller', moment);
        },
      }),
    cellMs,
  );
});

describe('Redis emptied', () => {
  test.each(migrationSteps)(
    'at %s: intact',
    (step) => cell({ step, outcome: 'intact', act: () => jobs.empty() }),
    cellMs,
  );
});

describe('a leader that sleeps beyond its lease, and wakes', () => {
  test.each<FaultStep>(['reserve', 'copy', 'switch-over: released', 'commit', 'release'])(
    'at %s: intact, and what it still wants is not done',
    (step) =>
      cell({
        step,
        outcome: 'intact',
        act: async ({ guest, migrationId }) => {
          const sleeper = await fleet.leader();
          signal(sleeper.pid, 'SIGSTOP');
          return async () => {
            const next = await waitFor('another one leads', async () => {
              const leader = await fleet.leader();
              return leader !== sleeper && leader;
            });
            await guest.waitForEnd(migrationId, 90_000);
            signal(sleeper.pid, 'SIGCONT');
            await waitFor('it says that it leads no longer', () => sleeper.log().includes('no longer leading'), {
              seen: () => sleeper.log(),
            });
            expect((await fleet.leader()).name).toBe(next.name);
          };
        },
      }),
    cellMs,
  );
});

/** Every job again while it holds, and once more when it has expired. */
async function everythingTwice({ source, target }: Moment): Promise<() => Promise<void>> {
  const queues = await Promise.all([source, target].map(({ name }) => jobs.queueOf(name)));
  const again = new Set<string>();
  const deliver = async (wave: string): Promise<void> => {
    for (const queue of queues) {
      for (const job of jobs.jobs(queue)) {
        const id = `${wave}-${commandOf(job).commandId}`;
        if (again.has(id)) continue;
        again.add(id);
        await jobs.deliver(queue, job, id);
      }
    }
  };
  const end = performance.now() + 5_000;
  const doubling = (async () => {
    while (performance.now() < end) {
      await deliver('at-once');
      await sleep(20);
    }
  })();
  return async () => {
    await doubling;
    await sleep(2_000);
    await deliver('late');
    expect(again.size).toBeGreaterThanOrEqual(4);
  };
}

test.each<FaultStep>(['reserve', 'copy', 'release'])(
  'from %s on every job is delivered twice, and again when it has expired: intact',
  (step) => cell({ step, outcome: 'intact', act: everythingTwice }),
  cellMs,
);

test(
  'a job whose worker died over it is delivered again: intact',
  () =>
    cell({
      step: 'reserve',
      outcome: 'intact',
      act: async ({ target }) => {
        const taken = await jobs.stallOne(await jobs.queueOf(target.name));
        expect(taken && commandOf(taken).order.kind).toBe('migration.prepare');
      },
    }),
  cellMs,
);

test(
  'a host that returns with its old queue refuses what is in it: intact',
  () =>
    cell({
      step: 'reserve',
      outcome: 'intact',
      fenced: true,
      act: async ({ target }) => {
        const oldQueue = await jobs.queueOf(target.name);
        const old = await waitFor('the command waits', async () =>
          [...jobs.jobs(oldQueue)].reverse().find((job) => commandOf(job).order.kind === 'migration.prepare'),
        );
        const since = fleet.now();
        await target.power('off');
        return async () => {
          await waitFor(
            'it is proved off',
            async () => (await fleet.events({ subjectKind: 'host', code: 'host-fenced', since })).length > 0,
          );
          await target.power('on');
          await fleet.waitForHosts('online');
          const newQueue = await waitFor('it has a queue of its own', async () => {
            const queue = await jobs.queueOf(target.name);
            return queue !== oldQueue && queue;
          });
          // As far as anything may go wrong: the old command in the new queue, and with all the time in the world.
          await jobs.deliver(
            newQueue,
            signedFor(target, {
              ...commandOf(old),
              commandId: 'from-the-old-queue',
              notAfter: Date.now() + 60_000,
            }),
            'from-the-old-queue',
          );
          const refusals = await waitFor('it is refused', async () => {
            const found = await fleet.events({ subjectKind: 'host', code: 'command-refused.stale-incarnation', since });
            return found.length > 0 && found;
          });
          expect(refusals[0]?.details['commandId']).toBe('from-the-old-queue');
        };
      },
    }),
  cellMs,
);
