import type { Cluster } from './cluster';
import { freeMemory, freeReservation } from './room';
import { type SpecialGuest, SpecialGuests } from './special-guests';
import { SlackFor, type Weights } from './slack-for';

/** In how many ways what may run out is weighed against each other: one that shows it is enough. The shares of one, and of the rest. */
const leadingShares = [0.5, 0.8, 0.95];
/** A guest that rules or datastores keep from more hosts than that has a bound of its own. */
const fewHosts = 8;
/** Sizes are told apart to so small a part of a host. */
const stepsOfHost = 32;

/**
 * A bound on what losses ask for. Guests are placed one by one wherever they fit. One that fits nowhere finds on each host so
 * much placed before it that less than the largest guest's size is left, of memory, of reservations or of virtual processors: so
 * what was placed weighs at least the sum of these slacks, however the resources are weighed (the dual of choosing for each host
 * which of them ran out). If all that is lost weighs no more, no guest is left over, in whatever order they come. For a guest that
 * only some hosts may take, or a group that stays together, it is the same with its own size and these hosts: what is lost
 * together with it must weigh no more than the slack that it finds there.
 */
export class Slack {
  private readonly weighings: readonly Weighing[];
  private hosts: readonly number[] = [];
  private losses = 0;

  constructor(cluster: Cluster, counts: (guest: number) => boolean) {
    const { kept, special, tied } = specialIn(cluster, counts);
    const scarce = scarceIn(cluster, (guest) => counts(guest) && kept[guest]! <= fewHosts);
    this.weighings = sharesOf(scarce.length).map(
      (shares) => new Weighing(cluster, { scarce, shares, counts, kept, special, tied }),
    );
  }

  /** From now on losses of so many hosts are asked about. */
  ask(losses: number): void {
    this.losses = losses;
    for (const weighing of this.weighings) weighing.cap(losses);
  }

  /** How hard the loss of the host is: what its guests ask for beside all the slack there is, or beside what one of them finds. */
  hardness(host: number): number {
    return this.weighings[0]!.hardness(host);
  }

  /** The order in which hosts are added to a loss. */
  order(hosts: readonly number[]): void {
    this.hosts = hosts;
    for (const weighing of this.weighings) weighing.order(hosts);
  }

  /** No loss of so many hosts is too much, whichever they are. */
  coversAny(): boolean {
    return this.weighings.some((weighing) => weighing.coversAny(this.losses));
  }

  /** No loss of those together with so many more, of the hosts from that index on, is too much. */
  covers(chosen: readonly number[], index: number, missing: number): boolean {
    if (missing > 0 && index >= this.hosts.length) return false;
    return this.weighings.some((weighing) => weighing.covers(chosen, index, missing));
  }
}

interface Terms {
  readonly scarce: readonly Scarce[];
  readonly shares: readonly number[];
  readonly counts: (guest: number) => boolean;
  readonly kept: Float64Array;
  readonly special: readonly SpecialGuest[];
  readonly tied: readonly number[];
}

/** One way to weigh the resources against each other. */
class Weighing {
  private readonly weights: Weights;
  /** By host: what is lost with it, and that with the slack that it has. Infinity: nothing can be said of its guests. */
  private readonly load: Float64Array;
  private readonly weight: Float64Array;
  /** All the slack there is, but for that of as many hosts as rules may keep a guest from. */
  private readonly total: number;
  private readonly special: readonly SpecialGuest[];
  /** By host: what may be lost at once with any of its guests. */
  private readonly caps: Float64Array;
  /** By index in the order: the most that any host from there on weighs and holds, and the least that any of them bears. */
  private heaviest: Float64Array = new Float64Array(0);
  private fullest: Float64Array = new Float64Array(0);
  private leastCap: Float64Array = new Float64Array(0);

