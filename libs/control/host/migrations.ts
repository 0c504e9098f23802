import type { MigrationProgress } from '@argosy/domain/entities';
import type { MigrationPolicy } from '@argosy/domain/policies';
import type { OrderOf } from '@argosy/domain/host-command';
import { refused } from '@argosy/domain/refusal';
import type { Refusal, Result } from '@argosy/domain/refusal';
import { formatDuration } from '@argosy/domain/units';
import type { HostMigration } from '../host-types';
import type { VmmCommand } from '../ports/vmm-driver';
import { destroy, roomRefusal } from './guests';
import { abandonTarget, askForGrant, releaseSource, runTarget, targetDestroyed } from './handover';
import {
  callVmm,
  copiesOf,
  dropCopy,
  dropMigration,
  findCopy,
  type HostTurn,
  isAlive,
  isCalling,
  keepCopy,
  keepMigration,
  report,
} from './turn';

/** A stream that its source's death has ended is taken in by then, if it was whole. */
const streamEndMs = 3_000;

const noMigration = {
  kind: 'migration' as const,
  uri: null,
  diskUri: null,
  peerAddress: null,
  policy: null,
  downtimeMs: null,
  heartbeatAt: null,
  refusal: null,
  sourceDead: false,
  cancelRequested: false,
};

/** Target: opens the guest at its reserved epoch. What cannot be opened is reported as destroyed, with the reason. */
export function prepareTarget(turn: HostTurn, order: OrderOf<'migration.prepare'>): Refusal | null {
  if (turn.state.migrations.has(order.migrationId)) return null;
  const { guestId } = order.guest;
  // A prepare that comes again after its migration was forgotten must not touch the copy that it once brought.
  const copies = copiesOf(turn, guestId);
  const latest = Math.max(turn.state.revoked.get(guestId) ?? 0, ...copies.map((copy) => copy.epoch));
  if (order.epoch <= latest)
    return refused(
      'stale-epoch',
      `Guest ${order.guest.name} has been at epoch ${latest} here; epoch ${order.epoch} is not opened any more.`,
    ).refusal;
  const migration: HostMigration = {
    ...noMigration,
    migrationId: order.migrationId,
    guestId,
    role: 'target',
    epoch: order.epoch - 1,
    targetEpoch: order.epoch,
    phase: 'preparing',
    policy: order.policy,
    startedAt: turn.now,
  };
  const living = copies.find(isAlive);
  if (living) {
    const refusal = refused(
      'guest-exists',
      `A copy of guest ${order.guest.name} at epoch ${living.epoch} is ${living.state} on this host.`,
    ).refusal;
    targetDestroyed(turn, migration, refusal);
    return refusal;
  }
  const noRoom = roomRefusal(turn, order);
  if (noRoom) {
    targetDestroyed(turn, migration, noRoom);
    return noRoom;
  }
  keepMigration(turn, migration);
  keepCopy(turn, { kind: 'guest', guestId, epoch: order.epoch, guest: order.guest, state: 'incoming', refusal: null });
  callVmm(
    turn,
    { kind: 'migration', migrationId: order.migrationId, call: 'prepareIncoming' },
    {
      call: 'prepareIncoming',
      guest: order.guest,
      epoch: order.epoch,
      policy: order.policy,
      disk: order.disk,
    },
  );
  return null;
}

/** Source: begins the copy. */
export function startCopy(turn: HostTurn, order: OrderOf<'migration.start'>): Refusal | null {
  if (turn.state.migrations.has(order.migrationId)) return null;
  const latest = turn.state.sentFor.get(order.guestId) ?? 0;
  if (order.targetEpoch <= latest)
    return refused(
      'stale-epoch',
      `Guest ${order.guestId} was last sent for epoch ${latest}; a copy for epoch ${order.targetEpoch} is not begun any more.`,
    ).refusal;
  turn.state.sentFor.set(order.guestId, order.targetEpoch);
  const migration: HostMigration = {
    ...noMigration,
    migrationId: order.migrationId,
    guestId: order.guestId,
    role: 'source',
    epoch: order.epoch,
    targetEpoch: order.targetEpoch,
    phase: 'copying',
    uri: order.targetUri,
    diskUri: order.disk?.uri ?? null,
    peerAddress: order.targetPeerAddress,
    policy: order.policy,
    startedAt: turn.now,
  };
  const copy = findCopy(turn, order);
  if (copy?.state !== 'running') {
    const refusal = refused(
      'guest-not-running',
      `Guest ${order.guestId} does not run here at epoch ${order.epoch}: it is ${copy?.state ?? 'absent'}.`,
    ).refusal;
    keepMigration(turn, { ...migration, phase: 'ran-on', refusal });
    return refusal;
  }
  keepMigration(turn, migration);
  callVmm(
    turn,
    { kind: 'migration', migrationId: order.migrationId, call: 'migrateOut' },
    {
      call: 'migrateOut',
      instance: { guestId: order.guestId, epoch: order.epoch },
      targetEpoch: order.targetEpoch,
      uri: order.targetUri,
      policy: order.policy,
      disk: order.disk,
    },
  );
  report(turn);
  return null;
}

