import type { Guest, Host } from '@argosy/domain/entities';
import type { GuestObservation, HostReport } from '@argosy/domain/host-report';
import { formatDuration } from '@argosy/domain/units';
import { isBusy } from './begin-disk-operation';
import { datastoresOf, reaches } from './datastores';
import { spentItsRestarts } from './recovery';
import { clearAlarm, type FleetTurn, order, poolOf, raiseAlarm, record } from './turn';

/** Reports come each second: what lies between two that are further apart was heard by nobody, and proves nothing. */
const longestGapMs = 2_000;

/**
 * A guest that should run and of which nothing is heard, although its host's agent is, is reset: its VMM does not answer any
 * more, or its own heartbeat, which was heard before, has stopped. Off unless the pool wants it. Only what the host's
 * reports show counts, one after the other: a silent agent, a host that is cut off or a controller that has just taken
 * over begin to count anew.
 */
export function watchSilence(turn: FleetTurn, guest: Guest, observed: GuestObservation, host: Host): void {
  const windowMs = poolOf(turn.fleet, guest).failure.guestMonitoringMs;
  const report = turn.fleet.views.get(host.id)?.report;
  if (windowMs === 0 || !report || !mayJudge(turn, guest, observed, host)) return forgetSilence(turn, guest);
  const reason = silenceOf(turn, guest, { observed, report, windowMs });
  if (reason === null) return clearAlarm(turn, 'guest-silent', guest.id);
  const silence = turn.fleet.silences.get(guest.id);
  if (spentItsRestarts(turn, guest)) return leaveAlone(turn, guest, reason);
  if (silence && !silence.told) {
    silence.told = true;
    record(turn, {
      code: 'guest-reset',
      severity: 'warning',
      subject: ['guest', guest.id],
      message: `${guest.name} is reset: ${reason}.`,
    });
  }
  order(turn, `kill:${guest.id}:${guest.epoch}`, host, {
    kind: 'guest.kill',
    guestId: guest.id,
    epoch: guest.epoch,
    reason,
  });
}

/** Whatever stands still for a reason that is known is not hung; where storage hangs a reset would help nobody. */
function mayJudge({ fleet }: FleetTurn, guest: Guest, observed: GuestObservation, host: Host): boolean {
  return (
    host.state === 'online' &&
    guest.desired === 'running' &&
    (observed.state === 'running' || observed.state === 'paused') &&
    observed.refusal === null &&
    !isBusy(fleet, guest.id) &&
    !fleet.alarms.has(`guest-stalled/${guest.id}`) &&
    datastoresOf(fleet, guest).every((each) => reaches(fleet, host, each))
  );
}

interface Seen {
  readonly observed: GuestObservation;
  readonly report: HostReport;
  readonly windowMs: number;
}

/** null: it is heard, or has not been silent for long enough. */
function silenceOf({ fleet }: FleetTurn, guest: Guest, { observed, report, windowMs }: Seen): string | null {
  const count = observed.heartbeat?.count ?? null;
  const [{ epoch }, { incarnation, sentAt }] = [guest, report];
  let silence = fleet.silences.get(guest.id);
  if (silence?.epoch !== epoch || silence.incarnation !== incarnation) {
    silence = { epoch, incarnation, count, sentAt, silentMs: 0, told: false };
    fleet.silences.set(guest.id, silence);
  }
  const gapMs = Math.min(longestGapMs, Math.max(0, sentAt - silence.sentAt));
  const isSilent = observed.state === 'running' && count !== null && count === silence.count;
  Object.assign(silence, { count, sentAt, silentMs: isSilent ? silence.silentMs + gapMs : 0 });
  const vmmSilentMs = observed.usage?.vmmSilentMs ?? 0;
  if (vmmSilentMs >= windowMs) return `its VMM has not answered for ${formatDuration(vmmSilentMs)}`;
  if (silence.silentMs >= windowMs) return `its heartbeat has stopped for ${formatDuration(silence.silentMs)}`;
  return null;
}

/** Resetting has not helped so far, and would take from it what it may still be doing. */
function leaveAlone(turn: FleetTurn, guest: Guest, reason: string): void {
  raiseAlarm(turn, {
    code: 'guest-silent',
    severity: 'error',
    subject: ['guest', guest.id],
    message: `${guest.name} is not reset, although ${reason}: it was restarted ${guest.restarts.length} times lately. Look at its console.`,
  });
}

export function forgetSilence(turn: FleetTurn, guest: Guest): void {
  turn.fleet.silences.delete(guest.id);
  clearAlarm(turn, 'guest-silent', guest.id);
}
