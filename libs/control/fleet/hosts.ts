import type { Degraded, Host } from '@argosy/domain/entities';
import type { GuestObservation, HostHeartbeat, HostReport } from '@argosy/domain/host-report';
import { formatDuration } from '@argosy/domain/units';
import { channelAliveMs, takeoverGraceMs } from '../defaults';
import type { HostView } from '../fleet-types';
import { takeMeasures } from './datastores';
import { cannotStart } from './guests';
import { noteGuestChange, noteHostChange } from './kept-clusters';
import { withinWindow } from './recovery';
import { strangersOn } from './strangers';
import { fencePool } from './fencing';
import { hasTold } from './restored';
import { watchDatastore, watchLease } from './leases';
import {
  becomeHost,
  clearAlarm,
  type FleetTurn,
  isOff,
  order,
  poolOf,
  put,
  raiseAlarm,
  record,
  settled,
  viewOf,
} from './turn';

/** Demand is smoothed over about this long. */
const demandWindowMs = 5_000;

/** A report that was asked for is asked for again after this. */
const askReportAgainMs = 2_000;
const rememberedRefusals = 1_000;
/** For so long after a take-over; a host whose clock is wrong is then heard all the same. */
const lateReportsMs = 5_000;

/** False: the report is of another incarnation, late, or of a host that is proved off, and says nothing. */
export function takeReport(turn: FleetTurn, report: HostReport): boolean {
  const { fleet, now } = turn;
  const host = adoptIncarnation(turn, report);
  if (report.term > fleet.term && report.term <= highestNumber) raiseTerm(turn, report);
  if (!host || report.incarnation !== host.incarnation || host.state === 'fenced' || host.state === 'offline')
    return false;
  // What was on its way to the leader before knows less than the record that was read since: of a guest that was started, say.
  if (report.sentAt < fleet.tookOverAt && now < fleet.tookOverAt + lateReportsMs) return false;
  const view = viewOf(fleet, host.id);
  if (view.report && view.report.incarnation === report.incarnation && view.report.sequence >= report.sequence)
    return false;
  const isShort = (told: HostReport | null): boolean => told?.datastores.some(({ refusal }) => refusal) ?? false;
  if (isShort(view.report) || isShort(report)) noteHostChange(fleet, host.id);
  const silentMs = now - (view.heldUntil ?? now);
  const isAfterSilence = !view.report || silentMs >= poolOf(fleet, host).failure.suspectAfterMs;
  view.heldBefore = isAfterSilence ? view.heldUntil : null;
  view.heldUntil = now;
  view.heardAt = now;
  view.report = report;
  hasTold(turn, host);
  settled(turn, reportKey(host.id));
  const guests = new Map<string, GuestObservation[]>();
  for (const observation of report.guests) {
    const known = guests.get(observation.guestId);
    if (known) known.push(observation);
    else guests.set(observation.guestId, [observation]);
    smoothDemand(turn, observation);
  }
  const strangers = (shown: HostView['guests']): string => strangersOn(fleet, host.id, shown).join();
  if (strangers(guests) !== strangers(view.guests)) noteHostChange(fleet, host.id);
  view.guests = guests;
  view.migrations = new Map(report.migrations.map((migration) => [migration.migrationId, migration]));
  if (report.health !== undefined) takeHealth(turn, host.id, report.health);
  recordRefusals(turn, host, report);
  takeMeasures(turn, host, report.datastores);
  const current = fleet.hosts.get(host.id)!;
  if (current.state !== 'online' && current.state !== 'fencing') cameBack(turn, current);
  return true;
}

function reportKey(hostId: string): string {
  return `report:${hostId}`;
}

/**
 * It proves that the host lives. That its report still holds it says only of the very report that was heard: where another
 * was missed it is asked for, and a host that was given up comes back by that. True: the host has come back.
 */
export function takeHeartbeat(turn: FleetTurn, { hostId, incarnation, sequence, count }: HostHeartbeat): boolean {
  const host = turn.fleet.hosts.get(hostId);
  if (host?.incarnation !== incarnation || isOff(host)) return false;
  const view = viewOf(turn.fleet, hostId);
  if (view.beats?.incarnation === incarnation && view.beats.count >= count) return false;
  view.beats = { incarnation, count };
  view.heardAt = turn.now;
  const holds = view.report?.incarnation === incarnation && view.report.sequence === sequence;
  if (holds) view.heldUntil = turn.now;
  else order(turn, reportKey(hostId), host, { kind: 'host.report' }, askReportAgainMs);
  if (host.state === 'online' || host.state === 'fencing' || !(holds || host.state === 'suspect')) return false;
  cameBack(turn, host);
  return holds;
}

