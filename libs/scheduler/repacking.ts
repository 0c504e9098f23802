import { fits, isCompatible, keepsRules, reachesDatastores } from './checks';
import { type Cluster, move } from './cluster';
import { Effort, type IsLate } from './effort';
import { chooseHost } from './place';
import { freeMemory, freeReservation } from './room';

/** What a place that the index finds counts for. */
const indexedLooks = 100;
/** Some tenth of a second of looking. */
export const ordinaryLooks = 2_000_000;

/** It is asked again at each pass for as long as guests wait for room. */
const planningLooks = 200_000;

/** Whether guests fit: proved either way, or not found out with the effort that was allowed. */
export type Repacking = 'fit' | 'do-not-fit' | 'unknown';

/**
 * Whether guests that are on no host can all be placed beside what is placed, by every check: each where most room is, or else
 * a search of all ways to do so, the tightest host first, so that its first way is best fit by decreasing size. Hosts that
 * are alike are tried once, guests that are alike in one order. The cluster is left as it was.
 */
export class Repacker {
  private readonly usable: readonly number[];
  private readonly isNamed: Uint8Array;
  private readonly boundOn: Int32Array;
  private items: readonly number[] = [];
  private found: ReadonlyMap<number, number> = new Map();
  private left = { memoryMiB: 0, millicores: 0 };
  private free = { memoryMiB: 0, millicores: 0 };

  constructor(
    private readonly cluster: Cluster,
    private readonly effort: Effort,
  ) {
    this.usable = cluster.hosts.flatMap((host, index) => (host.use === 'usable' ? [index] : []));
    this.isNamed = namedByAnyone(cluster);
    this.boundOn = new Int32Array(cluster.hosts.length);
    cluster.guests.forEach((_, guest) => {
      const host = cluster.hostOf[guest]!;
      if (host >= 0 && cluster.guestBound[guest] === 1) this.boundOn[host]!++;
    });
  }

  /** Those that rules and datastores leave none of the hosts that there are, however much room these had. */
  withoutAnyHost(guests: readonly number[]): number[] {
    const { cluster } = this;
    if (!this.usable.some((host) => cluster.useOf[host] === 0)) return [];
    const mayTake = (guest: number, host: number): boolean =>
      cluster.useOf[host] === 0 &&
      isCompatible(cluster, guest, host) &&
      reachesDatastores(cluster, guest, host) &&
      keepsRules(cluster, guest, host);
    return guests.filter(
      (guest) =>
        (cluster.guestBound[guest] === 1 || !cluster.isUniform) && !this.usable.some((host) => mayTake(guest, host)),
    );
  }

  fit(guests: readonly number[]): Repacking {
    if (this.effort.isSpent) return 'unknown';
    this.begin(guests);
    // Mostly each finds room where most of it is, and that is found without a look at every host.
    return this.placeEach() ? 'fit' : this.placeFrom(0);
  }

  private placeEach(): boolean {
    const { cluster, items } = this;
    const places = new Map<number, number>();
    for (const guest of items) {
      const host = chooseHost(cluster, guest);
      this.effort.spend(indexedLooks);
      if (host < 0) break;
      move(cluster, guest, host);
      places.set(guest, host);
    }
    for (const guest of places.keys()) move(cluster, guest, -1);
    if (places.size < items.length) return false;
    this.found = places;
    return true;
  }

  /** After `fit` has found that they do: where each guest was. */
  get places(): ReadonlyMap<number, number> {
    return this.found;
  }

  /** Who finds no place when each takes the tightest host, the largest first: few, if not the fewest. */
  leftOver(guests: readonly number[]): number[] {
    this.begin(guests);
    const over: number[] = [];
    const placed: number[] = [];
    for (const guest of this.items) {
      const host = this.tightest(guest)[0];
      if (host === undefined) over.push(guest);
      else {
        move(this.cluster, guest, host);
        placed.push(guest);
      }
    }
    for (const guest of placed) move(this.cluster, guest, -1);
    return over;
  }

  private begin(guests: readonly number[]): void {
    const { cluster } = this;
    this.items = [...guests].sort((a, b) => this.size(b) - this.size(a) || a - b);
    this.left = { memoryMiB: 0, millicores: 0 };
    this.free = { memoryMiB: 0, millicores: 0 };
    for (const guest of guests) {
      this.left.memoryMiB += cluster.guestMemory[guest]!;
      this.left.millicores += cluster.guestReservation[guest]!;
    }
    for (const host of this.usable) {
      if (cluster.useOf[host] !== 0) continue;
      this.free.memoryMiB += Math.max(0, freeMemory(cluster, host));
      this.free.millicores += Math.max(0, freeReservation(cluster, host));
    }
  }

  private size(guest: number): number {
    const { guestMemory, guestReservation, memoryCapacity, cpuCapacity } = this.cluster;
    const [host = 0] = this.usable;
    return Math.max(guestMemory[guest]! / memoryCapacity[host]!, guestReservation[guest]! / cpuCapacity[host]!);
  }

  private placeFrom(index: number): Repacking {
    const guest = this.items[index];
    if (guest === undefined) {
      this.found = new Map(this.items.map((item) => [item, this.cluster.hostOf[item]!]));
      return 'fit';
    }
    // Even if room could be put together from all hosts, it would not do.
    if (this.left.memoryMiB > this.free.memoryMiB || this.left.millicores > this.free.millicores) return 'do-not-fit';
    let worst: Repacking = 'do-not-fit';
    const before = index > 0 && this.areAlike(this.items[index - 1]!, guest) ? this.items[index - 1]! : -1;
    const tried: number[] = [];
    for (const host of this.tightest(guest)) {
      if (before >= 0 && host < this.cluster.hostOf[before]!) continue;
      if (before < 0 && this.isLikeAny(tried, host, guest)) continue;
      tried.push(host);
      if (this.effort.isSpent) return 'unknown';
      this.take(guest, host, 1);
      const answer = this.placeFrom(index + 1);
      this.take(guest, host, -1);
      if (answer === 'fit') return answer;
      if (answer === 'unknown') worst = answer;
    }
    return worst;
  }

