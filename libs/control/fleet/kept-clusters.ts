import { sourceOf } from '@argosy/domain/disk-work';
import type { Guest, Host, Migration } from '@argosy/domain/entities';
import type { DiskOperation } from '@argosy/domain/storage';
import type { GuestFigures, HostFigures } from '@argosy/scheduler/cluster';
import { suitsAll } from '@argosy/scheduler/cluster-hosts';
import type { ClusterNews } from '@argosy/scheduler/renew-cluster';
import type { Instant } from '@argosy/domain/units';
import type { Fleet, KeptCluster } from '../fleet-types';
import type { EntityKind, EntityRows } from '../ports/fleet-store';
import { isBeingEmptied } from './host-use';

type RowOf<Kind extends EntityKind> = EntityRows[Kind];

/** Another row, or (null) none any more: whatever a cluster shows of it is looked at again. */
export function noteRow<Kind extends EntityKind>(
  fleet: Fleet,
  kind: Kind,
  before: RowOf<Kind> | undefined,
  after: RowOf<Kind> | null,
): void {
  if (fleet.clusters.size === 0) return;
  switch (kind) {
    case 'guest':
      return noteGuest(fleet, before as Guest | undefined, after as Guest | null);
    case 'host':
      return noteHost(fleet, before as Host | undefined, after as Host | null);
    case 'migration':
      return noteMigration(fleet, before as Migration | undefined, after as Migration | null);
    case 'diskOperation': {
      const { guestId, work } = (after ?? before) as DiskOperation;
      noteGuestChange(fleet, guestId);
      const source = sourceOf(work);
      return source === null ? undefined : noteGuestChange(fleet, source);
    }
    case 'pool':
    case 'rule':
    case 'image':
      return fleet.clusters.clear();
    case 'datastore':
      return isSamePlace(before as RowOf<'datastore'>, after as RowOf<'datastore'>)
        ? undefined
        : fleet.clusters.clear();
    default:
      return;
  }
}

function noteMigration(fleet: Fleet, before: Migration | undefined, after: Migration | null): void {
  const { guestId, sourceHostId, targetHostId } = (after ?? before)!;
  noteGuestChange(fleet, guestId);
  if (before?.step === after?.step) return;
  // What is left of the guest at its source takes room there until the migration has ended; at its target, if it was called off.
  noteHostChange(fleet, sourceHostId);
  noteHostChange(fleet, targetHostId);
}

function isSamePlace(before: RowOf<'datastore'> | undefined, after: RowOf<'datastore'> | null): boolean {
  return before !== undefined && before.name === after?.name && before.hostId === after.hostId;
}

function noteGuest(fleet: Fleet, before: Guest | undefined, after: Guest | null): void {
  if (after === null || (before !== undefined && before.name !== after.name)) forgetPool(fleet, before!.poolId);
  else noteGuestChange(fleet, after.id);
}

export function noteGuestChange(fleet: Fleet, guestId: string): void {
  const poolId = fleet.guests.get(guestId)?.poolId;
  for (const kept of fleet.clusters.values()) if (kept.poolId === poolId) kept.changedGuests.add(guestId);
}

function noteHost(fleet: Fleet, before: Host | undefined, after: Host | null): void {
  const isAnother =
    before === undefined ||
    after === null ||
    before.name !== after.name ||
    before.poolId !== after.poolId ||
    before.failureDomain !== after.failureDomain ||
    !isSamePlatform(before, after);
  if (isAnother) return fleet.clusters.clear();
  noteHostChange(fleet, after.id);
  // Whether a guest that has moved lately must stay hangs on whether its host is being emptied.
  if (isBeingEmptied(before) !== isBeingEmptied(after))
    for (const guestId of fleet.guestsOn.get(after.id) ?? []) noteGuestChange(fleet, guestId);
}

/** An agent that starts again says what it can anew, and mostly it is the same. */
function isSamePlatform(before: Host, after: Host): boolean {
  if (before.capabilities === after.capabilities) return true;
  return JSON.stringify(before.capabilities) === JSON.stringify(after.capabilities);
}

export function noteHostChange(fleet: Fleet, hostId: string): void {
  const poolId = fleet.hosts.get(hostId)?.poolId;
  for (const kept of fleet.clusters.values()) if (kept.poolId === poolId) kept.changedHosts.add(hostId);
}

/** Its guests are others than they were: it is built anew when it is asked for. */
export function forgetPool(fleet: Fleet, poolId: string): void {
  for (const [key, kept] of fleet.clusters) if (kept.poolId === poolId) fleet.clusters.delete(key);
}

export interface FigureMakers {
  readonly coolDownMs: number;
  readonly guest: (guest: Guest) => GuestFigures;
  readonly host: (host: Host) => HostFigures;
}

/** That it may move again changes with time alone. */
export function noteCooling(
  { coolingUntil }: KeptCluster,
  { id, movedAt }: Guest,
  coolDownMs: number,
  now: Instant,
): void {
  if (movedAt !== null && now - movedAt < coolDownMs) coolingUntil.set(id, movedAt + coolDownMs);
}

/** More new guests than that are not put in one by one. */
const mostAdded = 64;

/** The figures of all that has changed since the cluster was last up to date. null: so much that it is built anew. */
export function newsOf(fleet: Fleet, kept: KeptCluster, makers: FigureMakers, now: Instant): ClusterNews | null {
  const { cluster, changedGuests, changedHosts, coolingUntil } = kept;
  for (const [guestId, until] of coolingUntil)
    if (until <= now) {
      coolingUntil.delete(guestId);
      changedGuests.add(guestId);
    }
  const rows = [...changedGuests].flatMap((guestId) => fleet.guests.get(guestId) ?? []);
  for (const row of rows) noteCooling(kept, row, makers.coolDownMs, now);
  const added = placesFor(cluster.guests, rows.filter(({ id }) => !cluster.guestIndex.has(id)).map(makers.guest));
  // What hosts can run at all is judged of all guests together.
  const architecture = cluster.guests[0]?.architecture;
  const isOfAKind = [...added.values()].every((guest) => guest.architecture === architecture);
  if (added.size > mostAdded || !isOfAKind) return null;
  const guests = new Map<number, GuestFigures>();
  for (const row of rows) {
    const before = cluster.guestIndex.get(row.id);
    if (before === undefined) continue;
    let index = before;
    for (const place of added.keys()) if (place <= index) index++;
    guests.set(index, makers.guest(row));
  }
  // A memory of another machine: not every host does for everybody any more.
  const suits = ({ memoryMachine }: GuestFigures): boolean => suitsAll(cluster.hosts, memoryMachine);
  if (cluster.isUniform && ![...added.values(), ...guests.values()].every(suits)) return null;
  const hosts = new Map<number, HostFigures>();
  for (const hostId of changedHosts) {
    const [index, row] = [cluster.hostIndex.get(hostId), fleet.hosts.get(hostId)];
    if (index !== undefined && row) hosts.set(index, makers.host(row));
  }
  changedGuests.clear();
  changedHosts.clear();
  return { added, guests, hosts };
}

/** By the index that each will have: guests are in the order of their names. */
function placesFor(there: readonly GuestFigures[], fresh: readonly GuestFigures[]): ReadonlyMap<number, GuestFigures> {
  const places = new Map<number, GuestFigures>();
  for (const guest of [...fresh].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    let [low, high] = [0, there.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (there[middle]!.name < guest.name) low = middle + 1;
      else high = middle;
    }
    places.set(low + places.size, guest);
  }
  return places;
}
