import { type HostType, wattsAt } from './hosts';
import { HostRecord, GuestRecord } from './records';
import { demandShare, type Workload } from './workload';

export interface FleetOptions {
  readonly hosts: readonly HostType[];
  readonly workload: Workload;
  /** Whether hosts take migrated guests that their memory does not hold. New guests always need memory. */
  readonly memoryEnforced: boolean;
  /** CloudSim takes a guest whose demand is nothing for one that has ended. */
  readonly idleGuestsEnd: boolean;
}

/** What its guest loses on the source while it is copied, and what it already does on the target. */
const copySlowdownShare = 0.1;

/** CloudSim's shortest time between two events: its steps are this much late. */
export const firstInstantSeconds = 0.1;

/**
 * A fleet of hosts and guests under a changing demand, by the model of Beloglazov and Buyya (Concurrency and Computation 24,
 * 2012), as CloudSim 5.0 runs it: demand that a host cannot meet is cut evenly, a guest that migrates loses a tenth of its
 * processor time at the source and takes a tenth at the target, and a host with nothing to do is off. Sums are taken
 * in the order of the guests on each host, because CloudSim compares some of them for equality.
 */
export class Fleet {
  readonly hosts: readonly HostType[];
  readonly workload: Workload;
  readonly memoryEnforced: boolean;
  /** By host. */
  readonly guestsOn: number[][];
  readonly capacityMHz: Float64Array;
  readonly utilisationMHz: Float64Array;
  readonly memoryUsedMiB: Float64Array;
  readonly hostRecord: HostRecord;
  /** By guest: its host, -1: none; what it asks for, and whether that has been measured yet. */
  readonly hostOf: Int32Array;
  readonly demandMHz: Float64Array;
  readonly isMeasured: Uint8Array;
  readonly targets: Int32Array;
  readonly guestRecord: GuestRecord;

  seconds = 0;
  energyJoules = 0;
  migrations = 0;
  returns = 0;
  private readonly previousMHz: Float64Array;
  private readonly idleGuestsEnd: boolean;
  private readonly leftHost: Int32Array;
  private readonly leftAtSeconds: Float64Array;

  constructor({ hosts, workload, memoryEnforced, idleGuestsEnd }: FleetOptions) {
    const guestCount = workload.names.length;
    this.hosts = hosts;
    this.workload = workload;
    this.memoryEnforced = memoryEnforced;
    this.idleGuestsEnd = idleGuestsEnd;
    this.guestsOn = hosts.map(() => []);
    this.capacityMHz = Float64Array.from(hosts, ({ cores, coreMHz }) => cores * coreMHz);
    this.utilisationMHz = new Float64Array(hosts.length);
    this.previousMHz = new Float64Array(hosts.length);
    this.memoryUsedMiB = new Float64Array(hosts.length);
    this.hostRecord = new HostRecord(hosts.length);
    this.hostOf = new Int32Array(guestCount).fill(-1);
    this.demandMHz = new Float64Array(guestCount);
    this.isMeasured = new Uint8Array(guestCount);
    this.targets = new Int32Array(guestCount).fill(-1);
    this.guestRecord = new GuestRecord(guestCount);
    this.leftHost = new Int32Array(guestCount).fill(-1);
    this.leftAtSeconds = new Float64Array(guestCount);
  }

  /** What the guest is taken to need: all that it may, until it has been measured. */
  wantedMHz(guest: number): number {
    return this.isMeasured[guest] ? this.demandMHz[guest]! : this.workload.capacityMHz[guest]!;
  }

  /** A guest's demand as far as its cores on that host can meet it. */
  cappedMHz(guest: number, host: number): number {
    const most = this.workload.cores[guest]! * this.hosts[host]!.coreMHz;
    const wanted = this.wantedMHz(guest);
    return wanted > most ? most : wanted;
  }

  utilisation(host: number): number {
    return Math.min(this.utilisationMHz[host]! / this.capacityMHz[host]!, 1);
  }

  start(guest: number, host: number): void {
    this.hostOf[guest] = host;
    this.guestsOn[host]!.push(guest);
    this.memoryUsedMiB[host]! += this.workload.memoryMiB[guest]!;
  }

  end(guest: number): void {
    const host = this.hostOf[guest]!;
    if (host < 0) return;
    this.take(guest, host);
    this.hostOf[guest] = -1;
  }

