import { fits, isCompatible, reachesDatastores, rejection } from './checks';
import { beginMove, type Cluster, type ClusterRule, endMoves } from './cluster';
import { buildModel, type ModelDescription } from './model/model';
import { optimize } from './model/optimize';
import { breaks } from './rules';

export interface RoomMove {
  readonly guest: number;
  readonly host: number;
  readonly reason: string;
}

export interface MakeRoomOptions {
  readonly seed: number;
  /** How long is searched: some five million a second. */
  readonly steps: number;
}

/** Hosts by hosts is a table; a larger pool has room somewhere. */
const mostHosts = 400;
/** A MiB of a guest that has no place weighs as much as so many that are moved for it. */
const placeWeight = 1000;
const unlimited = 1e12;

/**
 * Guests that have to go somewhere (from a host that is being emptied, or from nowhere) and that no host takes as it is: moves of
 * others that make room for them, by the optimizer. All of them may be done
 * at once, and what they free is found by the next look. Empty: there is no way, or none was found. The cluster is left as it was.
 */
export function makeRoom(cluster: Cluster, wanting: readonly number[], options: MakeRoomOptions): readonly RoomMove[] {
  if (cluster.hosts.length > mostHosts) return [];
  const problem = describe(cluster, wanting);
  const { placement } = optimize(buildModel(problem.description), {
    seed: options.seed,
    progress: (steps) => steps / options.steps,
  });
  const placed = wanting.filter((guest) => isPlace(cluster, placement[problem.items.indexOf(guest)]!));
  if (placed.length === 0) return [];
  const others = problem.items.flatMap((guest, item) => {
    const host = placement[item]!;
    return placed.includes(guest) || !isPlace(cluster, host) || host === cluster.hostOf[guest] ? [] : [{ guest, host }];
  });
  return startable(cluster, others, placed);
}

function isPlace(cluster: Cluster, host: number): boolean {
  return cluster.useOf[host] === 0;
}

/**
 * Those moves that need nothing that another frees, for a guest's room stays its own until it has left; and only if they are enough for
 * one at least of those who wait: nobody is moved on a hope.
 */
function startable(
  cluster: Cluster,
  moves: readonly { readonly guest: number; readonly host: number }[],
  placed: readonly number[],
): RoomMove[] {
  const names = placed.map((guest) => cluster.guests[guest]!.name).join(', ');
  const begun: RoomMove[] = [];
  for (const { guest, host } of moves) {
    if (rejection(cluster, guest, host) !== null) continue;
    const from = cluster.hosts[cluster.hostOf[guest]!]!.name;
    begun.push({ guest, host, reason: `it makes room on ${from} for ${names}, which no host could take` });
    beginMove(cluster, guest, host);
  }
  const guests = begun.map(({ guest }) => guest);
  const origins = guests.map((guest) => cluster.leaving[guest]!);
  endMoves(cluster, guests);
  const isEnough = placed.some((guest) => cluster.hosts.some((_, host) => fits(cluster, guest, host)));
  guests.forEach((guest, index) => {
    beginMove(cluster, guest, origins[index]!);
    endMoves(cluster, [guest]);
  });
  return isEnough ? begun : [];
}

interface Problem {
  /** The guest of each item. */
  readonly items: readonly number[];
  readonly description: ModelDescription;
}

/** Resources: memory, reservations, demand, virtual processors. */
const width = 4;