/** A cancel that comes before its start leaves a mark, so that the start is not begun afterwards. */
export function cancelCopy(turn: HostTurn, order: OrderOf<'migration.cancel'>): void {
  const migration = turn.state.migrations.get(order.migrationId);
  if (!migration) {
    const mark = {
      migrationId: order.migrationId,
      guestId: order.guestId,
      role: 'source' as const,
      epoch: 0,
      targetEpoch: 0,
    };
    keepMigration(turn, { ...noMigration, ...mark, phase: 'ran-on', startedAt: turn.now, cancelRequested: true });
  } else if (migration.role === 'source' && migration.phase === 'copying') stopCopy(turn, migration, null);
  report(turn);
}

function stopCopy(turn: HostTurn, migration: HostMigration, refusal: Refusal | null): void {
  const kept = keepMigration(turn, { ...migration, phase: 'cancelling', cancelRequested: refusal === null, refusal });
  callCancel(turn, kept);
}

/**
 * The source's VMM waits for a target that says nothing, and its guest stands still. A cancel cannot be heard either: what
 * ends it is that the controller, told of this, has the target destroyed.
 */
export function giveUpStuck(turn: HostTurn, migration: HostMigration): void {
  stopCopy(turn, migration, refused('target-lost', 'The target took the connection and did not answer.').refusal);
  report(turn);
}

function callCancel(turn: HostTurn, migration: HostMigration): void {
  if (
    isCalling(
      turn,
      (pending) =>
        pending.kind === 'migration' &&
        pending.migrationId === migration.migrationId &&
        pending.call === 'cancelMigration',
    )
  )
    return;
  const instance = { guestId: migration.guestId, epoch: migration.epoch };
  callVmm(
    turn,
    { kind: 'migration', migrationId: migration.migrationId, call: 'cancelMigration' },
    { call: 'cancelMigration', instance },
  );
}

/** The copy ended and the guest runs on here: the target is never granted. */
export function ranOn(turn: HostTurn, migration: HostMigration, refusal: Refusal | null): void {
  if (migration.phase !== 'copying' && migration.phase !== 'cancelling') return;
  keepMigration(turn, {
    ...migration,
    phase: 'ran-on',
    refusal: migration.refusal ?? (migration.cancelRequested ? null : refusal),
  });
  report(turn);
}

/** The controller has committed the migration or given it up: nothing of it is needed any more. */
export function releaseMigration(turn: HostTurn, order: OrderOf<'migration.release'>): void {
  const migration = turn.state.migrations.get(order.migrationId);
  if (!migration) return;
  if (migration.role === 'target') return releaseTarget(turn, migration);
  if (migration.phase === 'copying' || migration.phase === 'cancelling') return stopCopy(turn, migration, null);
  const copy = findCopy(turn, migration);
  if (copy && migration.phase !== 'ran-on') destroy(turn, copy, 0);
  dropMigration(turn, migration.migrationId);
  report(turn);
}

function releaseTarget(turn: HostTurn, migration: HostMigration): void {
  if (migration.phase !== 'granted' && migration.phase !== 'destroyed') abandonTarget(turn, migration, null);
  dropMigration(turn, migration.migrationId);
  report(turn);
}

/** The source is proved dead by the controller, which grants in its place. */
export function grantByController(turn: HostTurn, order: OrderOf<'migration.grant'>): void {
  const migration = turn.state.migrations.get(order.migrationId);
  if (migration?.phase === 'awaiting-grant') runTarget(turn, migration);
}

export function migrationCallEnded(
  turn: HostTurn,
  migrationId: string,
  call: VmmCommand['call'],
  result: Result<unknown>,
): void {
  const migration = turn.state.migrations.get(migrationId);
  if (!migration) return;
  if (call === 'prepareIncoming') return prepareEnded(turn, migration, result as Result<Listening>);
  if (call === 'migrateOut' && !result.ok) return ranOn(turn, migration, result.refusal);
  if (call === 'resume') return resumeEnded(turn, migration, result);
  if (call === 'cancelMigration' && migration.phase === 'cancelling') {
    if (!result.ok) return; // asked again at the next tick
    if ((result.value as { cancelled: boolean }).cancelled) ranOn(turn, migration, null);
  }
}

