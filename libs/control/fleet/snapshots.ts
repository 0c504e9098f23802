import type { Guest } from '@argosy/domain/entities';
import type { Snapshot } from '@argosy/domain/storage';
import type { DiskWorkResult } from '@argosy/domain/disk-work';
import type { FleetRequest } from '@argosy/domain/fleet-request';
import { accepted, refused, type Refusal, type Result } from '@argosy/domain/refusal';
import { folderOf, hasDisk } from '../guest-specification';
import { beginDiskOperation, isBusy } from './begin-disk-operation';
import { find } from './lookup';
import { machineOf, withoutMemory } from './memory';
import { beginTask, endTasks } from './tasks';
import { becomeGuest, becomeSnapshot, type FleetTurn, put, record, remove } from './turn';

type Of<Kind extends FleetRequest['kind']> = Extract<FleetRequest, { kind: Kind }>;

export function snapshotsOf({ fleet }: Pick<FleetTurn, 'fleet'>, guestId: string): Snapshot[] {
  return [...fleet.snapshots.values()].filter((each) => each.guestId === guestId);
}

export function findSnapshot(turn: FleetTurn, guest: Guest, idOrName: string): Result<Snapshot> {
  const own = snapshotsOf(turn, guest.id);
  const found = own.find((each) => each.id === idOrName) ?? own.find((each) => each.name === idOrName);
  if (found) return accepted(found);
  const known = own.length === 0 ? 'It has none.' : `It has ${own.map((each) => each.name).join(', ')}.`;
  return refused('unknown-snapshot', `${guest.name} has no snapshot ${JSON.stringify(idOrName)}. ${known}`);
}

export function notBusy(turn: FleetTurn, guest: Guest): Result<null> {
  if (!isBusy(turn.fleet, guest.id)) return accepted(null);
  return refused('guest-busy', `The files of ${guest.name} are being worked on; try again when that has ended.`);
}

export function takeSnapshot(turn: FleetTurn, request: Of<'snapshot.take'>): Result<Snapshot> {
  const found = find(turn, 'guest', request.guest);
  if (!found.ok) return found;
  const guest = found.value;
  const runs = guest.state === 'running' || guest.state === 'paused';
  if (!runs && guest.state !== 'stopped')
    return refused(
      'guest-busy',
      `${guest.name} is ${guest.state}: a snapshot is taken of one that runs or is stopped.`,
    );
  if (guest.isTemplate)
    return refused('is-template', `${guest.name} is a template: its disk stays as it is, and needs no snapshot.`);
  if (!hasDisk(guest)) return refused('image-missing', `${guest.name} has never run, and has no disk yet.`);
  const free = notBusy(turn, guest);
  if (!free.ok) return free;
  if (snapshotsOf(turn, guest.id).some((each) => each.name === request.name))
    return refused('name-taken', `${guest.name} has a snapshot named ${request.name} already; choose another name.`);
  const id = turn.fleet.newId();
  const folder = folderOf(turn.fleet, guest);
  const memoryPath = runs && request.memory !== false ? `${folder}/snapshots/${id}.memory` : null;
  const snapshot: Snapshot = {
    id,
    guestId: guest.id,
    name: request.name,
    state: 'taking',
    memoryPath,
    memoryMachine: memoryPath === null ? null : machineOf(turn.fleet.hosts.get(guest.hostId ?? '')),
    memoryMiB: guest.memoryMiB,
    vcpus: guest.vcpus,
    display: guest.display,
    pauseMs: null,
    memoryBytes: null,
    createdAt: turn.now,
  };
  put(turn, 'snapshot', snapshot);
  beginTask(turn, 'snapshot.take', ['guest', guest.id]);
  const epoch = runs ? guest.epoch : null;
  const disk = { guestId: guest.id, epoch, diskPath: `${folder}/disk.qcow2` };
  beginDiskOperation(turn, guest, { kind: 'snapshot', ...disk, snapshotId: id, memoryPath });
  return accepted(snapshot);
}

export function removeSnapshot(turn: FleetTurn, request: Of<'snapshot.remove'>): Result<null> {
  const found = find(turn, 'guest', request.guest);
  if (!found.ok) return found;
  const guest = found.value;
  const snapshot = findSnapshot(turn, guest, request.snapshot);
  if (!snapshot.ok) return snapshot;
  const free = notBusy(turn, guest);
  if (!free.ok) return free;
  const runs = guest.state === 'running' || guest.state === 'paused';
  if (!runs && guest.state !== 'stopped' && guest.state !== 'suspended')
    return refused('guest-busy', `${guest.name} is ${guest.state}; try again when it runs or is stopped.`);
  becomeSnapshot(turn, snapshot.value, 'deleting');
  const { id: snapshotId, memoryPath } = snapshot.value;
  const disk = {
    guestId: guest.id,
    epoch: runs ? guest.epoch : null,
    diskPath: `${folderOf(turn.fleet, guest)}/disk.qcow2`,
  };
  beginDiskOperation(turn, guest, { kind: 'delete-snapshot', ...disk, snapshotId, memoryPath });
  return accepted(null);
}

