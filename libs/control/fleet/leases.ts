import type { Host } from '@argosy/domain/entities';
import type { EndedCopy } from '@argosy/domain/host-report';
import { formatDuration } from '@argosy/domain/units';
import { channelAliveMs, leaseBehindMs, leaseMarginMs, leaseSilentAfterMs } from '../defaults';
import type { FleetEvent, WatchdogLease } from '../fleet-types';
import { guestLost } from './guests';
import { becomeHost, clearAlarm, type FleetTurn, isHeard, raiseAlarm, record, settled, viewOf } from './turn';

type LeaseEvent = Extract<FleetEvent, { kind: 'watchdog-lease' }>;

export function takeLease(turn: FleetTurn, event: LeaseEvent): void {
  const { hostId, incarnation, armed, leaseMs, renewed, heartbeatAfterMs } = event;
  const host = turn.fleet.hosts.get(hostId);
  if (!host) return;
  viewOf(turn.fleet, hostId).lease = { incarnation, armed, leaseMs, renewed, heartbeatAfterMs, seenAt: turn.now };
  if (renewed && incarnation === host.incarnation) clearAlarm(turn, 'watchdog-silent', hostId);
}

/** Like silence on Redis, an old lease counts only while the controller itself reaches the datastore. */
export function watchDatastore(turn: FleetTurn): void {
  const { fleet, now } = turn;
  const alive = fleet.datastoreHeardAt !== null && now - fleet.datastoreHeardAt < channelAliveMs;
  if (!alive) fleet.datastoreSilenceSince = now;
}

/** A watchdog that dies before its host ends no guest: from then on, and for the next leader too, its lease proves nothing. */
export function watchLease(turn: FleetTurn, host: Host): void {
  const { heardAt, lease } = viewOf(turn.fleet, host.id);
  if (!lease?.armed || lease.incarnation !== host.incarnation || !isHeard(host) || heardAt === null) return;
  const age = heardAt - Math.max(lease.seenAt, turn.fleet.datastoreSilenceSince);
  if (age < leaseSilentAfterMs) return;
  raiseAlarm(turn, {
    code: 'watchdog-silent',
    subject: ['host', host.id],
    message: `The watchdog of ${host.name} has not renewed its lease for ${formatDuration(age)} while the host itself is heard: if the host fails now, the end of its lease proves nothing.`,
  });
}

/**
 * True: nothing of the host's guests lives any more. Its watchdog was alive when it last renewed its lease, and has
 * ended them before the lease ran out, by a clock that nobody but the host itself can stop.
 */
export function provedByLease(turn: FleetTurn, host: Host): boolean {
  const { fleet, now } = turn;
  const { lease, heardAt, datastoreHeardAt } = viewOf(fleet, host.id);
  if (!lease?.armed || lease.incarnation !== host.incarnation) return false;
  if (fleet.alarms.has(`watchdog-silent/${host.id}`)) return false;
  // Heard, on whatever channel, well after its last renewal: then it was the watchdog that died first.
  if (Math.max(heardAt ?? 0, datastoreHeardAt ?? 0) > lease.seenAt + leaseSilentAfterMs) return false;
  if (!lease.renewed && !endedWithItsHost(lease)) return false;
  // One that was heard here has been seen to renew, or was never watched over.
  if (heardAt !== null && !lease.renewed) return false;
  const age = now - Math.max(lease.seenAt, fleet.datastoreSilenceSince);
  if (age < lease.leaseMs + leaseMarginMs) return false;
  settled(turn, `fence:${host.id}`);
  viewOf(fleet, host.id).offSince = now;
  becomeHost(turn, host, 'fenced', "its watchdog's lease ran out");
  clearAlarm(turn, 'fence-failed', host.id);
  clearAlarm(turn, 'no-fence-device', host.id);
  record(turn, {
    code: 'watchdog-lease-ended',
    severity: 'warning',
    subject: ['host', host.id],
    message: `${host.name} has not renewed its watchdog's lease of ${formatDuration(lease.leaseMs)} for ${formatDuration(age)}: its guests are proved dead.`,
  });
  return true;
}

/**
 * This leader has seen neither of them live. Both wrote to the datastore twice a second: the watchdog of a host that went on for
 * longer had died before, with nobody there to hear it.
 */
function endedWithItsHost({ heartbeatAfterMs }: WatchdogLease): boolean {
  return heartbeatAfterMs !== null && heartbeatAfterMs <= leaseBehindMs;
}

/** True: some guest is free to be started elsewhere, on the word of the host that was to hold it. */
export function takeEnded(turn: FleetTurn, hostId: string, ended: readonly EndedCopy[]): boolean {
  const host = turn.fleet.hosts.get(hostId);
  if (!host || host.state === 'online') return false;
  let some = false;
  for (const { guestId, epoch } of ended) {
    const guest = turn.fleet.guests.get(guestId);
    if (guest?.hostId !== hostId || guest.epoch > epoch || !lostStates.has(guest.state)) continue;
    guestLost(turn, guest, `${host.name} is isolated and has stopped it`);
    some = true;
  }
  return some;
}

const lostStates = new Set(['running', 'paused', 'starting', 'stopping']);
