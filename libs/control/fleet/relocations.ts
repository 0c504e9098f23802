import type { Guest, Host, Migration, MigrationProgress } from '@argosy/domain/entities';
import type { Datastore, DiskOperation } from '@argosy/domain/storage';
import type { DiskWorkResult } from '@argosy/domain/disk-work';
import { accepted, type Refusal, refused, type Result } from '@argosy/domain/refusal';
import { formatDuration, sentence } from '@argosy/domain/units';
import { diskPathOf, hasDisk } from '../guest-specification';
import { beginDiskOperation } from './begin-disk-operation';
import { datastoresOf, reaches } from './datastores';
import {
  backingOf,
  clearSource,
  clearTarget,
  copyPathOf,
  isRelocation,
  movedGuest,
  newMigration,
  noteProgress,
  takeDisk,
} from './moving-disks';
import { beginTask, endTasks } from './tasks';
import { becomeMigration, type FleetTurn, hostName, poolOf, put, putEnded, record } from './turn';

/**
 * A guest's disk goes to another datastore, and the guest stays where it is: running, if it runs. The host does it as one disk
 * operation; what becomes of it is told by the names of the files, also where the host did not live to tell.
 */
export function relocateGuest(
  turn: FleetTurn,
  guest: Guest,
  { datastore, reason }: { readonly datastore: Datastore; readonly reason: string },
): Result<Migration> {
  const host = relocatingHost(turn, guest, datastore);
  if (!host.ok) return host;
  const migration = newRelocation(turn, guest, { host: host.value, datastore, reason });
  record(turn, {
    code: 'migration-begun',
    subject: ['guest', guest.id],
    message: `The disk of ${guest.name} moves from ${turn.fleet.datastores.get(guest.datastoreId)?.name} to ${datastore.name}: ${reason}.`,
    details: { migrationId: migration.id },
  });
  if (!hasDisk(guest)) return accepted(moveNothing(turn, guest, migration));
  put(turn, 'migration', migration);
  beginTask(turn, 'guest.migrate', ['guest', guest.id]);
  const moved = movedGuest(guest, migration);
  beginDiskOperation(turn, moved, {
    kind: 'relocate',
    guestId: guest.id,
    epoch: runs(guest) ? guest.epoch : null,
    diskPath: diskPathOf(turn.fleet, guest),
    copyPath: copyPathOf(turn.fleet, guest, migration),
    newDiskPath: diskPathOf(turn.fleet, moved),
    backingPath: backingOf(turn.fleet, guest),
    bandwidthMiBPerSecond: poolOf(turn.fleet, guest).migration.bandwidthMiBPerSecond,
  });
  return accepted(migration);
}

/** Who would do it. */
export function relocatingHost(turn: Pick<FleetTurn, 'fleet'>, guest: Guest, datastore: Datastore): Result<Host> {
  return runs(guest) ? ownHost(turn, guest, datastore) : anyHost(turn, guest, datastore);
}

function runs({ state }: Guest): boolean {
  return state === 'running' || state === 'paused';
}

function ownHost({ fleet }: Pick<FleetTurn, 'fleet'>, guest: Guest, datastore: Datastore): Result<Host> {
  const host = fleet.hosts.get(guest.hostId ?? '');
  if (host?.state !== 'online')
    return refused(
      'host-not-online',
      `${guest.name} is on ${hostName(fleet, guest.hostId)}, which is ${host?.state ?? 'unknown'}.`,
    );
  if (!reaches(fleet, host, datastore))
    return refused(
      'datastore-not-reached',
      `${guest.name} runs on ${host.name}, which does not reach ${datastore.name}: name a host that does, and the guest moves there with its disk.`,
    );
  return accepted(host);
}

function anyHost({ fleet }: Pick<FleetTurn, 'fleet'>, guest: Guest, datastore: Datastore): Result<Host> {
  const isOff = guest.state === 'stopped' || guest.state === 'failed';
  if (!isOff || guest.desired === 'running')
    return refused(
      'guest-busy',
      `${guest.name} is ${isOff ? 'about to be started' : guest.state}: its disk moves while it runs or is stopped.`,
    );
  const needed = [...datastoresOf(fleet, guest), datastore];
  const [host] = [...fleet.hosts.values()]
    .filter((each) => each.state === 'online' && needed.every((one) => reaches(fleet, each, one)))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  if (host) return accepted(host);
  const own = fleet.datastores.get(guest.datastoreId)!;
  return refused(
    'datastore-not-reached',
    `No host that is online reaches both ${own.name} and ${datastore.name}: start ${guest.name} and migrate it to a host of ${datastore.name}, with its disk.`,
  );
}

