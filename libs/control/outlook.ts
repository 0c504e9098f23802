import type { Guest } from '@argosy/domain/entities';
import { accepted, type Refusal, type RefusalCode } from '@argosy/domain/refusal';
import type { Instant } from '@argosy/domain/units';
import { rejection } from '@argosy/scheduler/checks';
import { place } from '@argosy/scheduler/place';
import { entitle } from '@argosy/scheduler/entitlement';
import type { Fleet } from './fleet-types';
import { mayRelocate } from './fleet/migrate-requests';
import { clusterOf } from './fleet/placement';

// What would be, answered from the fleet as it is: nothing is changed, and nobody is asked.

/** A host of a guest's pool, and why it would not take the guest now; null: it would. */
export interface GuestHost {
  readonly hostId: string;
  readonly hostName: string;
  readonly isCurrent: boolean;
  readonly isBest: boolean;
  readonly rejection: { readonly check: string; readonly code: RefusalCode; readonly reason: string } | null;
}

/** By the checks that a placement or a migration goes by. `datastoreId`: as it would be with the guest's disk there. */
export function hostsForGuest(
  fleet: Fleet,
  { guest, datastoreId }: { readonly guest: Guest; readonly datastoreId?: string | undefined },
  now: Instant,
): GuestHost[] {
  const moved = datastoreId === undefined ? undefined : { guestId: guest.id, datastoreId };
  const cluster = clusterOf({ fleet, now }, guest.poolId, 'ordinary', moved);
  const index = cluster.guestIndex.get(guest.id)!;
  const source = guest.hostId === null ? undefined : fleet.hosts.get(guest.hostId);
  const avoid = source === undefined ? {} : { avoid: cluster.hostIndex.get(source.id)! };
  const { chosen } = place(cluster, index, avoid);
  return cluster.hosts.map(({ id, name }, host) => {
    const why = rejection(cluster, index, host);
    return {
      hostId: id,
      hostName: name,
      isCurrent: source?.id === id,
      isBest: chosen?.hostId === id,
      rejection: why === null ? null : { check: why.check, code: why.code, reason: why.reason },
    };
  });
}

/** A datastore, and why a guest's disk cannot be moved there now; null: it can. */
export interface GuestDatastore {
  readonly datastoreId: string;
  readonly datastoreName: string;
  readonly isCurrent: boolean;
  readonly refusal: Pick<Refusal, 'code' | 'message'> | null;
}

/** As a move of the disk alone would be answered, the guest staying where it is. */
export function datastoresForGuest(fleet: Fleet, guest: Guest): GuestDatastore[] {
  return [...fleet.datastores.values()].map((datastore) => {
    const isCurrent = datastore.id === guest.datastoreId;
    const answer = isCurrent ? accepted(null) : mayRelocate({ fleet }, guest, datastore);
    const refusal = answer.ok ? null : { code: answer.refusal.code, message: answer.refusal.message };
    return { datastoreId: datastore.id, datastoreName: datastore.name, isCurrent, refusal };
  });
}

/** A guest's claim to processors, and what becomes of it. */
export interface GuestProcessors {
  readonly reservationMillicores: number;
  /** null: no limit. */
  readonly limitMillicores: number | null;
  readonly shares: number;
  readonly demandMillicores: number;
  readonly entitlementMillicores: number;
  /** null: it does not run, or was not heard of yet. */
  readonly usedMillicores: number | null;
  /** How much of what it now wants and is entitled to it has used. */
  readonly metShare: number | null;
}

/** As balancing sees it: one that does not run asks for nothing. */
export function processorsOf(fleet: Fleet, guest: Guest, now: Instant): GuestProcessors {
  const cluster = clusterOf({ fleet, now }, guest.poolId);
  entitle(cluster);
  const index = cluster.guestIndex.get(guest.id)!;
  const [demand, entitlement] =
    guest.hostId === null ? [0, 0] : [cluster.guestDemand[index]!, cluster.guestEntitlement[index]!];
  const seen = fleet.views.get(guest.hostId ?? '')?.guests.get(guest.id) ?? [];
  const usage = seen.find(({ epoch }) => epoch === guest.epoch)?.usage ?? null;
  const due = usage === null ? 0 : Math.min(usage.cpuDemandMillicores, entitlement);
  return {
    reservationMillicores: guest.cpuReservationMillicores,
    limitMillicores: guest.cpuLimitMillicores,
    shares: guest.cpuShares,
    demandMillicores: Math.round(demand),
    entitlementMillicores: Math.round(entitlement),
    usedMillicores: usage?.cpuMillicores ?? null,
    metShare: usage === null ? null : due <= usage.cpuMillicores ? 1 : usage.cpuMillicores / due,
  };
}
