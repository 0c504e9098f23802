import type { Host } from '@argosy/domain/entities';
import type { HostUsage } from '@argosy/contracts/responses';
import { refuse, type Answer, type Handlers } from '../answer';
import { datastoresForGuest, hostsForGuest, processorsOf } from '@argosy/control/outlook';
import type { FleetGateway, HttpPorts } from '../ports';
import { shownGuest } from '../shown';
import type { Screens } from '../screens/screens';
import { filterId, findRow, listRows, type NamedKind, type NamedRow } from '../references';

function page<Item>(items: readonly Item[]) {
  return { ok: true as const, value: { items, nextCursor: null } };
}

/** What is there now: the brain's own rows, which are never behind the database. */
export function liveHandlers({
  gateway,
  screens,
  usageHistory,
  now,
}: Pick<HttpPorts, 'gateway' | 'usageHistory' | 'now'> & { readonly screens: Screens }) {
  const list = <Kind extends NamedKind>(kind: Kind) => listRows(gateway.fleet, kind);
  const find = <Kind extends NamedKind>(kind: Kind, reference: string): Answer<NamedRow<Kind>> =>
    findRow(gateway.fleet, kind, reference);
  const filter = (kind: NamedKind, reference: string | undefined) => filterId(gateway.fleet, kind, reference);

  return {
    'pool.list': () => page(list('pool')),
    'pool.get': ({ params }) => find('pool', params.pool),
    'host.list': ({ query }) => {
      const pool = filter('pool', query.pool);
      return pool.ok ? page(list('host').filter(matches({ poolId: pool.value }))) : pool;
    },
    'host.get': ({ params }) => find('host', params.host),
    'host.capabilities': ({ params }) => {
      const host = find('host', params.host);
      if (!host.ok) return host;
      const { id, name, capabilities } = host.value;
      return { ok: true, value: { hostId: id, hostName: name, drivers: capabilities ? [capabilities] : [] } };
    },
    'guest.list': ({ query }) => {
      const pool = filter('pool', query.pool);
      const host = filter('host', query.host);
      if (!pool.ok) return pool;
      if (!host.ok) return host;
      const guests = list('guest').filter(matches({ poolId: pool.value, hostId: host.value }));
      return page(guests.map(shownGuest));
    },
    'guest.get': ({ params }) => {
      const guest = find('guest', params.guest);
      return guest.ok ? { ok: true, value: shownGuest(guest.value) } : guest;
    },
    'guest.hosts': ({ params, query }) => {
      const guest = find('guest', params.guest);
      if (!guest.ok) return guest;
      const datastore = filter('datastore', query.datastore);
      if (!datastore.ok) return datastore;
      return page(hostsForGuest(gateway.fleet, { guest: guest.value, datastoreId: datastore.value }, now()));
    },
    'guest.datastores': ({ params }) => {
      const guest = find('guest', params.guest);
      return guest.ok ? page(datastoresForGuest(gateway.fleet, guest.value)) : guest;
    },
    'guest.processors': ({ params }) => {
      const guest = find('guest', params.guest);
      return guest.ok ? { ok: true, value: processorsOf(gateway.fleet, guest.value, now()) } : guest;
    },
    'guest.console': async ({ params, query }) => {
      const guest = find('guest', params.guest);
      return guest.ok ? gateway.console(guest.value).tail(query.maximumBytes) : guest;
    },
    'guest.console-write': async ({ params, body }) => {
      const guest = find('guest', params.guest);
      if (!guest.ok) return guest;
      if (guest.value.hostId === null)
        return refuse('guest-not-running', `Guest ${guest.value.name} is ${guest.value.state}; start it first.`);
      return gateway.console(guest.value).write(body.text);
    },
    'guest.screen': async ({ params, ...context }) => {
      const guest = find('guest', params.guest);
      return guest.ok ? screens.open(guest.value, context) : guest;
    },
    'snapshot.list': ({ params }) => {
      const guest = find('guest', params.guest);
      if (!guest.ok) return guest;
      const own = [...gateway.fleet.snapshots.values()].filter((each) => each.guestId === guest.value.id);
      return page(own.sort((a, b) => b.createdAt - a.createdAt));
    },
    'image.list': () => page(list('image')),
    'image.get': ({ params }) => find('image', params.id),
    'datastore.list': () => page(list('datastore')),
    'datastore.get': ({ params }) => find('datastore', params.id),
    'rule.list': ({ query }) => {
      const pool = filter('pool', query.pool);
      return pool.ok ? page(list('rule').filter(matches({ poolId: pool.value }))) : pool;
    },
    'rule.get': ({ params }) => find('rule', params.id),
    'usage.list': ({ query }) => {
      const pool = filter('pool', query.pool);
      if (!pool.ok) return pool;
      const hosts = list('host').filter(matches({ poolId: pool.value }));
      return page(hosts.map((host) => usageOf(gateway, host)));
    },
    'usage.history': ({ query: { host, guest } }) => {
      const [kind, reference] = host === undefined ? (['guest', guest] as const) : (['host', host] as const);
      if (reference === undefined || (host !== undefined && guest !== undefined))
        return refuse('invalid-request', 'Say whose use is asked for: one host, or one guest.');
      const found = find(kind, reference);
      return found.ok ? { ok: true, value: usageHistory.of(found.value.id) } : found;
    },
    'usage.heat': ({ query }) => {
      const pool = filter('pool', query.pool);
      if (!pool.ok) return pool;
      return { ok: true, value: usageHistory.heat(list('host').filter(matches({ poolId: pool.value }))) };
    },
  } satisfies Partial<Handlers>;
}

/** Only the fields that are given are looked at. */
function matches<Field extends string>(wanted: { readonly [Name in Field]: string | undefined }) {
  const fields = (Object.keys(wanted) as Field[]).filter((field) => wanted[field] !== undefined);
  return (row: { readonly [Name in Field]: string | null }) => fields.every((field) => row[field] === wanted[field]);
}

function usageOf(gateway: FleetGateway, host: Host): HostUsage {
  const view = gateway.fleet.views.get(host.id);
  const report = view?.report ?? null;
  return {
    hostId: host.id,
    heardAt: view?.heardAt ?? null,
    capacity: report?.capacity ?? host.capacity,
    cpuMillicores: report?.cpuMillicores ?? 0,
    guests: [...(report?.guests ?? [])] as HostUsage['guests'],
  };
}
