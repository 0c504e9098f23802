import { buildCluster, type Cluster, type GuestFigures, type HostFigures, type RuleFigures } from './cluster';

/** Builders: what a test sets is what matters in it. */
export function aHost(name: string, changes: Partial<HostFigures> = {}): HostFigures {
  return {
    id: name,
    name,
    use: 'usable',
    useReason: '',
    cpuMillicores: 1000,
    memoryMiB: 1024,
    missingDatastores: new Map(),
    ...changes,
  };
}

export function aGuest(name: string, hostId: string | null, changes: Partial<GuestFigures> = {}): GuestFigures {
  return {
    id: name,
    name,
    hostId,
    cpuDemandMillicores: 100,
    cpuReservationMillicores: 0,
    memoryMiB: 64,
    dirtyBytesPerSecond: 0,
    datastores: [],
    pinned: false,
    ...changes,
  };
}

export function aCluster(
  hosts: readonly HostFigures[],
  guests: readonly GuestFigures[],
  rules: readonly RuleFigures[] = [],
): Cluster {
  return buildCluster(hosts, guests, rules);
}
