import type { Guest } from '@argosy/domain/entities';
import type { Drill, DrillPhase, DrillPhaseName, GuestOutage } from '@argosy/domain/drill';
import { phasesOf } from '@argosy/domain/drill';
import { canBecome, type DrillState, drillTransitions } from '@argosy/domain/lifecycle';
import type { Result } from '@argosy/domain/refusal';
import { formatDuration, type Instant } from '@argosy/domain/units';
import type { DrillPrediction } from '../fleet-types';
import { endTasks } from './tasks';
import { type FleetTurn, guestName, hostName, nextAttempt, observe, put, putEnded, record, settled } from './turn';

/** A drill that has not ended by then has missed its objectives. */
const drillDeadlineMs = 120_000;
/** A simulation takes some tens of milliseconds; one that has not come by then went with the leader that had begun it. */
const predictionDeadlineMs = 10_000;

const predictionKey = (drillId: string): string => `predict:${drillId}`;
const injectionKey = (drillId: string): string => `inject:${drillId}`;

/** Nothing is broken yet, so it may be asked for as often as it takes. */
export function predict(turn: FleetTurn, { id, kind, hostId, guestId, impairment }: Drill): void {
  if (nextAttempt(turn, predictionKey(id), 0, predictionDeadlineMs) === null) return;
  turn.effects.push({ kind: 'predict', drillId: id, fault: { kind, hostId, guestId, impairment } });
}

function becomeDrill(turn: FleetTurn, drill: Drill, state: DrillState, changes: Partial<Drill> = {}): Drill {
  if (drill.state !== state && !canBecome(drillTransitions, drill.state, state))
    throw new Error(`Drill ${drill.id} cannot go from ${drill.state} to ${state}.`);
  const row: Drill = { ...drill, ...changes, state };
  put(turn, 'drill', row);
  return row;
}

/** The prediction is stored before anything is broken. A simulation that fails costs the prediction, not the drill. */
export function takePrediction(turn: FleetTurn, drillId: string, result: Result<DrillPrediction>): void {
  const drill = turn.fleet.drills.get(drillId);
  if (drill?.state !== 'predicting') return;
  settled(turn, predictionKey(drillId));
  nextAttempt(turn, injectionKey(drillId), 0, drillDeadlineMs);
  const prediction = result.ok ? result.value : { phases: {}, outages: [] };
  const phases = drill.phases.map((phase) => ({ ...phase, predictedMs: prediction.phases[phase.name] ?? null }));
  const affected = drill.outages.map((outage) => ({
    ...outage,
    predictedMs: prediction.outages.find((each) => each.guestId === outage.guestId)?.outageMs ?? null,
  }));
  becomeDrill(turn, drill, 'injecting', {
    phases,
    outages: affected,
    explanation: result.ok ? '' : `There is no prediction: ${result.refusal.message}`,
  });
  turn.effects.push({
    kind: 'inject',
    drillId,
    fault: { kind: drill.kind, hostId: drill.hostId, guestId: drill.guestId, impairment: drill.impairment },
  });
}

export function takeInjection(turn: FleetTurn, drillId: string, at: Instant, result: Result<null>): void {
  const drill = turn.fleet.drills.get(drillId);
  if (drill?.state !== 'injecting') return;
  settled(turn, injectionKey(drillId));
  if (!result.ok) {
    putEnded(turn, 'drill', {
      ...becomeDrill(turn, drill, 'aborted'),
      explanation: `Nothing was broken: ${result.refusal.message}`,
      endedAt: turn.now,
    });
    endTasks(turn, drill.id, ['drill.run'], 'failed', result.refusal.message);
    return;
  }
  record(turn, {
    code: 'drill-injected',
    severity: 'warning',
    subject: ['drill', drill.id],
    message: `Drill: ${drill.kind} of ${hostName(turn.fleet, drill.hostId)} was injected.`,
  });
  becomeDrill(turn, drill, 'detecting', {
    injectedAt: at,
    phases: measured(drill, 'inject', Math.max(0, turn.now - at)),
  });
}

