import type { Migration } from '@argosy/domain/entities';
import type { MigrationPolicy } from '@argosy/domain/policies';
import type { FaultStep, Outcome } from '@argosy/simulator/migration-faults';
import { brokenCounts } from './console-record';
import { Fleet, type FleetPlan } from './lab';
import type { LabGuest } from './lab-guest';
import { waitFor } from './lab-processes';
import { holdAt, type Moment } from './migration-moments';

const guestMemoryMiB = 128;
const areaMiB = 64;

export interface Copying {
  readonly migration: Partial<MigrationPolicy>;
  readonly dirtyMBps: number;
}
/** The copy takes two seconds. */
export const preCopy: Copying = { migration: { bandwidthMiBPerSecond: 32 }, dirtyMBps: 4 };
/** The switch-over comes after eight seconds, with most of the area changed again: for eight more both sides are needed. */
export const postCopy: Copying = { migration: { bandwidthMiBPerSecond: 8, postCopy: true }, dirtyMBps: 40 };

/** Nobody moves guests but the test. */
export function startMigrationFleet({ migration }: Copying = preCopy, vmm: FleetPlan['vmm'] = 'qemu'): Promise<Fleet> {
  return Fleet.start({
    vmm,
    hosts: 2,
    hostMemoryMiB: 2048,
    controllers: 2,
    leaseMs: 3_000,
    pool: {
      balance: { automation: 'partial' },
      migration: { ...migration, copyDeadlineMs: 40_000 },
      // The same two hosts are lost over and over.
      failure: { hostFailures: 0 },
    },
  });
}

/** A new guest for each cell, so that nothing of one is left in the next. */
export class Subject {
  seed = 0;
  private guest: LabGuest | null = null;

  constructor(
    private readonly fleet: () => Fleet,
    private readonly dirtyMBps = preCopy.dirtyMBps,
  ) {}

  async ready(): Promise<LabGuest> {
    // What a failed cell left behind may be in no state to be removed.
    if (this.guest)
      await this.fleet()
        .removeGuest(this.guest)
        .catch(() => undefined);
    this.guest = null;
    this.seed += 1;
    const [guest] = await this.fleet().createGuests([{ name: `g${this.seed}`, memoryMiB: guestMemoryMiB }]);
    this.guest = guest!;
    await guest!.prepare({ areaMiB, dirtyMBps: this.dirtyMBps, seed: this.seed });
    return guest!;
  }
}

export interface Cell {
  readonly step: FaultStep;
  readonly outcome: Outcome;
  readonly fenced?: boolean;
  /** What happens at that moment; its value brings back what would not come back by itself. */
  readonly act: (moment: Moment) => Promise<(() => Promise<void>) | void>;
}

/** One migration, broken at one moment; then everything that must be true however it was broken. */
export async function runCell(
  fleet: Fleet,
  subject: Subject,
  { step, outcome, fenced = false, act }: Cell,
): Promise<Migration> {
  const guest = await subject.ready();
  const { seed } = subject;
  const since = fleet.now();
  const bootBefore = (await guest.stats()).boot;
  const moment = await holdAt(step, fleet, guest);
  let repair: (() => Promise<void>) | void;
  try {
    repair = await act(moment);
  } finally {
    await moment.resume();
  }
  await repair?.();
  const ended = await guest.waitForEnd(moment.migrationId, 90_000);
  await guest.expectRunsOnce(90_000);
  const boots = outcome === 'crash' ? 1 : 0;
  const { boot } = await guest.stats();
  const events = await fleet.events({ subject: guest.id, subjectKind: 'guest', since });
  const isCrash = ({ code }: { code: string }): boolean => code === 'guest-crashed' || code === 'guest-lost';
  const hostEvents = await fleet.events({ subjectKind: 'host', since });
  expect({
    boots: boot - bootBefore,
    // A life's counts are all there, each once: had two copies run, or one gone on from older memory, some were there twice.
    counts: guest.record
      .lives()
      .map(brokenCounts)
      .filter((broken) => broken !== ''),
    crashRecorded: events.some(isCrash),
    fenced: hostEvents.some(({ code }) => code === 'host-fenced'),
  }).toEqual({ boots, counts: [], crashRecorded: outcome === 'crash', fenced });
  if (outcome === 'intact') await guest.expectMemory({ areaMiB, seed });
  await guest.expectDisk({ seed });
  await guest.expectPlacementsWhole();
  await waitFor(
    'both agents have forgotten the migration',
    () => moment.source.migrationOf(guest.id) === undefined && moment.target.migrationOf(guest.id) === undefined,
    {
      seen: () => [moment.source.migrationOf(guest.id)?.phase, moment.target.migrationOf(guest.id)?.phase],
    },
  );
  await fleet.waitForHosts('online');
  return ended;
}
