import { balanceHorizonMs, balanceSearchSteps } from '@argosy/control/defaults';
import { balance, type BalanceOptions } from '@argosy/scheduler/balance';
import { buildCluster, type Cluster, move, setDemand } from '@argosy/scheduler/cluster';
import { chooseHost } from '@argosy/scheduler/place';
import type { Fleet } from './fleet';
import type { FleetPolicy } from './policy';

/** What a pool has by default, and the controller passes. */
const poolBalance: BalanceOptions = {
  cpuSafetyShare: 0.85,
  horizonMs: balanceHorizonMs,
  bandwidthMiBPerSecond: 1000,
  maximumMoves: 20,
  searchSteps: balanceSearchSteps,
};
const threshold = 3;

/**
 * A pool's own placement and balancing, as the controller calls them: new guests where there is most room, and moves where demand is not
 * met well. It looks at steps only, where the controller looks every ten seconds, and it keeps to memory in any case.
 */
export function balancingPolicy(): FleetPolicy {
  let cluster: Cluster | undefined;
  let syncedAt = -1;
  const synced = (fleet: Fleet): Cluster => {
    cluster ??= clusterOf(fleet);
    if (syncedAt !== fleet.seconds) sync(cluster, fleet);
    syncedAt = fleet.seconds;
    return cluster;
  };
  return {
    name: 'balance',
    place: (fleet, guest) => {
      const host = chooseHost(synced(fleet), guest);
      if (host >= 0) move(synced(fleet), guest, host);
      return host;
    },
    decide: (fleet, migrate) => {
      syncedAt = -1;
      const pool = synced(fleet);
      for (const { guestId, toHostId, priority } of balance(pool, poolBalance).moves)
        if (priority <= threshold) migrate(pool.guestIndex.get(guestId)!, pool.hostIndex.get(toHostId)!);
      // What was proposed and is not done stands in the cluster as if it were.
      syncedAt = -1;
    },
  };
}

/** Where guests are and what they ask for, as the fleet has it now. */
function sync(cluster: Cluster, fleet: Fleet): void {
  for (let guest = 0; guest < cluster.guests.length; guest++) {
    const host = fleet.hostOf[guest]!;
    if (cluster.hostOf[guest] !== host) move(cluster, guest, host);
    const millicores = (1000 * fleet.wantedMHz(guest)) / coreMHzFor(fleet, guest);
    if (cluster.guestDemand[guest] !== millicores) setDemand(cluster, guest, millicores);
  }
}

const noDatastores: ReadonlyMap<string, string> = new Map();

/** All guests that will ever be are in it, those that are not there without a host. */
function clusterOf(fleet: Fleet): Cluster {
  const { hosts, workload } = fleet;
  return buildCluster(
    hosts.map(({ cores, memoryMiB }, host) => ({
      id: `h${host}`,
      name: `h${host}`,
      use: 'usable',
      useReason: '',
      cpuMillicores: cores * 1000,
      memoryMiB,
      missingDatastores: noDatastores,
    })),
    workload.names.map((name, guest) => ({
      id: `g${guest}`,
      name,
      hostId: fleet.hostOf[guest]! < 0 ? null : `h${fleet.hostOf[guest]}`,
      cpuDemandMillicores: (1000 * fleet.wantedMHz(guest)) / coreMHzFor(fleet, guest),
      cpuReservationMillicores: workload.reserved
        ? (1000 * workload.capacityMHz[guest]!) / coreMHzFor(fleet, guest)
        : 0,
      memoryMiB: workload.memoryMiB[guest]!,
      dirtyBytesPerSecond: 0,
      datastores: [],
      pinned: false,
    })),
    [],
  );
}

/** Of the host that the guest is on; of the first host, for one that has none. */
function coreMHzFor({ hosts, hostOf }: Fleet, guest: number): number {
  return hosts[Math.max(hostOf[guest]!, 0)]!.coreMHz;
}