interface Listening {
  readonly uri: string;
  readonly diskUri: string | null;
}

function prepareEnded(turn: HostTurn, migration: HostMigration, result: Result<Listening>): void {
  if (migration.phase !== 'preparing') return;
  if (result.ok) keepMigration(turn, { ...migration, phase: 'listening', ...result.value });
  else targetDestroyed(turn, migration, result.refusal);
  report(turn);
}

function resumeEnded(turn: HostTurn, migration: HostMigration, result: Result<unknown>): void {
  if (result.ok || migration.role !== 'target') return;
  // It was granted, so it must not run anywhere else with this memory: what cannot run is a crash.
  const copy = findCopy(turn, { guestId: migration.guestId, epoch: migration.targetEpoch });
  if (copy) keepCopy(turn, { ...copy, state: 'crashed', refusal: result.refusal });
  report(turn);
}

/** Deadlines and unanswered questions; nothing here acts twice on the same state. */
export function migrationTick(turn: HostTurn, migration: HostMigration): void {
  if (migration.phase === 'released') askForGrant(turn, migration);
  if (migration.phase === 'cancelling') callCancel(turn, migration);
  if (migration.phase === 'listening') abandonOrphan(turn, migration);
  if (migration.phase === 'copying' && migration.policy) watchDeadline(turn, migration, migration.policy);
}

/** The deadline is the memory's, which may not converge. A disk always does, and is given up when it stands still. */
function watchDeadline(turn: HostTurn, migration: HostMigration, policy: MigrationPolicy): void {
  const since = Math.max(migration.startedAt, turn.state.diskMovedAt.get(migration.migrationId) ?? 0);
  if (turn.now - since <= policy.copyDeadlineMs) return;
  const stuck = `No more of the disk went over for ${formatDuration(policy.copyDeadlineMs)}: look at the storage and the network of the target.`;
  stopCopy(
    turn,
    migration,
    migration.diskUri === null
      ? notConverging(turn, migration, policy)
      : refused('migration-not-converging', stuck).refusal,
  );
}

export function noteProgress(turn: HostTurn, { migrationId }: HostMigration, progress: MigrationProgress): void {
  const before = turn.state.progress.get(migrationId);
  // `iteration` 0 is the disk, before the first pass over the memory.
  if (progress.iteration === 0 && progress.transferredBytes !== before?.transferredBytes)
    turn.state.diskMovedAt.set(migrationId, turn.now);
  turn.state.progress.set(migrationId, progress);
}

/** A target whose stream never began does not notice that its source is dead, and would listen for ever. */
function abandonOrphan(turn: HostTurn, migration: HostMigration): void {
  const orphanedAt = turn.state.orphanedAt.get(migration.migrationId);
  if (orphanedAt === undefined || turn.now - orphanedAt < streamEndMs) return;
  const message = 'The VMM of the source died before it had sent the whole of the guest.';
  abandonTarget(turn, migration, refused('source-lost', message).refusal);
}

function notConverging(turn: HostTurn, migration: HostMigration, policy: MigrationPolicy): Refusal {
  const progress = turn.state.progress.get(migration.migrationId);
  const rates = progress
    ? `dirtied ${Math.round(progress.dirtyBytesPerSecond / 1e6)} MB/s against ${Math.round(progress.bytesPerSecond / 1e6)} MB/s copied, ${Math.round(progress.remainingBytes / 1e6)} MB left`
    : 'no progress was seen';
  return refused(
    'migration-not-converging',
    `The copy did not converge within ${formatDuration(policy.copyDeadlineMs)} (${rates}). Allow auto-converge, post-copy, more bandwidth or a longer deadline in the pool's migration policy.`,
  ).refusal;
}

/** The VMM of a migration's copy ended by itself. True: this was the migration's to handle. */
export function migrationExited(turn: HostTurn, migration: HostMigration, reason: string): boolean {
  const refusal = refused(migration.role === 'source' ? 'source-lost' : 'target-lost', reason).refusal;
  if (migration.role === 'target') {
    if (migration.phase === 'granted' || migration.phase === 'destroyed') return false;
    targetDestroyed(turn, migration, refusal);
    return true;
  }
  switch (migration.phase) {
    case 'copying':
    case 'cancelling':
      // The target may hold a complete copy: it is the one that knows.
      releaseSource(turn, migration, true);
      return true;
    case 'released':
      keepMigration(turn, { ...migration, sourceDead: true });
      return true;
    case 'handed-over':
      dropCopy(turn, migration);
      return true;
    default:
      return false;
  }
}