interface NewRelocation {
  readonly host: Host;
  readonly datastore: Datastore;
  readonly reason: string;
}

function newRelocation(turn: FleetTurn, guest: Guest, { host, datastore, reason }: NewRelocation): Migration {
  return newMigration(turn, guest, {
    sourceHostId: host.id,
    targetHostId: host.id,
    targetDatastoreId: datastore.id,
    epoch: guest.epoch,
    step: 'copy',
    reason,
  });
}

/** It has never run, and its disk will be made there. */
function moveNothing(turn: FleetTurn, guest: Guest, migration: Migration): Migration {
  put(turn, 'guest', movedGuest(guest, migration));
  const steps = [...migration.steps, { step: 'done' as const, at: turn.now }];
  const done: Migration = { ...migration, step: 'done', steps, endedAt: turn.now };
  putEnded(turn, 'migration', done);
  return done;
}

/** What its host, or where that was lost another, has found. */
export function relocated(
  turn: FleetTurn,
  guest: Guest,
  { refusal, result }: { readonly refusal: Refusal | null; readonly result: DiskWorkResult },
): void {
  const migration = relocationOf(turn, guest.id);
  if (!migration) return;
  if (refusal && migration.step === 'cancelling') return stays(turn, guest, migration, null);
  if (refusal) return stays(turn, guest, migration, refusal.message);
  const committed = becomeMigration(turn, migration, 'commit', { downtimeMs: result.pauseMs });
  const released = becomeMigration(turn, committed, 'release');
  putEnded(turn, 'migration', { ...becomeMigration(turn, released, 'done'), endedAt: turn.now });
  put(turn, 'guest', movedGuest(guest, migration));
  takeDisk(turn, guest, migration);
  clearSource(turn, guest, migration);
  const where = turn.fleet.datastores.get(migration.targetDatastoreId ?? '')?.name;
  const stood = result.pauseMs === null ? '' : ` It stood still for ${result.pauseMs} ms.`;
  record(turn, {
    code: 'migration-committed',
    subject: ['guest', guest.id],
    message: `The disk of ${guest.name} is on ${where}, ${formatDuration(turn.now - migration.createdAt)} after the request.${stood}`,
    details: { migrationId: migration.id, tookMs: turn.now - migration.createdAt },
  });
  endTasks(turn, guest.id, ['guest.migrate'], 'succeeded', `its disk is on ${where}`);
}

/** `failure` null: it was cancelled. */
function stays(turn: FleetTurn, guest: Guest, migration: Migration, failure: string | null): void {
  const step = failure === null ? 'cancelled' : 'failed';
  putEnded(turn, 'migration', { ...becomeMigration(turn, migration, step), failure, endedAt: turn.now });
  clearTarget(turn, guest, { ...migration, epoch: 0 });
  const where = turn.fleet.datastores.get(guest.datastoreId)?.name;
  record(turn, {
    code: `migration-${step}`,
    severity: step === 'failed' ? 'warning' : 'information',
    subject: ['guest', guest.id],
    message: `The disk of ${guest.name} stays on ${where}: ${failure === null ? 'its move was cancelled.' : sentence(failure)}`,
    details: { migrationId: migration.id },
  });
  endTasks(turn, guest.id, ['guest.migrate'], step, failure ?? step);
}

/** Nobody can tell any more whether it had moved, and somebody has decided that it has not. */
export function abandonRelocation(turn: FleetTurn, guest: Guest, failure: string): void {
  const migration = relocationOf(turn, guest.id);
  if (migration) stays(turn, guest, migration, failure);
}

export function relocationOf({ fleet }: FleetTurn, guestId: string): Migration | undefined {
  for (const each of fleet.migrations.values()) if (each.guestId === guestId && isRelocation(each)) return each;
  return undefined;
}

/** Until the guest has its new disk: what is asked later finds it moved. */
export function cancelRelocation(turn: FleetTurn, migration: Migration): Migration {
  return becomeMigration(turn, migration, 'cancelling');
}

/** Somebody has cancelled the move that this operation is. */
export function isUnwanted(turn: FleetTurn, { work, guestId }: DiskOperation): boolean {
  return work.kind === 'relocate' && relocationOf(turn, guestId)?.step === 'cancelling';
}

/** As its host tells it, into the record of the migration. */
export function noteRelocation(turn: FleetTurn, { guestId }: DiskOperation, progress: MigrationProgress | null): void {
  const migration = relocationOf(turn, guestId);
  if (migration && progress) noteProgress(turn, migration, { progress });
}

/** The host that had it is proved off: another looks at what became of the disk, and ends what was begun there. */
export function outlivesItsHost({ work }: DiskOperation): boolean {
  return work.kind === 'relocate' || work.kind === 'delete-snapshot';
}
