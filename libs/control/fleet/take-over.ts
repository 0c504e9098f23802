import type { Guest, Host } from '@argosy/domain/entities';
import type { ObservedGuestState } from '@argosy/domain/host-report';
import { explainRejections, place } from '@argosy/scheduler/place';
import { takeOverRetryMs } from '../defaults';
import { specificationOf } from '../guest-specification';
import type { TakeOver } from '../fleet-types';
import { clusterOf, closePlacement, openPlacement, promisableOf } from './placement';
import { isBusy } from './begin-disk-operation';
import { noteHostChange } from './kept-clusters';
import { countRestart } from './recovery';
import { awaitsWordOf } from './restored';
import {
  becomeGuest,
  clearAlarm,
  type FleetTurn,
  hostName,
  isHeard,
  lastKnownToLive,
  nextAttempt,
  observe,
  order,
  poolOf,
  put,
  raiseAlarm,
  record,
  viewOf,
} from './turn';

/**
 * Where a pool's storage keeps a lock exactly as long as its holder lives, a host that nothing else can prove off need
 * not hold up its guests for ever: another host's VMM is started at a reserved epoch, and if it gets the disk's lock and
 * keeps it, the old copy is dead. Until then the placement stays where it is, for the old copy may be alive and well.
 */
export function takeOverUnderLocks(turn: FleetTurn): void {
  for (const host of turn.fleet.hosts.values()) {
    if (!needsLocks(turn, host) || !haveTold(turn, host.poolId)) continue;
    for (const guestId of [...(turn.fleet.guestsOn.get(host.id) ?? [])]) {
      const guest = turn.fleet.guests.get(guestId);
      if (guest && isEligible(guest) && !isBusy(turn.fleet, guest.id)) takeOver(turn, guest, host);
    }
  }
}

/** What the leader before tried is in no record: only the hosts know where it runs by now, and takes its room. */
function haveTold({ fleet }: FleetTurn, poolId: string): boolean {
  for (const host of fleet.hosts.values())
    if (host.poolId === poolId && isHeard(host) && !viewOf(fleet, host.id).report) return false;
  return true;
}

/**
 * Where an attempt's reason has gone away it is one no longer, and its copy is looked at like any other. A guest that is lost
 * for good meanwhile, as when its host is proved off after all, is being started there already: the attempt becomes its start.
 * One that is to be stopped is stopped there as well.
 */
export function settleTakeOvers(turn: FleetTurn): void {
  for (const [guestId, attempt] of [...turn.fleet.takeOvers]) {
    const guest = turn.fleet.guests.get(guestId);
    const host = turn.fleet.hosts.get(guest?.hostId ?? '');
    if (guest && host && guest.epoch < attempt.epoch && needsLocks(turn, host) && isEligible(guest)) continue;
    if (guest && guest.epoch < attempt.epoch) settle(turn, guest, attempt);
    else forget(turn, guestId);
  }
}

function settle(turn: FleetTurn, guest: Guest, attempt: TakeOver): void {
  const ran = hasRun(turn, guest, attempt);
  const isUnderWay = mayLive(turn, guest, attempt);
  if (guest.state === 'stopping' && ran) return void put(turn, 'guest', putOnRecord(turn, guest, attempt));
  if (guest.desired === 'stopped' && isUnderWay) return end(turn, guest, attempt);
  forget(turn, guest.id);
  if (guest.state === 'recovering' && (ran || isUnderWay)) beginAtAttempt(turn, guest, attempt);
}

/** Then it had its disk's lock, which it keeps as long as it lives: the old copy was dead by then, whatever has become of this one. */
function hasRun(turn: FleetTurn, { id }: Guest, { hostId, epoch }: TakeOver): boolean {
  const copy = observe(turn, hostId, id, epoch).guest;
  return copy !== null && ranStates.has(copy.state);
}

/** It is there, or its order may still be on its way. */
function mayLive(turn: FleetTurn, guest: Guest, { hostId, epoch }: TakeOver): boolean {
  const target = turn.fleet.hosts.get(hostId);
  if (!target || !isHeard(target)) return false;
  const copy = observe(turn, hostId, guest.id, epoch).guest;
  if (copy) return copy.state === 'starting' || copy.state === 'running' || copy.state === 'paused';
  return turn.now <= (turn.fleet.outstanding.get(startKey(guest, epoch))?.notAfter ?? 0);
}

function end(turn: FleetTurn, { id: guestId }: Guest, { hostId, epoch }: TakeOver): void {
  const target = turn.fleet.hosts.get(hostId)!;
  order(turn, `take-over-stop:${guestId}:${epoch}`, target, { kind: 'guest.stop', guestId, epoch, graceMs: 0 });
}