/** A database that was restored from a backup knows an earlier start of the agent: what the agent says of itself holds. */
function adoptIncarnation(turn: FleetTurn, report: HostReport): Host | undefined {
  const host = turn.fleet.hosts.get(report.hostId);
  if (!host || report.incarnation <= host.incarnation || host.state === 'fenced') return host;
  if (report.incarnation > highestNumber) return undefined;
  const { incarnation, queue } = report;
  leaveQueue(turn, host, queue);
  put(turn, 'host', { ...host, incarnation, queue });
  recordBehind(turn, host, `${host.name} reports as incarnation ${incarnation}; the record said ${host.incarnation}.`);
  return turn.fleet.hosts.get(host.id);
}

/** Its agent takes orders from another queue now, or from none (null). Hosts of one process share theirs. */
export function leaveQueue({ fleet, effects }: FleetTurn, { id, queue }: Host, next: string | null): void {
  if (queue === next) return;
  for (const other of fleet.hosts.values()) if (other.id !== id && other.queue === queue) return;
  effects.push({ kind: 'forget-queue', queue });
}

function recordBehind(turn: FleetTurn, host: Host, message: string): void {
  raiseAlarm(turn, {
    code: 'record-behind',
    severity: 'error',
    subject: ['host', host.id],
    message: `${message} The record was behind (a restored database?) and has been corrected.`,
  });
}

/** Terms and incarnations are 4-byte numbers in the database: a higher one is nobody's. */
const highestNumber = 2_000_000_000;

/** Hosts refuse whoever leads at a lower term than they have seen: this leadership goes on at a higher one. */
function raiseTerm(turn: FleetTurn, { term, hostId }: HostReport): void {
  if (turn.fleet.raisedAbove >= term) return;
  turn.fleet.raisedAbove = term;
  raiseAlarm(turn, {
    code: 'term-behind',
    severity: 'error',
    subject: ['fleet', 'fleet'],
    message: `${turn.fleet.hosts.get(hostId)?.name ?? hostId} has seen a leader of term ${term}; this one has ${turn.fleet.term}. The record was behind (a restored database?): the leadership goes on above it.`,
  });
  turn.effects.push({ kind: 'raise-term', above: term });
}

function smoothDemand(turn: FleetTurn, observation: GuestObservation): void {
  if (observation.usage === null || observation.state !== 'running') return;
  const { demand } = turn.fleet;
  noteGuestChange(turn.fleet, observation.guestId);
  const known = demand.get(observation.guestId);
  const now = observation.usage;
  const weight = known ? 1 - Math.exp(-(turn.now - known.at) / demandWindowMs) : 1;
  const smooth = (before: number, after: number): number => before + weight * (after - before);
  demand.set(observation.guestId, {
    cpuMillicores: known ? smooth(known.cpuMillicores, now.cpuDemandMillicores) : now.cpuDemandMillicores,
    dirtyBytesPerSecond: known
      ? smooth(known.dirtyBytesPerSecond, now.dirtyBytesPerSecond ?? known.dirtyBytesPerSecond)
      : (now.dirtyBytesPerSecond ?? 0),
    at: turn.now,
  });
}

function recordRefusals(turn: FleetTurn, host: Host, report: HostReport): void {
  const known = turn.fleet.recordedRefusals;
  for (const { commandId, refusal } of report.refusals) {
    if (known.has(commandId)) continue;
    known.set(commandId, refusal);
    if (known.size > rememberedRefusals) known.delete(known.keys().next().value!);
    record(turn, {
      code: `command-refused.${refusal.code}`,
      severity: 'warning',
      subject: ['host', host.id],
      message: `${host.name} refused a command: ${refusal.message}`,
      details: { commandId },
    });
    if (refusal.code === 'stale-epoch') cannotStart(turn, host, refusal.details ?? {});
  }
}

function cameBack(turn: FleetTurn, host: Host): void {
  const before = host.state;
  becomeHost(turn, host, 'online', '');
  if (before !== 'suspect')
    record(turn, {
      code: 'host-online',
      subject: ['host', host.id],
      message: before === 'joining' ? `${host.name} is online.` : `${host.name} is heard again; it was ${before}.`,
    });
  clearAlarm(turn, 'agent-silent', host.id);
  clearAlarm(turn, 'host-failed', host.id);
  clearAlarm(turn, 'fence-failed', host.id);
  clearAlarm(turn, 'no-fence-device', host.id);
}

/** True when this hour-glass may be believed: the controller's own heartbeat comes back on the channel. */
function channelIsAlive(turn: FleetTurn): boolean {
  const { channelHeardAt } = turn.fleet;
  return channelHeardAt !== null && turn.now - channelHeardAt < channelAliveMs;
}

/** Silence counts only while the controller hears itself; it begins afresh when the channel comes back. */
export function watchHosts(turn: FleetTurn): void {
  const { fleet, now } = turn;
  if (!channelIsAlive(turn)) {
    fleet.silenceSince = now;
    return;
  }
  watchDatastore(turn);
  for (const host of [...fleet.hosts.values()]) {
    watchHost(turn, host);
    watchLease(turn, host);
  }
  for (const pool of fleet.pools.values()) fencePool(turn, pool);
}

