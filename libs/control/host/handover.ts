import type { PeerAnswer, PeerRequest } from '@argosy/domain/peer-message';
import { refused } from '@argosy/domain/refusal';
import type { Refusal } from '@argosy/domain/refusal';
import type { HostMigration } from '../host-types';
import { destroy } from './guests';
import {
  callVmm,
  copyKey,
  dropCopy,
  findCopy,
  type HostTurn,
  isCalling,
  keepCopy,
  keepMigration,
  liveOf,
  report,
  revoke,
} from './turn';

/**
 * The hand-over of a migration: the one moment at which a guest changes hosts. The source journals `released` and never
 * runs that epoch again unless the target answers that its copy is destroyed; the target journals `granted`, and only
 * then runs. The target's journal is the arbiter, and its answer is the same however often it is asked.
 */

/** A grant that is not answered is asked again; the target holds it until its copy is complete. */
const grantDeadlineMs = 1000;

export function releaseSource(turn: HostTurn, migration: HostMigration, sourceDead: boolean): void {
  const instance = { guestId: migration.guestId, epoch: migration.epoch };
  const heartbeatAt = liveOf(turn.state, instance).heartbeat?.at ?? null;
  const released = keepMigration(turn, { ...migration, phase: 'released', sourceDead, heartbeatAt });
  askForGrant(turn, released);
  const copy = findCopy(turn, instance);
  if (copy) keepCopy(turn, { ...copy, state: 'released' });
  report(turn);
}

export function askForGrant(turn: HostTurn, migration: HostMigration): void {
  if (migration.peerAddress === null) return;
  if (
    isCalling(
      turn,
      (pending) =>
        pending.kind === 'migration' && pending.migrationId === migration.migrationId && pending.call === 'grant',
    )
  )
    return;
  const token = turn.state.nextToken++;
  turn.state.calls.set(token, { kind: 'migration', migrationId: migration.migrationId, call: 'grant' });
  const { migrationId, guestId, targetEpoch, sourceDead } = migration;
  const request: PeerRequest = {
    kind: 'grant',
    migrationId,
    guestId,
    epoch: targetEpoch,
    sourceDead,
    typed: typedFor(turn, migration),
  };
  turn.effects.push({
    kind: 'peer-request',
    token,
    address: migration.peerAddress,
    request,
    deadlineMs: grantDeadlineMs,
  });
}

function typedFor(turn: HostTurn, { migrationId }: HostMigration): string {
  return turn.state.typed.get(migrationId) ?? '';
}

export function grantAnswered(turn: HostTurn, migration: HostMigration, answer: PeerAnswer | null): void {
  // No answer: it is asked again at the next tick. An answer that comes after the release of the migration changes nothing.
  if (answer === null || answer.kind === 'not-ready' || migration.phase !== 'released') return;
  if (answer.kind === 'granted') handedOver(turn, migration);
  else if (migration.sourceDead) sourceLost(turn, migration);
  else
    takeBack(
      turn,
      migration,
      refused('target-lost', 'The target lost its copy before the hand-over; the guest runs on at the source.').refusal,
    );
  report(turn);
}

function handedOver(turn: HostTurn, migration: HostMigration): void {
  // A start of this epoch that comes again must find it revoked even when what is left of the copy has died by then.
  revoke(turn, migration.guestId, migration.epoch);
  turn.state.typed.delete(migration.migrationId);
  keepMigration(turn, { ...migration, phase: 'handed-over' });
}

function sourceLost(turn: HostTurn, migration: HostMigration): void {
  const refusal = refused('source-lost', 'The VMM of the source ended before the target had a complete copy.').refusal;
  keepMigration(turn, { ...migration, phase: 'lost', refusal });
  const copy = findCopy(turn, migration);
  if (copy) keepCopy(turn, { ...copy, state: 'crashed', refusal });
}

/** Only after the target's own word that its copy is destroyed and was never granted. */
function takeBack(turn: HostTurn, migration: HostMigration, refusal: Refusal): void {
  keepMigration(turn, { ...migration, phase: 'ran-on', refusal });
  const copy = findCopy(turn, migration);
  if (!copy) return;
  keepCopy(turn, { ...copy, state: 'paused' });
  const instance = { guestId: copy.guestId, epoch: copy.epoch };
  const typed = typedFor(turn, migration);
  turn.state.typed.delete(migration.migrationId);
  callVmm(turn, { kind: 'guest', key: copyKey(copy), call: 'resume' }, { call: 'resume', instance, typed });
}

