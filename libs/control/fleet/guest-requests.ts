import { type Guest, isGuestRule } from '@argosy/domain/entities';
import type { FleetRequest } from '@argosy/domain/fleet-request';
import { accepted, refused, type Result } from '@argosy/domain/refusal';
import { type Cluster, resize } from '@argosy/scheduler/cluster';
import { explainRejections, place } from '@argosy/scheduler/place';
import { diskPathOf, folderOf, hasDisk } from '../guest-specification';
import { admit, coveredByFailoverHosts, survivesLosses } from './admission';
import { unneededBases, usersOfBase } from './bases';
import { beginDiskOperation, isBusy, isSettling } from './begin-disk-operation';
import { misfit } from './guest-rows';
import { beginStopping, giveUpStart, reconcileGuest } from './guests';
import { mayBeStarted } from './indexes';
import { limitsKey, orderLimits } from './limits';
import { find, nameTaken } from './lookup';
import { withoutMemory } from './memory';
import { clusterOf } from './placement';
import { wakeFor } from './power-saving';
import { snapshotsOf, suspendGuest } from './snapshots';
import { beginTask, endTasks } from './tasks';
import { becomeGuest, clearAlarm, type FleetTurn, put, record, remove, settled } from './turn';
import { placeGuest } from './waiting';

type Of<Kind extends FleetRequest['kind']> = Extract<FleetRequest, { kind: Kind }>;

export function updateGuest(turn: FleetTurn, request: Of<'guest.update'>): Result<Guest> {
  const found = find(turn, 'guest', request.guest);
  if (!found.ok) return found;
  const { settings } = request;
  const guest = found.value;
  if (changesHardware(settings) && guest.state !== 'stopped')
    return refused(
      'guest-not-stopped',
      `${guest.name} is ${guest.state}: memory, processors and display can be changed while it is stopped.`,
    );
  const free = nameTaken(turn, 'guest', settings.name ?? guest.name, guest.id);
  if (!free.ok) return free;
  const row: Guest = { ...guest, ...settings };
  const image = turn.fleet.images.get(row.imageId);
  const fault = image ? misfit(turn, row, image) : accepted(null);
  if (!fault.ok) return fault;
  const room = mayGrow(turn, guest, row);
  if (!room.ok) return room;
  put(turn, 'guest', row);
  record(turn, {
    code: 'guest-updated',
    subject: ['guest', row.id],
    message: `${row.name} was changed.`,
    details: { settings },
  });
  const host = turn.fleet.hosts.get(row.hostId ?? '');
  const limited = settings.cpuShares !== undefined || settings.cpuLimitMillicores !== undefined;
  if (host && limited) {
    // One of before is overtaken.
    settled(turn, limitsKey(row));
    orderLimits(turn, row, host);
  }
  return accepted(row);
}

/** What a VMM is started with, and both sides of a migration have to have the same. */
function changesHardware({ memoryMiB, vcpus, display }: Of<'guest.update'>['settings']): boolean {
  return memoryMiB !== undefined || vcpus !== undefined || display !== undefined;
}

/** What a guest that is to run is promised beyond what it has is asked for as at its start. */
function mayGrow(turn: FleetTurn, before: Guest, after: Guest): Result<unknown> {
  const isMore = after.memoryMiB > before.memoryMiB || after.cpuReservationMillicores > before.cpuReservationMillicores;
  return before.desired === 'stopped' || !isMore ? accepted(null) : hasRoom(turn, after, 'Giving that to');
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
    const room = mayRunOn(turn, guest);
    if (!room.ok) return room;
    put(turn, 'guest', { ...guest, desired: 'paused' });
  } else stopGuest(turn, guest, request.force ?? false);
  const row = turn.fleet.guests.get(guest.id)!;
  if (row.state !== 'stopping') reconcileGuest(turn, row);
  return accepted(turn.fleet.guests.get(guest.id)!);
}

export function isTemplate({ name }: Guest): ReturnType<typeof refused> {
  return refused(
    'is-template',
    `${name} is a template, which does not run. Make a guest from it (argosy guest create NAME --template ${name}), or let it be a guest again (argosy guest template ${name} --undo).`,
  );
}

function stopGuest(turn: FleetTurn, guest: Guest, force: boolean): void {
  const wanted: Guest = { ...guest, desired: 'stopped', retryAt: null, lostAt: null };
  if (guest.state === 'stopped' || guest.state === 'cloning') {
    put(turn, 'guest', wanted);
    return giveUpStart(turn, guest);
  }
  // As pulling the plug: what it had not written is lost.
  if (guest.state === 'suspended') {
    becomeGuest(turn, wanted, 'stopped', '', withoutMemory);
    return giveUpStart(turn, guest);
  }
  if (guest.state === 'failed' || guest.state === 'recovering') {
    becomeGuest(turn, wanted, 'stopped', '');
    return giveUpStart(turn, guest);
  }
  beginTask(turn, 'guest.stop', ['guest', guest.id]);
  if (guest.state === 'migrating') put(turn, 'guest', wanted);
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
    const room = mayRunOn(turn, guest);
    if (!room.ok) return wakeFor(turn, guest, room.refusal);
    put(turn, 'guest', { ...guest, desired: 'running' });
    // One that is stopping stops first.
    if (guest.state !== 'stopping') endTasks(turn, guest.id, ['guest.stop'], 'cancelled', 'started meanwhile');
    if (guest.state === 'paused') reconcileGuest(turn, turn.fleet.guests.get(guest.id)!);
    return accepted(turn.fleet.guests.get(guest.id)!);
  }
  const mustWait = mayBeStarted(guest) && isSettling(turn.fleet, guest.id);
  if (isBusy(turn.fleet, guest.id) && !mustWait)
    return refused('guest-busy', `The files of ${guest.name} are being worked on; start it when that has ended.`);
  const room = hasRoom(turn, guest);
  if (!room.ok) return wakeFor(turn, guest, room.refusal);
  clearAlarm(turn, 'guest-down', guest.id);
  const wanted: Guest = { ...guest, desired: 'running', failedStarts: 0, retryAt: null, restarts: [], lostAt: null };
  put(turn, 'guest', wanted);
  beginTask(turn, 'guest.start', ['guest', guest.id]);
  if (!mustWait) placeGuest(turn, wanted, room.value);
  return accepted(turn.fleet.guests.get(guest.id)!);
}

