import type { Guest, Placement } from '@argosy/domain/entities';
import type { GuestUsage } from '@argosy/domain/host-report';
import type { Demand, Facts } from './what-if';

/** Where each guest was at an instant of the past. */
export type PlacedThen = readonly Pick<Placement, 'guestId' | 'hostId' | 'epoch'>[];

/** What of the inventory is of one pool, as it is, or with every guest where it was then. */
export function factsOfPool(facts: Facts, poolId: string, then: PlacedThen | null): Facts {
  const ofPool = <Row extends { readonly poolId: string }>(rows: readonly Row[]): Row[] =>
    rows.filter((row) => row.poolId === poolId);
  const placed = new Map((then ?? []).map((placement) => [placement.guestId, placement]));
  const withGuests = new Set([...placed.values()].map(({ hostId }) => hostId));
  const wasThere = (guest: Guest): Guest => {
    if (then === null) return guest;
    const placement = placed.get(guest.id);
    if (!placement) return { ...guest, state: 'stopped', desired: 'stopped', hostId: null };
    const { hostId, epoch } = placement;
    return { ...guest, hostId, epoch, reservedEpoch: epoch, state: 'running', desired: 'running', memoryPath: null };
  };
  return {
    pools: facts.pools.filter(({ id }) => id === poolId),
    hosts: ofPool(facts.hosts).map((host) =>
      withGuests.has(host.id) ? { ...host, state: 'online', maintenance: 'none' } : host,
    ),
    guests: ofPool(facts.guests).map((guest) => wasThere({ ...guest, cloudInit: null })),
    images: facts.images,
    datastores: facts.datastores,
    rules: ofPool(facts.rules),
  };
}

interface HeardOf {
  readonly guests: readonly { readonly guestId: string; readonly usage: GuestUsage | null }[];
}

/** What guests asked of their hosts, by what these said last. */
export function demandHeard(hosts: Iterable<HeardOf>): Map<string, Demand> {
  const demand = new Map<string, Demand>();
  for (const { guests } of hosts)
    for (const { guestId, usage } of guests)
      if (usage !== null)
        demand.set(guestId, {
          cpuMillicores: usage.cpuDemandMillicores,
          dirtyBytesPerSecond: usage.dirtyBytesPerSecond ?? 0,
        });
  return demand;
}
