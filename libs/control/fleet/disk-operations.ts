import type { Guest, Host } from '@argosy/domain/entities';
import type { DiskOperation } from '@argosy/domain/storage';
import { type DiskWorkResult, nothingToTell, sourceOf } from '@argosy/domain/disk-work';
import type { DiskWorkObservation } from '@argosy/domain/host-report';
import { type Refusal, refused } from '@argosy/domain/refusal';
import { cloned } from './clones';
import { beginDiskOperation, epochOf } from './begin-disk-operation';
import { datastoresOf, reaches } from './datastores';
import { isLook, tellWhoIsWaitedFor } from './disk-recovery';
import { suspended } from './guests';
import { diskSettled } from './moving-disks';
import { isUnwanted, noteRelocation, outlivesItsHost, relocated } from './relocations';
import { reverted, snapshotRemoved, snapshotTaken } from './snapshots';
import { type FleetTurn, isHeard, isOff, nextAttempt, order, put, raiseAlarm, record, remove, settled } from './turn';

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
  if (epochOf(operation.work) !== null && (!asked || isOff(asked)) && !outlivesItsHost(operation)) {
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
  if (!host) {
    tellWhoIsWaitedFor(turn, operation);
    return operation;
  }
  const row = { ...operation, hostId: host.id };
  put(turn, 'diskOperation', row);
  // What the one before was told is nobody's answer any more.
  settled(turn, `disk:${operation.id}`);
  follow(turn, row, host);
  return row;
}

function hostFor({ fleet }: FleetTurn, { datastoreId, guestId, work }: DiskOperation): Host | undefined {
  // Where a VMM is gone the new place can tell what became of the disk.
  const isCopied = work.kind === 'relocate' && work.epoch === null;
  const source = fleet.guests.get(isCopied ? guestId : (sourceOf(work) ?? ''));
  const own = source && isCopied ? datastoresOf(fleet, source).map(({ id }) => id) : [source?.datastoreId ?? ''];
  const datastores = [datastoreId, ...own].flatMap((id) => fleet.datastores.get(id) ?? []);
  const able = [...fleet.hosts.values()]
    .filter((host) => host.state === 'online' && datastores.every((each) => reaches(fleet, host, each)))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  // What a disk has left behind tells something too.
  const left = fleet.datastores.get(fleet.guests.get(guestId)?.datastoreId ?? '');
  return able.find((host) => left && reaches(fleet, host, left)) ?? able[0];
}

function follow(turn: FleetTurn, operation: DiskOperation, host: Host): void {
  if (!isHeard(host) || isHeld(turn, operation)) return;
  const seen = observeWork(turn, host, operation.id);
  const [work, cancel] = [`disk:${operation.id}`, `cancel-disk:${operation.id}`];
  if (!seen && isLook(operation) && isTooSoon(turn, operation)) return;
  const told = { operationId: operation.id, work: operation.work };
  if ((!seen || seen.phase === 'working') && isUnwanted(turn, operation))
    return order(turn, cancel, host, { kind: 'disk.cancel', ...told });
  if (!seen) return order(turn, work, host, { kind: 'disk.work', ...told });
  if (seen.phase === 'working') return noteRelocation(turn, operation, seen.progress);
  for (const key of [work, cancel]) settled(turn, key);
  end(turn, operation, { refusal: seen.phase === 'failed' ? seen.refusal : null, result: seen.result });
}

/** What could not be told a moment ago is not asked again at once. */
function isTooSoon({ fleet, now }: FleetTurn, { guestId }: DiskOperation): boolean {
  return now <= (fleet.outstanding.get(`look-again:${guestId}`)?.notAfter ?? -Infinity);
}

const lookAgainMs = 5_000;

/** A copy goes when no host has a VMM any more that has it open. */
function isHeld({ fleet }: FleetTurn, { guestId, work }: DiskOperation): boolean {
  if (work.kind !== 'discard') return false;
  for (const host of fleet.hosts.values()) {
    const view = fleet.views.get(host.id);
    if (!view || isOff(host)) continue;
    if (view.guests.get(guestId)?.some(({ epoch }) => epoch === work.copyEpoch)) return true;
  }
  return false;
}

interface Outcome {
  readonly refusal: Refusal | null;
  readonly result: DiskWorkResult;
}

function end(turn: FleetTurn, operation: DiskOperation, outcome: Outcome): void {
  remove(turn, 'diskOperation', operation.id);
  const { work, guestId } = operation;
  const guest = turn.fleet.guests.get(guestId);
  if (guest && isUntold(operation, outcome)) return lookAgain(turn, guest, operation);
  switch (work.kind) {
    case 'remove':
      return removed(turn, operation, work.folder, outcome.refusal);
    case 'clone':
      return guest && cloned(turn, guest, { sourceId: work.guestId, refusal: outcome.refusal });
    case 'relocate':
      return guest && relocated(turn, guest, outcome);
    case 'discard':
      return discarded(turn, operation, outcome);
    case 'take':
      return guest && taken(turn, guest, operation, outcome);
    case 'settle':
      return (
        guest &&
        diskSettled(turn, guest, { ...work, datastoreId: operation.datastoreId, moved: outcome.result.moved === true })
      );
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

/** A target that was told late to open it, and that it is not wanted, lets go of it in a moment. */
function discarded(turn: FleetTurn, operation: DiskOperation, { refusal }: Outcome): void {
  const { work, guestId, datastoreId } = operation;
  if (work.kind !== 'discard' || refusal === null) return;
  const guest = turn.fleet.guests.get(guestId);
  if (guest && refusal.code === 'image-locked') return beginDiskOperation(turn, { ...guest, datastoreId }, work);
  removed(turn, operation, work.folder, refusal);
}

function taken(turn: FleetTurn, guest: Guest, { work }: DiskOperation, { refusal }: Outcome): void {
  if (!refusal) return;
  raiseAlarm(turn, {
    code: 'guest-down',
    severity: 'error',
    subject: ['guest', guest.id],
    message: `The disk of ${guest.name} was not found where it moved to: ${refusal.message}`,
    details: { work },
  });
  beginDiskOperation(turn, guest, work);
}

function isUntold(operation: DiskOperation, { refusal, result }: Outcome): boolean {
  if (operation.work.kind === 'settle') return refusal !== null || result.moved === null;
  return isLook(operation) && refusal?.code === 'disk-missing';
}

/** Asked again until a host has looked. */
function lookAgain(turn: FleetTurn, guest: Guest, { work, datastoreId }: DiskOperation): void {
  nextAttempt(turn, `look-again:${guest.id}`, 0, lookAgainMs);
  tellWhoIsWaitedFor(turn, { guestId: guest.id, datastoreId, work });
  beginDiskOperation(turn, { ...guest, datastoreId }, work);
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