function beginAtAttempt(turn: FleetTurn, guest: Guest, { hostId, epoch }: TakeOver): void {
  const reason = `restart: ${guest.stateReason}`;
  turn.fleet.placedAt.set(guest.id, turn.now);
  const opened = openPlacement(turn, { ...guest, restarts: countRestart(turn, guest) }, hostId, epoch, reason);
  becomeGuest(turn, opened, 'starting', '');
  record(turn, {
    code: 'guest-placed',
    subject: ['guest', guest.id],
    message: `${guest.name} is placed on ${hostName(turn.fleet, hostId)} at epoch ${epoch}, where it is being started already (${reason}).`,
    details: { hostId, epoch },
  });
}

/** Only after the other proofs had their chance: a host that a device can fence is fenced. */
function needsLocks(turn: FleetTurn, host: Host): boolean {
  if (host.state !== 'failed' && host.state !== 'fencing') return false;
  if (!poolOf(turn.fleet, host).failure.lockIsProof) return false;
  return host.fenceDevices.length === 0 || turn.fleet.alarms.has(`fence-failed/${host.id}`);
}

/** What a copy is only once its VMM has opened the disk and run the guest. */
const ranStates: ReadonlySet<ObservedGuestState> = new Set(['running', 'paused', 'crashed', 'stopped']);

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
  if (copy && ranStates.has(copy.state)) return commit(turn, guest, attempt);
  if (!target || !isHeard(target) || copy?.state === 'failed') {
    forget(turn, guest.id);
    if (copy?.refusal)
      raiseAlarm(turn, {
        code: 'guest-down',
        severity: 'error',
        subject: ['guest', guest.id],
        message: `${guest.name} waits: it may still run on ${from.name}, which nothing proves off (${copy.refusal.message}).`,
      });
    return;
  }
  if (reported && !copy) send(turn, guest, target, attempt.epoch);
}

/** It takes its room there as long as it is tried. */
function remember({ fleet }: FleetTurn, guestId: string, attempt: TakeOver): void {
  fleet.takeOvers.set(guestId, attempt);
  noteHostChange(fleet, attempt.hostId);
}

function forget({ fleet }: FleetTurn, guestId: string): void {
  const attempt = fleet.takeOvers.get(guestId);
  fleet.takeOvers.delete(guestId);
  if (attempt) noteHostChange(fleet, attempt.hostId);
}

function begin(turn: FleetTurn, guest: Guest, from: Host): void {
  if (awaitsWordOf(turn, guest)) return;
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
  remember(turn, guest.id, { hostId: target.id, epoch });
  const row = { ...guest, reservedEpoch: epoch };
  put(turn, 'guest', row);
  record(turn, {
    code: 'take-over-tried',
    subject: ['guest', guest.id],
    message: `${guest.name} is started on ${target.name} at epoch ${epoch} if its disk's lock is free: ${from.name} cannot be proved off otherwise.`,
    details: { hostId: target.id, epoch },
  });
  send(turn, row, target, epoch);
}

function send(turn: FleetTurn, guest: Guest, target: Host, epoch: number): void {
  order(turn, startKey(guest, epoch), target, {
    kind: 'guest.start',
    guest: specificationOf(turn.fleet, guest),
    epoch,
    hostMemoryMiB: promisableOf(turn, target),
  });
}

function startKey({ id }: Guest, epoch: number): string {
  return `take-over-start:${id}:${epoch}`;
}

/** The old copy is dead, and the guest's last place is where the attempt was made. */
function putOnRecord(turn: FleetTurn, guest: Guest, { hostId, epoch }: TakeOver): Guest {
  forget(turn, guest.id);
  const closed = closePlacement(turn, guest, 'another VMM got the lock of its disk: this copy is dead');
  return openPlacement(turn, closed, hostId, epoch, "restart: under its disk's lock");
}

/** One that has ended meanwhile is treated like any guest that ends, once it is on record. */
function commit(turn: FleetTurn, guest: Guest, attempt: TakeOver): void {
  const lostAt = guest.lostAt ?? lastKnownToLive(turn, guest.hostId);
  const opened = putOnRecord(turn, guest, attempt);
  becomeGuest(turn, opened, 'running', '', { restarts: countRestart(turn, guest), lostAt });
  clearAlarm(turn, 'guest-down', guest.id);
  const { hostId, epoch } = attempt;
  const where = `on ${hostName(turn.fleet, hostId)} at epoch ${epoch}`;
  record(turn, {
    code: 'guest-taken-over',
    severity: 'warning',
    subject: ['guest', guest.id],
    message: mayLive(turn, guest, attempt)
      ? `${guest.name} runs ${where}: its VMM has the disk's lock and keeps it, so the old copy is dead.`
      : `${guest.name} ran ${where}: its VMM had the disk's lock until it ended, so the old copy is dead.`,
    details: { hostId, epoch },
  });
}
