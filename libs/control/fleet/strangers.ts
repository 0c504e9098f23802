import type { ObservedGuestState } from '@argosy/domain/host-report';
import type { Fleet, HostView } from '../fleet-types';
import { moveOf } from './lookup';

const takesRoom: ReadonlySet<ObservedGuestState> = new Set([
  'starting',
  'running',
  'paused',
  'stopping',
  'incoming',
  'released',
] as const);

/** Guests of which the host shows a copy though they have no place there, nor by a move that is under way: it takes its room until it is destroyed. */
export function strangersOn(fleet: Fleet, hostId: string, shown: HostView['guests'] | undefined): string[] {
  const strangers: string[] = [];
  for (const [guestId, copies] of shown ?? []) {
    if (fleet.guests.get(guestId)?.hostId === hostId || moveOf(fleet, guestId)?.targetHostId === hostId) continue;
    if (copies.some(({ state }) => takesRoom.has(state))) strangers.push(guestId);
  }
  return strangers;
}
