import type { Guest, Host } from '@argosy/domain/entities';
import { explainRejections, place } from '@argosy/scheduler/place';
import { takeOverRetryMs } from '../defaults';
import { specificationOf } from '../guest-specification';
import { clusterOf, closePlacement, openPlacement } from './placement';
import { isBusy } from './begin-disk-operation';
import { countRestart } from './recovery';
import {
  becomeGuest,
  clearAlarm,
  type FleetTurn,
  hostName,
  isHeard,
  nextAttempt,
  observe,
  order,
  poolOf,
  put,
  raiseAlarm,
  record,
} from './turn';

/**
 * Where a pool's storage keeps a lock exactly as long as its holder lives, a host that nothing else can prove off need
 * not hold up its guests for ever: another host's VMM is started at a reserved epoch, and if it gets the disk's lock and
 * keeps it, the old copy is dead. Until then the placement stays where it is, for the old copy may be alive and well.
 */
export function takeOverUnderLocks(turn: FleetTurn): void {
  for (const host of turn.fleet.hosts.values()) {
    if (!needsLocks(turn, host)) continue;
    for (const guestId of [...(turn.fleet.guestsOn.get(host.id) ?? [])]) {
      const guest = turn.fleet.guests.get(guestId);
      if (guest && isEligible(guest) && !isBusy(turn.fleet, guest.id)) takeOver(turn, guest, host);
    }
  }
}

/** Only after the other proofs had their chance: a host that a device can fence is fenced. */
function needsLocks(turn: FleetTurn, host: Host): boolean {
  if (host.state !== 'failed' && host.state !== 'fencing') return false;
  if (!poolOf(turn.fleet, host).failure.lockIsProof) return false;
  return host.fenceDevices.length === 0 || turn.fleet.alarms.has(`fence-failed/${host.id}`);
}

/** In mid-migration the lock changes hands by itself, and a free one says nothing: such a guest waits for another proof. */
function isEligible(guest: Guest): boolean {
  if (guest.state !== 'running' && guest.state !== 'paused') return false;
  return guest.desired !== 'stopped' && guest.restartPriority !== 'disabled';
}

/** The copy that is being started under the lock: nobody's left-over. */
export function isTakingOver(turn: FleetTurn, guestId: string, hostId: string, epoch: number): boolean {
  const attempt = turn.fleet.takeOvers.get(guestId);
  return attempt?.hostId === hostId && attempt.epoch === epoch;
}

function takeOver(turn: FleetTurn, guest: Guest, from: Host): void {
  const attempt = turn.fleet.takeOvers.get(guest.id);
  if (!attempt) return begin(turn, guest, from);
  const target = turn.fleet.hosts.get(attempt.hostId);
  const { reported, guest: copy } = observe(turn, attempt.hostId, guest.id, attempt.epoch);
  if (!target || !isHeard(target) || copy?.state === 'failed' || copy?.state === 'crashed') {
    turn.fleet.takeOvers.delete(guest.id);
    if (copy?.refusal)
      raiseAlarm(turn, {
        code: 'guest-down',
        severity: 'error',
        subject: ['guest', guest.id],
        message: `${guest.name} waits: it may still run on ${from.name}, which nothing proves off (${copy.refusal.message}).`,
      });
    return;
  }
  if (copy?.state === 'running' || copy?.state === 'paused') return commit(turn, guest, attempt);
  if (reported && !copy) send(turn, guest, target, attempt.epoch);
}

function begin(turn: FleetTurn, guest: Guest, from: Host): void {
  if (nextAttempt(turn, `take-over:${guest.id}`, from.incarnation, takeOverRetryMs) === null) return;
  const cluster = clusterOf(turn, guest.poolId, 'failover');
  const avoid = cluster.hostIndex.get(from.id);
  const answer = place(cluster, cluster.guestIndex.get(guest.id)!, avoid === undefined ? {} : { avoid });
  if (answer.chosen === null)
    return raiseAlarm(turn, {
      code: 'guest-down',
      severity: 'error',
      subject: ['guest', guest.id],
      message: `${guest.name} waits: no host takes it (${explainRejections(cluster, answer.rejections)}).`,
    });
  const target = turn.fleet.hosts.get(answer.chosen.hostId)!;
  const epoch = Math.max(guest.epoch, guest.reservedEpoch) + 1;
  turn.fleet.takeOvers.set(guest.id, { hostId: target.id, epoch });
  const row = { ...guest, reservedEpoch: epoch };
  put(turn, 'guest', row);
  record(turn, {
    code: 'take-over-tried',
    subject: ['guest', guest.id],
    message: `${guest.name} is started on ${target.name} at epoch ${epoch} if its disk's lock is free: ${from.name} cannot be proved off otherwise.`,
  });
  send(turn, row, target, epoch);
}

function send(turn: FleetTurn, guest: Guest, target: Host, epoch: number): void {
  order(turn, `take-over-start:${guest.id}:${epoch}`, target, {
    kind: 'guest.start',
    guest: specificationOf(turn.fleet, guest),
    epoch,
  });
}

function commit(turn: FleetTurn, guest: Guest, { hostId, epoch }: { hostId: string; epoch: number }): void {
  turn.fleet.takeOvers.delete(guest.id);
  const closed = closePlacement(turn, guest, 'another VMM holds its disk: this copy is dead');
  const opened = openPlacement(turn, closed, hostId, epoch, "restart: under its disk's lock");
  becomeGuest(turn, opened, 'running', '', { restarts: countRestart(turn, guest), lostAt: guest.lostAt ?? turn.now });
  clearAlarm(turn, 'guest-down', guest.id);
  record(turn, {
    code: 'guest-taken-over',
    severity: 'warning',
    subject: ['guest', guest.id],
    message: `${guest.name} runs on ${hostName(turn.fleet, hostId)} at epoch ${epoch}: its VMM has the disk's lock and keeps it, so the old copy is dead.`,
    details: { hostId, epoch },
  });
}
