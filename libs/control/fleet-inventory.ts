import type { Fleet } from './fleet-types';
import type { Inventory } from './ports/fleet-store';

/** The fleet as its brain has it now, for a simulation to begin with. */
export function inventoryNow(fleet: Readonly<Fleet>): Inventory {
  return {
    pools: [...fleet.pools.values()],
    hosts: [...fleet.hosts.values()],
    fenceSecrets: [],
    guests: [...fleet.guests.values()],
    images: [...fleet.images.values()],
    datastores: [...fleet.datastores.values()],
    diskOperations: [...fleet.diskOperations.values()],
    snapshots: [...fleet.snapshots.values()],
    rules: [...fleet.rules.values()],
    migrations: [...fleet.migrations.values()],
    recommendations: [...fleet.recommendations.values()],
    drills: [...fleet.drills.values()],
    rolls: [],
    tasks: [...fleet.tasks.values()],
    alarms: [...fleet.alarms.values()],
  };
}
