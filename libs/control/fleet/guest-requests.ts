import type { Guest, Host, Migration } from '@argosy/domain/entities';
import type { FleetRequest } from '@argosy/domain/fleet-request';
import { accepted, refused, type Result } from '@argosy/domain/refusal';
import type { Cluster } from '@argosy/scheduler/cluster';
import { explainRejections, place } from '@argosy/scheduler/place';
import { diskPathOf, folderOf, hasDisk } from '../guest-specification';
import { admit, coveredByFailoverHosts } from './admission';
import { hasMigrationRoom } from './balance';
import { unneededBases, usersOfBase } from './bases';
import { beginDiskOperation, isBusy } from './begin-disk-operation';
import { misfit } from './guest-rows';
import { beginStopping, reconcileGuest } from './guests';
import { find, nameTaken } from './lookup';
import { beginMigration, cancelled } from './migrations';
import { clusterOf } from './placement';
import { snapshotsOf, suspendGuest } from './snapshots';
import { beginTask, endTasks } from './tasks';
import { becomeGuest, becomeMigration, clearAlarm, type FleetTurn, hostName, order, put, record, remove } from './turn';
import { placeGuest } from './waiting';

type Of<Kind extends FleetRequest['kind']> = Extract<FleetRequest, { kind: Kind }>;

export function updateGuest(turn: FleetTurn, request: Of<'guest.update'>): Result<Guest> {
  const found = find(turn, 'guest', request.guest);
  if (!found.ok) return found;
  const { settings } = request;
  const guest = found.value;
  if ((settings.memoryMiB !== undefined || settings.vcpus !== undefined) && guest.state !== 'stopped')
    return refused(
      'guest-not-stopped',
      `${guest.name} is ${guest.state}: memory and processors can be changed while it is stopped.`,
    );
  const free = nameTaken(turn, 'guest', settings.name ?? guest.name, guest.id);
  if (!free.ok) return free;
  const row: Guest = { ...guest, ...settings };
  const image = turn.fleet.images.get(row.imageId);
  const fault = image ? misfit(turn, row, image) : accepted(null);
  if (!fault.ok) return fault;
  put(turn, 'guest', row);
  record(turn, {
    code: 'guest-updated',
    subject: ['guest', row.id],
    message: `${row.name} was changed.`,
    details: { settings },
  });
  const host = turn.fleet.hosts.get(row.hostId ?? '');
  const limited = settings.cpuShares !== undefined || settings.cpuLimitMillicores !== undefined;
  if (host && limited)
    order(turn, `limit:${row.id}:${turn.now}`, host, {
      kind: 'guest.limit',
      guestId: row.id,
      epoch: row.epoch,
      cpuShares: row.cpuShares,
      cpuLimitMillicores: row.cpuLimitMillicores,
    });
  return accepted(row);
}

export function powerGuest(turn: FleetTurn, request: Of<'guest.power'>): Result<Guest> {
  const found = find(turn, 'guest', request.guest);
  if (!found.ok) return found;
  const guest = found.value;
  if (guest.isTemplate && request.desired !== 'stopped') return isTemplate(guest);
  if (request.desired === 'running') return startGuest(turn, guest);
  if (request.desired === 'suspended') return suspendGuest(turn, guest);
  if (guest.state === 'suspending')
    return refused('guest-busy', `${guest.name} is being suspended; try again when that has ended.`);
  if (request.desired === 'paused') {
    if (guest.state !== 'running' && guest.state !== 'paused')
      return refused('guest-not-running', `${guest.name} is ${guest.state}; only a running guest can be paused.`);
    put(turn, 'guest', { ...guest, desired: 'paused' });
  } else stopGuest(turn, guest, request.force ?? false);
  const row = turn.fleet.guests.get(guest.id)!;
  if (row.state !== 'stopping') reconcileGuest(turn, row);
  return accepted(turn.fleet.guests.get(guest.id)!);
}

function isTemplate({ name }: Guest): ReturnType<typeof refused> {
  return refused(
    'is-template',
    `${name} is a template, which does not run. Make a guest from it (argosy guest create NAME --template ${name}), or let it be a guest again (argosy guest template ${name} --undo).`,
  );
}

