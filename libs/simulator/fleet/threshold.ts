import { FreeRoom } from './first-fit';
import type { Fleet } from './fleet';
import { wattsAt } from './hosts';
import type { FleetPolicy } from './policy';
import { Trend } from './trend';

/** When a host is too full: by what its guests ask for now, and by where that is going, if it is known. All are shares of the host. */
interface Overload {
  readonly trend?: Trend;
  isOver(asked: number, ahead: number, isKnown: boolean): boolean;
}

/**
 * THR-MMT of Beloglazov and Buyya, as CloudSim 5.0 decides it: a host above the threshold gives away the guests
 * with the least memory until it is below; then the least loaded hosts are emptied, one after the other, where all of their guests
 * fit elsewhere. A guest goes where it raises the power least. It is here to be compared with, oddities included: a host that is off is
 * reckoned to draw its idle power already, and what hosts draw is not reckoned again within a pass.
 */
export function thresholdPolicy(threshold = 0.8): FleetPolicy {
  return minimumMigrationTime('threshold', () => ({ isOver: (asked) => asked > threshold }));
}

/** LR-MMT of the same: too full is a host that the line through its last ten loads brings there within a step, so many times over. */
export function regressionPolicy(safety = 1.2, fallbackThreshold = 0.7): FleetPolicy {
  return minimumMigrationTime('regression', (fleet) => ({
    trend: new Trend(fleet.workload.names.length),
    isOver: (asked, ahead, isKnown) => (isKnown ? safety * ahead >= 1 : asked > fallbackThreshold),
  }));
}

function minimumMigrationTime(name: string, overloadOf: (fleet: Fleet) => Overload): FleetPolicy {
  let overload: Overload | undefined;
  let starting: { readonly pass: Pass; readonly room: FreeRoom; readonly seconds: number } | undefined;
  return {
    name,
    place: (fleet, guest) => {
      overload ??= overloadOf(fleet);
      if (starting?.seconds !== fleet.seconds)
        starting = { pass: new Pass(fleet, overload), room: new FreeRoom(fleet), seconds: fleet.seconds };
      const { pass, room } = starting;
      const cheapest = pass.cheapest(guest, none, (each) => room.fits(guest, each));
      const host = cheapest < 0 ? room.roomiest(guest) : cheapest;
      if (host < 0) return host;
      room.take(guest, host);
      pass.put(guest, host);
      return host;
    },
    decide: (fleet, move) => {
      starting = undefined;
      overload ??= overloadOf(fleet);
      overload.trend?.observe(fleet);
      new Pass(fleet, overload).decide(move);
    },
  };
}

const none: ReadonlySet<number> = new Set();

/** One look at the fleet, with the moves thought of so far applied in mind. */
class Pass {
  private readonly guestsOn: number[][];
  private readonly requestedMHz: Float64Array;
  private readonly allocatedMHz: Float64Array;
  private readonly freeMHz: Float64Array;
  private readonly watts: Float64Array;
  private readonly memoryMiB: Float64Array;
  private readonly aheadMHz: Float64Array;
  private readonly isKnown: Uint8Array;

  constructor(
    private readonly fleet: Fleet,
    private readonly overload: Overload,
  ) {
    const count = fleet.hosts.length;
    this.guestsOn = fleet.guestsOn.slice();
    this.requestedMHz = new Float64Array(count);
    this.allocatedMHz = new Float64Array(count);
    this.freeMHz = new Float64Array(count);
    this.watts = Float64Array.from(fleet.hosts, (type, host) => wattsAt(type, fleet.utilisation(host)));
    this.memoryMiB = fleet.memoryUsedMiB.slice();
    this.aheadMHz = new Float64Array(count);
    this.isKnown = new Uint8Array(count);
    for (let host = 0; host < count; host++) this.sum(host);
  }

  decide(move: (guest: number, host: number) => void): void {
    const { fleet } = this;
    const hosts = fleet.hosts.map((_, host) => host);
    const over = new Set(hosts.filter((host) => this.isOver(host)));
    const leaving = [...over].flatMap((host) => this.relieve(host));
    for (const guest of this.byDemand(leaving)) {
      const host = this.cheapest(guest, over);
      if (host < 0) continue;
      this.put(guest, host);
      move(guest, host);
    }
    const off = hosts.filter((host) => fleet.utilisationMHz[host] === 0);
    const notGiving = new Set([...over, ...off]);
    const notTaking = new Set(notGiving);
    for (let host = this.leastLoaded(notGiving); host >= 0; host = this.leastLoaded(notGiving)) {
      notGiving.add(host);
      notTaking.add(host);
      for (const [guest, target] of this.empty(host, notTaking)) {
        notGiving.add(target);
        move(guest, target);
      }
    }
  }

