import type { Guest, Host } from '@argosy/domain/entities';
import type { GuestObservation, ObservedGuestState } from '@argosy/domain/host-report';
import { closePlacement, openPlacement } from './placement';
import { highestEpoch } from './restored';
import { isTakingOver } from './take-over';
import {
  becomeGuest,
  clearAlarm,
  type FleetTurn,
  hostName,
  isHeard,
  isOff,
  observe,
  order,
  poolOf,
  raiseAlarm,
} from './turn';

/** Its VMM is there, and nobody else has been given its epoch's end. */
const livingStates: ReadonlySet<ObservedGuestState> = new Set(['starting', 'running', 'paused', 'stopping']);

/**
 * Copies that a host shows and that should not be there. An older epoch is a left-over and is stopped. A newer one than
 * the record's means that the record is behind (a restored database): it is adopted with an alarm, never killed. So is one
 * that executes at the epoch which the record has only reserved: nobody runs in a migration before it was handed over.
 *
 * A host could say so of any guest, and a guest that is adopted elsewhere is a left-over where it was. So it is not believed
 * before the host of the record cannot contradict (decision 0042), and until then neither copy is touched.
 */
export function reconcileCopies(turn: FleetTurn, hostId: string): void {
  const host = turn.fleet.hosts.get(hostId);
  const view = turn.fleet.views.get(hostId);
  if (!host || !view || !isHeard(host)) return;
  let isStrange = false;
  let isDoubted = false;
  for (const [guestId, copies] of view.guests) {
    isStrange ||= !turn.fleet.guests.has(guestId);
    for (const copy of copies) {
      const guest = turn.fleet.guests.get(guestId);
      // Nearly all of them are what they should be.
      if (guest?.epoch === copy.epoch && guest.hostId === hostId) continue;
      if (!guest) strangerSeen(turn, hostId, copy);
      else if (isNews(turn, guest, hostId, copy)) {
        const belief = beliefIn(turn, guest, host, copy);
        if (belief === 'believed') adopt(turn, guest, hostId, copy);
        else isDoubted = true; // and an alarm stays as it is where nothing can be said yet
        if (typeof belief === 'object') doubt(turn, guest, host, copy.epoch, belief.but);
      } else if (isLeftOver(turn, guest, hostId, copy))
        order(turn, `clear:${guestId}:${copy.epoch}:${hostId}`, host, {
          kind: 'guest.stop',
          guestId,
          epoch: copy.epoch,
          graceMs: 0,
        });
    }
  }
  if (view.report?.incarnation !== host.incarnation) return;
  if (!isStrange) clearAlarm(turn, 'unknown-guest', hostId);
  if (!isDoubted) clearAlarm(turn, 'guest-claimed', hostId);
}

/** What ended at a later epoch than any that the record knows is news as well: then it is known why it does not run. */
function isNews(turn: FleetTurn, guest: Guest, hostId: string, { epoch, state }: GuestObservation): boolean {
  if (guest.state === 'migrating' || isOthers(turn, guest, hostId, epoch)) return false;
  const executes = state === 'running' || state === 'paused';
  const hasEnded = state === 'stopped' || state === 'crashed' || state === 'failed';
  return executes ? epoch > guest.epoch : hasEnded && epoch > Math.max(guest.epoch, guest.reservedEpoch);
}

function isLeftOver(turn: FleetTurn, guest: Guest, hostId: string, copy: GuestObservation): boolean {
  if (copy.epoch === guest.epoch && guest.hostId === hostId) return false;
  if (copy.state === 'stopping' || isOthers(turn, guest, hostId, copy.epoch)) return false;
  return copy.epoch <= guest.epoch || copy.epoch <= guest.reservedEpoch;
}

/** A take-over or a migration is about it and decides. */
function isOthers(turn: FleetTurn, guest: Guest, hostId: string, epoch: number): boolean {
  if (isTakingOver(turn, guest.id, hostId, epoch)) return true;
  for (const migration of turn.fleet.migrations.values())
    if (migration.guestId === guest.id && (migration.sourceHostId === hostId || migration.targetHostId === hostId))
      return true;
  return false;
}

/** What was doubted may have become true: looked at again before anything is started that would run beside it. */
export function reconsiderClaims(turn: FleetTurn): void {
  for (const { code, subjectId } of turn.fleet.alarms.values())
    if (code === 'guest-claimed') reconcileCopies(turn, subjectId);
}

type Belief = 'believed' | 'not-yet' | { readonly but: string };

function beliefIn(turn: FleetTurn, guest: Guest, claimer: Host, { epoch }: GuestObservation): Belief {
  if (epoch > highestEpoch) return { but: 'no guest has ever had so many placements' };
  if (claimer.poolId !== guest.poolId)
    return { but: `the guest is of pool ${poolOf(turn.fleet, guest).name}, and ${claimer.name} is not` };
  const own = turn.fleet.hosts.get(guest.hostId ?? '');
  if (!own || own.id === claimer.id || isOff(own)) return 'believed';
  if (!isHeard(own)) {
    // A take-over of which this leader does not know: the copy has the disk's lock, which is the proof.
    if (epoch <= guest.reservedEpoch && poolOf(turn.fleet, own).failure.lockIsProof) return 'believed';
    return { but: `by the record it is on ${own.name}, which is ${own.state} and not proved off: it may run there` };
  }
  const { reported, guest: copy } = observe(turn, own.id, guest.id, guest.epoch);
  if (!reported) return 'not-yet';
  return copy !== null && livingStates.has(copy.state)
    ? { but: `it runs on ${own.name} at epoch ${guest.epoch}, by the record and by ${own.name} itself` }
    : 'believed';
}

function doubt(turn: FleetTurn, guest: Guest, { id, name }: Host, epoch: number, but: string): void {
  raiseAlarm(turn, {
    code: 'guest-claimed',
    severity: 'error',
    subject: ['host', id],
    message: `${name} says that ${guest.name} runs there at epoch ${epoch}; but ${but}. Neither is touched: look on ${name}, and cut its power or end that VMM if it is not to be believed.`,
  });
}

function adopt(turn: FleetTurn, guest: Guest, hostId: string, copy: GuestObservation): void {
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
