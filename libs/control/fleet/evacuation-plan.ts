import type { EvacuationPlan, Guest, Host } from '@argosy/domain/entities';
import type { FleetRequest } from '@argosy/domain/fleet-request';
import { accepted, type Result } from '@argosy/domain/refusal';
import { balance } from '@argosy/scheduler/balance';
import type { Fleet } from '../fleet-types';
import { emptying } from './balance';
import { isBusy } from './begin-disk-operation';
import { find } from './lookup';
import { clusterOf } from './placement';
import type { FleetTurn } from './turn';

type Of<Kind extends FleetRequest['kind']> = Extract<FleetRequest, { kind: Kind }>;

/** As the host would be emptied, asked of the fleet as it would be then. It writes nothing. */
export function planEvacuation(turn: FleetTurn, request: Of<'host.evacuation'>): Result<EvacuationPlan> {
  const found = find(turn, 'host', request.host);
  if (!found.ok) return found;
  const host = found.value;
  const answer = balance(clusterOf({ fleet: withoutHost(turn.fleet, host), now: turn.now }, host.poolId), {
    ...emptying,
    isLate: turn.fleet.deadline(),
  });
  const guests = [...(turn.fleet.guestsOn.get(host.id) ?? [])].flatMap((id) => turn.fleet.guests.get(id) ?? []);
  return accepted({
    hostId: host.id,
    moves: answer.moves
      .filter(({ fromHostId }) => fromHostId === host.id)
      .map(({ guestId, toHostId }) => ({ guestId, toHostId })),
    stuck: answer.stuck.filter(({ guestId }) => guests.some(({ id }) => id === guestId)),
    staying: guests.flatMap((guest) => {
      const reason = whyItStays(turn.fleet, guest);
      return reason === null ? [] : [{ guestId: guest.id, reason }];
    }),
  });
}

/** The clusters that are kept are of the fleet as it is. */
function withoutHost(fleet: Fleet, host: Host): Fleet {
  const hosts = new Map(fleet.hosts).set(host.id, { ...host, maintenance: 'entering' });
  return { ...fleet, hosts, clusters: new Map() };
}

function whyItStays(fleet: Fleet, guest: Guest): string | null {
  if (guest.state === 'migrating') return 'it is moving already';
  if (guest.state !== 'running') return `it is ${guest.state}: it can go when it runs, or is stopped`;
  return isBusy(fleet, guest.id) ? 'work on it is under way: it can go when that has ended' : null;
}