/** From when a guest was to stop, its room was anybody's: whoever wants it to run after all asks for it as at a start. */
function mayRunOn(turn: FleetTurn, guest: Guest): Result<unknown> {
  return guest.desired === 'stopped' ? hasRoom(turn, guest) : accepted(null);
}

/** Whether it may be started now, in the pool as it is; or may have what it asks for, on the host where it is. */
export function hasRoom(turn: FleetTurn, guest: Guest, doing = 'Starting'): Result<Cluster> {
  const admitted = admit(turn, guest, doing);
  if (!admitted.ok) return admitted;
  const cluster = clusterOf(turn, guest.poolId);
  const index = cluster.guestIndex.get(guest.id)!;
  resize(cluster, index, guest);
  const chosen = hostFor(turn, guest, cluster, index);
  if (!chosen.ok) return chosen;
  const where = { cluster, chosen: chosen.value, doing };
  const covered = coveredByFailoverHosts(turn, guest, where);
  if (!covered.ok) return covered;
  const survives = survivesLosses(turn, guest, where);
  return survives.ok ? accepted(cluster) : survives;
}

function hostFor({ fleet }: FleetTurn, guest: Guest, cluster: Cluster, index: number): Result<number> {
  const here = cluster.hostOf[index]!;
  if (here < 0) {
    const { chosen, rejections } = place(cluster, index);
    if (chosen !== null) return accepted(chosen.host);
    const reasons = explainRejections(cluster, rejections);
    return refused('no-host-fits', `No host takes ${guest.name}: ${reasons}.`, { rejections });
  }
  const before = fleet.guests.get(guest.id)?.cpuReservationMillicores ?? 0;
  const [capacity, reserved] = [cluster.cpuCapacity[here]!, cluster.cpuReserved[here]!];
  if (guest.cpuReservationMillicores <= before || reserved <= capacity) return accepted(here);
  const others = reserved - guest.cpuReservationMillicores;
  return refused(
    'not-enough-cpu',
    `${guest.name} is to reserve ${guest.cpuReservationMillicores} millicores, and its host ${cluster.hosts[here]!.name} has ${capacity}, of which other guests reserve ${others}: ${Math.max(0, capacity - others)} at most. Ask for less, or migrate it to a host with more.`,
  );
}

export function restartGuest(turn: FleetTurn, request: Of<'guest.restart'>): Result<Guest> {
  const found = find(turn, 'guest', request.guest);
  if (!found.ok) return found;
  const guest = found.value;
  if (guest.isTemplate) return isTemplate(guest);
  if (guest.state !== 'running' && guest.state !== 'paused')
    return refused('guest-not-running', `${guest.name} is ${guest.state}; only a running guest can be restarted.`);
  const room = mayRunOn(turn, guest);
  if (!room.ok) return room;
  beginTask(turn, 'guest.restart', ['guest', guest.id]);
  // The plug is pulled, and a guest that is stopped and should run is started like any other.
  beginStopping(turn, { ...guest, desired: 'running' }, true);
  return accepted(turn.fleet.guests.get(guest.id)!);
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
  if (request.keepDisk === true && guest.basePaths.length > 0)
    return refused(
      'in-use',
      `The disk of ${guest.name} shares a base with others, which goes with the last of them: it cannot be kept alone. Make a full clone first.`,
    );
  for (const { id } of snapshotsOf(turn, guest.id)) remove(turn, 'snapshot', id);
  for (const rule of [...turn.fleet.rules.values()]) {
    if (!rule.guestIds.includes(guest.id)) continue;
    const guestIds = rule.guestIds.filter((id) => id !== guest.id);
    const tooFew = guestIds.length < (isGuestRule(rule.kind) ? 2 : 1);
    if (tooFew) remove(turn, 'rule', rule.id);
    else put(turn, 'rule', { ...rule, guestIds });
  }
  for (const code of ['guest-down', 'guest-silent', 'record-behind']) clearAlarm(turn, code, guest.id);
  const folder = folderOf(turn.fleet, guest);
  remove(turn, 'guest', guest.id);
  turn.fleet.addresses.delete(guest.address);
  turn.fleet.demand.delete(guest.id);
  turn.fleet.silences.delete(guest.id);
  turn.fleet.atRest.delete(guest.id);
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