  private take(guest: number, host: number, sign: 1 | -1): void {
    const { cluster, left, free } = this;
    move(cluster, guest, sign > 0 ? host : -1);
    if (cluster.guestBound[guest] === 1) this.boundOn[host]! += sign;
    for (const room of [left, free]) {
      room.memoryMiB -= sign * cluster.guestMemory[guest]!;
      room.millicores -= sign * cluster.guestReservation[guest]!;
    }
  }

  private tightest(guest: number): number[] {
    const { cluster } = this;
    const room = (host: number): number =>
      freeMemory(cluster, host) / cluster.memoryCapacity[host]! +
      freeReservation(cluster, host) / cluster.cpuCapacity[host]!;
    this.effort.spend(this.usable.length);
    return this.usable.filter((host) => fits(cluster, guest, host)).sort((a, b) => room(a) - room(b) || a - b);
  }

  private areAlike(one: number, other: number): boolean {
    const { guests, guestBound, guestVcpus, guestMemory, guestReservation } = this.cluster;
    return (
      guestBound[one] === 0 &&
      guestBound[other] === 0 &&
      guests[one]!.architecture === guests[other]!.architecture &&
      guestVcpus[one] === guestVcpus[other] &&
      guestMemory[one] === guestMemory[other] &&
      guestReservation[one] === guestReservation[other]
    );
  }

  private isLikeAny(tried: readonly number[], host: number, guest: number): boolean {
    const { cluster } = this;
    if (cluster.guestBound[guest] === 1 || !this.isPlain(host)) return false;
    return tried.some(
      (other) =>
        this.isPlain(other) &&
        // Of the same size, so that of those that are alike the first by order was tried first.
        cluster.memoryCapacity[other] === cluster.memoryCapacity[host] &&
        cluster.cpuCapacity[other] === cluster.cpuCapacity[host] &&
        cluster.platformOf[other] === cluster.platformOf[host] &&
        cluster.vcpuCapacity[other] === cluster.vcpuCapacity[host] &&
        cluster.vcpusUsed[other] === cluster.vcpusUsed[host] &&
        freeMemory(cluster, other) === freeMemory(cluster, host) &&
        freeReservation(cluster, other) === freeReservation(cluster, host),
    );
  }

  /** No rule and no datastore tells it from any other. */
  private isPlain(host: number): boolean {
    return this.isNamed[host] === 0 && this.boundOn[host] === 0;
  }
}

/**
 * Where guests that are on no host are to go, the most urgent first: so that all of them find a place or, where there is no
 * room for all, as many from the first on as there is room for; who is less urgent costs nobody a place. null: each as it
 * comes, to the host with the most room, does as well; or no better way was found. The cluster is left as it was.
 */
export function planTogether(
  cluster: Cluster,
  guests: readonly number[],
  isLate?: IsLate,
): ReadonlyMap<number, number> | null {
  const all = new Repacker(cluster, new Effort(planningLooks, isLate));
  const hopeless = new Set(all.withoutAnyHost(guests));
  const others = guests.filter((guest) => !hopeless.has(guest));
  const asTheyCome = placedAsTheyCome(cluster, others);
  if (asTheyCome === others.length) return null;
  if (all.fit(others) === 'fit') return all.places;
  return planForFirst(cluster, others, { known: asTheyCome, isLate });
}

/** How many of them, from the first on, find a place with the most room when each comes by itself. */
function placedAsTheyCome(cluster: Cluster, guests: readonly number[]): number {
  const placed: number[] = [];
  for (const guest of guests) {
    const host = chooseHost(cluster, guest);
    if (host < 0) break;
    move(cluster, guest, host);
    placed.push(guest);
  }
  for (const guest of placed) move(cluster, guest, -1);
  return placed.length;
}

/** Of guests of which not all fit and the first `known` do: if so many fit, fewer do as well. */
function planForFirst(
  cluster: Cluster,
  guests: readonly number[],
  { known, isLate }: { readonly known: number; readonly isLate: IsLate | undefined },
): ReadonlyMap<number, number> | null {
  const repacker = new Repacker(cluster, new Effort(planningLooks, isLate));
  let plan: ReadonlyMap<number, number> | null = null;
  let [fit, over] = [known, guests.length];
  while (over - fit > 1) {
    const count = (fit + over) >> 1;
    if (repacker.fit(guests.slice(0, count)) === 'fit') [fit, plan] = [count, repacker.places];
    else over = count;
  }
  return plan;
}

/** By host: 1, a rule, a datastore or what it does not reach tells it from others. */
export function namedByAnyone(cluster: Cluster): Uint8Array {
  const named = Uint8Array.from(cluster.hosts, ({ missingDatastores }) => (missingDatastores.size > 0 ? 1 : 0));
  for (const rule of cluster.rules) {
    for (const host of rule.hosts) named[host] = 1;
    // Even the room that others take in a failure domain decides then.
    if (rule.kind === 'spread') named.fill(1);
  }
  for (const { datastores } of cluster.guests)
    for (const { hostId } of datastores) {
      const owner = hostId === null ? undefined : cluster.hostIndex.get(hostId);
      if (owner !== undefined) named[owner] = 1;
    }
  return named;
}
