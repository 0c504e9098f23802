import type { MigrationPhase } from '@argosy/domain/host-report';
import type { FaultStep, Victim } from '@argosy/simulator/migration-faults';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning, nameProcess } from '../../apps/lab/processes.mjs';
import type { Fleet } from './lab';
import type { LabGuest } from './lab-guest';
import { signal, waitFor } from './lab-processes';
import type { LabHost } from './host';

/** A migration that stands still at one moment of its life, because whoever would take it further is stopped. */
export interface Moment {
  readonly fleet: Fleet;
  readonly guest: LabGuest;
  readonly source: LabHost;
  readonly target: LabHost;
  readonly migrationId: string;
  /** Lets go of whoever was stopped. A process that was killed meanwhile is left alone. */
  resume(): Promise<void>;
}

type Letters = readonly (() => void | Promise<void>)[];

class Holds {
  private readonly releases: (() => void | Promise<void>)[] = [];

  /** SIGSTOP: the process is there, holds its connections, and does nothing. */
  stop(pid: number | undefined): () => void {
    signal(pid, 'SIGSTOP');
    const release = (): void => {
      try {
        signal(pid, 'SIGCONT');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    };
    this.releases.push(release);
    return release;
  }

  add(release: () => void | Promise<void>): void {
    this.releases.push(release);
  }

  async letGo(): Promise<void> {
    for (const release of this.releases.splice(0) as Letters) await release();
  }
}

async function phaseAt(host: LabHost, guest: LabGuest, ...phases: MigrationPhase[]): Promise<void> {
  await waitFor(
    `${host.name} journals ${phases.join(' or ')}`,
    () => phases.includes(host.migrationOf(guest.id)?.phase ?? 'lost'),
    {
      deadlineMs: 30_000,
      intervalMs: 3,
      seen: () => host.migrationOf(guest.id)?.phase ?? 'no migration',
    },
  );
}

function residentKiB(pid: number): number {
  const [, line = ''] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(line);
}

/** Somebody waits for that table: the controller is in the middle of its commit. Its lease is another's wait. */
async function commitWaits(fleet: Fleet): Promise<void> {
  await waitFor(
    'the commit waits in the database',
    async () => {
      const [row] = await fleet.query<{ waiting: number }>(
        `SELECT count(*)::int AS "waiting" FROM pg_locks WHERE NOT granted AND relation = '"placements"'::regclass`,
      );
      return (row?.waiting ?? 0) > 0;
    },
    { deadlineMs: 30_000, intervalMs: 10 },
  );
}

/**
 * Begins a migration and brings it to that step, where it is held: by a stopped agent, whose messages then wait in a
 * queue or a socket; by a stopped controller; or by a lock in the database.
 */
export async function holdAt(step: FaultStep, fleet: Fleet, guest: LabGuest): Promise<Moment> {
  const source = await guest.host();
  const target = fleet.hosts.find((host) => host !== source)!;
  const holds = new Holds();
  try {
    const migrationId = await reach(step, { fleet, guest, source, target, holds });
    return { fleet, guest, source, target, migrationId, resume: () => holds.letGo() };
  } catch (error) {
    await holds.letGo();
    throw error;
  }
}

interface Stage {
  readonly fleet: Fleet;
  readonly guest: LabGuest;
  readonly source: LabHost;
  readonly target: LabHost;
  readonly holds: Holds;
}

async function reach(step: FaultStep, { fleet, guest, source, target, holds }: Stage): Promise<string> {
  const copying = async (): Promise<string> => {
    const { id } = await guest.migrate(target);
    await phaseAt(source, guest, 'copying');
    // The journal speaks before the VMM is told: the copy has begun when the target fills.
    const pid = guest.vmmOn(target)?.pid ?? 0;
    const before = residentKiB(pid);
    await waitFor('the copy begins', () => residentKiB(pid) > before + 1024, { intervalMs: 5 });
    return id;
  };
  switch (step) {
    case 'reserve': {
      // The record has the target and the next epoch, and the target has not heard of it.
      holds.stop(target.agentPid());
      return (await guest.migrate(target)).id;
    }
    case 'open-target': {
      holds.stop(source.agentPid());
      const { id } = await guest.migrate(target);
      await phaseAt(target, guest, 'preparing', 'listening');
      return id;
    }
    case 'copy':
      return copying();
    case 'switch-over: sent': {
      const id = await copying();
      holds.stop(source.agentPid());
      await phaseAt(target, guest, 'awaiting-grant');
      return id;
    }
    case 'switch-over: released': {
      const id = await copying();
      holds.stop(target.agentPid());
      await phaseAt(source, guest, 'released');
      return id;
    }
    case 'switch-over: granted': {
      const id = await copying();
      const leader = await fleet.leader();
      const letTargetGo = holds.stop(target.agentPid());
      await phaseAt(source, guest, 'released');
      // Nobody commits.
      holds.stop(leader.pid);
      letTargetGo();
      await phaseAt(target, guest, 'granted');
      return id;
    }
    case 'commit': {
      const id = await copying();
      holds.add(await fleet.lockTable('placements'));
      await commitWaits(fleet);
      return id;
    }
    case 'release': {
      const id = await copying();
      const letTargetGo = holds.stop(target.agentPid());
      await phaseAt(source, guest, 'released');
      // What is left of the guest here stays until this agent can be told.
      holds.stop(source.agentPid());
      letTargetGo();
      await waitFor(
        'the migration is committed',
        async () => (await fleet.api.call('migration.get', { params: { id } })).step === 'release',
        { intervalMs: 10 },
      );
      return id;
    }
  }
}

/** A whole host without power, until it is proved off and its guest has been dealt with. Its return is the value. */
export async function loseHost(role: 'source' | 'target', moment: Moment): Promise<() => Promise<void>> {
  const { fleet, guest, migrationId } = moment;
  const host = moment[role];
  const since = fleet.now();
  await host.power('off');
  return async () => {
    await waitFor(`${host.name} is proved off`, async () => {
      const events = await fleet.events({ subjectKind: 'host', code: 'host-fenced', since });
      return events.length > 0;
    });
    // One that is back sooner may still say that it never ran the guest, and then no memory is lost at all.
    await guest.waitForEnd(migrationId);
    await host.power('on');
  };
}

const outageMs = 4_000;

/** Kills the victim for good, and afterwards brings back what nobody else brings back. Its return is the value. */
export async function strike(victim: Victim, { fleet, guest, source, target }: Moment): Promise<() => Promise<void>> {
  const nothing = async (): Promise<void> => undefined;
  const killVmm = async (host: LabHost): Promise<void> => {
    const vmm = guest.vmmOn(host);
    // Before the target is opened there is none to kill, as in the simulation.
    if (!vmm) return;
    const name = nameProcess(vmm.pid);
    signal(vmm.pid, 'SIGKILL');
    // The kernel takes some milliseconds for its memory, and until then nobody can know: dead is who is gone.
    await waitFor('the VMM is gone', () => name === undefined || !isRunning(name), { intervalMs: 1 });
  };
  switch (victim) {
    case 'source agent':
      signal(source.agentPid(), 'SIGKILL');
      return nothing;
    case 'target agent':
      signal(target.agentPid(), 'SIGKILL');
      return nothing;
    case 'source VMM':
      await killVmm(source);
      return nothing;
    case 'target VMM':
      await killVmm(target);
      return nothing;
    case 'controller': {
      const leader = await fleet.leader();
      await leader.kill();
      return () => leader.start();
    }
    case 'Redis':
    case 'database': {
      const server = victim === 'Redis' ? fleet.redis : fleet.postgres;
      await server.kill();
      return async () => {
        await sleep(outageMs);
        await server.start();
      };
    }
  }
}