function measured(drill: Drill, name: DrillPhaseName, measuredMs: number): readonly DrillPhase[] {
  return drill.phases.map((phase) =>
    phase.name === name
      ? { ...phase, measuredMs, met: phase.objectiveMs === null ? null : measuredMs <= phase.objectiveMs }
      : phase,
  );
}

/** Follows each drill by what the ordinary failover does; the drill itself changes nothing of it. */
export function followDrills(turn: FleetTurn): void {
  for (const drill of [...turn.fleet.drills.values()]) followDrill(turn, drill);
}

function followDrill(turn: FleetTurn, drill: Drill): void {
  const { injectedAt } = drill;
  if (injectedAt === null) return followBeginning(turn, drill);
  const since = turn.now - injectedAt;
  let row = drill;
  if (row.state === 'detecting' && detected(turn, row))
    row = becomeDrill(turn, row, row.kind === 'host-loss' ? 'fencing' : 'recovering', {
      phases: measured(row, 'detect', since),
    });
  if (row.state === 'fencing' && isFenced(turn, row))
    row = becomeDrill(turn, row, 'recovering', { phases: measured(row, 'fence', since) });
  if (row.state === 'recovering') row = followRecovery(turn, row, injectedAt);
  if (row.state !== 'finished' && since > drillDeadlineMs)
    finish(turn, { ...row, explanation: `Not over after ${formatDuration(drillDeadlineMs)}.` }, 'finished');
}

/** Who leads anew knows of no answer that is under way. A fault is not caused twice: it may have been, and nobody was told. */
function followBeginning(turn: FleetTurn, drill: Drill): void {
  if (turn.now - drill.createdAt > drillDeadlineMs) return giveUp(turn, drill, 'It was never injected.');
  if (drill.state === 'predicting') return predict(turn, drill);
  if (nextAttempt(turn, injectionKey(drill.id), 0, drillDeadlineMs) === null) return;
  const where = hostName(turn.fleet, drill.hostId);
  const why = `The controller lost the database or the lead while it caused the fault: whether it did is not known. Look at ${where}.`;
  giveUp(turn, drill, why);
}

function giveUp(turn: FleetTurn, drill: Drill, explanation: string): void {
  settled(turn, predictionKey(drill.id));
  settled(turn, injectionKey(drill.id));
  finish(turn, { ...drill, explanation }, 'aborted');
}

function detected(turn: FleetTurn, drill: Drill): boolean {
  if (!drill.phases.some(({ name }) => name === 'detect')) return true;
  if (drill.kind === 'guest-crash') {
    const guest = turn.fleet.guests.get(drill.guestId ?? '');
    return (
      guest !== undefined && (guest.state === 'recovering' || guest.state === 'starting' || guest.state === 'failed')
    );
  }
  const state = turn.fleet.hosts.get(drill.hostId ?? '')?.state;
  if (drill.impairment) return state !== 'online' || turn.now - (drill.injectedAt ?? 0) > drill.impairment.durationMs;
  if (drill.kind === 'agent-loss')
    return state === 'suspect' || state === 'disconnected' || turn.now - (drill.injectedAt ?? 0) > 3_000;
  return state === 'failed' || state === 'fencing' || state === 'fenced';
}

function isFenced(turn: FleetTurn, drill: Drill): boolean {
  return turn.fleet.hosts.get(drill.hostId ?? '')?.state === 'fenced';
}

/**
 * From the injection to the first heartbeat afterwards; null: not heard yet. A guest that beats on since before the injection
 * had no outage, if it may have lived through it: only its agent was lost, or it had left the host by then.
 */
function outageOf(turn: FleetTurn, drill: Drill, guest: Guest, injectedAt: Instant): number | null {
  const beat = guest.hostId === null ? null : observe(turn, guest.hostId, guest.id, guest.epoch).guest?.heartbeat;
  if (!beat) return null;
  if (drill.impairment) {
    // Heard again after the link's recovery: before, a guest could beat on and nobody know.
    const { networks, durationMs } = drill.impairment;
    if (beat.at <= injectedAt + durationMs) return null;
    if (guest.hostId !== drill.hostId) return Math.max(0, beat.firstAt - injectedAt);
    // Its beats come by its console. By its network nobody reached it for as long as that was cut, however well it ran.
    return drill.kind === 'link-cut' && networks.includes('guests') ? durationMs : 0;
  }
  if (beat.firstAt > injectedAt) return drill.kind === 'agent-loss' ? 0 : beat.firstAt - injectedAt;
  const mayHaveLived = drill.kind === 'agent-loss' || (drill.kind === 'host-loss' && guest.hostId !== drill.hostId);
  return mayHaveLived && beat.at > injectedAt ? 0 : null;
}

