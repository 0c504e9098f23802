import type { EventSeverity, Guest, Host, Migration, Pool, SubjectKind } from '@argosy/domain/entities';
import type { Snapshot } from '@argosy/domain/storage';
import type { HostOrder } from '@argosy/domain/host-command';
import type { GuestObservation, MigrationObservation } from '@argosy/domain/host-report';
import {
  canBecome,
  type GuestState,
  guestTransitions,
  type HostState,
  hostTransitions,
  type MaintenanceState,
  maintenanceTransitions,
  type MigrationStep,
  migrationTransitions,
  type SnapshotState,
  snapshotTransitions,
} from '@argosy/domain/lifecycle';
import type { Instant } from '@argosy/domain/units';
import type { Fleet, FleetEffect, HostView } from '../fleet-types';
import type { EntityKind, EntityRows, FleetWrite } from '../ports/fleet-store';
import { commandDeadlineMs } from '../defaults';
import { reindex } from './indexes';
import { noteRow } from './kept-clusters';

/** One step of the fleet brain: what it writes, and what it wants done once that is written. */
export interface FleetTurn {
  readonly fleet: Fleet;
  readonly now: Instant;
  readonly writes: FleetWrite[];
  readonly effects: FleetEffect[];
  /** Who asked, for the record; `argosy` where the brain acts by itself. */
  actor: string;
}

/** Where the rows of each kind are. */
export const collections = {
  pool: 'pools',
  host: 'hosts',
  fenceSecret: 'fenceSecrets',
  guest: 'guests',
  image: 'images',
  datastore: 'datastores',
  diskOperation: 'diskOperations',
  snapshot: 'snapshots',
  rule: 'rules',
  migration: 'migrations',
  recommendation: 'recommendations',
  drill: 'drills',
  roll: 'rolls',
  task: 'tasks',
  alarm: 'alarms',
} as const satisfies Partial<Record<EntityKind, keyof Fleet>>;

export function put<Kind extends EntityKind>(turn: FleetTurn, entity: Kind, row: EntityRows[Kind]): void {
  if (entity in collections) {
    const collection = turn.fleet[collections[entity as keyof typeof collections]] as Map<string, EntityRows[Kind]>;
    const before = collection.get(row.id);
    collection.set(row.id, row);
    reindex(turn.fleet.indexes, entity, before, row);
    noteRow(turn.fleet, entity, before, row);
  }
  turn.writes.push({ kind: 'put', entity, row } as FleetWrite);
}

/** What has ended is written and not kept in memory. */
export function putEnded<Kind extends keyof typeof collections>(
  turn: FleetTurn,
  entity: Kind,
  row: EntityRows[Kind],
): void {
  put(turn, entity, row);
  (turn.fleet[collections[entity]] as Map<string, unknown>).delete(row.id);
  reindex(turn.fleet.indexes, entity, row, undefined);
}

export function remove(turn: FleetTurn, entity: keyof typeof collections, id: string): void {
  const collection = turn.fleet[collections[entity]] as Map<string, EntityRows[typeof entity]>;
  const before = collection.get(id);
  collection.delete(id);
  if (before) {
    reindex(turn.fleet.indexes, entity, before, undefined);
    noteRow(turn.fleet, entity, before, null);
  }
  turn.writes.push({ kind: 'remove', entity, id });
}

/** A change of state that the table does not allow is a bug of ours, and stops the step before it is written. */
export function becomeGuest(
  turn: FleetTurn,
  guest: Guest,
  state: GuestState,
  reason: string,
  changes: Partial<Guest> = {},
): Guest {
  if (guest.state !== state && !canBecome(guestTransitions, guest.state, state))
    throw new Error(`Guest ${guest.name} cannot go from ${guest.state} to ${state}.`);
  const diskMade = guest.diskMade || state === 'running';
  const row: Guest = { ...guest, diskMade, ...changes, state, stateReason: reason };
  put(turn, 'guest', row);
  return row;
}

