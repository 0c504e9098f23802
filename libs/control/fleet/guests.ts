import type { Guest, Host, RestartPriority } from '@argosy/domain/entities';
import { restartPriorities } from '@argosy/domain/entities';
import type { GuestObservation } from '@argosy/domain/host-report';
import type { RefusalCode } from '@argosy/domain/refusal';
import { sentence } from '@argosy/domain/units';
import { type Cluster, move } from '@argosy/scheduler/cluster';
import type { Rejection } from '@argosy/scheduler/checks';
import { type Chosen, explainRejections, place } from '@argosy/scheduler/place';
import { settledAfterMs, startAttempts, stopGraceMs } from '../defaults';
import { clusterOf, closePlacement, openPlacement, specificationOf } from './placement';
import { endTasks } from './tasks';
import {
  becomeGuest,
  clearAlarm,
  type FleetTurn,
  hostName,
  isHeard,
  isOff,
  observe,
  order,
  put,
  raiseAlarm,
  record,
  settled,
} from './turn';

/** What another host would refuse as well: there is no sense in trying one after the other. */
const hopeless = new Set<RefusalCode>(['image-missing', 'image-corrupt', 'vmm-unsupported', 'invalid-request']);

/** Brings one guest nearer to what is wanted of it, from what its host shows. Asked again over unchanged state, it does nothing. */
export function reconcileGuest(turn: FleetTurn, guest: Guest): void {
  switch (guest.state) {
    case 'starting':
      return reconcileStarting(turn, guest);
    case 'running':
    case 'paused':
      return reconcileRunning(turn, guest);
    case 'stopping':
      return reconcileStopping(turn, guest);
    case 'migrating': // its migration decides
    case 'recovering': // placed by the pass over the pool, in the order of priority
    case 'stopped':
    case 'failed':
      return;
  }
}

function reconcileStarting(turn: FleetTurn, guest: Guest): void {
  const { observed, host } = seenOf(turn, guest);
  if (host && isOff(host)) return guestLost(turn, guest, `${host.name} is proved off`);
  if (guest.desired === 'stopped') return beginStopping(turn, guest);
  if (!host || !isHeard(host)) return; // a failed host is fenced first, and then loses its guests
  if (!observed)
    return order(turn, `start:${guest.id}:${guest.epoch}`, host, {
      kind: 'guest.start',
      guest: specificationOf(turn.fleet, guest),
      epoch: guest.epoch,
    });
  switch (observed.state) {
    case 'running':
    case 'paused': {
      settled(turn, `start:${guest.id}:${guest.epoch}`);
      becomeGuest(turn, guest, 'running', '');
      record(turn, {
        code: 'guest-started',
        subject: ['guest', guest.id],
        message: `${guest.name} runs on ${host.name} (epoch ${guest.epoch}).`,
        details: { hostId: host.id, epoch: guest.epoch },
      });
      clearAlarm(turn, 'guest-down', guest.id);
      endTasks(turn, guest.id, ['guest.start', 'guest.restart'], 'succeeded', `runs on ${host.name}`);
      return;
    }
    case 'failed':
    case 'crashed':
    case 'stopped':
      return lostVmm(turn, guest, observed);
    default:
      return;
  }
}

