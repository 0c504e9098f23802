import type { Host, Pool } from '@argosy/domain/entities';
import type { GuestObservation, HostReport } from '@argosy/domain/host-report';
import { formatDuration, sentence } from '@argosy/domain/units';
import type { Result } from '@argosy/domain/refusal';
import { channelAliveMs, fenceRetryMs, takeoverGraceMs } from '../defaults';
import {
  becomeHost,
  clearAlarm,
  type FleetTurn,
  nextAttempt,
  poolOf,
  raiseAlarm,
  record,
  settled,
  viewOf,
} from './turn';

/** Demand is smoothed over about this long. */
const demandWindowMs = 5_000;

const rememberedRefusals = 1_000;

/** False: the report is of another incarnation, late, or of a host that is proved off, and says nothing. */
export function takeReport(turn: FleetTurn, report: HostReport): boolean {
  const { fleet, now } = turn;
  const host = fleet.hosts.get(report.hostId);
  if (!host || report.incarnation !== host.incarnation || host.state === 'fenced' || host.state === 'offline')
    return false;
  const view = viewOf(fleet, host.id);
  if (view.report && view.report.incarnation === report.incarnation && view.report.sequence >= report.sequence)
    return false;
  view.heardAt = now;
  view.report = report;
  const guests = new Map<string, GuestObservation[]>();
  for (const observation of report.guests) {
    const known = guests.get(observation.guestId);
    if (known) known.push(observation);
    else guests.set(observation.guestId, [observation]);
    smoothDemand(turn, observation);
  }
  view.guests = guests;
  view.migrations = new Map(report.migrations.map((migration) => [migration.migrationId, migration]));
  recordRefusals(turn, host, report);
  if (host.state !== 'online' && host.state !== 'fencing') cameBack(turn, host);
  return true;
}

function smoothDemand(turn: FleetTurn, observation: GuestObservation): void {
  if (observation.usage === null || observation.state !== 'running') return;
  const { demand } = turn.fleet;
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
  for (const host of [...fleet.hosts.values()]) watchHost(turn, host);
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
  becomeHost(turn, host, 'failed', `silent on both channels for ${formatDuration(Math.min(silent, datastoreSilent))}`);
  raiseAlarm(turn, {
    code: 'host-failed',
    severity: 'error',
    subject: ['host', host.id],
    message: `${host.name} has failed: no heartbeat for ${formatDuration(silent)}, none on the datastore for ${formatDuration(datastoreSilent)}.`,
  });
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

function fencePool(turn: FleetTurn, pool: Pool): void {
  const hosts = [...turn.fleet.hosts.values()].filter((host) => host.poolId === pool.id);
  const silent = hosts.filter((host) => host.state === 'failed' || host.state === 'fencing');
  if (silent.length > pool.failure.maximumSilentHosts) {
    if (!silent.some((host) => host.state === 'failed')) return;
    raiseAlarm(turn, {
      code: 'mass-silence',
      severity: 'error',
      subject: ['pool', pool.id],
      message: `${silent.length} hosts of ${pool.name} are silent at once, more than the ${pool.failure.maximumSilentHosts} that the pool allows: a network or power fault is likelier than so many dead hosts, so none is fenced. Fence by hand, or raise failure.maximumSilentHosts.`,
      details: { hosts: silent.map((host) => host.name) },
    });
    for (const host of silent) if (host.state === 'fencing') fence(turn, host);
    return;
  }
  clearAlarm(turn, 'mass-silence', pool.id);
  for (const host of silent) fence(turn, host);
}

/** Asks the host's fence device to cut its power, again and again until it confirms. */
export function fence(turn: FleetTurn, host: Host): void {
  const { fleet } = turn;
  if (host.fenceDevice === null) {
    raiseAlarm(turn, {
      code: 'no-fence-device',
      severity: 'error',
      subject: ['host', host.id],
      message: `${host.name} has no fence device: nothing can prove that it is off, so its guests wait until it returns.`,
    });
    return;
  }
  const attempt = nextAttempt(turn, `fence:${host.id}`, host.incarnation, fenceRetryMs);
  if (attempt === null) return;
  if (host.state !== 'fencing') becomeHost(turn, host, 'fencing', host.stateReason);
  record(turn, {
    code: 'fence-asked',
    severity: 'warning',
    subject: ['host', host.id],
    message: `${host.name} (incarnation ${host.incarnation}) is fenced by ${host.fenceDevice}, attempt ${attempt}: ${host.stateReason}.`,
  });
  turn.effects.push({
    kind: 'fence',
    hostId: host.id,
    hostName: host.name,
    incarnation: host.incarnation,
    term: fleet.term,
    device: host.fenceDevice,
  });
}

/** True: the host is proved off, and its guests may be started elsewhere. */
export function takeFenceResult(turn: FleetTurn, hostId: string, incarnation: number, result: Result<null>): boolean {
  const host = turn.fleet.hosts.get(hostId);
  if (!host || host.incarnation !== incarnation || host.state !== 'fencing') return false;
  if (result.ok) {
    settled(turn, `fence:${host.id}`);
    viewOf(turn.fleet, host.id).offSince = turn.now;
    becomeHost(turn, host, 'fenced', host.stateReason);
    clearAlarm(turn, 'fence-failed', host.id);
    record(turn, {
      code: 'host-fenced',
      severity: 'warning',
      subject: ['host', host.id],
      message: `${host.name} is proved off by ${host.fenceDevice}.`,
    });
    return true;
  }
  raiseAlarm(turn, {
    code: 'fence-failed',
    severity: 'error',
    subject: ['host', host.id],
    message: `${host.name} could not be fenced: ${sentence(result.refusal.message)} It is tried again; its guests wait for the proof.`,
  });
  return false;
}
