import { type DiskWork, sourceOf } from '@argosy/domain/disk-work';
import type { Guest } from '@argosy/domain/entities';
import type { DiskOperation } from '@argosy/domain/storage';
import type { Fleet } from '../fleet-types';
import { type FleetTurn, put } from './turn';

/** What is left over of a disk that is elsewhere now holds nobody up. */
const leftOver = new Set<DiskWork['kind']>(['remove', 'discard']);

const mayPass = new Set<DiskWork['kind']>([...leftOver, 'take']);

/** While a host works on its files a guest is not moved, not started and not removed. */
export function isBusy(fleet: Fleet, guestId: string): boolean {
  return operationsOf(fleet, guestId).some(
    ({ guestId: id, work }) => (id === guestId && !leftOver.has(work.kind)) || sourceOf(work) === guestId,
  );
}

/** Its disk has moved, and the last of that is being made sure of: soon it may be started. */
export function isSettling(fleet: Fleet, guestId: string): boolean {
  const works = operationsOf(fleet, guestId).filter((each) => each.guestId === guestId);
  return works.some(({ work }) => work.kind === 'take') && works.every(({ work }) => mayPass.has(work.kind));
}

/** Files of the guest are being deleted there. */
export function isClearing(fleet: Fleet, guestId: string, datastoreId: string): boolean {
  return operationsOf(fleet, guestId).some(
    (each) => each.guestId === guestId && each.datastoreId === datastoreId && leftOver.has(each.work.kind),
  );
}

const none: readonly DiskOperation[] = [];

/** Its own, and those that read its disk. */
function operationsOf({ indexes, diskOperations }: Fleet, guestId: string): readonly DiskOperation[] {
  const ids = indexes.operations.get(guestId);
  return ids ? [...ids].flatMap((id) => diskOperations.get(id) ?? []) : none;
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