/** The disk goes back; with the memory of then the guest is suspended, and goes on from there when it is started. */
export function revertSnapshot(turn: FleetTurn, request: Of<'snapshot.revert'>): Result<Guest> {
  const found = find(turn, 'guest', request.guest);
  if (!found.ok) return found;
  const guest = found.value;
  const snapshot = findSnapshot(turn, guest, request.snapshot);
  if (!snapshot.ok) return snapshot;
  if (guest.state !== 'stopped' && guest.state !== 'suspended')
    return refused('guest-not-stopped', `${guest.name} is ${guest.state}; stop it before its disk goes back.`);
  if (guest.desired === 'running')
    return refused('guest-busy', `${guest.name} is about to be started; stop it before its disk goes back.`);
  const free = notBusy(turn, guest);
  if (!free.ok) return free;
  const folder = folderOf(turn.fleet, guest);
  const { id: snapshotId, memoryPath } = snapshot.value;
  // Whatever memory it had does not fit the disk any more, from the first moment on.
  const goingBack: Guest = { ...guest, desired: 'stopped' };
  const row = becomeGuest(turn, goingBack, 'stopped', 'its disk goes back to a snapshot', withoutMemory);
  beginTask(turn, 'snapshot.revert', ['guest', guest.id]);
  beginDiskOperation(turn, row, {
    kind: 'revert',
    diskPath: `${folder}/disk.qcow2`,
    snapshotId,
    memoryPath,
    restorePath: memoryPath === null ? null : `${folder}/memory/${turn.fleet.newId()}`,
  });
  return accepted(turn.fleet.guests.get(guest.id)!);
}

export function suspendGuest(turn: FleetTurn, guest: Guest): Result<Guest> {
  if (guest.state === 'suspended' || guest.state === 'suspending') return accepted(guest);
  if (guest.state !== 'running' && guest.state !== 'paused')
    return refused('guest-not-running', `${guest.name} is ${guest.state}; only a running guest can be suspended.`);
  const free = notBusy(turn, guest);
  if (!free.ok) return free;
  beginTask(turn, 'guest.suspend', ['guest', guest.id]);
  const row = becomeGuest(turn, { ...guest, desired: 'suspended' }, 'suspending', '');
  const folder = folderOf(turn.fleet, guest);
  beginDiskOperation(turn, row, {
    kind: 'suspend',
    guestId: guest.id,
    epoch: guest.epoch,
    diskPath: `${folder}/disk.qcow2`,
    memoryPath: `${folder}/memory/${turn.fleet.newId()}`,
  });
  return accepted(turn.fleet.guests.get(guest.id)!);
}

export function snapshotTaken(
  turn: FleetTurn,
  snapshotId: string,
  outcome: { readonly refusal: Refusal | null; readonly result: DiskWorkResult },
): void {
  const snapshot = turn.fleet.snapshots.get(snapshotId);
  if (!snapshot) return;
  const { refusal, result } = outcome;
  endTasks(turn, snapshot.guestId, ['snapshot.take'], refusal ? 'failed' : 'succeeded', refusal?.message ?? 'taken');
  if (refusal) remove(turn, 'snapshot', snapshotId);
  else becomeSnapshot(turn, snapshot, 'ready', { pauseMs: result.pauseMs, memoryBytes: result.memoryBytes });
  const stood = result.pauseMs === null ? '' : ` It stood still for ${result.pauseMs} ms.`;
  record(turn, {
    code: refusal ? 'snapshot-failed' : 'snapshot-taken',
    severity: refusal ? 'warning' : 'information',
    subject: ['guest', snapshot.guestId],
    message: refusal
      ? `Snapshot ${snapshot.name} was not taken: ${refusal.message}`
      : `Snapshot ${snapshot.name} is taken, ${snapshot.memoryPath === null ? 'of the disk' : 'with memory'}.${stood}`,
    details: { snapshotId, ...result },
  });
}

export function snapshotRemoved(turn: FleetTurn, snapshotId: string, refusal: Refusal | null): void {
  const snapshot = turn.fleet.snapshots.get(snapshotId);
  if (!snapshot) return;
  if (refusal) becomeSnapshot(turn, snapshot, 'ready');
  else remove(turn, 'snapshot', snapshotId);
  record(turn, {
    code: refusal ? 'snapshot-not-removed' : 'snapshot-removed',
    severity: refusal ? 'warning' : 'information',
    subject: ['guest', snapshot.guestId],
    message: refusal
      ? `Snapshot ${snapshot.name} was not removed: ${refusal.message}`
      : `Snapshot ${snapshot.name} was removed.`,
  });
}

export function reverted(
  turn: FleetTurn,
  guest: Guest,
  outcome: { readonly snapshotId: string; readonly restorePath: string | null; readonly refusal: Refusal | null },
): void {
  const { restorePath, refusal } = outcome;
  const snapshot = turn.fleet.snapshots.get(outcome.snapshotId);
  endTasks(turn, guest.id, ['snapshot.revert'], refusal ? 'failed' : 'succeeded', refusal?.message ?? 'reverted');
  if (refusal) becomeGuest(turn, guest, 'stopped', refusal.message);
  else if (restorePath === null) becomeGuest(turn, guest, 'stopped', '');
  else
    becomeGuest(turn, { ...guest, desired: 'suspended' }, 'suspended', '', {
      memoryPath: restorePath,
      memoryMachine: snapshot?.memoryMachine ?? null,
      memoryMiB: snapshot?.memoryMiB ?? guest.memoryMiB,
      vcpus: snapshot?.vcpus ?? guest.vcpus,
      display: snapshot?.display ?? guest.display,
    });
  record(turn, {
    code: refusal ? 'revert-failed' : 'snapshot-reverted',
    severity: refusal ? 'error' : 'information',
    subject: ['guest', guest.id],
    message: refusal
      ? `${guest.name} did not go back to snapshot ${snapshot?.name}: ${refusal.message} Its disk may be either; go back once more.`
      : `${guest.name} is as it was at snapshot ${snapshot?.name}; start it to go on from there.`,
  });
}
