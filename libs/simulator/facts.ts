import type { Guest, Host, Placement, Pool, Rule } from '@argosy/domain/entities';
import type { GuestUsage } from '@argosy/domain/host-report';
import type { Instant } from '@argosy/domain/units';
import type { Demand, Facts, Premises } from './what-if';

type Rows = Pick<Facts, 'pools' | 'hosts' | 'rules'> & { readonly guests: readonly Omit<Guest, 'cloudInit'>[] };
type Storage = Pick<Facts, 'images' | 'datastores'>;

/** What of it is of one pool. */
export function factsOfPool(rows: Rows & Storage, poolId: string): Facts {
  const ofPool = <Row extends { readonly poolId: string }>(all: readonly Row[]): Row[] =>
    all.filter((row) => row.poolId === poolId);
  return {
    pools: rows.pools.filter(({ id }) => id === poolId),
    hosts: ofPool(rows.hosts),
    guests: ofPool(rows.guests).map((guest) => ({ ...guest, cloudInit: null })),
    images: rows.images,
    datastores: rows.datastores,
    rules: ofPool(rows.rules),
  };
}

/** The fleet at an instant of the past, as far as it was kept. */
export interface Past {
  readonly moment: {
    readonly at: Instant;
    readonly keptSince: Instant;
    readonly pools: readonly Pool[];
    readonly hosts: readonly Host[];
    readonly guests: readonly Omit<Guest, 'cloudInit'>[];
    readonly rules: readonly Rule[];
    readonly demand: {
      readonly at: Instant;
      readonly guests: readonly ({ readonly guestId: string } & Demand)[];
    } | null;
  };
  readonly placements: readonly Pick<Placement, 'guestId' | 'hostId' | 'epoch'>[];
  /** As it is now. */
  readonly storage: Storage;
}

/** As it was, and what is not of then is said. No pool: it was not there. */
export function premisesThen(
  { moment, placements, storage }: Past,
  poolId: string,
  timeText: (at: Instant) => string,
): Premises {
  const placed = new Map(placements.map((placement) => [placement.guestId, placement]));
  const withGuests = new Set(placements.map(({ hostId }) => hostId));
  const known = new Set(moment.guests.map(({ id }) => id));
  const unknown = placements.filter(({ guestId }) => !known.has(guestId)).length;
  const guests = moment.guests.map((guest): (typeof moment.guests)[number] => {
    const placement = placed.get(guest.id);
    if (!placement) return { ...guest, state: 'stopped', desired: 'stopped', hostId: null };
    const { hostId, epoch } = placement;
    return { ...guest, hostId, epoch, reservedEpoch: epoch, state: 'running', desired: 'running', memoryPath: null };
  });
  const hosts = moment.hosts.map((host): Host => (withGuests.has(host.id) ? { ...host, state: 'online' } : host));
  const kept = `what was changed before ${timeText(moment.keptSince)} was not kept: hosts, sizes, rules and settings are as they were then`;
  const notes = [
    ...(moment.at < moment.keptSince ? [kept] : []),
    ...(unknown > 0 ? [`guests that ran then, are not known any more and are left out: ${unknown}`] : []),
    moment.demand === null
      ? 'no loads were kept of that time: guests ask for nothing'
      : `loads are those of ${timeText(moment.demand.at)}`,
    'images and datastores are of now',
  ];
  const { pools, rules } = moment;
  return {
    facts: factsOfPool({ pools, hosts, guests, rules, ...storage }, poolId),
    demand: new Map((moment.demand?.guests ?? []).map(({ guestId, ...asked }) => [guestId, asked])),
    notes,
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
