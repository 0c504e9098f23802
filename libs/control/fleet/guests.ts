import type { Guest, Host } from '@argosy/domain/entities';
import type { GuestObservation } from '@argosy/domain/host-report';
import type { Refusal, RefusalCode } from '@argosy/domain/refusal';
import { sentence } from '@argosy/domain/units';
import type { Rejection } from '@argosy/scheduler/checks';
import { type Chosen, place } from '@argosy/scheduler/place';
import { specificationOf } from '../guest-specification';
import { settledAfterMs, startAttempts, stopGraceMs } from '../defaults';
import { hasItsLimits, limitsKey, orderLimits } from './limits';
import { forgetSilence, watchSilence } from './monitoring';
import { clusterOf, closePlacement, openPlacement, promisableOf } from './placement';
import { machineOf, withoutMemory } from './memory';
import { isBusy } from './begin-disk-operation';
import { countRestart, spentItsRestarts, watchRecovery } from './recovery';
import { awaitsReports, isSeenAfter, mayBeElsewhere } from './restored';
import { endTasks } from './tasks';
import {
  becomeGuest,
  clearAlarm,
  type FleetTurn,
  hostName,
  isHeard,
  lastKnownToLive,
  isOff,
  observe,
  order,
  poolOf,
  put,
  raiseAlarm,
  record,
  settled,
} from './turn';

/** What another host would refuse as well: there is no sense in trying one after the other. */
const hopeless = new Set<RefusalCode>([
  'image-missing',
  'image-corrupt',
  'image-outside-datastore',
  'vmm-unsupported',
  'invalid-request',
]);

/** Of a pool with hundreds of hosts that are full or off, so many show why it was none of them. */
const recordedRejections = 20;

/** Brings one guest nearer to what is wanted of it, from what its host shows. Asked again over unchanged state, it does nothing. */
export function reconcileGuest(turn: FleetTurn, guest: Guest): void {
  switch (guest.state) {
    case 'starting':
      return reconcileStarting(turn, guest);
    case 'running':
    case 'paused':
      if (!isAtRest(turn, guest)) reconcileRunning(turn, guest);
      return;
    case 'stopping':
      return reconcileStopping(turn, guest);
    case 'suspending':
      return reconcileSuspending(turn, guest);
    case 'suspended':
    case 'cloning': // its disk operation decides
    case 'migrating': // its migration decides
    case 'recovering': // placed by the pass over the pool, in the order of priority
    case 'stopped':
    case 'failed':
      return;
  }
}

