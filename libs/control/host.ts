import type { DiskWorkResult } from '@argosy/domain/disk-work';
import type { HostCommand, HostOrder } from '@argosy/domain/host-command';
import { refused } from '@argosy/domain/refusal';
import type { Refusal, Result } from '@argosy/domain/refusal';
import type { Instant } from '@argosy/domain/units';
import type { HostEffect, HostEvent, HostGuest, HostState } from './host-types';
import type { VmmEvent, VmmInstance } from './ports/vmm-driver';
import {
  beginWork,
  cancelWork,
  forgetWork,
  measureDatastores,
  measured,
  noteWorkProgress,
  watchDatastores,
  workEnded,
} from './host/disk-work';
import { guestCallEnded, orderCopy, startGuest, stopGuest } from './host/guests';
import { answerGrant, grantAnswered, releaseSource, targetComplete } from './host/handover';
import {
  cancelCopy,
  giveUpStuck,
  grantByController,
  migrationCallEnded,
  migrationExited,
  migrationTick,
  noteProgress,
  prepareTarget,
  ranOn,
  releaseMigration,
  startCopy,
} from './host/migrations';
import {
  endOf,
  findCopy,
  type HostTurn,
  isUnderway,
  keepCopy,
  keepMigration,
  liveOf,
  migrationOf,
  refuseCommand,
  report,
} from './host/turn';
import { takeSamples } from './host/usage';
import { followClock } from './host/clock-jump';
import { outsideHeard, takeIsolation, watchIsolation } from './host/isolation';
import { assign, wake } from './host/wake';

/**
 * The brain of one host: a reducer over what its controller orders, what its VMMs do, what other hosts' agents say and
 * what time it is. It never waits; the agent and the simulator carry its effects out and bring back their results.
 */
export function createHost(hostId = ''): HostState {
  return {
    hostId,
    incarnation: 0,
    term: 0,
    awake: false,
    assigned: false,
    isolation: null,
    jumpedMs: 0,
    outsideHeardAt: null,
    isolated: false,
    health: null,
    run: null,
    sequence: 0,
    beats: 0,
    told: null,
    guests: new Map(),
    live: new Map(),
    migrations: new Map(),
    diskWork: new Map(),
    forgottenWork: new Map(),
    datastores: new Map(),
    progress: new Map(),
    diskMovedAt: new Map(),
    heldGrants: new Map(),
    typed: new Map(),
    sentFor: new Map(),
    orphanedAt: new Map(),
    revoked: new Map(),
    calls: new Map(),
    nextToken: 1,
    refusals: [],
  };
}

/** `jumpedMs`: how far the clock that says `now` has jumped in all. */
export function stepHost(state: HostState, event: HostEvent, now: Instant, jumpedMs = 0): readonly HostEffect[] {
  followClock(state, jumpedMs);
  const turn: HostTurn = { state, now, effects: [] };
  switch (event.kind) {
    case 'tick':
      for (const migration of [...state.migrations.values()]) migrationTick(turn, migration);
      measureDatastores(turn);
      watchIsolation(turn);
      break;
    case 'health':
      if (state.health !== event.reason) report(turn);
      state.health = event.reason;
      break;
    case 'run-seen':
      state.run = event.run;
      report(turn);
      break;
    case 'outside-heard':
      outsideHeard(turn);
      break;
    case 'woke':
      wake(turn, event.journal, event.running);
      break;
    case 'assigned':
      assign(turn, event.assignments);
      break;
    case 'command':
      takeCommand(turn, event.command);
      break;
    case 'vmm-result':
      takeResult(turn, event.token, event.result);
      break;
    case 'vmm-event':
      takeVmmEvent(turn, event.event);
      break;
    case 'usage':
      takeSamples(turn, event.samples);
      break;
    case 'peer-request':
      answerGrant(turn, event.requestId, event.request);
      break;
    case 'peer-answer': {
      const pending = state.calls.get(event.token);
      state.calls.delete(event.token);
      const migration = pending?.kind === 'migration' ? state.migrations.get(pending.migrationId) : undefined;
      if (migration) grantAnswered(turn, migration, event.answer);
      break;
    }
  }
  return turn.effects;
}

function takeCommand(turn: HostTurn, command: HostCommand): void {
  outsideHeard(turn);
  const refusal = staleness(turn, command) ?? takeOrder(turn, command.order);
  if (refusal) refuseCommand(turn, command.commandId, refusal);
}

/** Anything that is older than what is known here, or expired, is refused before it is looked at. */
function staleness(turn: HostTurn, command: HostCommand): Refusal | null {
  const { state, now } = turn;
  if (!state.assigned || command.incarnation !== state.incarnation)
    return refused(
      'stale-incarnation',
      `This is incarnation ${state.incarnation} of the host; the command is for ${command.incarnation}.`,
    ).refusal;
  if (command.hostId !== state.hostId)
    return refused('invalid-request', `The command is for host ${command.hostId}; this is ${state.hostId}.`).refusal;
  if (command.term < state.term)
    return refused('stale-term', `A leader of term ${state.term} has spoken; term ${command.term} is over.`).refusal;
  if (now > command.notAfter)
    return refused('expired', `The command was valid until ${command.notAfter}; it is ${now}.`).refusal;
  if (command.term > state.term) {
    state.term = command.term;
    turn.effects.push({ kind: 'journal', entry: { key: 'term', value: { kind: 'mark', number: command.term } } });
  }
  return null;
}

