import type { GuestView as Guest } from '@argosy/contracts/responses';
import type { Host, Pool } from '@argosy/domain/entities';
import type { Datastore, Image } from '@argosy/domain/storage';
import type { GuestObservation } from '@argosy/domain/host-report';
import type { Instant } from '@argosy/domain/units';
import type { HostUsage } from '@argosy/contracts/responses';
import type { Api } from './api';
import { nothing, shortId } from './output/units';

export const lookupKinds = ['pool', 'host', 'guest', 'image', 'datastore', 'usage'] as const;
export type LookupKind = (typeof lookupKinds)[number];

interface Named {
  readonly id: string;
  readonly name: string;
}

function byId<Row extends Named>(rows: readonly Row[]): ReadonlyMap<string, Row> {
  return new Map(rows.map((row) => [row.id, row]));
}

/** What a table needs besides its own rows: people read names, and rows have ids. */
export class Lookup {
  pools: ReadonlyMap<string, Pool> = new Map();
  hosts: ReadonlyMap<string, Host> = new Map();
  guests: ReadonlyMap<string, Guest> = new Map();
  images: ReadonlyMap<string, Image> = new Map();
  datastores: ReadonlyMap<string, Datastore> = new Map();
  usages: ReadonlyMap<string, HostUsage> = new Map();
  private observations: ReadonlyMap<string, GuestObservation> = new Map();

  constructor(readonly now: Instant) {}

  static async load(api: Api, kinds: readonly LookupKind[], now: Instant): Promise<Lookup> {
    const lookup = new Lookup(now);
    const readers: Record<LookupKind, () => Promise<void>> = {
      pool: async () => void (lookup.pools = byId(await api.list('pool.list'))),
      host: async () => void (lookup.hosts = byId(await api.list('host.list'))),
      guest: async () => void (lookup.guests = byId(await api.list('guest.list'))),
      image: async () => void (lookup.images = byId(await api.list('image.list'))),
      datastore: async () => void (lookup.datastores = byId(await api.list('datastore.list'))),
      usage: async () => lookup.use(await api.list('usage.list')),
    };
    await Promise.all(kinds.map((kind) => readers[kind]()));
    return lookup;
  }

  use(usages: readonly HostUsage[]): void {
    this.usages = new Map(usages.map((usage) => [usage.hostId, usage]));
    this.observations = new Map(usages.flatMap(({ guests }) => guests.map((guest) => [guest.guestId, guest] as const)));
  }

  observation({ id, hostId }: Guest): GuestObservation | undefined {
    // While it migrates two hosts see it: what the host of its placement says counts.
    const own = hostId === null ? undefined : this.usages.get(hostId)?.guests.find(({ guestId }) => guestId === id);
    return own ?? this.observations.get(id);
  }

  nameOf(kind: 'pool' | 'host' | 'guest' | 'image' | 'datastore', id: string | null): string {
    if (id === null) return nothing;
    const rows: ReadonlyMap<string, Named> = {
      pool: this.pools,
      host: this.hosts,
      guest: this.guests,
      image: this.images,
      datastore: this.datastores,
    }[kind];
    return rows.get(id)?.name ?? shortId(id);
  }

  /** Of an event's or an alarm's subject: other kinds have no name. */
  subject(kind: string, id: string): string {
    const isNamed = kind === 'pool' || kind === 'host' || kind === 'guest' || kind === 'image';
    return kind === 'fleet' ? 'fleet' : `${kind}/${isNamed ? this.nameOf(kind, id) : shortId(id)}`;
  }
}