/** The target's side of a grant. */
export function answerGrant(turn: HostTurn, requestId: string, request: PeerRequest): void {
  // An agent listens before it knows what it has journalled: a migration that it granted would seem forgotten.
  if (!turn.state.awake) return answer(turn, requestId, { kind: 'not-ready' });
  const migration = turn.state.migrations.get(request.migrationId);
  if (!migration) return answerForgotten(turn, requestId, request);
  if (migration.phase === 'granted') return answer(turn, requestId, { kind: 'granted' });
  if (migration.phase === 'awaiting-grant') {
    runTarget(turn, migration, request.typed);
    return answer(turn, requestId, { kind: 'granted' });
  }
  if (migration.phase !== 'listening' && migration.phase !== 'preparing')
    return answer(turn, requestId, { kind: 'destroyed' });
  const earlier = turn.state.heldGrants.get(migration.migrationId);
  if (earlier !== undefined) answer(turn, earlier.requestId, { kind: 'not-ready' });
  turn.state.heldGrants.set(migration.migrationId, { requestId, typed: request.typed });
  if (request.sourceDead && !turn.state.orphanedAt.has(migration.migrationId))
    turn.state.orphanedAt.set(migration.migrationId, turn.now);
}

/**
 * A migration that was forgotten here ended one way or the other: its guest runs here at the granted epoch or a later
 * one, or it never will.
 */
function answerForgotten(turn: HostTurn, requestId: string, request: PeerRequest): void {
  if (findCopy(turn, request)) return answer(turn, requestId, { kind: 'granted' });
  revoke(turn, request.guestId, request.epoch);
  answer(turn, requestId, { kind: 'destroyed' });
}

function answer(turn: HostTurn, requestId: string, peerAnswer: PeerAnswer): void {
  turn.effects.push({ kind: 'peer-answer', requestId, answer: peerAnswer });
}

function answerHeld(turn: HostTurn, migrationId: string, peerAnswer: PeerAnswer): void {
  const held = turn.state.heldGrants.get(migrationId);
  if (held === undefined) return;
  turn.state.heldGrants.delete(migrationId);
  answer(turn, held.requestId, peerAnswer);
}

/** Memory is complete, the disk's lock is held: run if the grant was here first, else wait for it. */
export function targetComplete(turn: HostTurn, migration: HostMigration): void {
  const held = turn.state.heldGrants.get(migration.migrationId);
  if (held) {
    runTarget(turn, migration, held.typed);
    answerHeld(turn, migration.migrationId, { kind: 'granted' });
  } else keepMigration(turn, { ...migration, phase: 'awaiting-grant' });
  report(turn);
}

export function runTarget(turn: HostTurn, migration: HostMigration, typed = ''): void {
  const instance = { guestId: migration.guestId, epoch: migration.targetEpoch };
  keepMigration(turn, { ...migration, phase: 'granted' });
  callVmm(
    turn,
    { kind: 'migration', migrationId: migration.migrationId, call: 'resume' },
    { call: 'resume', instance, typed },
  );
  const copy = findCopy(turn, instance);
  if (copy) keepCopy(turn, { ...copy, state: 'running' });
  report(turn);
}

/** The same for a copy whose VMM still lives: the journal says destroyed before the VMM is, so that no grant can be given. */
export function abandonTarget(turn: HostTurn, migration: HostMigration, refusal: Refusal | null): void {
  const copy = findCopy(turn, { guestId: migration.guestId, epoch: migration.targetEpoch });
  targetDestroyed(turn, migration, refusal);
  if (!copy) return;
  keepCopy(turn, copy);
  destroy(turn, copy, 0);
}

/** The target's copy is gone before any grant: it never runs, and the source is told so when it asks. */
export function targetDestroyed(turn: HostTurn, migration: HostMigration, refusal: Refusal | null): void {
  const instance = { guestId: migration.guestId, epoch: migration.targetEpoch };
  revoke(turn, instance.guestId, instance.epoch);
  keepMigration(turn, { ...migration, phase: 'destroyed', refusal });
  dropCopy(turn, instance);
  answerHeld(turn, migration.migrationId, { kind: 'destroyed' });
  report(turn);
}
