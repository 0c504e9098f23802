import type { Guest, Host, Migration } from '@argosy/domain/entities';
import type { MigrationObservation } from '@argosy/domain/host-report';
import { formatDuration, sentence } from '@argosy/domain/units';
import { cancelPatienceMs, openTargetDeadlineMs } from '../defaults';
import { specificationOf } from '../guest-specification';
import { guestLost } from './guests';
import {
  backingOf,
  clearSource,
  clearTarget,
  diskCopyFor,
  isRelocation,
  movedGuest,
  newMigration,
  noteProgress,
  policyFor,
  settleDisk,
  takeDisk,
} from './moving-disks';
import { closePlacement, openPlacement, promisableOf } from './placement';
import { awaitsReports, isSeenAfter } from './restored';
import { beginTask, endTasks } from './tasks';
import {
  becomeGuest,
  becomeMigration,
  type FleetTurn,
  hostName,
  isHeard,
  isOff,
  nextAttempt,
  observe,
  observeMigration,
  order,
  put,
  putEnded,
  record,
  settled,
  viewOf,
} from './turn';

/**
 * Records the target and reserves the next epoch, before anything is opened: from here on failover needs proof for both
 * hosts. With `datastoreId` the guest's disk goes there with it.
 */
export function beginMigration(
  turn: FleetTurn,
  guest: Guest,
  target: Host,
  { reason, datastoreId = null }: { readonly reason: string; readonly datastoreId?: string | null },
): Migration {
  const { fleet } = turn;
  if (guest.hostId === null) throw new Error(`Guest ${guest.name} is nowhere and cannot migrate.`);
  const epoch = Math.max(guest.epoch, guest.reservedEpoch) + 1;
  const migrating = becomeGuest(turn, { ...guest, reservedEpoch: epoch }, 'migrating', `to ${target.name}`);
  const migration = newMigration(turn, guest, {
    sourceHostId: guest.hostId,
    targetHostId: target.id,
    targetDatastoreId: datastoreId,
    epoch,
    step: 'open-target',
    reason,
  });
  put(turn, 'migration', migration);
  beginTask(turn, 'guest.migrate', ['guest', guest.id]);
  record(turn, {
    code: 'migration-begun',
    subject: ['guest', guest.id],
    message: `${guest.name} migrates from ${hostName(fleet, migration.sourceHostId)} to ${target.name}${toDatastore(turn, migration)}: ${reason}.`,
    details: { migrationId: migration.id, epoch },
  });
  openTarget(turn, migration, migrating, target);
  return migration;
}

function toDatastore({ fleet }: FleetTurn, { targetDatastoreId }: Migration): string {
  return targetDatastoreId === null ? '' : `, with its disk to ${fleet.datastores.get(targetDatastoreId)?.name}`;
}

function openTarget(turn: FleetTurn, migration: Migration, guest: Guest, target: Host): void {
  const prepare = {
    kind: 'migration.prepare' as const,
    migrationId: migration.id,
    guest: specificationOf(turn.fleet, movedGuest(guest, migration)),
    epoch: migration.epoch,
    hostMemoryMiB: promisableOf(turn, target),
    policy: policyFor(turn, guest, migration),
    disk: diskCopyFor(turn.fleet, guest, migration),
  };
  order(turn, `prepare:${migration.id}`, target, prepare);
}

/** An answer that the target gave before its power was cut has arrived by then. */
const answerMarginMs = 500;
/** The source's copy is kept this long after the commit, until the target's first heartbeat tells what the guest missed. */
const gapDeadlineMs = 1_000;

interface Sides {
  readonly guest: Guest;
  readonly source: Host;
  readonly target: Host;
  /** What each side shows, or null: nothing, or not heard. */
  readonly sourceSeen: MigrationObservation | null;
  readonly targetSeen: MigrationObservation | null;
  /** Proved off: whatever it held is destroyed. */
  readonly sourceOff: boolean;
  readonly targetOff: boolean;
}

