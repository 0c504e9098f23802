import { consolidationDefaults, type ConsolidationOptions, Consolidator } from '@argosy/scheduler/consolidate';
import type { Fill } from '@argosy/scheduler/consolidate-fill';
import type { Fleet } from './fleet';
import type { HostType } from './hosts';
import type { FleetPolicy } from './policy';

/** Argosy's own: new guests fill hosts that are on, and the scheduler keeps as few on as can bear the demand. */
export function consolidatingPolicy(options: Partial<ConsolidationOptions> = {}): FleetPolicy {
  let consolidator: Consolidator | undefined;
  let fill: { readonly fill: Fill; readonly seconds: number } | undefined;
  const of = (fleet: Fleet): Consolidator =>
    (consolidator ??= new Consolidator(viewOf(fleet), {
      ...consolidationDefaults,
      memoryEnforced: fleet.memoryEnforced,
      ...options,
    }));
  return {
    name: 'argosy',
    place: (fleet, guest) => {
      // Guests that start at one instant are placed on one reckoning.
      if (fill?.seconds !== fleet.seconds) fill = { fill: of(fleet).fill(true), seconds: fleet.seconds };
      const host = of(fleet).place(fill.fill, guest, fleet.workload.reserved);
      if (host >= 0) fill.fill.put(guest, host);
      return host;
    },
    decide: (fleet, move) => {
      fill = undefined;
      for (const { guest, to } of of(fleet).decide()) move(guest, to);
    },
  };
}

function viewOf({
  hosts,
  workload,
  capacityMHz,
  hostOf,
  demandMHz,
}: Fleet): ConstructorParameters<typeof Consolidator>[0] {
  return {
    capacityMHz,
    coreMHz: Float64Array.from(hosts, ({ coreMHz }) => coreMHz),
    hostMemoryMiB: Float64Array.from(hosts, ({ memoryMiB }) => memoryMiB),
    idleWatts: Float64Array.from(hosts, fixedWatts),
    busyWatts: Float64Array.from(hosts, ({ watts }) => watts.at(-1)!),
    hostOf,
    demandMHz,
    guestCapacityMHz: workload.capacityMHz,
    guestCores: workload.cores,
    guestMemoryMiB: workload.memoryMiB,
  };
}

/** What the host draws for being on at all: where the line from a tenth of its load to all of it begins. Idle machines draw less than that. */
function fixedWatts({ watts }: HostType): number {
  return watts[1]! - (watts[10]! - watts[1]!) / 9;
}