function reconcileRunning(turn: FleetTurn, guest: Guest): void {
  const { reported, observed, host } = seenOf(turn, guest);
  if (host && isOff(host)) return guestLost(turn, guest, `${host.name} is proved off`);
  if (guest.desired === 'stopped') return beginStopping(turn, guest);
  if (!host || !isHeard(host) || !reported) return;
  if (!observed) return mayBeElsewhere(turn, guest) ? undefined : lostVmm(turn, guest, null);
  if (observed.state === 'stopped') return poweredOff(turn, guest);
  if (observed.state === 'crashed' || observed.state === 'failed') return lostVmm(turn, guest, observed);
  if (observed.state === 'running' && guest.state === 'paused') becomeGuest(turn, guest, 'running', '');
  else if (observed.state === 'paused' && guest.state === 'running')
    becomeGuest(turn, guest, 'paused', observed.refusal?.message ?? '');
  watchForStall(turn, guest, observed);
  const wanted = { running: 'guest.resume', paused: 'guest.pause' } as const;
  const wish = wanted[guest.desired];
  if (observed.state !== guest.desired && (observed.state === 'running' || observed.state === 'paused'))
    order(turn, `${wish}:${guest.id}:${guest.epoch}`, host, { kind: wish, guestId: guest.id, epoch: guest.epoch });
  const beat = observed.heartbeat;
  if (guest.failedStarts > 0 && beat && beat.at - beat.firstAt > settledAfterMs)
    put(turn, 'guest', { ...guest, failedStarts: 0, retryAt: null });
}

/**
 * Absent where the record has it, it may run where the record does not know of, if the record is older than the fleet (a
 * restored database): a host that has not reported yet may have it, and one that shows it at a later epoch does.
 */
function mayBeElsewhere({ fleet }: FleetTurn, guest: Guest): boolean {
  for (const host of fleet.hosts.values()) {
    if (host.poolId !== guest.poolId || !isHeard(host)) continue;
    const view = fleet.views.get(host.id);
    if (!view?.report) return true;
    if (view.guests.get(guest.id)?.some((copy) => copy.epoch > guest.epoch)) return true;
  }
  return false;
}

/** Stopped by its VMM, as for want of room on its datastore: it is resumed again and again, and the alarm is over when it stays so. */
function watchForStall(turn: FleetTurn, guest: Guest, observed: GuestObservation): void {
  if (observed.state === 'paused' && observed.refusal !== null)
    return raiseAlarm(turn, {
      code: 'guest-stalled',
      severity: 'error',
      subject: ['guest', guest.id],
      message: observed.refusal.message,
      details: { code: observed.refusal.code },
    });
  const resumed = turn.fleet.outstanding.get(`guest.resume:${guest.id}:${guest.epoch}`);
  if (observed.state === 'running' && (!resumed || turn.now > resumed.notAfter))
    clearAlarm(turn, 'guest-stalled', guest.id);
}

function reconcileStopping(turn: FleetTurn, guest: Guest): void {
  const { reported, observed, host } = seenOf(turn, guest);
  if (guest.hostId === null || !host) return stopped(turn, guest, 'It had no placement.');
  if (isOff(host)) return stopped(turn, guest, `${host.name} is proved off.`);
  if (!isHeard(host) || !reported) return;
  if (!observed || observed.state === 'stopped' || observed.state === 'crashed' || observed.state === 'failed') {
    // Absent from a report that was sent after the start's not-after: it is not there and cannot come.
    const starting = turn.fleet.outstanding.get(`start:${guest.id}:${guest.epoch}`);
    if (!observed && starting && turn.now <= starting.notAfter) return sendStop(turn, guest, 0);
    return stopped(turn, guest, 'It is off.');
  }
  sendStop(turn, guest, guest.stateReason === 'forced' ? 0 : stopGraceMs);
}

function sendStop(turn: FleetTurn, guest: Guest, graceMs: number): void {
  const host = turn.fleet.hosts.get(guest.hostId ?? '');
  if (host)
    order(
      turn,
      `stop:${guest.id}:${guest.epoch}`,
      host,
      { kind: 'guest.stop', guestId: guest.id, epoch: guest.epoch, graceMs },
      stopGraceMs + 5_000,
    );
}

export function beginStopping(turn: FleetTurn, guest: Guest, forced = false): void {
  const row = becomeGuest(turn, guest, 'stopping', forced ? 'forced' : '');
  reconcileStopping(turn, row);
}