function sidesOf(turn: FleetTurn, migration: Migration): Sides | null {
  const guest = turn.fleet.guests.get(migration.guestId);
  const source = turn.fleet.hosts.get(migration.sourceHostId);
  const target = turn.fleet.hosts.get(migration.targetHostId);
  if (!guest || !source || !target) return null;
  return {
    guest,
    source,
    target,
    sourceSeen: observeMigration(turn, source.id, migration.id),
    targetSeen: observeMigration(turn, target.id, migration.id),
    sourceOff: isOff(source),
    targetOff: isOff(target),
  };
}

/** Takes one migration as far as what its two hosts show allows. */
export function reconcileMigration(turn: FleetTurn, migration: Migration): void {
  if (isRelocation(migration)) return; // its disk operation decides
  const sides = sidesOf(turn, migration);
  if (!sides) return;
  const current = noteSides(turn, migration, sides);
  if (current.step === 'release') return reconcileRelease(turn, current, sides);
  // What either side shows as decided is decided, whatever step was recorded last.
  if (ranOnTarget(turn, current, sides)) return commit(turn, current, sides);
  if (ranOnSource(current, sides)) return endAtSource(turn, current, sides);
  if (bothDead(turn, current, sides)) {
    if (awaitsReports(turn, sides.guest.poolId)) return;
    return isSeenAfter(turn, sides.guest, current.epoch)
      ? failAtSource(turn, current, sides.guest, 'the guest has gone on since: the record was behind')
      : crashed(turn, current, sides);
  }
  switch (current.step) {
    case 'open-target':
      return reconcileOpen(turn, current, sides);
    case 'copy':
    case 'cancelling':
    case 'switch-over':
    case 'settling':
      return reconcileCopy(turn, current, sides);
    default:
      return;
  }
}

function noteSides(turn: FleetTurn, migration: Migration, sides: Sides): Migration {
  return noteProgress(turn, migration, {
    progress: sides.sourceSeen?.progress ?? null,
    downtimeMs: sides.sourceSeen?.downtimeMs ?? migration.downtimeMs,
    guestSeenDowntimeMs: gapOf(sides) ?? migration.guestSeenDowntimeMs,
  });
}

/** Between the last heartbeat heard on the source and the first on the target, by the two hosts' clocks. */
function gapOf({ sourceSeen, targetSeen }: Sides): number | null {
  if (sourceSeen?.heartbeatAt == null || targetSeen?.heartbeatAt == null) return null;
  return Math.max(0, targetSeen.heartbeatAt - sourceSeen.heartbeatAt);
}

function ranOnTarget(turn: FleetTurn, migration: Migration, { targetSeen, target, sourceSeen }: Sides): boolean {
  if (targetSeen?.phase === 'granted' || sourceSeen?.phase === 'handed-over') return true;
  const copy = observe(turn, target.id, migration.guestId, migration.epoch).guest;
  return (
    copy !== null &&
    (copy.state === 'running' || copy.state === 'paused' || copy.state === 'crashed' || copy.state === 'stopped') &&
    targetSeen === null
  );
}

function ranOnSource(migration: Migration, { sourceSeen }: Sides): boolean {
  return sourceSeen?.phase === 'ran-on' && migration.step !== 'release';
}

/** The source's VMM is dead without a hand-over and the target holds nothing that may run. */
function bothDead(turn: FleetTurn, migration: Migration, sides: Sides): boolean {
  const { sourceSeen, targetSeen, sourceOff, targetOff, source } = sides;
  if (sourceSeen?.phase === 'lost') return true;
  if (targetOff && (sourceOff || (sourceSeen?.phase === 'released' && isUnanswered(turn, sides)))) return true;
  const targetEmpty =
    targetOff ||
    targetSeen?.phase === 'destroyed' ||
    targetSeen?.phase === 'lost' ||
    isForgotten(turn, migration, sides);
  if (sourceOff && targetEmpty) return true;
  return sourceSeen === null && isHeard(source) && sourceCopyDead(turn, migration, sides) && targetEmpty;
}

/**
 * Released, and the target was proved off with the question unanswered: it may have run, and the disk gone on, so the
 * source's memory is of no use. The source must have been heard since, in case the answer was still on its way.
 */
function isUnanswered({ fleet }: FleetTurn, { source, target }: Sides): boolean {
  const offSince = viewOf(fleet, target.id).offSince ?? fleet.silenceSince;
  const heardAt = viewOf(fleet, source.id).heardAt;
  return heardAt !== null && heardAt > offSince + answerMarginMs;
}

