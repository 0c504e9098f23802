import type { Guest, Pool } from '@argosy/domain/entities';
import { restartPriorities } from '@argosy/domain/policies';
import type { GuestObservation } from '@argosy/domain/host-report';
import { formatDuration } from '@argosy/domain/units';
import type { FleetEvent } from '../fleet-types';
import { clearAlarm, type FleetTurn, nextAttempt, poolOf, put, raiseAlarm, record, settled } from './turn';

const probeMs = 2_000;

/** A guest that runs may still not serve: it is recovered when its own heartbeat is seen, or its probe is answered. */
export function watchRecovery(turn: FleetTurn, guest: Guest, observed: GuestObservation): void {
  if (guest.lostAt === null || observed.state !== 'running') return;
  if (guest.probe === null) {
    if (observed.heartbeat !== null) recovered(turn, guest, 'its heartbeat was seen');
    return;
  }
  if (nextAttempt(turn, `probe:${guest.id}`, guest.epoch, probeMs) === null) return;
  const { id: guestId, epoch, address, probe } = guest;
  turn.effects.push({ kind: 'probe', guestId, epoch, address, probe });
}

export function takeProbe(
  turn: FleetTurn,
  { guestId, epoch, serves }: Extract<FleetEvent, { kind: 'probe-result' }>,
): void {
  const guest = turn.fleet.guests.get(guestId);
  if (serves && guest?.epoch === epoch && guest.lostAt !== null && guest.state === 'running')
    recovered(turn, guest, 'its probe was answered');
}

function recovered(turn: FleetTurn, guest: Guest, how: string): void {
  settled(turn, `probe:${guest.id}`);
  const row = turn.fleet.guests.get(guest.id) ?? guest;
  put(turn, 'guest', { ...row, lostAt: null });
  record(turn, {
    code: 'guest-recovered',
    subject: ['guest', guest.id],
    message: `${guest.name} is recovered: ${how}, ${formatDuration(turn.now - (guest.lostAt ?? turn.now))} after it was lost.`,
    details: { lostMs: turn.now - (guest.lostAt ?? turn.now), epoch: guest.epoch },
  });
}

export function withinWindow(turn: FleetTurn, { failure }: Pool, instants: readonly number[]): readonly number[] {
  return instants.filter((at) => turn.now - at < failure.budgetWindowMs);
}

/** The restart is counted where it happens; what is older than the window is forgotten. */
export function countRestart(turn: FleetTurn, guest: Guest): readonly number[] {
  return [...withinWindow(turn, poolOf(turn.fleet, guest), guest.restarts), turn.now];
}

/** True: it has been restarted as often as its pool allows. */
export function spentItsRestarts(turn: FleetTurn, guest: Guest): boolean {
  const pool = poolOf(turn.fleet, guest);
  return withinWindow(turn, pool, guest.restarts).length >= pool.failure.guestRestarts;
}

/** How many more of the pool's guests may be restarted before the rest waits until the window has moved on. */
export function restartsLeft(turn: FleetTurn, pool: Pool): number {
  let restarts = 0;
  for (const id of turn.fleet.indexes.restarted) {
    const guest = turn.fleet.guests.get(id)!;
    if (guest.poolId === pool.id) restarts += withinWindow(turn, pool, guest.restarts).length;
  }
  const left = pool.failure.poolRestarts - restarts;
  if (left > 0) clearAlarm(turn, 'restart-budget', pool.id);
  return left;
}

export function tellSpent(turn: FleetTurn, pool: Pool): void {
  raiseAlarm(turn, {
    code: 'restart-budget',
    severity: 'error',
    subject: ['pool', pool.id],
    message: `As many guests of ${pool.name} were restarted within ${formatDuration(pool.failure.budgetWindowMs)} as failure.poolRestarts allows (${pool.failure.poolRestarts}): the others wait. Something is wrong with more than single guests; look at hosts and storage, or raise it.`,
  });
}

export function rankOf(guest: Guest): number {
  return restartPriorities.indexOf(guest.restartPriority);
}

/** The gravest priority of which a guest is not as far as its pool wants it before the next ones begin; Infinity: none. */
export function heldAfterRank(turn: FleetTurn, pool: Pool): number {
  if (pool.failure.restartReady === 'placed') return Infinity;
  let rank = Infinity;
  for (const id of turn.fleet.indexes.lost) {
    const guest = turn.fleet.guests.get(id)!;
    if (guest.poolId === pool.id && rankOf(guest) < rank && holdsUp(turn, pool, guest)) rank = rankOf(guest);
  }
  return rank;
}

function holdsUp(turn: FleetTurn, { failure }: Pool, guest: Guest): boolean {
  // One that has no room or waits for its next try would hold up the others for nothing.
  if (guest.state === 'recovering')
    return (
      guest.restartPriority !== 'disabled' &&
      (guest.retryAt ?? 0) <= turn.now &&
      !turn.fleet.alarms.has(`guest-down/${guest.id}`)
    );
  const placedAt = turn.fleet.placedAt.get(guest.id) ?? guest.lostAt ?? turn.now;
  if (turn.now - placedAt >= failure.restartWaitMs) return false;
  if (guest.state === 'starting') return true;
  return failure.restartReady === 'heartbeat' && guest.state === 'running';
}