function stopGuest(turn: FleetTurn, guest: Guest, force: boolean): void {
  const wanted: Guest = { ...guest, desired: 'stopped', retryAt: null, lostAt: null };
  if (guest.state === 'cloning') endTasks(turn, guest.id, ['guest.start'], 'cancelled', 'stopped meanwhile');
  if (guest.state === 'stopped' || guest.state === 'cloning') return put(turn, 'guest', wanted);
  // As pulling the plug: what it had not written is lost.
  if (guest.state === 'suspended') return void becomeGuest(turn, wanted, 'stopped', '', { memoryPath: null });
  beginTask(turn, 'guest.stop', ['guest', guest.id]);
  if (guest.state === 'failed' || guest.state === 'recovering') {
    clearAlarm(turn, 'guest-down', guest.id);
    becomeGuest(turn, wanted, 'stopped', '');
  } else if (guest.state === 'migrating') put(turn, 'guest', wanted);
  else {
    // Asked again with force, the plug is pulled at once: what was sent with more patience does not hold it up.
    if (force) turn.fleet.outstanding.delete(`stop:${guest.id}:${guest.epoch}`);
    beginStopping(turn, wanted, force);
  }
}

function startGuest(turn: FleetTurn, guest: Guest): Result<Guest> {
  if (guest.state === 'suspending')
    return refused('guest-busy', `${guest.name} is being suspended; try again when that has ended.`);
  if (guest.state !== 'stopped' && guest.state !== 'failed' && guest.state !== 'suspended') {
    put(turn, 'guest', { ...guest, desired: 'running' });
    if (guest.state === 'paused') reconcileGuest(turn, turn.fleet.guests.get(guest.id)!);
    return accepted(turn.fleet.guests.get(guest.id)!);
  }
  if (isBusy(turn.fleet, guest.id))
    return refused('guest-busy', `The files of ${guest.name} are being worked on; start it when that has ended.`);
  const room = hasRoom(turn, guest);
  if (!room.ok) return room;
  clearAlarm(turn, 'guest-down', guest.id);
  const wanted: Guest = { ...guest, desired: 'running', failedStarts: 0, retryAt: null, restarts: [], lostAt: null };
  put(turn, 'guest', wanted);
  beginTask(turn, 'guest.start', ['guest', guest.id]);
  placeGuest(turn, wanted, room.value);
  return accepted(turn.fleet.guests.get(guest.id)!);
}

/** Whether it may be started now, in the pool as it is. */
export function hasRoom(turn: FleetTurn, guest: Guest): Result<Cluster> {
  const admitted = admit(turn, guest);
  if (!admitted.ok) return admitted;
  const cluster = clusterOf(turn, guest.poolId);
  const answer = place(cluster, cluster.guestIndex.get(guest.id)!);
  if (answer.chosen === null)
    return refused('no-host-fits', `No host takes ${guest.name}: ${explainRejections(cluster, answer.rejections)}.`, {
      rejections: answer.rejections,
    });
  const covered = coveredByFailoverHosts(turn, guest, cluster, answer.chosen.host);
  return covered.ok ? accepted(cluster) : covered;
}

export function restartGuest(turn: FleetTurn, request: Of<'guest.restart'>): Result<Guest> {
  const found = find(turn, 'guest', request.guest);
  if (!found.ok) return found;
  const guest = found.value;
  if (guest.isTemplate) return isTemplate(guest);
  if (guest.state !== 'running' && guest.state !== 'paused')
    return refused('guest-not-running', `${guest.name} is ${guest.state}; only a running guest can be restarted.`);
  beginTask(turn, 'guest.restart', ['guest', guest.id]);
  // The plug is pulled, and a guest that is stopped and should run is started like any other.
  beginStopping(turn, { ...guest, desired: 'running' }, true);
  return accepted(turn.fleet.guests.get(guest.id)!);
}