/** Alive is the guest's own heartbeat, not the VMM's word. */
function followRecovery(turn: FleetTurn, drill: Drill, injectedAt: Instant): Drill {
  let restarted: number | null = 0;
  let alive: number | null = 0;
  const outages = drill.outages.map((outage): GuestOutage => {
    const guest = turn.fleet.guests.get(outage.guestId);
    const running = guest?.state === 'running' || guest?.state === 'migrating';
    const outageMs = outage.outageMs ?? (running ? outageOf(turn, drill, guest, injectedAt) : null);
    if (!running) restarted = null;
    if (outageMs === null) alive = null;
    if (outage.outageMs !== null || outageMs === null) return outage;
    return { ...outage, outageMs, toHostId: guest?.hostId ?? null };
  });
  const since = turn.now - injectedAt;
  let phases = drill.phases;
  if (restarted !== null && phases.find((phase) => phase.name === 'restart')?.measuredMs === null)
    phases = measured({ ...drill, phases }, 'restart', since);
  const changed = phases !== drill.phases || outages.some((outage, index) => outage !== drill.outages[index]);
  const row = changed ? becomeDrill(turn, drill, 'recovering', { phases, outages }) : drill;
  if (alive === null) return row;
  const longest = Math.max(0, ...outages.map((outage) => outage.outageMs ?? 0));
  return finish(turn, { ...row, phases: measured({ ...row, phases }, 'alive', longest), outages }, 'finished');
}

function finish(turn: FleetTurn, drill: Drill, state: 'finished' | 'aborted'): Drill {
  const phases = drill.phases.map((phase) => ({
    ...phase,
    met: phase.objectiveMs === null ? phase.met : phase.measuredMs !== null && phase.measuredMs <= phase.objectiveMs,
  }));
  const verdict =
    state === 'finished' &&
    phases.every((phase) => phase.met !== false) &&
    drill.outages.every((outage) => outage.outageMs !== null)
      ? 'met'
      : 'missed';
  const row: Drill = { ...drill, state, phases, verdict, endedAt: turn.now };
  putEnded(turn, 'drill', row);
  record(turn, {
    code: `drill-${state}`,
    subject: ['drill', drill.id],
    message: `Drill ${drill.kind} ${state}: objectives ${verdict}. ${phases.map((phase) => `${phase.name} ${phase.measuredMs === null ? 'not reached' : formatDuration(phase.measuredMs)}`).join(', ')}.`,
    details: { verdict },
  });
  endTasks(turn, drill.id, ['drill.run'], verdict === 'met' ? 'succeeded' : 'failed', verdict);
  return row;
}

export function emptyPhases(
  drill: Pick<Drill, 'kind' | 'impairment'>,
  objectives: Drill['objectives'],
): readonly DrillPhase[] {
  return phasesOf(drill.kind, drill.impairment?.networks ?? []).map((name) => ({
    name,
    predictedMs: null,
    measuredMs: null,
    objectiveMs: objectives[name] ?? null,
    met: null,
  }));
}

export function affectedGuests(
  turn: FleetTurn,
  drill: Pick<Drill, 'kind' | 'hostId' | 'guestId'>,
): readonly GuestOutage[] {
  const ids =
    drill.kind === 'guest-crash' && drill.guestId !== null
      ? [drill.guestId]
      : [...(turn.fleet.guestsOn.get(drill.hostId ?? '') ?? [])];
  return ids
    .filter((id) => turn.fleet.guests.get(id)?.desired === 'running')
    .map((guestId) => ({
      guestId,
      guestName: guestName(turn.fleet, guestId),
      predictedMs: null,
      outageMs: null,
      fromHostId: turn.fleet.guests.get(guestId)?.hostId ?? '',
      toHostId: null,
    }));
}
