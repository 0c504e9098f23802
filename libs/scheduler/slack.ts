import type { Cluster } from './cluster';
import { freeMemory, freeReservation } from './room';

/** In how many ways what may run out is weighed against each other: one that shows it is enough. The shares of one, and of the rest. */
const leadingShares = [0.5, 0.8, 0.95];
/** A guest that rules or datastores keep from more hosts than that is no matter of room: its host is looked at by itself. */
const fewHosts = 8;

/**
 * A bound on what losses ask for. Guests are placed one by one wherever they fit. One that fits nowhere finds on each host so
 * much placed before it that less than the largest guest's size is left, of memory, of reservations or of virtual processors: so
 * what was placed weighs at least the sum of these slacks, however the resources are weighed (the dual of choosing for each host
 * which of them ran out). If all that is lost weighs no more, no guest is left over, in whatever order they come.
 */
export class Slack {
  private readonly weighings: readonly Weighing[];
  private hosts: readonly number[] = [];

  constructor(cluster: Cluster, counts: (guest: number) => boolean) {
    const kept = keptFrom(cluster);
    const scarce = scarceIn(cluster, (guest) => counts(guest) && kept[guest]! <= fewHosts);
    this.weighings = sharesOf(scarce.length).map((shares) => weigh(cluster, { scarce, shares, counts, kept }));
  }

  /** How hard the loss of the host is: what its guests ask for, and the slack that goes with it. */
  weight(host: number): number {
    return this.weighings[0]!.weight[host]!;
  }

  /** The order in which hosts are added to a loss. */
  order(hosts: readonly number[]): void {
    this.hosts = hosts;
    for (const { weight, hardest } of this.weighings) {
      let most = 0;
      for (let index = hosts.length - 1; index >= 0; index--) {
        most = Math.max(most, weight[hosts[index]!]!);
        hardest[index] = most;
      }
    }
  }

  /** No loss of so many hosts is too much, whichever they are. */
  coversAny(losses: number): boolean {
    return this.weighings.some(
      ({ weight, total }) => losses * weight.reduce((most, each) => Math.max(most, each), 0) <= total,
    );
  }

  /** No loss of those together with so many more, of the hosts from that index on, is too much. */
  covers(chosen: readonly number[], index: number, missing: number): boolean {
    if (index >= this.hosts.length) return false;
    return this.weighings.some(({ weight, total, hardest }) => {
      let sum = missing * hardest[index]!;
      for (const host of chosen) sum += weight[host]!;
      return sum <= total;
    });
  }
}

interface Weighing {
  /** By host: what is lost with it. */
  readonly weight: Float64Array;
  /** All the slack there is, but for that of as many hosts as rules may keep a guest from. */
  readonly total: number;
  /** By index in the order: the most that any host from there on weighs. */
  readonly hardest: number[];
}

/** What may run out on a host. */
interface Scarce {
  readonly sizes: Float64Array;
  readonly largest: number;
  /** Of all hosts that have a limit together. */
  readonly capacity: number;
  readonly free: (host: number) => number;
}

interface Terms {
  readonly scarce: readonly Scarce[];
  readonly shares: readonly number[];
  readonly counts: (guest: number) => boolean;
  readonly kept: Float64Array;
}

/** Where nobody reserves anything reservations never run out, nor virtual processors where hosts may have as many as they like. */
function scarceIn(cluster: Cluster, isOrdinary: (guest: number) => boolean): Scarce[] {
  const { guestMemory, guestReservation, guestVcpus, memoryCapacity, cpuCapacity, vcpuCapacity, vcpusUsed } = cluster;
  const ordinary = cluster.guests.flatMap((_, guest) => (isOrdinary(guest) ? [guest] : []));
  const of = (sizes: Float64Array, capacities: Float64Array, free: (host: number) => number): Scarce => ({
    sizes,
    largest: ordinary.reduce((most, guest) => Math.max(most, sizes[guest]!), 0),
    capacity: sum(capacities.filter((capacity) => capacity < Infinity)),
    free,
  });
  const memory = of(guestMemory, memoryCapacity, (host) => freeMemory(cluster, host));
  const reserved = of(guestReservation, cpuCapacity, (host) => freeReservation(cluster, host));
  const vcpus = of(guestVcpus, vcpuCapacity, (host) => vcpuCapacity[host]! - vcpusUsed[host]!);
  return [memory, ...(reserved.largest > 0 ? [reserved] : []), ...(cluster.countsVcpus ? [vcpus] : [])];
}

