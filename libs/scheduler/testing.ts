import {
  buildCluster,
  type Cluster,
  type GuestFigures,
  type HostFigures,
  type Platform,
  type RuleFigures,
} from './cluster';

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

export function aPlatform(changes: Partial<Platform> = {}): Platform {
  const platform = { driver: 'qemu', accelerator: 'kvm', machineType: 'pc', cpuModel: 'haswell' };
  return { ...platform, guestArchitectures: ['x86_64'], ...changes };
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

/** Numbers from 0 up to 1, the same for the same seed. */
export function seeded(seed: number): () => number {
  let state = Math.imul(seed, 2_654_435_761) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