export function migrateGuest(turn: FleetTurn, request: Of<'guest.migrate'>): Result<Migration> {
  const found = find(turn, 'guest', request.guest);
  if (!found.ok) return found;
  const guest = found.value;
  if (guest.isTemplate) return isTemplate(guest);
  if (guest.state === 'migrating') return refused('guest-busy', `${guest.name} is migrating already.`);
  if (isBusy(turn.fleet, guest.id))
    return refused('guest-busy', `The files of ${guest.name} are being worked on; try again when that has ended.`);
  if (guest.state !== 'running' || guest.hostId === null)
    return refused('guest-not-running', `${guest.name} is ${guest.state}; only a running guest can migrate.`);
  const source = turn.fleet.hosts.get(guest.hostId);
  if (source?.state !== 'online')
    return refused(
      'host-not-online',
      `${guest.name} is on ${hostName(turn.fleet, guest.hostId)}, which is ${source?.state ?? 'unknown'}.`,
    );
  const target = request.host === undefined ? null : find(turn, 'host', request.host);
  if (target && !target.ok) return target;
  if (target?.value.id === guest.hostId)
    return refused('same-host', `${guest.name} is on ${target.value.name} already.`);
  if (target && target.value.poolId !== guest.poolId)
    return refused('incompatible-host', `${target.value.name} is in another pool than ${guest.name}.`);
  const chosen = chooseTarget(turn, guest, target?.value ?? null);
  if (!chosen.ok) return chosen;
  const mismatch = incompatible(source, chosen.value);
  if (mismatch) return refused('incompatible-host', mismatch);
  for (const hostId of [guest.hostId, chosen.value.id])
    if (!hasMigrationRoom(turn, hostId))
      return refused(
        'too-many-migrations',
        `${hostName(turn.fleet, hostId)} has as many migrations under way as its pool allows; try again when one has ended.`,
      );
  return accepted(beginMigration(turn, guest, chosen.value, request.reason ?? `asked for by ${turn.actor}`));
}

function chooseTarget(turn: FleetTurn, guest: Guest, target: Host | null): Result<Host> {
  const cluster = clusterOf(turn, guest.poolId);
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

/** What a live copy needs to be the same on both sides. */
function incompatible(source: Host, target: Host): string | null {
  const [from, to] = [source.capabilities, target.capabilities];
  if (!from || !to) return null;
  for (const what of ['driver', 'machineType', 'cpuModel', 'accelerator'] as const)
    if (from[what] !== to[what])
      return `${source.name} has ${what} ${from[what]} and ${target.name} ${to[what]}: a running guest cannot move between them.`;
  return null;
}

export function cancelMigration(turn: FleetTurn, request: Of<'migration.cancel'>): Result<Migration> {
  const found = find(turn, 'migration', request.migration);
  if (!found.ok)
    return refused('already-ended', `Migration ${request.migration} is not under way: it has ended, or never was.`);
  const migration = found.value;
  const guest = turn.fleet.guests.get(migration.guestId)!;
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

export function removeGuest(turn: FleetTurn, request: Of<'guest.remove'>): Result<null> {
  const found = find(turn, 'guest', request.guest);
  if (!found.ok) return found;
  const guest = found.value;
  if (isBusy(turn.fleet, guest.id))
    return refused('guest-busy', `The files of ${guest.name} are being worked on; try again when that has ended.`);
  if (guest.state !== 'stopped' && guest.state !== 'failed')
    return refused('guest-not-stopped', `${guest.name} is ${guest.state}; stop it before it is removed.`);
  const linked = usersOfBase(turn.fleet, diskPathOf(turn.fleet, guest));
  if (linked.length > 0)
    return refused('in-use', `The disks of ${linked.join(', ')} share that of ${guest.name}; remove them first.`);
  for (const { id } of snapshotsOf(turn, guest.id)) remove(turn, 'snapshot', id);
  for (const rule of [...turn.fleet.rules.values()]) {
    if (!rule.guestIds.includes(guest.id)) continue;
    const guestIds = rule.guestIds.filter((id) => id !== guest.id);
    const tooFew = guestIds.length < (rule.kind === 'together' || rule.kind === 'apart' ? 2 : 1);
    if (tooFew) remove(turn, 'rule', rule.id);
    else put(turn, 'rule', { ...rule, guestIds });
  }
  for (const code of ['guest-down', 'guest-silent', 'record-behind']) clearAlarm(turn, code, guest.id);
  const folder = folderOf(turn.fleet, guest);
  remove(turn, 'guest', guest.id);
  turn.fleet.addresses.delete(guest.address);
  turn.fleet.demand.delete(guest.id);
  turn.fleet.silences.delete(guest.id);
  const keepsDisk = request.keepDisk === true && hasDisk(guest);
  record(turn, {
    code: 'guest-removed',
    subject: ['guest', guest.id],
    message: `Guest ${guest.name} was removed.${keepsDisk ? ` Its files stay in ${folder}.` : ''}`,
  });
  if (!keepsDisk && hasDisk(guest))
    beginDiskOperation(turn, guest, { kind: 'remove', folder, basePaths: unneededBases(turn.fleet, guest) });
  return accepted(null);
}
