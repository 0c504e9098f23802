import { fits } from './checks';
import { beginMove, type Cluster, takeBack } from './cluster';
import { type IsLate, unhurried } from './effort';
import { buildModel } from './model/model';
import { optimize } from './model/optimize';
import { capacityFor, rulesOfModel, sumsOf, unlimited } from './pool-model';
import { eveningShare, gainOf, moveCost, overloadOf, type WorthOptions } from './worth';

export interface PlannedMove {
  readonly guest: number;
  readonly host: number;
}

/** Moves that are worth their cost together; more than one: none of them is by itself, where those of the bundles before it are done. */
export interface Bundle {
  readonly moves: readonly PlannedMove[];
  /** In millicores, of all of them: demand that is met, and evening. */
  readonly reliefMillicores: number;
  readonly worth: number;
}

export interface BalanceSearchOptions extends WorthOptions {
  readonly maximumMoves: number;
  readonly searchSteps: number;
  /** From then on it goes on with the best that it has found. */
  readonly isLate?: IsLate;
}

/** A pool of so many hosts is looked at as a whole. Of a larger one the most loaded hosts, and those that have most to spare. */
export const wholePool = 64;
const mostGivers = 24;
/** Less warmth than from nothing: it begins where single moves have left off. */
const hottest = 0.5;
/** Of a small pool every pair of guests is tried often enough in less. */
const stepsForPair = 20;

/** By host: what its guests are entitled to above its safety level, or (negative) what it has to spare. */
function aboveLevel({ cpuEntitled, cpuCapacity }: Cluster, host: number, { cpuSafetyShare }: WorthOptions): number {
  return cpuEntitled[host]! - cpuSafetyShare * cpuCapacity[host]!;
}

/** Whether something is unmet that better places could meet, and enough of it to be worth a move at all. */
export function mayGainBySearch(cluster: Cluster, options: BalanceSearchOptions): boolean {
  let [unmet, above, cheapest] = [0, 0, Infinity];
  for (let host = 0; host < cluster.hosts.length; host++) {
    if (cluster.useOf[host] !== 0) continue;
    unmet += overloadOf(cluster, host, options);
    above += aboveLevel(cluster, host, options);
  }
  const avoidable = unmet - Math.max(0, above);
  if (options.searchSteps === 0 || avoidable <= 0) return false;
  for (const guest of movable(cluster, overloadedHosts(cluster, options)))
    cheapest = Math.min(cheapest, moveCost(cluster, guest, options));
  return (avoidable * options.horizonMs) / 1000 > cheapest;
}

function overloadedHosts(cluster: Cluster, options: WorthOptions): number[] {
  const hosts: number[] = [];
  for (let host = 0; host < cluster.hosts.length; host++)
    if (cluster.useOf[host] === 0 && overloadOf(cluster, host, options) > 0) hosts.push(host);
  return hosts;
}

/** Guests of those hosts that are free to go, but for those whom a rule would rather have somewhere. */
function movable(cluster: Cluster, hosts: readonly number[]): number[] {
  const guests: number[] = [];
  for (const host of hosts)
    for (let guest = cluster.firstGuestOn[host]!; guest >= 0; guest = cluster.nextGuest[guest]!)
      if (mayMove(cluster, guest)) guests.push(guest);
  return guests.sort((a, b) => a - b);
}

function mayMove(cluster: Cluster, guest: number): boolean {
  return (
    cluster.guestPinned[guest] === 0 &&
    cluster.leaving[guest]! < 0 &&
    cluster.guestEntitlement[guest]! > 0 &&
    !cluster.rulesOf[guest]!.some(({ isWish }) => isWish)
  );
}

/**
 * Looks for a better answer than `begun`, the moves that balancing has found one by one: by the optimizer, which swaps guests and moves several
 * for the sake of one. The cluster is as it is without them, before and after. null: there is none. A plan is told in an order in
 * which each step passes every check with all before it under way, and in steps that are worth their cost each.
 */
export function searchBalance(
  cluster: Cluster,
  begun: readonly PlannedMove[],
  options: BalanceSearchOptions,
): readonly Bundle[] | null {
  const hosts = involvedHosts(cluster, options);
  const losses = new Losses(cluster, hosts, options);
  const bundles = bundlesOf(losses, optimized(losses, begun));
  const net = bundles.reduce((sum, { moves, worth }) => sum + losses.net(moves, worth), 0);
  return net > losses.net(begun, losses.changeBy(begun).worth) ? bundles : null;
}

