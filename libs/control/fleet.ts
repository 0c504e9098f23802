import type { Instant } from '@argosy/domain/units';
import type { Fleet, FleetEvent, FleetStep } from './fleet-types';
import { balanceDuePools } from './fleet/balance';
import { followClock } from './fleet/clock-jump';
import { followDrills, takeInjection, takePrediction } from './fleet/drills';
import { reconcileCopies } from './fleet/copies';
import { reconcileWatch } from './fleet/datastores';
import { reconcileForgottenWork, reconcileOperations } from './fleet/disk-operations';
import { hostLost, reconcileGuest } from './fleet/guests';
import { takeEnded, takeLease } from './fleet/leases';
import { takeProbe } from './fleet/recovery';
import { emptyIndexes } from './fleet/indexes';
import { tellIsolation } from './fleet/isolation';
import { takeFenceResult } from './fleet/fencing';
import { takeHeartbeat, takeReport, watchHosts } from './fleet/hosts';
import { load } from './fleet/load';
import { reconcileForgotten, reconcileMigration } from './fleet/migrations';
import { answerRequest } from './fleet/requests';
import { watchLosses } from './fleet/tolerance';
import { type FleetTurn, viewOf } from './fleet/turn';
import { savePower } from './fleet/power-saving';
import { followRolls } from './fleet/rolls';
import { takeSwitchedOff, takeSwitchedOn } from './fleet/standby';
import { takeOverUnderLocks } from './fleet/take-over';
import { type IsLate, unhurried } from '@argosy/scheduler/effort';
import { decisionDeadlineMs } from './defaults';
import { placeWaiting } from './fleet/waiting';

export interface FleetPorts {
  readonly newId: () => string;
  /** From so many milliseconds on it says yes. Left out: never, as where no time passes while a brain thinks. */
  readonly deadlineIn?: (ms: number) => IsLate;
}

/**
 * The brain of the fleet: a reducer over what administrators ask, what hosts show and what time it is. The controller
 * and the simulator commit its writes in one transaction and then carry out its effects; if the store refuses, they
 * load anew and the step has not happened. It is level-triggered: a step over unchanged state wants nothing done.
 */
export function createFleet({ newId, deadlineIn = () => unhurried }: FleetPorts): Fleet {
  return {
    newId,
    deadline: () => deadlineIn(decisionDeadlineMs),
    term: 0,
    raisedAbove: 0,
    leading: false,
    pools: new Map(),
    hosts: new Map(),
    fenceSecrets: new Map(),
    guests: new Map(),
    images: new Map(),
    datastores: new Map(),
    diskOperations: new Map(),
    snapshots: new Map(),
    rules: new Map(),
    migrations: new Map(),
    recommendations: new Map(),
    drills: new Map(),
    rolls: new Map(),
    tasks: new Map(),
    alarms: new Map(),
    guestsOn: new Map(),
    indexes: emptyIndexes(),
    clusters: new Map(),
    atRest: new Map(),
    views: new Map(),
    demand: new Map(),
    outstanding: new Map(),
    jumpedMs: 0,
    channelHeardAt: null,
    silenceSince: 0,
    datastoreHeardAt: null,
    datastoreSilenceSince: 0,
    takeOvers: new Map(),
    addresses: new Set(),
    lastAddress: new Map(),
    placedAt: new Map(),
    heldRestarts: new Set(),
    silences: new Map(),
    lastBalanceAt: new Map(),
    roomSought: new Map(),
    powerViews: new Map(),
    tookOverAt: 0,
    untold: new Map(),
    recordedRefusals: new Map(),
  };
}

/** `jumpedMs`: how far the clock that says `now` has jumped in all. */
export function stepFleet(fleet: Fleet, event: FleetEvent, now: Instant, jumpedMs = 0): FleetStep {
  followClock(fleet, jumpedMs);
  const turn: FleetTurn = { fleet, now, writes: [], effects: [], actor: 'argosy' };
  if (event.kind === 'took-over' || event.kind === 'reloaded') load(turn, event);
  else if (event.kind === 'own-heartbeat') fleet.channelHeardAt = now;
  else if (event.kind === 'own-datastore-heartbeat') fleet.datastoreHeardAt = now;
  else if (fleet.leading) takeEvent(turn, event);
  return { writes: turn.writes, effects: turn.effects };
}