  /** Takes guests off, those with the least memory first, until the host is below the threshold. */
  private relieve(host: number): number[] {
    const { memoryMiB } = this.fleet.workload;
    const leaving: number[] = [];
    do {
      const guests = this.guestsOn[host]!;
      if (guests.length === 0) break;
      const guest = guests.reduce((least, each) => (memoryMiB[each]! < memoryMiB[least]! ? each : least));
      leaving.push(guest);
      this.remove(guest, host);
    } while (this.isOver(host));
    return leaving;
  }

  /** Where the host's guests would go; none at all when one of them has no place. */
  private empty(host: number, notTaking: ReadonlySet<number>): [number, number][] {
    const moves: [number, number][] = [];
    for (const guest of this.byDemand(this.guestsOn[host]!)) {
      const target = this.cheapest(guest, notTaking);
      if (target < 0) {
        for (const [moved, from] of moves) this.remove(moved, from);
        return [];
      }
      this.put(guest, target);
      moves.push([guest, target]);
    }
    return moves;
  }

  private leastLoaded(excluded: ReadonlySet<number>): number {
    let least = 1;
    let found = -1;
    for (let host = 0; host < this.guestsOn.length; host++) {
      const load = this.fleet.utilisation(host);
      if (load >= least || load === 0 || excluded.has(host) || this.guestsOn[host]!.length === 0) continue;
      least = load;
      found = host;
    }
    return found;
  }

  cheapest(guest: number, excluded: ReadonlySet<number>, fits = this.fitsMoved(guest)): number {
    const wanted = this.fleet.wantedMHz(guest);
    let least = Infinity;
    let found = -1;
    for (let host = 0; host < this.guestsOn.length; host++) {
      if (excluded.has(host) || !fits(host)) continue;
      if (this.allocatedMHz[host] !== 0 && this.isOver(host, guest)) continue;
      const load = (this.allocatedMHz[host]! + wanted) / this.fleet.capacityMHz[host]!;
      const more = wattsAt(this.fleet.hosts[host]!, load) - this.watts[host]!;
      if (more >= least) continue;
      least = more;
      found = host;
    }
    return found;
  }

  private fitsMoved(guest: number): (host: number) => boolean {
    const { fleet } = this;
    const wanted = fleet.wantedMHz(guest);
    const core = wanted / fleet.workload.cores[guest]!;
    const memoryMiB = fleet.memoryEnforced ? fleet.workload.memoryMiB[guest]! : -Infinity;
    return (host) =>
      fleet.hosts[host]!.coreMHz >= core &&
      this.freeMHz[host]! >= wanted &&
      this.memoryMiB[host]! + memoryMiB <= fleet.hosts[host]!.memoryMiB;
  }

  /** With one more guest, if one is named. */
  private isOver(host: number, guest = -1): boolean {
    const { trend } = this.overload;
    const capacity = this.fleet.capacityMHz[host]!;
    const asked = (this.requestedMHz[host]! + (guest < 0 ? 0 : this.fleet.wantedMHz(guest))) / capacity;
    if (!trend) return this.overload.isOver(asked, 0, false);
    const ahead = (this.aheadMHz[host]! + (guest < 0 ? 0 : trend.aheadMHz(guest))) / capacity;
    return this.overload.isOver(asked, ahead, this.isKnown[host] === 1 || (guest >= 0 && trend.isKnown(guest)));
  }

  private byDemand(guests: readonly number[]): number[] {
    return [...guests].sort((one, other) => this.fleet.demandMHz[other]! - this.fleet.demandMHz[one]!);
  }

  put(guest: number, host: number): void {
    this.guestsOn[host] = [...this.guestsOn[host]!, guest];
    this.memoryMiB[host]! += this.fleet.workload.memoryMiB[guest]!;
    this.sum(host);
  }

  private remove(guest: number, host: number): void {
    this.guestsOn[host] = this.guestsOn[host]!.filter((each) => each !== guest);
    this.memoryMiB[host]! -= this.fleet.workload.memoryMiB[guest]!;
    this.sum(host);
  }

  /** In the order of the guests, as the fleet sums. */
  private sum(host: number): void {
    const { fleet } = this;
    let requested = 0;
    let allocated = 0;
    let free = fleet.capacityMHz[host]!;
    let isShort = false;
    const { trend } = this.overload;
    this.aheadMHz[host] = 0;
    this.isKnown[host] = 0;
    for (const guest of this.guestsOn[host]!) {
      if (trend) this.aheadMHz[host] += trend.aheadMHz(guest);
      if (trend?.isKnown(guest)) this.isKnown[host] = 1;
      const capped = fleet.cappedMHz(guest, host);
      requested += fleet.demandMHz[guest]!;
      allocated += capped;
      isShort ||= free < capped;
      free = Math.max(0, free - capped);
    }
    this.requestedMHz[host] = requested;
    this.allocatedMHz[host] = isShort ? fleet.capacityMHz[host]! : allocated;
    this.freeMHz[host] = isShort ? 0 : free;
  }
}
