import type { DiskOperation, Host } from '@argosy/domain/entities';
import { type DiskWorkResult, nothingToTell } from '@argosy/domain/disk-work';
import type { DiskWorkObservation } from '@argosy/domain/host-report';
import { type Refusal, refused } from '@argosy/domain/refusal';
import { epochOf, sourceOf } from './begin-disk-operation';
import { cloned } from './clones';
import { reaches } from './datastores';
import { suspended } from './guests';
import { reverted, snapshotRemoved, snapshotTaken } from './snapshots';
import { type FleetTurn, isHeard, isOff, order, put, record, remove, settled } from './turn';

/**
 * Disk operations are level-triggered like all else: the row says what is wanted, a host that reaches the files is told, and
 * what it shows decides. The row is removed in the transaction that records the outcome, and then the host forgets it.
 */
export function reconcileOperations(turn: FleetTurn, hostId?: string): void {
  for (const operation of [...turn.fleet.diskOperations.values()])
    if (hostId === undefined || operation.hostId === null || operation.hostId === hostId)
      reconcileOperation(turn, operation);
}

function reconcileOperation(turn: FleetTurn, operation: DiskOperation): DiskOperation {
  const asked = turn.fleet.hosts.get(operation.hostId ?? '');
  if (epochOf(operation.work) !== null && (!asked || isOff(asked))) {
    const message = `The host of ${operation.guestName} was lost meanwhile.`;
    end(turn, operation, { refusal: refused('source-lost', message).refusal, result: nothingToTell });
    return operation;
  }
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

function hostFor({ fleet }: FleetTurn, { datastoreId, work }: DiskOperation): Host | undefined {
  const source = fleet.guests.get(sourceOf(work) ?? '');
  const datastores = [datastoreId, source?.datastoreId ?? ''].flatMap((id) => fleet.datastores.get(id) ?? []);
  return [...fleet.hosts.values()]
    .filter((host) => host.state === 'online' && datastores.every((each) => reaches(fleet, host, each)))
    .sort((a, b) => (a.name < b.name ? -1 : 1))[0];
}

function follow(turn: FleetTurn, operation: DiskOperation, host: Host): void {
  if (!isHeard(host)) return;
  const seen = observeWork(turn, host, operation.id);
  const key = `disk:${operation.id}`;
  if (!seen) return order(turn, key, host, { kind: 'disk.work', operationId: operation.id, work: operation.work });
  if (seen.phase === 'working') return;
  settled(turn, key);
  end(turn, operation, { refusal: seen.phase === 'failed' ? seen.refusal : null, result: seen.result });
}

interface Outcome {
  readonly refusal: Refusal | null;
  readonly result: DiskWorkResult;
}

function end(turn: FleetTurn, operation: DiskOperation, outcome: Outcome): void {
  remove(turn, 'diskOperation', operation.id);
  const { work, guestId } = operation;
  const guest = turn.fleet.guests.get(guestId);
  switch (work.kind) {
    case 'remove':
      return removed(turn, operation, work.folder, outcome.refusal);
    case 'clone':
      return guest && cloned(turn, guest, { sourceId: work.guestId, refusal: outcome.refusal });
    case 'snapshot':
      return snapshotTaken(turn, work.snapshotId, outcome);
    case 'delete-snapshot':
      return snapshotRemoved(turn, work.snapshotId, outcome.refusal);
    case 'revert':
      return guest && reverted(turn, guest, { ...work, refusal: outcome.refusal });
    case 'suspend':
      return guest && suspended(turn, guest, { ...work, refusal: outcome.refusal });
  }
}

function observeWork({ fleet }: FleetTurn, host: Host, operationId: string): DiskWorkObservation | undefined {
  const report = fleet.views.get(host.id)?.report;
  if (report?.incarnation !== host.incarnation) return undefined;
  return report.diskWork.find((each) => each.operationId === operationId);
}

function removed(
  turn: FleetTurn,
  { guestId, guestName }: DiskOperation,
  folder: string,
  refusal: Refusal | null,
): void {
  record(turn, {
    code: refusal ? 'disk-not-removed' : 'disk-removed',
    severity: refusal ? 'warning' : 'information',
    subject: ['guest', guestId],
    message: refusal
      ? `The files of guest ${guestName} could not be removed, and stay in ${folder}: ${refusal.message}`
      : `The files of guest ${guestName} were removed (${folder}).`,
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
