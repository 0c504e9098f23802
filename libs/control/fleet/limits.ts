import type { Guest, Host } from '@argosy/domain/entities';
import { areSameLimits, usualLimits } from '@argosy/domain/guest-specification';
import type { GuestObservation } from '@argosy/domain/host-report';
import { type FleetTurn, order } from './turn';

export const limitsKey = ({ id, epoch }: Guest): string => `limit:${id}:${epoch}`;

export function hasItsLimits(guest: Guest, { limits = usualLimits }: GuestObservation): boolean {
  return limits !== null && areSameLimits(guest, limits);
}

/** Again and again, until its host says that the guest has them: an order may be lost, or come while the guest is on its way. */
export function orderLimits(turn: FleetTurn, guest: Guest, host: Host): void {
  const { id: guestId, epoch, cpuShares, cpuLimitMillicores } = guest;
  order(turn, limitsKey(guest), host, { kind: 'guest.limit', guestId, epoch, cpuShares, cpuLimitMillicores });
}
