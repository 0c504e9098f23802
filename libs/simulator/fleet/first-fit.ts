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
    const { cores, capacityMHz, memoryMiB } = this.fleet.workload;
    const type = this.fleet.hosts[host]!;
    return (
      this.freeMHz[host]! >= capacityMHz[guest]! &&
      capacityMHz[guest]! <= cores[guest]! * type.coreMHz &&
      this.fleet.memoryUsedMiB[host]! + memoryMiB[guest]! <= type.memoryMiB
    );
  }

  take(guest: number, host: number): void {
    this.freeMHz[host]! -= this.fleet.workload.capacityMHz[guest]!;
  }
}

/** Each guest on the first host that fits, and there it stays. */
export function firstFitPolicy(): FleetPolicy {
  let room: FreeRoom;
  let seconds = -1;
  return {
    name: 'none',
    place: (fleet, guest) => {
      if (seconds !== fleet.seconds) [room, seconds] = [new FreeRoom(fleet), fleet.seconds];
      const found = fleet.hosts.findIndex((_, host) => room.fits(guest, host));
      if (found >= 0) room.take(guest, found);
      return found;
    },
    decide: () => (seconds = -1),
  };
}
