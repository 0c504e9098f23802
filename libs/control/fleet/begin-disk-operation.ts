import { type DiskWork, sourceOf } from '@argosy/domain/disk-work';
import type { DiskOperation, Guest } from '@argosy/domain/entities';
import type { Fleet } from '../fleet-types';
import { type FleetTurn, put } from './turn';

/** What is left over of a disk that is elsewhere now holds nobody up. */
const leftOver = new Set<DiskWork['kind']>(['remove', 'discard']);

const mayPass = new Set<DiskWork['kind']>([...leftOver, 'take']);

/** While a host works on its files a guest is not moved, not started and not removed. */
export function isBusy(fleet: Fleet, guestId: string): boolean {
  for (const { guestId: id, work } of fleet.diskOperations.values())
    if ((id === guestId && !leftOver.has(work.kind)) || sourceOf(work) === guestId) return true;
  return false;
}

/** Its disk has moved, and the last of that is being made sure of: soon it may be started. */
export function isSettling(fleet: Fleet, guestId: string): boolean {
  const works = [...fleet.diskOperations.values()].filter((each) => each.guestId === guestId);
  return works.some(({ work }) => work.kind === 'take') && works.every(({ work }) => mayPass.has(work.kind));
}

/** Files of the guest are being deleted there. */
export function isClearing(fleet: Fleet, guestId: string, datastoreId: string): boolean {
  for (const operation of fleet.diskOperations.values())
    if (operation.guestId === guestId && operation.datastoreId === datastoreId && leftOver.has(operation.work.kind))
      return true;
  return false;
}

/** Written here, ordered of a host by the next pass. */
export function beginDiskOperation(turn: FleetTurn, guest: Guest, work: DiskWork): void {
  const operation: DiskOperation = {
    id: turn.fleet.newId(),
    guestId: guest.id,
    guestName: guest.name,
    datastoreId: guest.datastoreId,
    // What is done in a running VMM only its own host can do.
    hostId: epochOf(work) === null ? null : (turn.fleet.guests.get(sourceOf(work) ?? guest.id)?.hostId ?? null),
    work,
    requestedBy: turn.actor,
    createdAt: turn.now,
  };
  put(turn, 'diskOperation', operation);
}

/** Of the VMM that must do it itself; null: none. */
export function epochOf(work: DiskWork): number | null {
  return 'epoch' in work ? work.epoch : null;
}
