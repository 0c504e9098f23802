import type { Fleet } from './fleet';
import type { FleetPolicy } from './policy';

/** What new guests find free, while several start at one instant. */
export class FreeRoom {
  private readonly freeMHz: Float64Array;

  constructor(private readonly fleet: Fleet) {
    this.freeMHz = Float64Array.from(fleet.capacityMHz, (capacity, host) =>
      fleet.guestsOn[host]!.reduce((free, guest) => Math.max(0, free - fleet.cappedMHz(guest, host)), capacity),
    );
  }

  /** Whether the host has the memory, the processor time and cores fast enough for all that the guest may use. */
  fits(guest: number, host: number): boolean {
    return this.freeMHz[host]! >= this.fleet.workload.capacityMHz[guest]! && this.bears(guest, host);
  }

  /** Where processors need not be reserved: of the hosts with the memory, the one with the most processor time free; -1: none. */
  roomiest(guest: number): number {
    if (this.fleet.workload.reserved) return -1;
    let found = -1;
    for (let host = 0; host < this.freeMHz.length; host++)
      if ((found < 0 || this.freeMHz[host]! > this.freeMHz[found]!) && this.bears(guest, host)) found = host;
    return found;
  }

  private bears(guest: number, host: number): boolean {
    const { cores, capacityMHz, memoryMiB } = this.fleet.workload;
    const type = this.fleet.hosts[host]!;
    return (
      capacityMHz[guest]! <= cores[guest]! * type.coreMHz &&
      this.fleet.memoryUsedMiB[host]! + memoryMiB[guest]! <= type.memoryMiB
    );
  }

  take(guest: number, host: number): void {
    this.freeMHz[host]! -= this.fleet.workload.capacityMHz[guest]!;
  }
}

/** Each guest on the first host that fits, or else the roomiest, and there it stays. */
export function firstFitPolicy(): FleetPolicy {
  let room: FreeRoom;
  let seconds = -1;
  return {
    name: 'none',
    place: (fleet, guest) => {
      if (seconds !== fleet.seconds) [room, seconds] = [new FreeRoom(fleet), fleet.seconds];
      let found = fleet.hosts.findIndex((_, host) => room.fits(guest, host));
      if (found < 0) found = room.roomiest(guest);
      if (found >= 0) room.take(guest, found);
      return found;
    },
    decide: () => (seconds = -1),
  };
}
