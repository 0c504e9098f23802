import type { Guest, Host, Migration } from '@argosy/domain/entities';
import type { Datastore } from '@argosy/domain/storage';
import type { FleetRequest } from '@argosy/domain/fleet-request';
import { accepted, refused, type Result } from '@argosy/domain/refusal';
import { formatBytes, mebibyte } from '@argosy/domain/units';
import { explainRejections, place } from '@argosy/scheduler/place';
import { hasMigrationRoom } from './migration-room';
import { isBusy, isClearing } from './begin-disk-operation';
import { isTemplate } from './guest-requests';
import { find } from './lookup';
import { beginMigration, cancelled } from './migrations';
import { isRelocation } from './moving-disks';
import { clusterOf } from './placement';
import { cancelRelocation, relocateGuest, relocatingHost } from './relocations';
import { snapshotsOf } from './snapshots';
import { becomeMigration, type FleetTurn, hostName, observe } from './turn';

type Of<Kind extends FleetRequest['kind']> = Extract<FleetRequest, { kind: Kind }>;

export function migrateGuest(turn: FleetTurn, request: Of<'guest.migrate'>): Result<Migration> {
  const found = find(turn, 'guest', request.guest);
  if (!found.ok) return found;
  const guest = found.value;
  const free = mayMove(turn, guest);
  if (!free.ok) return free;
  const target = request.host === undefined ? null : find(turn, 'host', request.host);
  if (target && !target.ok) return target;
  const wanted = request.datastore === undefined ? null : find(turn, 'datastore', request.datastore);
  if (wanted && !wanted.ok) return wanted;
  const datastore = wanted && wanted.value.id !== guest.datastoreId ? wanted.value : null;
  const fit = datastore ? canGoTo(turn, guest, datastore) : accepted(null);
  if (!fit.ok) return fit;
  const isStaying = target === null || target.value.id === guest.hostId;
  if (wanted && !datastore && isStaying)
    return refused('same-host', `The disk of ${guest.name} is on ${wanted.value.name} already.`);
  const reason = request.reason ?? `asked for by ${turn.actor}`;
  if (datastore && isStaying) return relocateGuest(turn, guest, { datastore, reason });
  return migrateLive(turn, guest, { target: target?.value ?? null, datastore, reason });
}

function mayMove({ fleet }: Pick<FleetTurn, 'fleet'>, guest: Guest): Result<null> {
  if (guest.isTemplate) return isTemplate(guest);
  if (guest.state === 'migrating') return refused('guest-busy', `${guest.name} is migrating already.`);
  if (isBusy(fleet, guest.id))
    return refused('guest-busy', `The files of ${guest.name} are being worked on; try again when that has ended.`);
  return accepted(null);
}

/** Whether a guest's disk could be moved there now, with the guest staying where it is: as `migrateGuest` would answer. */
export function mayRelocate(turn: Pick<FleetTurn, 'fleet'>, guest: Guest, datastore: Datastore): Result<unknown> {
  const free = mayMove(turn, guest);
  if (!free.ok) return free;
  const fit = canGoTo(turn, guest, datastore);
  return fit.ok ? relocatingHost(turn, guest, datastore) : fit;
}

interface Wanted {
  readonly target: Host | null;
  readonly datastore: Datastore | null;
  readonly reason: string;
}

function migrateLive(turn: FleetTurn, guest: Guest, { target, datastore, reason }: Wanted): Result<Migration> {
  if (guest.state !== 'running' || guest.hostId === null)
    return refused('guest-not-running', `${guest.name} is ${guest.state}; only a running guest can migrate.`);
  const source = turn.fleet.hosts.get(guest.hostId);
  if (source?.state !== 'online')
    return refused(
      'host-not-online',
      `${guest.name} is on ${hostName(turn.fleet, guest.hostId)}, which is ${source?.state ?? 'unknown'}.`,
    );
  if (target?.id === guest.hostId) return refused('same-host', `${guest.name} is on ${target.name} already.`);
  if (target && target.poolId !== guest.poolId)
    return refused('incompatible-host', `${target.name} is in another pool than ${guest.name}.`);
  const chosen = chooseTarget(turn, guest, { target, datastore });
  if (!chosen.ok) return chosen;
  for (const hostId of [guest.hostId, chosen.value.id])
    if (!hasMigrationRoom(turn, hostId))
      return refused(
        'too-many-migrations',
        `${hostName(turn.fleet, hostId)} has as many migrations under way as its pool allows; try again when one has ended.`,
      );
  return accepted(beginMigration(turn, guest, chosen.value, { reason, datastoreId: datastore?.id ?? null }));
}

