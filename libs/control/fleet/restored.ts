import type { Guest, Host } from '@argosy/domain/entities';
import { takeoverGraceMs } from '../defaults';
import type { Fleet, HostView } from '../fleet-types';
import { type FleetTurn, isHeard, viewOf } from './turn';

// A database that was restored from a backup is older than the fleet: a guest may run where the record does not know of.
// Nothing is decided against a guest, and nothing is started, before those who may know better have told what they have.

/** Epochs are 4-byte numbers in the database: one beyond this is nobody's, and would leave no room for the next ones. */
export const highestEpoch = 1_000_000_000;

/** A new leader knows the record, and nothing else yet. */
export function awaitReports(fleet: Fleet, hosts: readonly Host[]): void {
  fleet.untold.clear();
  for (const host of hosts) {
    if (!isHeard(host)) continue;
    const others = fleet.untold.get(host.poolId);
    if (others) others.add(host.id);
    else fleet.untold.set(host.poolId, new Set([host.id]));
  }
}

export function hasTold({ fleet }: FleetTurn, host: Host): void {
  fleet.untold.get(host.poolId)?.delete(host.id);
}

/** True: some host of the pool may still tell of a guest what the record does not know. Those that stay silent have failed. */
export function awaitsReports({ fleet, now }: FleetTurn, poolId: string): boolean {
  return now < fleet.tookOverAt + takeoverGraceMs && (fleet.untold.get(poolId)?.size ?? 0) > 0;
}

/** An attempt to start it that was made before the inventory was loaded may have come off: the host where it was made tells of it. */
export function awaitsWordOf({ fleet }: FleetTurn, { epoch, reservedEpoch, poolId }: Guest): boolean {
  if (reservedEpoch <= epoch) return false;
  for (const host of fleet.hosts.values())
    if (host.poolId === poolId && isHeard(host) && (viewOf(fleet, host.id).heardAt ?? 0) <= fleet.silenceSince)
      return true;
  return false;
}

/** Absent where the record has it, it may run on a host that has not reported yet, or on one that shows it at a later epoch. */
export function mayBeElsewhere(turn: FleetTurn, guest: Guest): boolean {
  return heardIn(turn, guest.poolId, ({ report }) => !report) || isSeenAfter(turn, guest, guest.epoch);
}

/** A host shows it at a later epoch than that. */
export function isSeenAfter(turn: FleetTurn, { id, poolId }: Guest, epoch: number): boolean {
  return heardIn(
    turn,
    poolId,
    ({ guests }) => guests.get(id)?.some((copy) => copy.epoch > epoch && copy.epoch <= highestEpoch) ?? false,
  );
}

function heardIn({ fleet }: FleetTurn, poolId: string, holds: (view: HostView) => boolean): boolean {
  for (const host of fleet.hosts.values())
    if (host.poolId === poolId && isHeard(host) && holds(viewOf(fleet, host.id))) return true;
  return false;
}
