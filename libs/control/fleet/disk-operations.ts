import type { DiskOperation, Guest, Host } from '@argosy/domain/entities';
import type { DiskWork } from '@argosy/domain/disk-work';
import type { DiskWorkObservation } from '@argosy/domain/host-report';
import type { Refusal } from '@argosy/domain/refusal';
import { reaches } from './datastores';
import { type FleetTurn, isHeard, isOff, order, put, record, remove, settled } from './turn';

/**
 * Disk operations are level-triggered like all else: the row says what is wanted, a host that reaches the files is told, and
 * what it shows decides. The row is removed in the transaction that records the outcome, and then the host forgets it.
 */
export function beginDiskOperation(turn: FleetTurn, guest: Guest, work: DiskWork): DiskOperation {
  const operation: DiskOperation = {
    id: turn.fleet.newId(),
    guestId: guest.id,
    guestName: guest.name,
    datastoreId: guest.datastoreId,
    hostId: null,
    work,
    requestedBy: turn.actor,
    createdAt: turn.now,
  };
  put(turn, 'diskOperation', operation);
  return reconcileOperation(turn, operation);
}

export function reconcileOperations(turn: FleetTurn, hostId?: string): void {
  for (const operation of [...turn.fleet.diskOperations.values()])
    if (hostId === undefined || operation.hostId === null || operation.hostId === hostId)
      reconcileOperation(turn, operation);
}

function reconcileOperation(turn: FleetTurn, operation: DiskOperation): DiskOperation {
  const asked = turn.fleet.hosts.get(operation.hostId ?? '');
  // Whoever is only silent may still be at it: another is asked when that one is proved off.
  if (asked && !isOff(asked)) {
    follow(turn, operation, asked);
    return operation;
  }
  const host = hostFor(turn, operation);
  if (!host) return operation;
  const row = { ...operation, hostId: host.id };
  put(turn, 'diskOperation', row);
  follow(turn, row, host);
  return row;
}

function hostFor({ fleet }: FleetTurn, operation: DiskOperation): Host | undefined {
  const datastore = fleet.datastores.get(operation.datastoreId);
  return [...fleet.hosts.values()]
    .filter((host) => host.state === 'online' && (!datastore || reaches(fleet, host, datastore)))
    .sort((a, b) => (a.name < b.name ? -1 : 1))[0];
}

function follow(turn: FleetTurn, operation: DiskOperation, host: Host): void {
  if (!isHeard(host)) return;
  const seen = observeWork(turn, host, operation.id);
  const key = `disk:${operation.id}`;
  if (!seen) return order(turn, key, host, { kind: 'disk.work', operationId: operation.id, work: operation.work });
  if (seen.phase === 'working') return;
  settled(turn, key);
  remove(turn, 'diskOperation', operation.id);
  ended(turn, operation, seen.phase === 'failed' ? seen.refusal : null);
}

function observeWork({ fleet }: FleetTurn, host: Host, operationId: string): DiskWorkObservation | undefined {
  const report = fleet.views.get(host.id)?.report;
  if (report?.incarnation !== host.incarnation) return undefined;
  return report.diskWork.find((each) => each.operationId === operationId);
}

function ended(turn: FleetTurn, { guestId, guestName, work }: DiskOperation, refusal: Refusal | null): void {
  record(turn, {
    code: refusal ? 'disk-not-removed' : 'disk-removed',
    severity: refusal ? 'warning' : 'information',
    subject: ['guest', guestId],
    message: refusal
      ? `The files of guest ${guestName} could not be removed, and stay in ${work.folder}: ${refusal.message}`
      : `The files of guest ${guestName} were removed (${work.folder}).`,
  });
}

/** Work that a host still shows and the record has ended. */
export function reconcileForgottenWork(turn: FleetTurn, hostId: string): void {
  const host = turn.fleet.hosts.get(hostId);
  const report = turn.fleet.views.get(hostId)?.report;
  if (!host || !report || !isHeard(host)) return;
  for (const { operationId } of report.diskWork)
    if (turn.fleet.diskOperations.get(operationId)?.hostId !== hostId)
      order(turn, `forget-work:${operationId}:${hostId}`, host, { kind: 'disk.forget', operationId });
}