type OrdinaryEvent = Exclude<
  FleetEvent,
  { kind: 'took-over' | 'reloaded' | 'own-heartbeat' | 'own-datastore-heartbeat' }
>;

function takeEvent(turn: FleetTurn, event: OrdinaryEvent): void {
  const { fleet } = turn;
  switch (event.kind) {
    case 'tick':
      return pass(turn);
    case 'request': {
      turn.actor = event.actor;
      const result = answerRequest(turn, event.request);
      turn.effects.push({ kind: 'reply', requestId: event.requestId, result });
      return;
    }
    case 'report':
      if (takeReport(turn, event.report)) reconcileHost(turn, event.report.hostId);
      return;
    case 'heartbeats':
      for (const heartbeat of event.heartbeats)
        if (takeHeartbeat(turn, heartbeat)) reconcileHost(turn, heartbeat.hostId);
      return;
    case 'datastore-heartbeat':
      if (fleet.hosts.has(event.hostId)) viewOf(fleet, event.hostId).datastoreHeardAt = turn.now;
      return;
    case 'watchdog-lease':
      return takeLease(turn, event);
    case 'isolation':
      if (takeEnded(turn, event.hostId, event.ended)) placeAndFollow(turn);
      return;
    case 'fence-result':
      if (event.action === 'on') return takeSwitchedOn(turn, event);
      if (takeSwitchedOff(turn, event)) return;
      if (!takeFenceResult(turn, event)) return;
      hostLost(turn, event.hostId);
      reconcileHost(turn, event.hostId);
      followDrills(turn);
      placeWaiting(turn);
      return;
    case 'probe-result':
      return takeProbe(turn, event);
    case 'prediction':
      return takePrediction(turn, event.drillId, event.result);
    case 'injected':
      return takeInjection(turn, event.drillId, event.at, event.result);
  }
}

/** The whole of the fleet: deadlines, silences, and whatever no report has told. */
function pass(turn: FleetTurn): void {
  const { fleet } = turn;
  watchHosts(turn);
  for (const migration of [...fleet.migrations.values()]) reconcileMigration(turn, migration);
  for (const guest of [...fleet.guests.values()]) reconcileGuest(turn, guest);
  for (const hostId of fleet.hosts.keys()) {
    reconcileForgotten(turn, hostId);
    reconcileCopies(turn, hostId);
    tellIsolation(turn, hostId);
    reconcileWatch(turn, hostId);
    reconcileForgottenWork(turn, hostId);
  }
  takeOverUnderLocks(turn);
  reconcileOperations(turn);
  placeWaiting(turn);
  balanceDuePools(turn);
  savePower(turn);
  followRolls(turn);
  watchLosses(turn);
  followDrills(turn);
}

/** What one host's news bears on. */
function reconcileHost(turn: FleetTurn, hostId: string): void {
  const { fleet } = turn;
  for (const migration of [...fleet.migrations.values()])
    if (migration.sourceHostId === hostId || migration.targetHostId === hostId) reconcileMigration(turn, migration);
  for (const guestId of [...(fleet.guestsOn.get(hostId) ?? [])]) {
    const guest = fleet.guests.get(guestId);
    if (guest) reconcileGuest(turn, guest);
  }
  reconcileOperations(turn, hostId);
  reconcileForgotten(turn, hostId);
  reconcileCopies(turn, hostId);
  reconcileWatch(turn, hostId);
  reconcileForgottenWork(turn, hostId);
  if (fleet.indexes.recovering.size > 0) return placeAndFollow(turn);
  followDrills(turn);
}

function placeAndFollow(turn: FleetTurn): void {
  placeWaiting(turn);
  followDrills(turn);
}
