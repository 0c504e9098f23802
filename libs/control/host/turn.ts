import type { MigrationPhase } from '@argosy/domain/host-report';
import type { Refusal } from '@argosy/domain/refusal';
import type { Instant } from '@argosy/domain/units';
import type { HostEffect, HostGuest, HostGuestLive, HostMigration, HostState, PendingCall } from '../host-types';
import type { VmmCommand, VmmInstance } from '../ports/vmm-driver';

/** One step of the host brain: its state, its clock, and what it wants done, in order. */
export interface HostTurn {
  readonly state: HostState;
  readonly now: Instant;
  readonly effects: HostEffect[];
}

export function copyKey(instance: VmmInstance): string {
  return `${instance.guestId}:${instance.epoch}`;
}

export function findCopy(turn: HostTurn, instance: VmmInstance): HostGuest | undefined {
  return turn.state.guests.get(copyKey(instance));
}

export function copiesOf(turn: HostTurn, guestId: string): readonly HostGuest[] {
  return [...turn.state.guests.values()].filter((copy) => copy.guestId === guestId);
}

/** Its VMM is there, or may be. */
export function isAlive(copy: HostGuest): boolean {
  return copy.state !== 'stopped' && copy.state !== 'crashed' && copy.state !== 'failed';
}

/** What is not known to have run did not crash: its start failed, and nothing can be concluded from its having been there. */
export function endOf({ state }: HostGuest, how: 'stopped' | 'crashed'): 'stopped' | 'crashed' | 'failed' {
  return state === 'starting' && how === 'crashed' ? 'failed' : how;
}

export function keepCopy(turn: HostTurn, copy: HostGuest): void {
  turn.state.guests.set(copyKey(copy), copy);
  turn.effects.push({ kind: 'journal', entry: { key: `guest/${copyKey(copy)}`, value: copy } });
}

export function dropCopy(turn: HostTurn, instance: VmmInstance): void {
  const key = copyKey(instance);
  turn.state.guests.delete(key);
  turn.state.live.delete(key);
  turn.effects.push({ kind: 'journal', entry: { key: `guest/${key}`, value: null } });
}

export function keepMigration(turn: HostTurn, migration: HostMigration): HostMigration {
  turn.state.migrations.set(migration.migrationId, migration);
  turn.effects.push({ kind: 'journal', entry: { key: `migration/${migration.migrationId}`, value: migration } });
  return migration;
}

export function dropMigration(turn: HostTurn, migrationId: string): void {
  turn.state.migrations.delete(migrationId);
  turn.state.progress.delete(migrationId);
  turn.state.typed.delete(migrationId);
  turn.state.orphanedAt.delete(migrationId);
  turn.state.diskMovedAt.delete(migrationId);
  turn.effects.push({ kind: 'journal', entry: { key: `migration/${migrationId}`, value: null } });
}

/** From now on this epoch of the guest, and each one before it, never starts here. */
export function revoke(turn: HostTurn, guestId: string, epoch: number): void {
  if ((turn.state.revoked.get(guestId) ?? 0) >= epoch) return;
  turn.state.revoked.set(guestId, epoch);
  turn.effects.push({ kind: 'journal', entry: { key: `revoked/${guestId}`, value: { kind: 'mark', number: epoch } } });
}

export function callVmm(turn: HostTurn, pending: PendingCall, command: VmmCommand): void {
  const token = turn.state.nextToken++;
  turn.state.calls.set(token, pending);
  turn.effects.push({ kind: 'vmm', token, command });
}

export function isCalling(turn: HostTurn, matches: (pending: PendingCall) => boolean): boolean {
  for (const pending of turn.state.calls.values()) if (matches(pending)) return true;
  return false;
}

export function report(turn: HostTurn): void {
  turn.effects.push({ kind: 'report' });
}

const keptRefusals = 20;

export function refuseCommand(turn: HostTurn, commandId: string, refusal: Refusal): void {
  turn.state.refusals.push({ commandId, at: turn.now, refusal });
  if (turn.state.refusals.length > keptRefusals) turn.state.refusals.shift();
  report(turn);
}

export function liveOf(state: HostState, instance: VmmInstance): HostGuestLive {
  const key = copyKey(instance);
  const known = state.live.get(key);
  if (known) return known;
  const fresh: HostGuestLive = { heartbeat: null, usage: null, sample: null, sampledAt: null };
  state.live.set(key, fresh);
  return fresh;
}

/** The migration that this copy is the source or the target of: the one under way, else the latest that ended. */
export function migrationOf(turn: HostTurn, instance: VmmInstance): HostMigration | undefined {
  let found: HostMigration | undefined;
  for (const migration of turn.state.migrations.values()) {
    const epoch = migration.role === 'source' ? migration.epoch : migration.targetEpoch;
    if (migration.guestId !== instance.guestId || epoch !== instance.epoch) continue;
    if (!found || isUnderway(migration) || !isUnderway(found)) found = migration;
  }
  return found;
}

const underway = new Set<MigrationPhase>([
  'preparing',
  'listening',
  'awaiting-grant',
  'copying',
  'cancelling',
  'released',
]);

/** Until its hand-over is answered, a migration knows better than the VMM's run state what its copy is. */
export function isUnderway(migration: HostMigration): boolean {
  return underway.has(migration.phase);
}