function takeOrder(turn: HostTurn, order: HostOrder): Refusal | null {
  switch (order.kind) {
    case 'host.report':
      turn.state.told = null;
      report(turn);
      return null;
    case 'host.run':
      if (turn.state.run?.runId !== order.runId)
        turn.effects.push({ kind: 'run', runId: order.runId, command: order.command });
      return null;
    case 'host.isolation':
      takeIsolation(turn, order.policy);
      return null;
    case 'guest.start':
      return startGuest(turn, order);
    case 'guest.stop':
      stopGuest(turn, order.guestId, order.epoch, order.graceMs);
      return null;
    case 'guest.kill':
      return orderCopy(turn, order, { call: 'kill', instance: instanceOf(order), reason: order.reason });
    case 'guest.pause':
      return orderCopy(turn, order, { call: 'pause', instance: instanceOf(order) });
    case 'guest.resume':
      return orderCopy(turn, order, { call: 'resume', instance: instanceOf(order) });
    case 'guest.limit':
      return orderCopy(turn, order, {
        call: 'limit',
        instance: instanceOf(order),
        cpuShares: order.cpuShares,
        cpuLimitMillicores: order.cpuLimitMillicores,
      });
    case 'migration.prepare':
      return prepareTarget(turn, order);
    case 'migration.start':
      return startCopy(turn, order);
    case 'migration.cancel':
      cancelCopy(turn, order);
      return null;
    case 'migration.grant':
      grantByController(turn, order);
      return null;
    case 'migration.release':
      releaseMigration(turn, order);
      return null;
    case 'datastore.watch':
      watchDatastores(turn, order.datastores);
      return null;
    case 'disk.work':
      beginWork(turn, order);
      return null;
    case 'disk.cancel':
      cancelWork(turn, order);
      return null;
    case 'disk.forget':
      forgetWork(turn, order.operationId);
      return null;
  }
}

function instanceOf(order: VmmInstance): VmmInstance {
  return { guestId: order.guestId, epoch: order.epoch };
}

function takeResult(turn: HostTurn, token: number, result: Result<unknown>): void {
  const pending = turn.state.calls.get(token);
  turn.state.calls.delete(token);
  if (pending?.kind === 'guest') guestCallEnded(turn, pending, result);
  else if (pending?.kind === 'migration' && pending.call !== 'grant')
    migrationCallEnded(turn, pending.migrationId, pending.call, result);
  else if (pending?.kind === 'disk-work') workEnded(turn, pending.operationId, result as Result<DiskWorkResult>);
  else if (pending?.kind === 'datastore')
    measured(turn, pending.datastoreId, result as Result<{ totalBytes: number; freeBytes: number }>);
}

function takeVmmEvent(turn: HostTurn, event: VmmEvent): void {
  if (event.kind === 'relocation-progress') return noteWorkProgress(turn, event.copyPath, event.progress);
  const copy = findCopy(turn, event.instance);
  const migration = migrationOf(turn, event.instance);
  switch (event.kind) {
    case 'exited':
      if (migration && migrationExited(turn, migration, event.reason)) return;
      if (copy) exited(turn, copy, event.how, event.reason);
      return;
    case 'paused':
    case 'resumed':
      if (copy && !(migration && isUnderway(migration))) pausedOrResumed(turn, copy, event);
      return;
    case 'migration-progress':
      if (migration) noteProgress(turn, migration, event.progress);
      return;
    case 'disk-mirrored':
      if (migration?.phase === 'copying') keepMigration(turn, { ...migration, startedAt: turn.now, diskUri: null });
      return;
    case 'migration-completed':
      if (migration && (migration.phase === 'copying' || migration.phase === 'cancelling')) {
        if (event.typed) turn.state.typed.set(migration.migrationId, event.typed);
        releaseSource(turn, { ...migration, downtimeMs: event.downtimeMs }, false);
      }
      return;
    case 'migration-measured':
      if (migration) keepMigration(turn, { ...migration, downtimeMs: event.downtimeMs });
      return;
    case 'migration-stuck':
      if (migration?.phase === 'copying') giveUpStuck(turn, migration);
      return;
    case 'migration-failed':
      if (migration) ranOn(turn, migration, event.refusal);
      return;
    case 'incoming-completed':
      if (migration?.phase === 'listening') targetComplete(turn, migration);
      return;
    case 'heartbeat':
      heard(turn, event);
      return;
    case 'console':
      return;
  }
}

/** A guest may be stopped by its VMM with its first steps, before its start is answered. */
function pausedOrResumed(
  turn: HostTurn,
  copy: HostGuest,
  event: Extract<VmmEvent, { kind: 'paused' | 'resumed' }>,
): void {
  const [state, refusal] =
    event.kind === 'paused' ? (['paused', event.refusal ?? null] as const) : (['running', null] as const);
  const mayBe =
    copy.state === 'running' || copy.state === 'paused' || (copy.state === 'starting' && state === 'paused');
  if (!mayBe) return;
  keepCopy(turn, { ...copy, state, refusal });
  report(turn);
}

function exited(turn: HostTurn, copy: HostGuest, how: 'stopped' | 'crashed', reason: string): void {
  if (copy.state === 'stopping' || copy.state === 'failed') return;
  keepCopy(turn, { ...copy, state: endOf(copy, how), refusal: refused('vmm-failed', reason).refusal });
  report(turn);
}

function heard(turn: HostTurn, event: Extract<VmmEvent, { kind: 'heartbeat' }>): void {
  const live = liveOf(turn.state, event.instance);
  const first = live.heartbeat === null;
  live.heartbeat = { count: event.count, work: event.work, at: event.at, firstAt: live.heartbeat?.firstAt ?? event.at };
  if (!first) return;
  const migration = migrationOf(turn, event.instance);
  if (migration?.role === 'target') keepMigration(turn, { ...migration, heartbeatAt: event.at });
  report(turn);
}
