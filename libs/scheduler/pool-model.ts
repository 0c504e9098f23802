import { isCompatible, reachesDatastores } from './checks';
import type { Cluster, ClusterRule } from './cluster';
import type { ModelDescription } from './model/model';
import { breaks } from './rules';

/** Guests of a cluster as the items of a dense model, hosts as its hosts. */
export interface PoolItems {
  readonly cluster: Cluster;
  /** The guest of each item; those that are not in it stay where they are. */
  readonly guests: readonly number[];
  /** The host of each host of the model. */
  readonly hosts: readonly number[];
}

/** More than any pool has of anything. */
export const unlimited = 1e12;

/** The parts of a description that are the same whatever is asked: who must be apart from whom, and who may be where. */
export function rulesOfModel(
  items: PoolItems,
  mayMove: (guest: number) => boolean,
): Pick<ModelDescription, 'groups' | 'groupOf' | 'spreadMinimum' | 'dependencyStart' | 'dependencies' | 'forbidden'> {
  const { groupOf, count } = groupsOf(items);
  return {
    groups: count,
    groupOf,
    spreadMinimum: new Int32Array(count),
    dependencyStart: new Int32Array(count + 1),
    dependencies: new Int32Array(0),
    forbidden: forbiddenTo(items, mayMove),
  };
}

/** Of the items that are there, by host of the model. */
export function sumsOf({ cluster, guests, hosts }: PoolItems, of: Float64Array): Float64Array {
  const placeOf = new Map(hosts.map((host, place) => [host, place]));
  const sums = new Float64Array(hosts.length);
  for (const guest of guests) {
    const place = placeOf.get(cluster.hostOf[guest]!);
    if (place !== undefined) sums[place]! += of[guest]!;
  }
  return sums;
}

/** What items may have of a host: not what others hold there (guests that are leaving, say); and what is overcommitted stays so. */
export function capacityFor(items: number, capacity: number, used: number): number {
  return Math.min(unlimited, Math.max(items, capacity - (used - items)));
}

/** The rule among guests that the model can hold for an item: one, and of kind apart. Whoever is under another stays where it is. */
function apartRule(cluster: Cluster, guest: number): ClusterRule | undefined {
  return cluster.rulesOf[guest]!.find(({ kind }) => kind === 'apart');
}

function groupsOf({ cluster, guests }: PoolItems): { groupOf: Int32Array; count: number } {
  const known = new Map<ClusterRule, number>();
  let count = 0;
  const groupOf = Int32Array.from(guests, (guest) => {
    const rule = apartRule(cluster, guest);
    if (rule === undefined) return count++;
    const group = known.get(rule) ?? count++;
    known.set(rule, group);
    return group;
  });
  return { groupOf, count };
}

/** Items that may be on the same hosts share a class. */
function forbiddenTo(
  items: PoolItems,
  mayMove: (guest: number) => boolean,
): NonNullable<ModelDescription['forbidden']> {
  const { cluster, guests, hosts } = items;
  const rows: Uint8Array[] = [];
  const known = new Map<string, number>();
  const isItem = new Set(guests);
  const classOf = Int32Array.from(guests, (guest) => {
    const isStaying = !mayMove(guest) || isBoundToOthers(cluster, guest);
    const row = Uint8Array.from(hosts, (host) => (isStaying || !mayBeOn(cluster, guest, host, isItem) ? 1 : 0));
    const key = row.join('');
    const found = known.get(key) ?? rows.push(row) - 1;
    known.set(key, found);
    return found;
  });
  const forbidden = new Uint8Array(rows.length * hosts.length);
  rows.forEach((row, index) => forbidden.set(row, index * hosts.length));
  return { classOf, forbidden };
}

function isBoundToOthers(cluster: Cluster, guest: number): boolean {
  const among = cluster.rulesOf[guest]!.filter(
    ({ kind, isWish, hosts }) => !isWish && hosts.size === 0 && kind !== 'must-not-run-on',
  );
  return among.length > 1 || among.some(({ kind }) => kind !== 'apart');
}

/** Where it is it may stay: that is not asked. */
function mayBeOn(cluster: Cluster, guest: number, host: number, isItem: ReadonlySet<number>): boolean {
  if (cluster.useOf[host] !== 0 || !isCompatible(cluster, guest, host)) return false;
  if (cluster.guestBound[guest] === 0) return true;
  return (
    reachesDatastores(cluster, guest, host) &&
    cluster.rulesOf[guest]!.every((rule) => rule.isWish || isKept(cluster, rule, guest, host, isItem))
  );
}

/** The model keeps items apart by itself. */
function isKept(
  cluster: Cluster,
  rule: ClusterRule,
  guest: number,
  host: number,
  isItem: ReadonlySet<number>,
): boolean {
  if (rule.kind !== 'apart') return !breaks(cluster, rule, guest, host);
  return !rule.guests.some(
    (other) => !isItem.has(other) && (cluster.hostOf[other] === host || cluster.leaving[other] === host),
  );
}