  constructor(cluster: Cluster, { scarce, shares, counts, kept, special, tied }: Terms) {
    const units = scarce.map(({ capacity }, index) => shares[index]! / capacity);
    this.weights = {
      cluster,
      units,
      free: scarce.map(({ free }) => free),
      sizes: scarce.map(({ sizes }) => sizes),
      steps: scarce.map(({ capacity }) => capacity / cluster.hosts.length / stepsOfHost),
    };
    this.special = special;
    this.caps = new Float64Array(cluster.hosts.length).fill(Infinity);
    const ordinary = new SlackFor(
      this.weights,
      scarce.map(({ largest }) => largest),
    );
    let most = 0;
    this.load = new Float64Array(cluster.hosts.length);
    cluster.guests.forEach((_, guest) => {
      const host = cluster.hostOf[guest]!;
      if (!counts(guest)) return;
      if (kept[guest]! <= fewHosts) most = Math.max(most, kept[guest]!);
      if (host >= 0) scarce.forEach(({ sizes }, index) => (this.load[host]! += units[index]! * sizes[guest]!));
    });
    for (const host of tied) this.load[host] = Infinity;
    this.weight = this.load.map((load, host) => load + ordinary.slack[host]!);
    this.total = ordinary.of({ otherHosts: most });
  }

  cap(losses: number): void {
    const known = new Map<string, SlackFor>();
    this.caps.fill(Infinity);
    for (const { host, guests, ...where } of this.special) {
      const slack = SlackFor.of(this.weights, guests, known).of({ ...where, otherHosts: where.otherHosts + losses });
      this.caps[host] = Math.min(this.caps[host]!, slack);
    }
  }

  hardness(host: number): number {
    const weight = this.weight[host]!;
    return weight === 0 ? 0 : Math.max(weight / this.total, this.load[host]! / this.caps[host]!);
  }

  order(hosts: readonly number[]): void {
    const upTo = (from: number, best: (one: number, other: number) => number, of: Float64Array): Float64Array => {
      const kept = new Float64Array(hosts.length);
      let so = from;
      for (let index = hosts.length - 1; index >= 0; index--) kept[index] = so = best(so, of[hosts[index]!]!);
      return kept;
    };
    this.heaviest = upTo(0, Math.max, this.weight);
    this.fullest = upTo(0, Math.max, this.load);
    this.leastCap = upTo(Infinity, Math.min, this.caps);
  }

  coversAny(losses: number): boolean {
    const most = (of: Float64Array): number => of.reduce((largest, each) => Math.max(largest, each), 0);
    const least = this.caps.reduce((smallest, each) => Math.min(smallest, each), Infinity);
    return losses * most(this.weight) <= this.total && losses * most(this.load) <= least;
  }

  covers(chosen: readonly number[], index: number, missing: number): boolean {
    let [weight, load, cap] = [0, 0, Infinity];
    if (missing > 0) {
      weight = missing * this.heaviest[index]!;
      load = missing * this.fullest[index]!;
      cap = this.leastCap[index]!;
    }
    for (const host of chosen) {
      weight += this.weight[host]!;
      load += this.load[host]!;
      cap = Math.min(cap, this.caps[host]!);
    }
    return weight <= this.total && load <= cap;
  }
}

/** What may run out on a host. */
interface Scarce {
  readonly sizes: Float64Array;
  readonly largest: number;
  /** Of all hosts that have a limit together. */
  readonly capacity: number;
  readonly free: (host: number) => number;
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
  const isReserved = guestReservation.some((each) => each > 0);
  return [memory, ...(isReserved ? [reserved] : []), ...(cluster.countsVcpus ? [vcpus] : [])];
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

/** By guest, from how many hosts it is kept; those for whom that says too little; and the hosts of those of whom nothing can be said. */
function specialIn(
  cluster: Cluster,
  counts: (guest: number) => boolean,
): { readonly kept: Float64Array; readonly special: readonly SpecialGuest[]; readonly tied: readonly number[] } {
  const reader = new SpecialGuests(cluster);
  const kept = Float64Array.from(cluster.guests, (_, guest) => reader.keptFrom(guest));
  const special: SpecialGuest[] = [];
  const tied = new Set<number>();
  const read = new Set<number>();
  cluster.guests.forEach((_, guest) => {
    const host = cluster.hostOf[guest]!;
    if (host < 0 || kept[guest]! <= fewHosts || !counts(guest) || read.has(guest)) return;
    const found = reader.read(guest, counts);
    if (found === null) tied.add(host);
    else special.push(found);
    for (const each of found?.guests ?? []) read.add(each);
  });
  return { kept, special, tied: [...tied] };
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const each of numbers) total += each;
  return total;
}