export function becomeHost(
  turn: FleetTurn,
  host: Host,
  state: HostState,
  reason: string,
  changes: Partial<Host> = {},
): Host {
  if (host.state !== state && !canBecome(hostTransitions, host.state, state))
    throw new Error(`Host ${host.name} cannot go from ${host.state} to ${state}.`);
  const row: Host = { ...host, ...changes, state, stateReason: reason };
  put(turn, 'host', row);
  return row;
}

export function becomeMigration(
  turn: FleetTurn,
  migration: Migration,
  step: MigrationStep,
  changes: Partial<Migration> = {},
): Migration {
  if (migration.step !== step && !canBecome(migrationTransitions, migration.step, step))
    throw new Error(`Migration ${migration.id} cannot go from ${migration.step} to ${step}.`);
  const steps = migration.step === step ? migration.steps : [...migration.steps, { step, at: turn.now }];
  const row: Migration = { ...migration, ...changes, step, steps };
  put(turn, 'migration', row);
  return row;
}

export function becomeSnapshot(
  turn: FleetTurn,
  snapshot: Snapshot,
  state: SnapshotState,
  changes: Partial<Snapshot> = {},
): void {
  if (!canBecome(snapshotTransitions, snapshot.state, state))
    throw new Error(`Snapshot ${snapshot.name} cannot go from ${snapshot.state} to ${state}.`);
  put(turn, 'snapshot', { ...snapshot, ...changes, state });
}