function stopped(turn: FleetTurn, guest: Guest, reason: string): void {
  const closed = closePlacement(turn, guest, 'stopped');
  clearAlarm(turn, 'guest-stalled', guest.id);
  becomeGuest(turn, closed, 'stopped', '', { failedStarts: 0, retryAt: null });
  record(turn, { code: 'guest-stopped', subject: ['guest', guest.id], message: `${guest.name} is stopped. ${reason}` });
  clearAlarm(turn, 'guest-down', guest.id);
  endTasks(turn, guest.id, ['guest.stop'], 'succeeded', 'off');
  if (guest.desired === 'stopped')
    endTasks(turn, guest.id, ['guest.start', 'guest.restart'], 'cancelled', 'stopped meanwhile');
}

/** A guest that powers itself off stays off, as in vSphere. */
function poweredOff(turn: FleetTurn, guest: Guest): void {
  const stopping = becomeGuest(turn, { ...guest, desired: 'stopped' }, 'stopping', 'powered off by itself');
  stopped(turn, stopping, 'It powered itself off.');
}

/** Its VMM ended, refused to start, or is not there although its host answers: it is restarted, in place if there is room. */
function lostVmm(turn: FleetTurn, guest: Guest, observed: GuestObservation | null): void {
  const where = hostName(turn.fleet, guest.hostId);
  const refusal = observed?.refusal ?? null;
  const why = refusal?.message ?? 'its VMM is not there any more';
  const failedStarts = guest.failedStarts + 1;
  const closed = closePlacement(turn, guest, `${observed?.state ?? 'absent'}: ${why}`);
  clearAlarm(turn, 'guest-stalled', guest.id);
  // The first restart is at once, the next ones after 1, 2, 4 … s.
  const retryAt = failedStarts === 1 ? null : turn.now + Math.min(60_000, 1000 * 2 ** (failedStarts - 2));
  const recovering = becomeGuest(turn, closed, 'recovering', why, { failedStarts, retryAt });
  record(turn, {
    code: guest.state === 'starting' ? 'guest-start-failed' : 'guest-crashed',
    severity: 'error',
    subject: ['guest', guest.id],
    message: `${guest.name} ${guest.state === 'starting' ? 'did not start' : 'crashed'} on ${where}: ${why}`,
    details: refusal ? { code: refusal.code } : {},
  });
  if (failedStarts >= startAttempts || (refusal !== null && hopeless.has(refusal.code)))
    return giveUp(turn, recovering, why);
  // What crashes there again, or does not even start there, is placed anew like any other.
  if (retryAt === null && guest.state !== 'starting' && guest.hostId !== null)
    restartInPlace(turn, recovering, guest.hostId);
}

/** Its host is well, so it need not go anywhere; where it has no room there any more, the next pass finds it another place. */
function restartInPlace(turn: FleetTurn, guest: Guest, hostId: string): void {
  const cluster = clusterOf(turn, guest.poolId);
  const [index, only] = [cluster.guestIndex.get(guest.id), cluster.hostIndex.get(hostId)];
  if (index === undefined || only === undefined) return;
  const { chosen, rejections } = place(cluster, index, { only });
  if (chosen) startAt(turn, guest, chosen, rejections);
}

function giveUp(turn: FleetTurn, guest: Guest, why: string): void {
  becomeGuest(turn, guest, 'failed', why);
  raiseAlarm(turn, {
    code: 'guest-down',
    severity: 'error',
    subject: ['guest', guest.id],
    message: `${guest.name} is not started again after ${guest.failedStarts} attempts: ${sentence(why)} Mend the cause and start it.`,
  });
  endTasks(turn, guest.id, ['guest.start', 'guest.restart'], 'failed', why);
}

function seenOf(
  turn: FleetTurn,
  guest: Guest,
): { reported: boolean; observed: GuestObservation | null; host: Host | undefined } {
  if (guest.hostId === null) return { reported: false, observed: null, host: undefined };
  const { reported, guest: observed } = observe(turn, guest.hostId, guest.id, guest.epoch);
  return { reported, observed, host: turn.fleet.hosts.get(guest.hostId) };
}