/** One more host than there is stands for nowhere. */
function describe(cluster: Cluster, wanting: readonly number[]): Problem {
  const wanted = new Set(wanting);
  const items = cluster.guests.flatMap((_, guest) => (cluster.hostOf[guest]! >= 0 || wanted.has(guest) ? [guest] : []));
  const hosts = cluster.hosts.length + 1;
  const nowhere = hosts - 1;
  const capacity = new Float64Array(hosts * width).fill(unlimited);
  const safetyCapacity = new Float64Array(hosts * width);
  for (let host = 0; host < nowhere; host++) {
    const { memoryCapacity, memoryUsed, cpuCapacity, cpuReserved, useOf } = cluster;
    const here = items.filter((guest) => cluster.hostOf[guest] === host);
    const sum = (of: Float64Array): number => here.reduce((total, guest) => total + of[guest]!, 0);
    // What others hold there for now (guests that are leaving) is not to be had; what is overcommitted stays so.
    const [memory, reserved] = [sum(cluster.guestMemory), sum(cluster.guestReservation)];
    capacity[host * width] = Math.max(memory, memoryCapacity[host]! - (memoryUsed[host]! - memory));
    capacity[host * width + 1] = Math.max(reserved, cpuCapacity[host]! - (cpuReserved[host]! - reserved));
    const vcpus = sum(cluster.guestVcpus);
    const most = Math.min(unlimited, cluster.vcpuCapacity[host]!);
    capacity[host * width + 3] = Math.max(vcpus, most - (cluster.vcpusUsed[host]! - vcpus));
    safetyCapacity.fill(unlimited, host * width, (host + 1) * width);
    if (useOf[host] === 1) safetyCapacity[host * width] = 0;
    safetyCapacity[host * width + 2] = cpuCapacity[host]!;
  }
  const groups = groupsOf(cluster, items);
  return {
    items,
    description: {
      resources: [placeWeight, 0, 1, 0].map((loadWeight) => ({ isTransient: false, loadWeight })),
      balances: [],
      hosts,
      capacity,
      safetyCapacity,
      locationOf: new Int32Array(hosts),
      neighbourhoodOf: new Int32Array(hosts),
      hostMoveCost: new Int32Array(hosts * hosts),
      groups: groups.count,
      spreadMinimum: new Int32Array(groups.count),
      dependencyStart: new Int32Array(groups.count + 1),
      dependencies: new Int32Array(0),
      items: items.length,
      groupOf: groups.groupOf,
      demand: Float64Array.from(
        items.flatMap((guest) => [
          cluster.guestMemory[guest]!,
          cluster.guestReservation[guest]!,
          cluster.guestDemand[guest]!,
          cluster.guestVcpus[guest]!,
        ]),
      ),
      itemMoveCost: Float64Array.from(items, (guest) => (wanted.has(guest) ? 0 : cluster.guestMemory[guest]!)),
      itemMoveWeight: 1,
      groupMoveWeight: 0,
      hostMoveWeight: 0,
      placement: Int32Array.from(items, (guest) => (cluster.hostOf[guest]! < 0 ? nowhere : cluster.hostOf[guest]!)),
      forbidden: forbiddenTo(cluster, items, wanted),
    },
  };
}

/** The rule among guests that the model can hold for an item: one, and of kind apart. Whoever is under another stays where it is. */
function apartRule(cluster: Cluster, guest: number): ClusterRule | undefined {
  return cluster.rulesOf[guest]!.find(({ kind }) => kind === 'apart');
}

function groupsOf(cluster: Cluster, items: readonly number[]): { groupOf: Int32Array; count: number } {
  const known = new Map<ClusterRule, number>();
  let count = 0;
  const groupOf = Int32Array.from(items, (guest) => {
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
  cluster: Cluster,
  items: readonly number[],
  wanted: ReadonlySet<number>,
): NonNullable<ModelDescription['forbidden']> {
  const rows: Uint8Array[] = [];
  const known = new Map<string, number>();
  const classOf = Int32Array.from(items, (guest) => {
    const row = forbiddenHosts(cluster, guest, wanted.has(guest));
    const key = row.join('');
    const found = known.get(key) ?? rows.push(row) - 1;
    known.set(key, found);
    return found;
  });
  const width = cluster.hosts.length + 1;
  const forbidden = new Uint8Array(rows.length * width);
  rows.forEach((row, index) => forbidden.set(row, index * width));
  return { classOf, forbidden };
}

/** Where it is it may stay: that is not asked. */
function forbiddenHosts(cluster: Cluster, guest: number, isWanting: boolean): Uint8Array {
  const row = new Uint8Array(cluster.hosts.length + 1).fill(1);
  const isBusy = cluster.guestPinned[guest] === 1 || cluster.leaving[guest]! >= 0;
  if ((isBusy && !(isWanting && cluster.hostOf[guest]! < 0)) || isBoundToOthers(cluster, guest)) return row;
  for (let host = 0; host < cluster.hosts.length; host++) if (mayBeOn(cluster, guest, host)) row[host] = 0;
  return row;
}

function isBoundToOthers(cluster: Cluster, guest: number): boolean {
  const among = cluster.rulesOf[guest]!.filter(
    ({ kind, isWish, hosts }) => !isWish && hosts.size === 0 && kind !== 'must-not-run-on',
  );
  return among.length > 1 || among.some(({ kind }) => kind !== 'apart');
}

function mayBeOn(cluster: Cluster, guest: number, host: number): boolean {
  if (cluster.useOf[host] !== 0) return false;
  if (cluster.guestBound[guest] === 0) return isCompatible(cluster, guest, host);
  return (
    isCompatible(cluster, guest, host) &&
    reachesDatastores(cluster, guest, host) &&
    cluster.rulesOf[guest]!.every((rule) => rule.isWish || rule.kind === 'apart' || !breaks(cluster, rule, guest, host))
  );
}