/** Each of them leads in turn, and the others share the rest. */
function sharesOf(count: number): number[][] {
  if (count === 1) return [[1]];
  const even = Array.from({ length: count }, () => 1 / count);
  const led = leadingShares.flatMap((share) =>
    even.map((_, leader) => even.map((__, index) => (index === leader ? share : (1 - share) / (count - 1)))),
  );
  return [even, ...led];
}

function weigh(cluster: Cluster, { scarce, shares, counts, kept }: Terms): Weighing {
  const units = scarce.map(({ capacity }, index) => shares[index]! / capacity);
  const most = cluster.guests.reduce(
    (largest, _, guest) => (counts(guest) && kept[guest]! <= fewHosts ? Math.max(largest, kept[guest]!) : largest),
    0,
  );
  const slack = cluster.hosts.map(({ use }, host) => {
    if (use !== 'usable') return 0;
    const left = scarce.map(({ free, largest }, index) => units[index]! * (free(host) - largest));
    return Math.max(0, Math.min(...left));
  });
  const weight = Float64Array.from(slack);
  cluster.guests.forEach((_, guest) => {
    const host = cluster.hostOf[guest]!;
    if (host < 0 || !counts(guest)) return;
    scarce.forEach(({ sizes }, index) => (weight[host]! += units[index]! * sizes[guest]!));
    if (kept[guest]! > fewHosts) weight[host] = Infinity;
  });
  const spared = [...slack].sort((a, b) => b - a).slice(0, most);
  return { weight, total: sum(slack) - sum(spared), hardest: [] };
}

/** By guest: from how many hosts rules and datastores may keep it. Who stays with others is a group, and no case for the bound. */
function keptFrom(cluster: Cluster): Float64Array {
  const hostCount = cluster.hosts.length;
  const missing = new Map<string, number>();
  for (const { missingDatastores } of cluster.hosts)
    for (const id of missingDatastores.keys()) missing.set(id, (missing.get(id) ?? 0) + 1);
  const foreignTo = new Map<string, number>();
  return Float64Array.from(cluster.guests, ({ datastores, architecture, memoryMachine = null }, guest) => {
    let kept = architecture === undefined ? 0 : hostsWithout(cluster, architecture, foreignTo);
    if (memoryMachine !== null) kept += hostCount + fewHosts;
    for (const { id, hostId } of datastores) kept += hostId === null ? (missing.get(id) ?? 0) : hostCount;
    for (const rule of cluster.rulesOf[guest]!) {
      if (rule.isWish) continue;
      if (rule.kind === 'apart') kept += rule.guests.length - 1;
      else if (rule.kind === 'must-not-run-on') kept += rule.hosts.size;
      else if (rule.kind === 'must-run-on') kept += hostCount - rule.hosts.size;
      else kept += hostCount + fewHosts;
    }
    return kept;
  });
}

/** How many hosts do not run guests of that architecture. */
function hostsWithout({ hosts }: Cluster, architecture: string, known: Map<string, number>): number {
  let count = known.get(architecture);
  if (count === undefined) {
    count = hosts.filter(
      ({ platform = null }) => platform !== null && !platform.guestArchitectures.includes(architecture),
    ).length;
    known.set(architecture, count);
  }
  return count;
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const each of numbers) total += each;
  return total;
}