/** Its host is proved off: whatever ran there is dead, and may be started elsewhere at the next epoch. */
export function hostLost(turn: FleetTurn, hostId: string): void {
  for (const guestId of [...(turn.fleet.guestsOn.get(hostId) ?? [])]) {
    const guest = turn.fleet.guests.get(guestId);
    if (!guest || guest.state === 'migrating') continue;
    guestLost(turn, guest, `${hostName(turn.fleet, hostId)} is proved off`);
  }
}

export function guestLost(turn: FleetTurn, guest: Guest, reason: string): void {
  clearAlarm(turn, 'guest-stalled', guest.id);
  const closed = closePlacement(turn, guest, reason);
  const recovering = becomeGuest(turn, closed, 'recovering', reason, { retryAt: null });
  if (guest.desired === 'stopped') {
    becomeGuest(turn, recovering, 'stopped', '');
    endTasks(turn, guest.id, ['guest.stop'], 'succeeded', reason);
    return;
  }
  record(turn, {
    code: 'guest-lost',
    severity: 'warning',
    subject: ['guest', guest.id],
    message: `${guest.name} is lost with its host and waits for its restart: ${reason}.`,
  });
}

/** Places what waits for a place: guests to be restarted first, in the order of their priority, then new ones. */
export function placeWaiting(turn: FleetTurn): void {
  const clusters = new Map<string, Cluster>();
  for (const guest of waitingGuests(turn)) {
    if (
      guest.state === 'recovering' &&
      guest.restartPriority === 'disabled' &&
      guest.stateReason.endsWith('is proved off')
    ) {
      giveUpDisabled(turn, guest);
      continue;
    }
    let cluster = clusters.get(guest.poolId);
    if (!cluster) clusters.set(guest.poolId, (cluster = clusterOf(turn, guest.poolId)));
    placeGuest(turn, guest, cluster);
  }
}

function waitingGuests(turn: FleetTurn): Guest[] {
  const waiting: Guest[] = [];
  for (const guest of turn.fleet.guests.values()) {
    if (guest.state !== 'recovering' && !(guest.state === 'stopped' && guest.desired === 'running')) continue;
    if (guest.retryAt === null || guest.retryAt <= turn.now) waiting.push(guest);
  }
  const rank = (priority: RestartPriority): number => restartPriorities.indexOf(priority);
  const later = (guest: Guest): number => (guest.state === 'recovering' ? 0 : 1);
  return waiting.sort(
    (a, b) => later(a) - later(b) || rank(a.restartPriority) - rank(b.restartPriority) || (a.name < b.name ? -1 : 1),
  );
}

function giveUpDisabled(turn: FleetTurn, guest: Guest): void {
  becomeGuest(turn, guest, 'failed', 'its restart priority is disabled');
  raiseAlarm(turn, {
    code: 'guest-down',
    subject: ['guest', guest.id],
    message: `${guest.name} is not restarted: its restart priority is disabled. Start it by hand.`,
  });
}

/** Room that is not there now is looked for at each pass; the wait is told once, when it begins. */
export function placeGuest(turn: FleetTurn, guest: Guest, cluster: Cluster): boolean {
  const index = cluster.guestIndex.get(guest.id);
  if (index === undefined) throw new Error(`Guest ${guest.name} is missing from its pool's cluster.`);
  const answer = place(cluster, index);
  if (answer.chosen === null) {
    raiseAlarm(turn, {
      code: 'guest-down',
      severity: 'error',
      subject: ['guest', guest.id],
      message: `${guest.name} waits: no host takes it (${explainRejections(cluster, answer.rejections)}).`,
      details: { rejections: answer.rejections },
    });
    return false;
  }
  move(cluster, index, answer.chosen.host);
  startAt(turn, guest, answer.chosen, answer.rejections);
  return true;
}