/** What keeps a guest's disk from that datastore, whoever would run it there. */
function canGoTo(turn: Pick<FleetTurn, 'fleet'>, guest: Guest, datastore: Datastore): Result<null> {
  const snapshots = snapshotsOf(turn, guest.id);
  if (snapshots.length > 0)
    return refused(
      'in-use',
      `${guest.name} has ${snapshots.length} snapshots (${snapshots.map(({ name }) => name).join(', ')}) within its disk, which a copy of it does not carry: remove them first.`,
    );
  if (isClearing(turn.fleet, guest.id, datastore.id))
    return refused(
      'guest-busy',
      `What ${guest.name} left on ${datastore.name} earlier is still being deleted; try again in a moment.`,
    );
  const takes = diskBytes(turn, guest);
  if (datastore.use && datastore.use.freeBytes < takes)
    return refused(
      'disk-full',
      `The disk of ${guest.name} takes ${formatBytes(takes)}, and ${datastore.name} has ${formatBytes(datastore.use.freeBytes)} left.`,
    );
  return accepted(null);
}

/** What its disk takes now; where nobody has seen that, as much as it may come to. */
export function diskBytes(turn: Pick<FleetTurn, 'fleet'>, guest: Guest): number {
  const seen = guest.hostId === null ? null : observe(turn, guest.hostId, guest.id, guest.epoch).guest;
  return seen?.usage?.diskBytes ?? guest.diskMiB * mebibyte;
}

function chooseTarget(
  turn: FleetTurn,
  guest: Guest,
  { target, datastore }: { readonly target: Host | null; readonly datastore: Datastore | null },
): Result<Host> {
  const moved = datastore ? { guestId: guest.id, datastoreId: datastore.id } : undefined;
  const cluster = clusterOf(turn, guest.poolId, 'ordinary', moved);
  const only = target === null ? {} : { only: cluster.hostIndex.get(target.id)! };
  const answer = place(cluster, cluster.guestIndex.get(guest.id)!, {
    avoid: cluster.hostIndex.get(guest.hostId!)!,
    ...only,
  });
  if (answer.chosen) return accepted(turn.fleet.hosts.get(answer.chosen.hostId)!);
  const [first] = answer.rejections;
  const code = target && first ? first.code : 'no-host-fits';
  return refused(
    code,
    `${target ? `${target.name} does not take ${guest.name}` : `No other host takes ${guest.name}`}: ${explainRejections(cluster, answer.rejections)}.`,
    { rejections: answer.rejections },
  );
}

export function cancelMigration(turn: FleetTurn, request: Of<'migration.cancel'>): Result<Migration> {
  const found = find(turn, 'migration', request.migration);
  if (!found.ok)
    return refused('already-ended', `Migration ${request.migration} is not under way: it has ended, or never was.`);
  const migration = found.value;
  const guest = turn.fleet.guests.get(migration.guestId)!;
  if (isRelocation(migration)) return accepted(cancelRelocation(turn, migration));
  if (migration.step === 'open-target') {
    // No copy was asked for yet; what the target opened is destroyed when it shows it.
    cancelled(turn, migration, guest);
    return accepted({ ...migration, step: 'cancelled' });
  }
  if (migration.step === 'cancelling') return accepted(migration);
  if (migration.step !== 'copy')
    return refused(
      'past-switch-over',
      `The guest has been handed over (step ${migration.step}); migrate it back instead.`,
    );
  return accepted(becomeMigration(turn, migration, 'cancelling'));
}