export interface RecordOf {
  readonly code: string;
  readonly severity?: EventSeverity;
  readonly subject: readonly [SubjectKind, string];
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

export function record(turn: FleetTurn, what: RecordOf): void {
  turn.writes.push({
    kind: 'record',
    record: {
      at: turn.now,
      code: what.code,
      severity: what.severity ?? 'information',
      subjectKind: what.subject[0],
      subjectId: what.subject[1],
      message: what.message,
      actor: turn.actor,
      details: what.details ?? {},
    },
  });
}

function alarmKey(code: string, subjectId: string): string {
  return `${code}/${subjectId}`;
}

/** One open alarm for a code and a subject: raising it again changes nothing. */
export function raiseAlarm(turn: FleetTurn, what: RecordOf): void {
  const id = alarmKey(what.code, what.subject[1]);
  if (turn.fleet.alarms.has(id)) return;
  put(turn, 'alarm', {
    id,
    code: what.code,
    subjectKind: what.subject[0],
    subjectId: what.subject[1],
    severity: what.severity ?? 'warning',
    message: what.message,
    raisedAt: turn.now,
    clearedAt: null,
  });
  record(turn, { ...what, severity: what.severity ?? 'warning', code: `alarm-raised.${what.code}` });
}

export function clearAlarm(turn: FleetTurn, code: string, subjectId: string): void {
  const alarm = turn.fleet.alarms.get(alarmKey(code, subjectId));
  if (!alarm) return;
  putEnded(turn, 'alarm', { ...alarm, clearedAt: turn.now });
  record(turn, {
    code: `alarm-cleared.${code}`,
    subject: [alarm.subjectKind, subjectId],
    message: `Over: ${alarm.message}`,
  });
}

/** The number of the attempt if it is time for one (the first, or the deadline of the last has passed), else null. */
export function nextAttempt(turn: FleetTurn, key: string, incarnation: number, deadlineMs: number): number | null {
  const { outstanding } = turn.fleet;
  const sent = outstanding.get(key);
  if (sent && turn.now <= sent.notAfter && sent.incarnation === incarnation) return null;
  const attempt = (sent?.attempt ?? 0) + 1;
  outstanding.set(key, { incarnation, sentAt: turn.now, notAfter: turn.now + deadlineMs, attempt });
  return attempt;
}

/**
 * Sends the order once, and again each time its deadline passes without the effect being seen: the caller asks while
 * the effect is missing. `key` says what the order is for.
 */
export function order(
  turn: FleetTurn,
  key: string,
  host: Host,
  hostOrder: HostOrder,
  deadlineMs = commandDeadlineMs,
): void {
  const { fleet, now } = turn;
  const attempt = nextAttempt(turn, key, host.incarnation, deadlineMs);
  if (attempt === null) return;
  const { id: hostId, incarnation, queue } = host;
  const command = {
    commandId: `${fleet.newId()}-${attempt}`,
    hostId,
    incarnation,
    term: fleet.term,
    notAfter: now + deadlineMs,
    order: hostOrder,
  };
  turn.effects.push({ kind: 'host-command', queue, command });
}

export function settled(turn: FleetTurn, key: string): void {
  turn.fleet.outstanding.delete(key);
}

export function viewOf(fleet: Fleet, hostId: string): HostView {
  const known = fleet.views.get(hostId);
  if (known) return known;
  const fresh: HostView = {
    heardAt: null,
    heldUntil: null,
    heldBefore: null,
    beats: null,
    datastoreHeardAt: null,
    lease: null,
    offSince: null,
    report: null,
    guests: new Map(),
    migrations: new Map(),
  };
  fleet.views.set(hostId, fresh);
  return fresh;
}

/** What the host's latest report of its present incarnation says of this copy; a missing report says nothing. */
export function observe(
  turn: Pick<FleetTurn, 'fleet'>,
  hostId: string,
  guestId: string,
  epoch: number,
): { readonly reported: boolean; readonly guest: GuestObservation | null } {
  const host = turn.fleet.hosts.get(hostId);
  const view = turn.fleet.views.get(hostId);
  if (!host || !view?.report || view.report.incarnation !== host.incarnation) return { reported: false, guest: null };
  return { reported: true, guest: view.guests.get(guestId)?.find((each) => each.epoch === epoch) ?? null };
}

export function observeMigration(turn: FleetTurn, hostId: string, migrationId: string): MigrationObservation | null {
  const host = turn.fleet.hosts.get(hostId);
  const view = turn.fleet.views.get(hostId);
  if (!host || view?.report?.incarnation !== host.incarnation) return null;
  return view.migrations.get(migrationId) ?? null;
}

/** Its agent hears commands and tells what is there. */
export function isHeard(host: Host): boolean {
  return host.state === 'online' || host.state === 'suspect';
}

/** When what was on a host and has ended was last known to live: that it ended is told at once, unless its host was silent. */
export function lastKnownToLive({ fleet, now }: FleetTurn, hostId: string | null): Instant {
  const host = fleet.hosts.get(hostId ?? '');
  const view = fleet.views.get(hostId ?? '');
  return (host && isHeard(host) ? view?.heldBefore : view?.heardAt) ?? now;
}

/** Proved off, or left in order: whatever it held is destroyed. */
export function isOff(host: Host): boolean {
  return host.state === 'fenced' || host.state === 'offline';
}

export function poolOf(fleet: Fleet, subject: { readonly poolId: string }): Pool {
  const pool = fleet.pools.get(subject.poolId);
  if (!pool) throw new Error(`Pool ${subject.poolId} is missing.`);
  return pool;
}

export function hostName(fleet: Fleet, hostId: string | null): string {
  return (hostId !== null && fleet.hosts.get(hostId)?.name) || 'no host';
}

export function guestName(fleet: Fleet, guestId: string): string {
  return fleet.guests.get(guestId)?.name ?? guestId;
}

export function becomeMaintenance(turn: FleetTurn, host: Host, maintenance: MaintenanceState): Host {
  if (!canBecome(maintenanceTransitions, host.maintenance, maintenance))
    throw new Error(`Maintenance of ${host.name} cannot go from ${host.maintenance} to ${maintenance}.`);
  const row: Host = { ...host, maintenance };
  put(turn, 'host', row);
  return row;
}