function startAt(turn: FleetTurn, guest: Guest, chosen: Chosen, rejections: readonly Rejection[]): void {
  const epoch = Math.max(guest.epoch, guest.reservedEpoch) + 1;
  const reason = guest.state === 'recovering' ? `restart: ${guest.stateReason}` : 'start';
  const opened = openPlacement(turn, guest, chosen.hostId, epoch, reason);
  const starting = becomeGuest(turn, { ...opened, state: guest.state }, 'starting', '');
  record(turn, {
    code: 'guest-placed',
    subject: ['guest', guest.id],
    message: `${guest.name} is placed on ${hostName(turn.fleet, chosen.hostId)} at epoch ${epoch} (${reason}).`,
    details: { hostId: chosen.hostId, epoch, scores: chosen.scores, rejections },
  });
  reconcileStarting(turn, starting);
}

/**
 * Copies that a host shows and that should not be there. An older epoch is a left-over and is stopped. A newer one than
 * the record's means that the record is behind (a restored database): it is adopted with an alarm, never killed.
 */
export function reconcileCopies(turn: FleetTurn, hostId: string): void {
  const host = turn.fleet.hosts.get(hostId);
  const view = turn.fleet.views.get(hostId);
  if (!host || !view || !isHeard(host)) return;
  for (const [guestId, copies] of view.guests)
    for (const copy of copies) {
      const guest = turn.fleet.guests.get(guestId);
      if (!guest) strangerSeen(turn, hostId, copy);
      else if (copy.epoch > Math.max(guest.epoch, guest.reservedEpoch)) adopt(turn, guest, hostId, copy);
      else if (isLeftOver(turn, guest, hostId, copy))
        order(turn, `clear:${guestId}:${copy.epoch}:${hostId}`, host, {
          kind: 'guest.stop',
          guestId,
          epoch: copy.epoch,
          graceMs: 0,
        });
    }
}

function isLeftOver(turn: FleetTurn, guest: Guest, hostId: string, copy: GuestObservation): boolean {
  if (copy.epoch === guest.epoch && guest.hostId === hostId) return false;
  if (copy.state === 'stopping') return false;
  for (const migration of turn.fleet.migrations.values())
    if (migration.guestId === guest.id && (migration.sourceHostId === hostId || migration.targetHostId === hostId))
      return false;
  return copy.epoch <= guest.epoch || copy.epoch <= guest.reservedEpoch;
}

function adopt(turn: FleetTurn, guest: Guest, hostId: string, copy: GuestObservation): void {
  if (copy.state !== 'running' && copy.state !== 'paused') return;
  if (guest.state === 'migrating') return;
  const closed = closePlacement(turn, guest, `a later epoch (${copy.epoch}) was seen elsewhere`);
  const opened = openPlacement(
    turn,
    closed,
    hostId,
    copy.epoch,
    'adopted: seen running at a later epoch than the record',
  );
  const recovering =
    guest.state === 'running' || guest.state === 'paused'
      ? { ...opened, state: guest.state }
      : { ...opened, state: 'recovering' as const };
  becomeGuest(turn, recovering, 'running', 'adopted', { desired: 'running' });
  raiseAlarm(turn, {
    code: 'record-behind',
    severity: 'error',
    subject: ['guest', guest.id],
    message: `${guest.name} was seen on ${hostName(turn.fleet, hostId)} at epoch ${copy.epoch}; the record said ${guest.epoch}. The record was behind (a restored database?) and has been corrected.`,
  });
}

function strangerSeen(turn: FleetTurn, hostId: string, copy: GuestObservation): void {
  raiseAlarm(turn, {
    code: 'unknown-guest',
    subject: ['host', hostId],
    message: `${hostName(turn.fleet, hostId)} runs a guest that the inventory does not know (${copy.guestId}, epoch ${copy.epoch}); it is left alone.`,
  });
}