/** The target answers and shows nothing of this migration, after every command that could make it has expired. */
function isForgotten(turn: FleetTurn, migration: Migration, { target, targetSeen }: Sides): boolean {
  if (targetSeen !== null || !isHeard(target)) return false;
  const { reported, guest } = observe(turn, target.id, migration.guestId, migration.epoch);
  const prepared = turn.fleet.outstanding.get(`prepare:${migration.id}`);
  return reported && guest === null && (prepared === undefined || turn.now > prepared.notAfter + 1_000);
}

function sourceCopyDead(turn: FleetTurn, { guestId }: Migration, { guest, source }: Sides): boolean {
  const { reported, guest: copy } = observe(turn, source.id, guestId, guest.epoch);
  return reported && (copy === null || copy.state === 'crashed' || copy.state === 'stopped' || copy.state === 'failed');
}

function reconcileOpen(turn: FleetTurn, migration: Migration, sides: Sides): void {
  const { guest, source, target, targetSeen, sourceOff, targetOff } = sides;
  if (awaitsReports(turn, guest.poolId)) return;
  if (sourceOff) return failAtSource(turn, migration, guest, `${source.name} is off`);
  const since = migration.steps.find((each) => each.step === 'open-target')?.at ?? migration.createdAt;
  if (targetSeen?.phase === 'destroyed' || targetOff)
    return failAtSource(turn, migration, guest, targetSeen?.refusal?.message ?? `${target.name} is off`);
  if (sourceCopyDead(turn, migration, sides) && isHeard(source))
    return failAtSource(turn, migration, guest, 'the guest ended at the source before the copy began');
  if (turn.now - since > openTargetDeadlineMs)
    return failAtSource(
      turn,
      migration,
      guest,
      `${target.name} did not open the guest within ${formatDuration(openTargetDeadlineMs)}`,
    );
  if (targetSeen?.phase === 'listening' && targetSeen.uri !== null) {
    settled(turn, `prepare:${migration.id}`);
    const copying = becomeMigration(turn, migration, 'copy');
    if (isHeard(source)) sendStart(turn, copying, sides, targetSeen);
  } else if (isHeard(target) && targetSeen === null) openTarget(turn, migration, guest, target);
}

function sendStart(
  turn: FleetTurn,
  migration: Migration,
  { guest, source, target }: Sides,
  { uri, diskUri }: MigrationObservation,
): void {
  if (uri === null) return;
  const disk = diskUri === null ? null : { uri: diskUri, backingPath: backingOf(turn.fleet, guest) };
  order(turn, `copy:${migration.id}`, source, {
    kind: 'migration.start',
    migrationId: migration.id,
    guestId: guest.id,
    epoch: guest.epoch,
    targetEpoch: migration.epoch,
    targetUri: uri,
    targetPeerAddress: target.peerAddress,
    policy: policyFor(turn, guest, migration),
    disk,
  });
}

function reconcileCopy(turn: FleetTurn, migration: Migration, sides: Sides): void {
  const { guest, source, target, sourceSeen, targetSeen, sourceOff, targetOff } = sides;
  if (sourceSeen?.phase === 'released' && migration.step !== 'switch-over')
    becomeMigration(turn, migration, 'switch-over');
  if (sourceSeen?.phase === 'cancelling' && isPatienceOver(turn, migration, sides))
    order(turn, `abandon:${migration.id}`, target, {
      kind: 'migration.release',
      migrationId: migration.id,
      guestId: guest.id,
    });
  if (sourceSeen?.phase === 'copying' && (targetOff || targetSeen?.phase === 'destroyed'))
    return order(turn, `cancel:${migration.id}`, source, {
      kind: 'migration.cancel',
      migrationId: migration.id,
      guestId: guest.id,
    });
  if (migration.step === 'cancelling' && isHeard(source) && sourceSeen?.phase !== 'released')
    return order(turn, `cancel:${migration.id}`, source, {
      kind: 'migration.cancel',
      migrationId: migration.id,
      guestId: guest.id,
    });
  if (sourceOff && targetSeen?.phase === 'awaiting-grant')
    // The source is proved dead and the target holds the whole guest: the controller grants in its place.
    return order(turn, `grant:${migration.id}`, target, {
      kind: 'migration.grant',
      migrationId: migration.id,
      guestId: guest.id,
      epoch: migration.epoch,
    });
  if (sourceOff && (targetSeen?.phase === 'listening' || targetSeen?.phase === 'preparing'))
    return order(turn, `abandon:${migration.id}`, target, {
      kind: 'migration.release',
      migrationId: migration.id,
      guestId: guest.id,
    });
  if (migration.step !== 'copy' || sourceSeen !== null || !isHeard(source)) return;
  if (targetSeen?.phase === 'listening' && targetSeen.uri !== null) sendStart(turn, migration, sides, targetSeen);
  else if (targetOff || targetSeen?.phase === 'destroyed')
    // The start may still be on its way: the cancel leaves a mark at the source that refuses it.
    order(turn, `cancel:${migration.id}`, source, {
      kind: 'migration.cancel',
      migrationId: migration.id,
      guestId: guest.id,
    });
}