function involvedHosts(cluster: Cluster, options: WorthOptions): number[] {
  const usable = [...cluster.hosts.keys()].filter((host) => cluster.useOf[host] === 0);
  if (usable.length <= wholePool) return usable;
  const level = Float64Array.from(cluster.hosts, (_, host) => aboveLevel(cluster, host, options));
  usable.sort((a, b) => level[b]! - level[a]! || a - b);
  const givers = usable.slice(0, mostGivers).filter((host) => level[host]! > 0);
  return [...givers, ...usable.slice(givers.length - wholePool)].sort((a, b) => a - b);
}

/** What is lost on the hosts that are looked at: demand above their safety level, and a part of what is above their common load. */
class Losses {
  private readonly mean: number;
  private readonly change: Float64Array;

  constructor(
    readonly cluster: Cluster,
    readonly hosts: readonly number[],
    readonly options: BalanceSearchOptions,
  ) {
    const sum = (of: Float64Array): number => hosts.reduce((total, host) => total + of[host]!, 0);
    this.mean = sum(cluster.cpuEntitled) / sum(cluster.cpuCapacity);
    this.change = new Float64Array(cluster.hosts.length);
  }

  thresholds(host: number): readonly [safety: number, even: number] {
    const capacity = this.cluster.cpuCapacity[host]!;
    return [this.options.cpuSafetyShare * capacity, this.mean * capacity];
  }

  /** In millicores, from the cluster as it stands. */
  changeBy(moves: readonly PlannedMove[]): { readonly relief: number; readonly worth: number } {
    const { cluster, change } = this;
    const touched: number[] = [];
    for (const { guest, host } of moves) {
      const from = cluster.hostOf[guest]!;
      change[from]! -= cluster.guestEntitlement[guest]!;
      change[host]! += cluster.guestEntitlement[guest]!;
      touched.push(from, host);
    }
    let [relief, evening] = [0, 0];
    for (const host of touched) {
      const before = cluster.cpuEntitled[host]!;
      const after = before + change[host]!;
      change[host] = 0;
      const [safety, even] = this.thresholds(host);
      relief += Math.max(0, before - safety) - Math.max(0, after - safety);
      evening += Math.max(0, before - even) - Math.max(0, after - even);
    }
    return { relief, worth: relief + eveningShare * evening };
  }

  net(moves: readonly PlannedMove[], worth: number): number {
    return moves.reduce(
      (sum, { guest }) => sum - moveCost(this.cluster, guest, this.options),
      gainOf(worth, this.options),
    );
  }
}

/**
 * Where the optimizer would have those go that are not to stay. Resources: memory, reservations and virtual processors, held on both hosts; and
 * twice what guests are entitled to, above the safety level and above the common load.
 */
