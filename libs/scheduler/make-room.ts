import { fits, rejection } from './checks';
import { beginMove, type Cluster, endMoves } from './cluster';
import { buildModel, type ModelDescription } from './model/model';
import { optimize } from './model/optimize';
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
}

/** Hosts by hosts is a table; a larger pool has room somewhere. */
const mostHosts = 400;
/** A MiB of a guest that has no place weighs as much as so many that are moved for it. */
const placeWeight = 1000;

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
  const guests = cluster.guests.flatMap((_, guest) =>
    cluster.hostOf[guest]! >= 0 || wanted.has(guest) ? [guest] : [],
  );
  const nowhere = cluster.hosts.length;
  const hosts = nowhere + 1;
  const items = { cluster, guests, hosts: Array.from({ length: hosts }, (_, host) => host) };
  const capacity = new Float64Array(hosts * width).fill(unlimited);
  const safetyCapacity = new Float64Array(hosts * width);
  const [memory, reserved, vcpus] = [
    sumsOf(items, cluster.guestMemory),
    sumsOf(items, cluster.guestReservation),
    sumsOf(items, cluster.guestVcpus),
  ];
  for (let host = 0; host < nowhere; host++) {
    const { memoryCapacity, memoryUsed, cpuCapacity, cpuReserved, vcpuCapacity, vcpusUsed, useOf } = cluster;
    capacity[host * width] = capacityFor(memory[host]!, memoryCapacity[host]!, memoryUsed[host]!);
    capacity[host * width + 1] = capacityFor(reserved[host]!, cpuCapacity[host]!, cpuReserved[host]!);
    capacity[host * width + 3] = capacityFor(vcpus[host]!, vcpuCapacity[host]!, vcpusUsed[host]!);
    safetyCapacity.fill(unlimited, host * width, (host + 1) * width);
    if (useOf[host] === 1) safetyCapacity[host * width] = 0;
    safetyCapacity[host * width + 2] = cpuCapacity[host]!;
  }
  const isBusy = (guest: number): boolean => cluster.guestPinned[guest] === 1 || cluster.leaving[guest]! >= 0;
  return {
    items: guests,
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
      placement: Int32Array.from(guests, (guest) => (cluster.hostOf[guest]! < 0 ? nowhere : cluster.hostOf[guest]!)),
      ...rulesOfModel(items, (guest) => !isBusy(guest) || (wanted.has(guest) && cluster.hostOf[guest]! < 0)),
    },
  };
}