/**
 * A cancel takes milliseconds. One that takes longer waits for a target that does not answer, and the guest may wait with
 * it: then the target goes, if it has not got all that it needs to run.
 */
function isPatienceOver(turn: FleetTurn, migration: Migration, { target, targetSeen }: Sides): boolean {
  if (targetSeen?.phase !== 'listening' && targetSeen?.phase !== 'preparing') return false;
  return (nextAttempt(turn, `patience:${migration.id}`, target.incarnation, cancelPatienceMs) ?? 0) > 1;
}

/** The target journalled its grant: it is the guest now. One transaction closes the old placement and opens the new. */
function commit(turn: FleetTurn, migration: Migration, sides: Sides): void {
  const { guest, target } = sides;
  const committed = becomeMigration(
    turn,
    migration.step === 'open-target' ? becomeMigration(turn, migration, 'copy') : migration,
    'commit',
  );
  const closed = closePlacement(turn, guest, `migrated to ${target.name}`);
  const opened = openPlacement(turn, closed, target.id, migration.epoch, `migration: ${migration.reason}`);
  const { datastoreId } = movedGuest(guest, migration);
  becomeGuest(turn, opened, 'running', '', { movedAt: turn.now, datastoreId });
  takeDisk(turn, guest, migration);
  const releasing = becomeMigration(turn, committed, 'release');
  const took = formatDuration(turn.now - migration.createdAt);
  record(turn, {
    code: 'migration-committed',
    subject: ['guest', guest.id],
    message: `${guest.name} runs on ${target.name} at epoch ${migration.epoch}, ${took} after the request.`,
    details: { migrationId: migration.id, tookMs: turn.now - migration.createdAt },
  });
  endTasks(turn, guest.id, ['guest.migrate'], 'succeeded', `runs on ${target.name}`);
  reconcileRelease(turn, releasing, sides);
}

/**
 * The source destroys what is left of the guest there, and both sides forget the migration: the source first. One that was away in
 * between asks the target whether it may run on, and the target's journal is all that tells it that the guest has gone, if
 * that has been stopped or has moved on since.
 */
function reconcileRelease(turn: FleetTurn, migration: Migration, sides: Sides): void {
  const { source, target, sourceSeen, targetSeen, sourceOff, targetOff, guest } = sides;
  const view = turn.fleet.views.get(source.id);
  const oldCopies = view?.guests.get(guest.id)?.some((copy) => copy.epoch < migration.epoch) ?? false;
  const isUntold = (view?.report ?? null) === null;
  const atSource = !sourceOff && (isUntold || sourceSeen !== null || oldCopies);
  const atTarget = !targetOff && targetSeen !== null;
  if (!atSource && !atTarget) return end(turn, migration, 'done', null);
  const gapMayCome =
    migration.guestSeenDowntimeMs === null &&
    sourceSeen?.heartbeatAt != null &&
    turn.now - lastStepAt(migration) < gapDeadlineMs;
  if (gapMayCome) return;
  const release = { kind: 'migration.release' as const, migrationId: migration.id, guestId: guest.id };
  if (atSource && isHeard(source)) order(turn, `release:${migration.id}`, source, release);
  if (!atSource && atTarget && isHeard(target)) order(turn, `unprepare:${migration.id}`, target, release);
}