function optimized(losses: Losses, begun: readonly PlannedMove[]): PlannedMove[] {
  const { cluster, hosts, options } = losses;
  const guests = movable(cluster, hosts);
  const items = { cluster, guests, hosts };
  const { memoryCapacity, memoryUsed, cpuCapacity, cpuReserved, vcpuCapacity, vcpusUsed } = cluster;
  const kept = [
    [sumsOf(items, cluster.guestMemory), memoryCapacity, memoryUsed],
    [sumsOf(items, cluster.guestReservation), cpuCapacity, cpuReserved],
    [sumsOf(items, cluster.guestVcpus), vcpuCapacity, vcpusUsed],
  ] as const;
  const entitled = sumsOf(items, cluster.guestEntitlement);
  const horizonSeconds = options.horizonMs / 1000;
  const placeOf = new Map(hosts.map((host, place) => [host, place]));
  const origin = Int32Array.from(guests, (guest) => placeOf.get(cluster.hostOf[guest]!)!);
  const placement = origin.slice();
  const itemOf = new Map(guests.map((guest, item) => [guest, item]));
  for (const { guest, host } of begun) if (itemOf.has(guest)) placement[itemOf.get(guest)!] = placeOf.get(host)!;
  const model = buildModel({
    resources: [
      ...kept.map(() => ({ isTransient: true, loadWeight: 0 })),
      { isTransient: false, loadWeight: horizonSeconds },
      { isTransient: false, loadWeight: eveningShare * horizonSeconds },
    ],
    balances: [],
    hosts: hosts.length,
    capacity: Float64Array.from(
      hosts.flatMap((host, place) => [
        ...kept.map(([sums, capacity, used]) => capacityFor(sums[place]!, capacity[host]!, used[host]!)),
        unlimited,
        unlimited,
      ]),
    ),
    // Of what stays there the thresholds are lower.
    safetyCapacity: Float64Array.from(
      hosts.flatMap((host, place) => {
        const staying = cluster.cpuEntitled[host]! - entitled[place]!;
        return [...kept.map(() => unlimited), ...losses.thresholds(host).map((threshold) => threshold - staying)];
      }),
    ),
    locationOf: new Int32Array(hosts.length),
    neighbourhoodOf: new Int32Array(hosts.length),
    hostMoveCost: new Int32Array(hosts.length ** 2),
    items: guests.length,
    demand: Float64Array.from(
      guests.flatMap((guest) => {
        const asked = cluster.guestEntitlement[guest]!;
        return [
          cluster.guestMemory[guest]!,
          cluster.guestReservation[guest]!,
          cluster.guestVcpus[guest]!,
          asked,
          asked,
        ];
      }),
    ),
    itemMoveCost: Float64Array.from(guests, (guest) => moveCost(cluster, guest, options)),
    itemMoveWeight: 1,
    groupMoveWeight: 0,
    hostMoveWeight: 0,
    placement: origin,
    ...rulesOfModel(items, () => true),
  });
  const steps = Math.min(options.searchSteps, stepsForPair * guests.length ** 2);
  const { isLate = unhurried } = options;
  const progress = (done: number): number => (isLate() ? 1 : done / steps);
  const found = optimize(model, { seed: 1, placement, progress, schedule: { hottest } });
  return guests.flatMap((guest, item) => {
    const place = found.placement[item]!;
    return place === origin[item] ? [] : [{ guest, host: hosts[place]! }];
  });
}

/** More are not looked at two by two. */
const mostPaired = 60;

/** The moves in an order and in steps that are worth their cost each; what is worth it in no company is left out. The cluster is left as it was. */
function bundlesOf(losses: Losses, moves: readonly PlannedMove[]): readonly Bundle[] {
  const { cluster, options } = losses;
  const bundles: Bundle[] = [];
  let left = [...moves];
  let count = 0;
  for (;;) {
    const next = bestOf(losses, singles(left)) ?? bestOf(losses, pairs(cluster, left)) ?? bestOf(losses, [left]);
    if (next === null || count + next.moves.length > options.maximumMoves) break;
    bundles.push(next);
    count += next.moves.length;
    for (const { guest, host } of next.moves) beginMove(cluster, guest, host);
    left = left.filter((each) => !next.moves.includes(each));
  }
  takeBack(
    cluster,
    bundles.flatMap((bundle) => bundle.moves.map(({ guest }) => guest)),
  );
  return bundles;
}

function singles(moves: readonly PlannedMove[]): readonly PlannedMove[][] {
  return moves.map((each) => [each]);
}

/** Only those that meet on a host are worth more together. */
function pairs(cluster: Cluster, moves: readonly PlannedMove[]): readonly PlannedMove[][] {
  const near = moves.slice(0, mostPaired);
  const hostsOf = ({ guest, host }: PlannedMove): readonly number[] => [cluster.hostOf[guest]!, host];
  return near.flatMap((one, index) =>
    near
      .slice(index + 1)
      .filter((other) => hostsOf(other).some((host) => hostsOf(one).includes(host)))
      .map((other) => [one, other]),
  );
}

/** The one that is worth most above its cost, of those that every check allows; null: none is worth it. */
function bestOf(losses: Losses, candidates: readonly (readonly PlannedMove[])[]): Bundle | null {
  let best: Bundle | null = null;
  let most = 0;
  for (const moves of candidates) {
    const { relief, worth } = losses.changeBy(moves);
    const net = losses.net(moves, worth);
    if (net <= most || !areAllowed(losses.cluster, moves)) continue;
    [best, most] = [{ moves, reliefMillicores: relief, worth }, net];
  }
  return best;
}

/** One after the other, with those before under way. */
function areAllowed(cluster: Cluster, moves: readonly PlannedMove[]): boolean {
  const begun: number[] = [];
  const isAllowed = moves.every(({ guest, host }) => {
    if (!fits(cluster, guest, host)) return false;
    beginMove(cluster, guest, host);
    begun.push(guest);
    return true;
  });
  takeBack(cluster, begun);
  return isAllowed;
}
