import type { Fleet } from './fleet';
import type { FleetPolicy } from './policy';

/** The processor time that no guest of the host asks for. */
export function freeMHz(fleet: Fleet, host: number): number {
  let free = fleet.capacityMHz[host]!;
  for (const guest of fleet.guestsOn[host]!) free = Math.max(0, free - fleet.cappedMHz(guest, host));
  return free;
}

/** Whether a new guest has the memory, the processor time and cores fast enough there. */
export function fitsNew(fleet: Fleet, guest: number, host: number): boolean {
  const { cores, capacityMHz, memoryMiB } = fleet.workload;
  const type = fleet.hosts[host]!;
  return (
    capacityMHz[guest]! <= cores[guest]! * type.coreMHz &&
    fleet.memoryUsedMiB[host]! + memoryMiB[guest]! <= type.memoryMiB &&
    freeMHz(fleet, host) >= capacityMHz[guest]!
  );
}

/** Each guest on the first host that fits, and there it stays. */
export const firstFit: FleetPolicy = {
  name: 'none',
  place: (fleet, guest) => fleet.hosts.findIndex((_, host) => fitsNew(fleet, guest, host)),
  decide: () => {},
};