function lastStepAt(migration: Migration): number {
  return migration.steps[migration.steps.length - 1]?.at ?? migration.createdAt;
}

/** The source said that it runs on: no grant was or will be given. */
function endAtSource(turn: FleetTurn, migration: Migration, sides: Sides): void {
  const { sourceSeen, guest } = sides;
  const refusal = sourceSeen?.refusal ?? null;
  if (refusal === null) return cancelled(turn, migration, guest);
  failAtSource(turn, migration, guest, refusal.message);
}

export function cancelled(turn: FleetTurn, migration: Migration, guest: Guest): void {
  const between = { 'open-target': 'cancelling', copy: 'cancelling', 'switch-over': 'settling' } as const;
  const step = between[migration.step as keyof typeof between];
  end(turn, step ? becomeMigration(turn, migration, step) : migration, 'cancelled', null);
  backToRunning(turn, guest);
}

function failAtSource(turn: FleetTurn, migration: Migration, guest: Guest, failure: string): void {
  end(turn, migration, 'failed', failure);
  backToRunning(turn, guest);
}

function backToRunning(turn: FleetTurn, guest: Guest): void {
  becomeGuest(turn, guest, 'running', '');
}

/** No complete copy is left: the guest starts once again from its disk, and the record calls it a crash. */
function crashed(turn: FleetTurn, migration: Migration, sides: Sides): void {
  const { guest } = sides;
  const { sourceSeen, targetOff } = sides;
  // The target's own word that it has nothing is as good as its disk's. One that is off has given none.
  // Before the copy was asked for nothing could be granted, and nothing may lie there.
  const isCopied = migration.steps.some(({ step }) => step === 'copy');
  const isUnsettled = targetOff && isCopied && sourceSeen?.phase !== 'lost';
  end(turn, migration, 'failed', 'neither side holds a complete copy of the guest any more', isUnsettled);
  record(turn, {
    code: 'guest-crashed',
    severity: 'error',
    subject: ['guest', guest.id],
    message: `${guest.name} crashed in its migration: the VMM that held its only complete copy died. It starts again from its disk.`,
    details: { migrationId: migration.id },
  });
  guestLost(turn, guest, 'lost in a migration');
}

function end(
  turn: FleetTurn,
  migration: Migration,
  step: 'done' | 'failed' | 'cancelled',
  failure: string | null,
  isUnsettled = false,
): void {
  const ended = {
    ...(migration.step === step ? migration : becomeMigration(turn, migration, step)),
    failure,
    endedAt: turn.now,
  };
  putEnded(turn, 'migration', ended);
  for (const purpose of ['prepare', 'copy', 'cancel', 'grant', 'abandon', 'release', 'unprepare', 'patience'])
    settled(turn, `${purpose}:${migration.id}`);
  const guest = turn.fleet.guests.get(migration.guestId);
  const clear = step === 'done' ? clearSource : isUnsettled ? settleDisk : clearTarget;
  if (guest) clear(turn, guest, ended);
  if (step === 'done') return;
  record(turn, {
    code: `migration-${step}`,
    severity: step === 'failed' ? 'warning' : 'information',
    subject: ['guest', migration.guestId],
    message: `The migration of ${guest?.name ?? migration.guestId} to ${hostName(turn.fleet, migration.targetHostId)} ${step === 'failed' ? sentence(`failed: ${failure}`) : 'was cancelled.'}`,
    details: { migrationId: migration.id },
  });
  endTasks(turn, migration.guestId, ['guest.migrate'], step, failure ?? step);
}

/** Migrations that a host still shows and the record has ended: it is told to forget them, and to destroy what they hold. */
export function reconcileForgotten(turn: FleetTurn, hostId: string): void {
  const host = turn.fleet.hosts.get(hostId);
  const view = turn.fleet.views.get(hostId);
  if (!host || !view || !isHeard(host)) return;
  for (const seen of view.migrations.values()) {
    if (turn.fleet.migrations.has(seen.migrationId)) continue;
    order(turn, `forget:${seen.migrationId}:${hostId}`, host, {
      kind: 'migration.release',
      migrationId: seen.migrationId,
      guestId: seen.guestId,
    });
  }
}
