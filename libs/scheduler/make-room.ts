import { fits, isCompatible, keepsRules, reachesDatastores, rejection } from './checks';
import { beginMove, type Cluster, endMoves } from './cluster';
import type { IsLate } from './effort';
import { buildModel, type ModelDescription } from './model/model';
import { optimize } from './model/optimize';
import { freeMemory } from './room';
import { capacityFor, rulesOfModel, sumsOf, unlimited } from './pool-model';

export interface RoomMove {
  readonly guest: number;
  readonly host: number;
  readonly reason: string;
}

export interface MakeRoomOptions {
  readonly seed: number;
  /** How long is searched: some five million a second. */
  readonly steps: number;
  /** From then on no better way is searched for. */
  readonly isLate?: IsLate;
}

/** Hosts by hosts is a table: a larger pool is not looked at as a whole. */
const wholePool = 400;
/** As many as the steps of a search can tell apart. */
const mostHosts = 64;
/** A MiB of a guest that has no place weighs as much as so many that are moved for it. */
const placeWeight = 1000;

/**
 * Guests that have to go somewhere (from a host that is being emptied, or from nowhere) and that no host takes as it is: moves of
 * others that make room for them, by the optimizer. All of them may be done
 * at once, and what they free is found by the next look. Empty: there is no way, or none was found. The cluster is left as it was.
 */
export function makeRoom(cluster: Cluster, wanting: readonly number[], options: MakeRoomOptions): readonly RoomMove[] {
  const problem = describe(cluster, wanting);
  const { placement } = optimize(buildModel(problem.description), {
    seed: options.seed,
    progress: (steps) => (options.isLate?.() ? 1 : steps / options.steps),
  });
  const hostOf = (item: number): number => problem.hosts[placement[item]!]!;
  const placed = wanting.filter((guest) => isPlace(cluster, hostOf(problem.items.indexOf(guest))));
  if (placed.length === 0) return [];
  const others = problem.items.flatMap((guest, item) => {
    const host = hostOf(item);
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
  /** The host of each host of the model; the last stands for nowhere. */
  readonly hosts: readonly number[];
  readonly description: ModelDescription;
}

/** Resources: memory, reservations, demand, virtual processors. */
const width = 4;

/** Those that the guests are on, and those that rules, datastores and machine leave one of them, the roomiest first. */
function hostsFor(cluster: Cluster, wanting: readonly number[]): number[] {
  const all = [...cluster.hosts.keys()];
  if (all.length <= wholePool) return all;
  const from = new Set(wanting.map((guest) => cluster.hostOf[guest]!).filter((host) => host >= 0));
  const mayTake = (guest: number, host: number): boolean =>
    isCompatible(cluster, guest, host) && reachesDatastores(cluster, guest, host) && keepsRules(cluster, guest, host);
  const room = all
    .filter((host) => !from.has(host) && isPlace(cluster, host) && wanting.some((guest) => mayTake(guest, host)))
    .sort((a, b) => freeMemory(cluster, b) - freeMemory(cluster, a) || a - b);
  return [...from, ...room].slice(0, mostHosts).sort((a, b) => a - b);
}

function describe(cluster: Cluster, wanting: readonly number[]): Problem {
  const wanted = new Set(wanting);
  const chosen = hostsFor(cluster, wanting);
  const placeOf = new Map(chosen.map((host, place) => [host, place]));
  const guests = cluster.guests.flatMap((_, guest) =>
    placeOf.has(cluster.hostOf[guest]!) || wanted.has(guest) ? [guest] : [],
  );
  const nowhere = chosen.length;
  const hosts = nowhere + 1;
  const items = { cluster, guests, hosts: [...chosen, cluster.hosts.length] };
  const capacity = new Float64Array(hosts * width).fill(unlimited);
  const safetyCapacity = new Float64Array(hosts * width);
  const [memory, reserved, vcpus] = [
    sumsOf(items, cluster.guestMemory),
    sumsOf(items, cluster.guestReservation),
    sumsOf(items, cluster.guestVcpus),
  ];
  chosen.forEach((host, place) => {
    const { memoryCapacity, memoryUsed, cpuCapacity, cpuReserved, vcpuCapacity, vcpusUsed, useOf } = cluster;
    capacity[place * width] = capacityFor(memory[place]!, memoryCapacity[host]!, memoryUsed[host]!);
    capacity[place * width + 1] = capacityFor(reserved[place]!, cpuCapacity[host]!, cpuReserved[host]!);
    capacity[place * width + 3] = capacityFor(vcpus[place]!, vcpuCapacity[host]!, vcpusUsed[host]!);
    safetyCapacity.fill(unlimited, place * width, (place + 1) * width);
    if (useOf[host] === 1) safetyCapacity[place * width] = 0;
    safetyCapacity[place * width + 2] = cpuCapacity[host]!;
  });
  const isBusy = (guest: number): boolean => cluster.guestPinned[guest] === 1 || cluster.leaving[guest]! >= 0;
  return {
    items: guests,
    hosts: items.hosts,
    description: {
      resources: [placeWeight, 0, 1, 0].map((loadWeight) => ({ isTransient: false, loadWeight })),
      balances: [],
      hosts,
      capacity,
      safetyCapacity,
      locationOf: new Int32Array(hosts),
      neighbourhoodOf: new Int32Array(hosts),
      hostMoveCost: new Int32Array(hosts * hosts),
      items: guests.length,
      demand: Float64Array.from(
        guests.flatMap((guest) => [
          cluster.guestMemory[guest]!,
          cluster.guestReservation[guest]!,
          cluster.guestDemand[guest]!,
          cluster.guestVcpus[guest]!,
        ]),
      ),
      itemMoveCost: Float64Array.from(guests, (guest) => (wanted.has(guest) ? 0 : cluster.guestMemory[guest]!)),
      itemMoveWeight: 1,
      groupMoveWeight: 0,
      hostMoveWeight: 0,
      placement: Int32Array.from(guests, (guest) => placeOf.get(cluster.hostOf[guest]!) ?? nowhere),
      ...rulesOfModel(items, (guest) => !isBusy(guest) || (wanted.has(guest) && cluster.hostOf[guest]! < 0)),
    },
  };
}