function reconcileStarting(turn: FleetTurn, guest: Guest): void {
  const { reported, observed, host } = seenOf(turn, guest);
  if (host && isOff(host)) return guestLost(turn, guest, `${host.name} is proved off`);
  if (guest.desired === 'stopped') return beginStopping(turn, guest);
  if (!host || !isHeard(host)) return; // a failed host is fenced first, and then loses its guests
  if (!reported && isSeenAfter(turn, guest, Math.max(guest.epoch, guest.reservedEpoch))) return;
  if (!observed && awaitsReports(turn, guest.poolId)) return;
  if (!observed)
    return order(turn, `start:${guest.id}:${guest.epoch}`, host, {
      kind: 'guest.start',
      guest: specificationOf(turn.fleet, guest),
      epoch: guest.epoch,
      hostMemoryMiB: promisableOf(turn, host),
    });
  switch (observed.state) {
    case 'running':
    case 'paused': {
      settled(turn, `start:${guest.id}:${guest.epoch}`);
      // A memory is good for one run.
      becomeGuest(turn, guest, 'running', '', withoutMemory);
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
  if (observed.state === 'running') clearAlarm(turn, 'guest-down', guest.id);
  watchRecovery(turn, turn.fleet.guests.get(guest.id) ?? guest, observed);
  watchForStall(turn, guest, observed);
  watchSilence(turn, guest, observed, host);
  const wish = guest.desired === 'paused' ? 'guest.pause' : 'guest.resume';
  const isHere = observed.state === 'running' || observed.state === 'paused';
  if (hasItsLimits(guest, observed)) settled(turn, limitsKey(guest));
  else if (isHere) orderLimits(turn, guest, host);
  if (isHere && observed.state !== guest.desired)
    order(turn, `${wish}:${guest.id}:${guest.epoch}`, host, { kind: wish, guestId: guest.id, epoch: guest.epoch });
  const beat = observed.heartbeat;
  if (guest.failedStarts > 0 && beat && beat.at - beat.firstAt > settledAfterMs)
    put(turn, 'guest', { ...guest, failedStarts: 0, retryAt: null });
  noteRest(turn, turn.fleet.guests.get(guest.id) ?? guest, observed, host);
}

/** Of very many guests most are as they were when they were looked at last, and then they were as they should be. */
function isAtRest({ fleet }: FleetTurn, guest: Guest): boolean {
  const seen = fleet.atRest.get(guest.id);
  if (seen?.guest !== guest || guest.hostId === null) return false;
  return seen.host === fleet.hosts.get(guest.hostId) && seen.report === fleet.views.get(guest.hostId)?.report;
}

/** Nothing of it hangs on time alone: no order is repeated, no probe, no alarm, no silence that adds up. */
function noteRest({ fleet }: FleetTurn, guest: Guest, observed: GuestObservation, host: Host): void {
  const report = fleet.views.get(host.id)?.report;
  const isWell =
    guest.state === 'running' &&
    guest.desired === 'running' &&
    observed.state === 'running' &&
    hasItsLimits(guest, observed);
  const isWatched =
    guest.lostAt !== null || guest.failedStarts > 0 || poolOf(fleet, guest).failure.guestMonitoringMs > 0;
  const isOpen = fleet.alarms.has(`guest-stalled/${guest.id}`);
  if (report && isWell && !isWatched && !isOpen) fleet.atRest.set(guest.id, { guest, host, report });
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

/** What became of it is told by the operation that writes its memory. */
function reconcileSuspending(turn: FleetTurn, guest: Guest): void {
  const host = turn.fleet.hosts.get(guest.hostId ?? '');
  if (host && isOff(host)) guestLost(turn, { ...guest, desired: 'running' }, `${host.name} is proved off`);
}

/** Its memory is whole in a file, and its VMM ended; or it runs on as before. */
export function suspended(
  turn: FleetTurn,
  guest: Guest,
  outcome: { readonly memoryPath: string; readonly refusal: Refusal | null },
): void {
  const { memoryPath, refusal } = outcome;
  endTasks(turn, guest.id, ['guest.suspend'], refusal ? 'failed' : 'succeeded', refusal?.message ?? 'suspended');
  if (guest.state !== 'suspending') return;
  if (refusal) becomeGuest(turn, { ...guest, desired: 'running' }, 'running', '');
  else {
    const memoryMachine = machineOf(turn.fleet.hosts.get(guest.hostId ?? ''));
    becomeGuest(turn, closePlacement(turn, guest, 'suspended'), 'suspended', '', { memoryPath, memoryMachine });
  }
  record(turn, {
    code: refusal ? 'suspend-failed' : 'guest-suspended',
    severity: refusal ? 'warning' : 'information',
    subject: ['guest', guest.id],
    message: refusal
      ? `${guest.name} was not suspended: ${refusal.message}`
      : `${guest.name} is suspended: its memory is in ${memoryPath}.`,
  });
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
  becomeGuest(turn, closed, 'stopped', '', { failedStarts: 0, retryAt: null, lostAt: null });
  record(turn, { code: 'guest-stopped', subject: ['guest', guest.id], message: `${guest.name} is stopped. ${reason}` });
  clearAlarm(turn, 'guest-down', guest.id);
  endTasks(turn, guest.id, ['guest.stop'], 'succeeded', 'off');
  if (guest.desired === 'stopped') giveUpStart(turn, guest);
}

/** It is off, and nobody waits for it any more. */
export function giveUpStart(turn: FleetTurn, guest: Guest): void {
  clearAlarm(turn, 'guest-down', guest.id);
  endTasks(turn, guest.id, ['guest.start', 'guest.restart'], 'cancelled', 'stopped meanwhile');
}

/** A guest that powers itself off stays off, as in vSphere. */
function poweredOff(turn: FleetTurn, guest: Guest): void {
  const stopping = becomeGuest(turn, { ...guest, desired: 'stopped' }, 'stopping', 'powered off by itself');
  stopped(turn, stopping, 'It powered itself off.');
}

/** From when it was last known to live. A guest that never ran yet is not lost: nobody misses it. */
function sinceLost(turn: FleetTurn, guest: Guest): Guest {
  return guest.state === 'starting' ? guest : { ...guest, lostAt: guest.lostAt ?? lastKnownToLive(turn, guest.hostId) };
}

/** Its VMM ended, refused to start, or is not there although its host answers: it is restarted, in place if there is room. */
function lostVmm(turn: FleetTurn, guest: Guest, observed: GuestObservation | null): void {
  const where = hostName(turn.fleet, guest.hostId);
  const refusal = observed?.refusal ?? null;
  const why = refusal?.message ?? 'its VMM is not there any more';
  const failedStarts = guest.failedStarts + 1;
  const closed = closePlacement(turn, sinceLost(turn, guest), `${observed?.state ?? 'absent'}: ${why}`);
  forgetSilence(turn, guest);
  clearAlarm(turn, 'guest-stalled', guest.id);
  // The first restart is at once, the next ones after 1, 2, 4 … s.
  const retryAt = failedStarts === 1 ? null : turn.now + Math.min(60_000, 1000 * 2 ** (failedStarts - 2));
  // Once it has run from its memory it can only boot from its disk.
  const memory = refusal?.code === 'memory-missing' ? withoutMemory : {};
  const recovering = becomeGuest(turn, closed, 'recovering', why, { failedStarts, retryAt, ...memory });
  record(turn, {
    code: guest.state === 'starting' ? 'guest-start-failed' : 'guest-crashed',
    severity: 'error',
    subject: ['guest', guest.id],
    message: `${guest.name} ${guest.state === 'starting' ? 'did not start' : 'crashed'} on ${where}: ${why}`,
    details: refusal ? { code: refusal.code } : {},
  });
  if (spentItsRestarts(turn, recovering))
    return giveUp(turn, recovering, `${why}; it was restarted ${guest.restarts.length} times lately`);
  if (failedStarts >= startAttempts || (refusal !== null && hopeless.has(refusal.code)))
    return giveUp(turn, recovering, why);
  // What crashes there again, or does not even start there, is placed anew like any other.
  // So is one that is being started elsewhere under its disk's lock.
  const isBegun = guest.state !== 'starting' && !isBusy(turn.fleet, guest.id) && !turn.fleet.takeOvers.has(guest.id);
  if (retryAt === null && isBegun && guest.hostId !== null) restartInPlace(turn, recovering, guest.hostId);
}

/** Its host is well, so it need not go anywhere; where it has no room there any more, the next pass finds it another place. */
function restartInPlace(turn: FleetTurn, guest: Guest, hostId: string): void {
  const cluster = clusterOf(turn, guest.poolId, 'failover');
  const [index, only] = [cluster.guestIndex.get(guest.id), cluster.hostIndex.get(hostId)];
  if (index === undefined || only === undefined) return;
  const { chosen, rejections } = place(cluster, index, { only, explain: true });
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

/**
 * The host has revoked that epoch, as when it was cut off and stopped its guests before their start was told: it never
 * starts there any more, and if nothing of it is there the guest is down.
 */
export function cannotStart(turn: FleetTurn, host: Host, { guestId, epoch }: Readonly<Record<string, unknown>>): void {
  const guest = turn.fleet.guests.get(String(guestId));
  if (guest?.state !== 'starting' || guest.hostId !== host.id || guest.epoch !== epoch) return;
  const { reported, observed } = seenOf(turn, guest);
  if (mayBeElsewhere(turn, guest)) return;
  if (reported && !observed) lostVmm(turn, guest, null);
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
  const closed = closePlacement(turn, sinceLost(turn, guest), reason);
  const recovering = becomeGuest(turn, closed, 'recovering', reason, { retryAt: null });
  // It has come to its stop, also where it is wanted again since.
  endTasks(turn, guest.id, ['guest.stop'], 'succeeded', reason);
  if (guest.desired === 'stopped') {
    becomeGuest(turn, recovering, 'stopped', '', { lostAt: null });
    return giveUpStart(turn, guest);
  }
  record(turn, {
    code: 'guest-lost',
    severity: 'warning',
    subject: ['guest', guest.id],
    message: `${guest.name} is lost with its host and waits for its restart: ${reason}.`,
  });
}

export function startAt(turn: FleetTurn, guest: Guest, chosen: Chosen, rejections: readonly Rejection[]): void {
  const epoch = Math.max(guest.epoch, guest.reservedEpoch) + 1;
  const reason = guest.state === 'recovering' ? `restart: ${guest.stateReason}` : 'start';
  const restarts = guest.state === 'recovering' ? countRestart(turn, guest) : guest.restarts;
  turn.fleet.placedAt.set(guest.id, turn.now);
  const opened = openPlacement(turn, { ...guest, restarts }, chosen.hostId, epoch, reason);
  const starting = becomeGuest(turn, { ...opened, state: guest.state }, 'starting', '');
  record(turn, {
    code: 'guest-placed',
    subject: ['guest', guest.id],
    message: `${guest.name} is placed on ${hostName(turn.fleet, chosen.hostId)} at epoch ${epoch} (${reason}).`,
    details: {
      hostId: chosen.hostId,
      epoch,
      scores: chosen.scores,
      rejections: rejections.slice(0, recordedRejections),
    },
  });
  reconcileStarting(turn, starting);
}