function silenceMs(turn: FleetTurn, heardAt: number | null): number {
  return turn.now - Math.max(heardAt ?? 0, turn.fleet.silenceSince);
}

function watchHost(turn: FleetTurn, host: Host): void {
  if (host.state !== 'online' && host.state !== 'suspect' && host.state !== 'disconnected') return;
  const { failure } = poolOf(turn.fleet, host);
  const view = viewOf(turn.fleet, host.id);
  const silent = silenceMs(turn, view.heardAt);
  // One that this leader has not heard yet may be starting, as after a power cut that took the controller as well.
  const graceMs = view.heardAt === null ? takeoverGraceMs : 0;
  if (host.state === 'online') {
    if (silent < failure.suspectAfterMs + graceMs) return;
    host = becomeHost(turn, host, 'suspect', `silent for ${formatDuration(silent)}`);
    record(turn, {
      code: 'host-suspect',
      severity: 'warning',
      subject: ['host', host.id],
      message: `${host.name} has been silent for ${formatDuration(silent)}.`,
    });
  }
  if (silent < failure.failedAfterMs + graceMs) return;
  const datastoreSilent = silenceMs(turn, view.datastoreHeardAt);
  if (datastoreSilent < failure.datastoreSilentAfterMs) {
    if (host.state === 'suspect') lostAgent(turn, host);
    return;
  }
  const counted = countFailure(turn, host);
  becomeHost(
    turn,
    counted,
    'failed',
    `silent on both channels for ${formatDuration(Math.min(silent, datastoreSilent))}`,
  );
  raiseAlarm(turn, {
    code: 'host-failed',
    severity: 'error',
    subject: ['host', host.id],
    message: `${host.name} has failed: no heartbeat for ${formatDuration(silent)}, none on the datastore for ${formatDuration(datastoreSilent)}.`,
  });
}

/**
 * One that fails again and again would take the same guests down each time: it is left out until somebody has looked at
 * it. The last that is left is not, as bad as it may be; and what a drill breaks says nothing against a host.
 */
function countFailure(turn: FleetTurn, host: Host): Host {
  const pool = poolOf(turn.fleet, host);
  for (const drill of turn.fleet.drills.values())
    if (drill.hostId === host.id && drill.injectedAt !== null) return host;
  const failures = [...withinWindow(turn, pool, host.failures), turn.now];
  const isLast = ![...turn.fleet.hosts.values()].some(
    (other) => other.poolId === pool.id && other.id !== host.id && !other.quarantined,
  );
  const isTooOften = !isLast && pool.failure.hostFailures > 0 && failures.length >= pool.failure.hostFailures;
  if (isTooOften && !host.quarantined)
    raiseAlarm(turn, {
      code: 'host-quarantined',
      severity: 'error',
      subject: ['host', host.id],
      message: `${host.name} has failed ${failures.length} times within ${formatDuration(pool.failure.budgetWindowMs)} and gets no guests any more. Mend it, then: argosy host set ${host.name} --quarantined false.`,
    });
  return { ...host, failures, quarantined: host.quarantined || isTooOften };
}

/** What its health check says; what an administrator said is left alone. */
function takeHealth(turn: FleetTurn, hostId: string, health: string | null): void {
  const host = turn.fleet.hosts.get(hostId);
  if (!host || host.degraded?.by === 'administrator' || (host.degraded?.reason ?? null) === health) return;
  setDegraded(turn, host, health === null ? null : { by: 'health-check', reason: health });
}

export function setDegraded(turn: FleetTurn, host: Host, degraded: Degraded | null): Host {
  const row = { ...host, degraded };
  put(turn, 'host', row);
  clearAlarm(turn, 'host-degraded', host.id);
  if (degraded === null) {
    clearAlarm(turn, 'evacuation-stuck', host.id);
    record(turn, {
      code: 'host-well',
      subject: ['host', host.id],
      message: `${host.name} is well again and takes guests.`,
    });
  } else
    raiseAlarm(turn, {
      code: 'host-degraded',
      subject: ['host', host.id],
      message: `${host.name} is degraded (${degraded.reason}): its guests are moved away before it fails.`,
    });
  return row;
}

/** Its datastore heartbeat goes on, so the host lives and so do its guests: nobody is fenced for an agent that restarts. */
function lostAgent(turn: FleetTurn, host: Host): void {
  becomeHost(turn, host, 'disconnected', 'its agent is silent, its datastore heartbeat goes on');
  raiseAlarm(turn, {
    code: 'agent-silent',
    subject: ['host', host.id],
    message: `The agent of ${host.name} is silent while the host's datastore heartbeat goes on: its guests are left alone.`,
  });
}