  /** The guest is on both hosts from now until `arrive`. */
  depart(guest: number, host: number): void {
    this.migrations++;
    if (this.leftHost[guest] === host && this.seconds - this.leftAtSeconds[guest]! <= 3600) this.returns++;
    this.leftHost[guest] = this.hostOf[guest]!;
    this.leftAtSeconds[guest] = this.seconds;
    this.targets[guest] = host;
    if (!this.guestsOn[host]!.includes(guest)) {
      this.guestsOn[host]!.push(guest);
      this.memoryUsedMiB[host]! += this.workload.memoryMiB[guest]!;
    }
    this.measureHost(host);
    this.measureHost(this.hostOf[guest]!);
  }

  arrive(guest: number, host: number): void {
    this.take(guest, this.hostOf[guest]!);
    this.take(guest, host);
    this.targets[guest] = -1;
    this.start(guest, host);
  }

  /** By the same rule for all: what the fleet has done since the last time, and how it stands now. */
  measure(seconds: number): void {
    const elapsed = seconds - this.seconds;
    this.seconds = seconds;
    for (let host = 0; host < this.hosts.length; host++) {
      for (const guest of this.guestsOn[host]!) {
        if (this.hostOf[guest] !== host) continue;
        this.demandMHz[guest] = demandShare(this.workload, guest, seconds) * this.workload.capacityMHz[guest]!;
        this.isMeasured[guest] = 1;
      }
    }
    for (let host = 0; host < this.hosts.length; host++) {
      this.measureHost(host);
      if (elapsed > 0) this.energyJoules += this.energyOf(host, elapsed);
    }
    if (this.idleGuestsEnd) for (let host = 0; host < this.hosts.length; host++) this.endIdleGuests(host);
  }

  /** At the same instant as before, hosts whose guests are others now. */
  measureAgain(hosts: Iterable<number>): void {
    for (const host of hosts) {
      this.measureHost(host);
      if (this.idleGuestsEnd) this.endIdleGuests(host);
    }
  }

  /** None for a host that was off when the time began. */
  private energyOf(host: number, elapsed: number): number {
    const before = Math.min(this.previousMHz[host]! / this.capacityMHz[host]!, 1);
    if (before === 0) return 0;
    const from = wattsAt(this.hosts[host]!, before);
    return (from + (wattsAt(this.hosts[host]!, this.utilisation(host)) - from) / 2) * elapsed;
  }

  private measureHost(host: number): void {
    const guests = this.guestsOn[host]!;
    const scale = this.scaleOf(host);
    let utilisation = 0;
    let requested = 0;
    for (const guest of guests) {
      const migrates = this.targets[guest]! >= 0;
      const isHere = this.hostOf[guest] === host;
      let allocated = this.cappedMHz(guest, host);
      if (scale < 1) {
        if (!isHere) allocated = Math.floor(allocated * copySlowdownShare * scale);
        else allocated = Math.floor(migrates ? allocated * scale * (1 - copySlowdownShare) : allocated * scale);
      } else if (!isHere) allocated *= copySlowdownShare;
      else if (migrates) allocated *= 1 - copySlowdownShare;
      if (isHere) this.guestRecord.note(guest, this.seconds, allocated, this.demandMHz[guest]!, migrates);
      utilisation += isHere && migrates ? allocated / (1 - copySlowdownShare) : allocated;
      requested += this.demandMHz[guest]!;
    }
    this.previousMHz[host] = this.utilisationMHz[host]!;
    this.utilisationMHz[host] = utilisation;
    this.hostRecord.note(host, this.seconds, utilisation, requested);
  }

  /** The share of its guests' demand that the host can meet; 1: all. */
  private scaleOf(host: number): number {
    let free = this.capacityMHz[host]!;
    let asked = 0;
    let isShort = false;
    for (const guest of this.guestsOn[host]!) {
      const wanted = this.cappedMHz(guest, host) * (this.hostOf[guest] === host ? 1 : copySlowdownShare);
      asked += wanted;
      if (free >= wanted) free -= wanted;
      else {
        isShort = true;
        free = 0;
      }
    }
    return isShort ? this.capacityMHz[host]! / asked : 1;
  }

  private endIdleGuests(host: number): void {
    const isEnded = (guest: number): boolean =>
      this.demandMHz[guest] === 0 && this.targets[guest]! < 0 && this.hostOf[guest] === host;
    if (!this.guestsOn[host]!.some(isEnded)) return;
    for (const guest of this.guestsOn[host]!.filter(isEnded)) this.end(guest);
  }

  private take(guest: number, host: number): void {
    const guests = this.guestsOn[host]!;
    const index = guests.indexOf(guest);
    if (index < 0) return;
    guests.splice(index, 1);
    this.memoryUsedMiB[host]! -= this.workload.memoryMiB[guest]!;
  }
}
