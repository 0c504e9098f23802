/**
 * A pool as the scheduler sees it: hosts and guests by index, their figures in typed arrays, so that a move is a few
 * additions. Every call works on one of these, and `move` is the only thing that changes it.
 */

export const hostUses = ['usable', 'evacuating', 'unusable'] as const;
/** usable: takes guests. evacuating: its guests must leave. unusable: neither takes nor gives (off, silent, failed). */
export type HostUse = (typeof hostUses)[number];

/** Where a guest's disk or image is. */
export interface NeededDatastore {
  readonly id: string;
  readonly name: string;
  /** The one host that reaches it; null: all do. */
  readonly hostId: string | null;
}

export interface HostFigures {
  readonly id: string;
  readonly name: string;
  readonly use: HostUse;
  /** Why it is not usable, for the one who asks. */
  readonly useReason: string;
  readonly cpuMillicores: number;
  readonly memoryMiB: number;
  /** Datastores that it should reach and does not, with the reason. */
  readonly missingDatastores: ReadonlyMap<string, string>;
}

export interface GuestFigures {
  readonly id: string;
  readonly name: string;
  readonly hostId: string | null;
  readonly cpuDemandMillicores: number;
  readonly cpuReservationMillicores: number;
  readonly memoryMiB: number;
  /** Bytes dirtied per second: what a live copy has to send again. */
  readonly dirtyBytesPerSecond: number;
  readonly datastores: readonly NeededDatastore[];
  /** Must stay where it is for now: in a migration, cooling down, starting. */
  readonly pinned: boolean;
}

export interface RuleFigures {
  readonly name: string;
  readonly kind: 'together' | 'apart' | 'must-run-on' | 'should-run-on' | 'must-not-run-on' | 'should-not-run-on';
  readonly guestIds: readonly string[];
  readonly hostIds: readonly string[];
}

export interface ClusterRule {
  readonly name: string;
  readonly kind: RuleFigures['kind'];
  readonly guests: readonly number[];
  readonly hosts: ReadonlySet<number>;
}

export interface Cluster {
  readonly hosts: readonly HostFigures[];
  readonly guests: readonly GuestFigures[];
  readonly hostIndex: ReadonlyMap<string, number>;
  readonly guestIndex: ReadonlyMap<string, number>;
  readonly rulesOf: readonly (readonly ClusterRule[])[];
  readonly rules: readonly ClusterRule[];
  /** By host: what its guests ask and take. */
  readonly cpuDemand: Float64Array;
  readonly cpuReserved: Float64Array;
  readonly memoryUsed: Float64Array;
  /** By guest: its host's index, or -1. */
  readonly hostOf: Int32Array;
}

export function buildCluster(
  hosts: readonly HostFigures[],
  guests: readonly GuestFigures[],
  rules: readonly RuleFigures[],
): Cluster {
  const hostIndex = new Map(hosts.map((host, index) => [host.id, index]));
  const guestIndex = new Map(guests.map((guest, index) => [guest.id, index]));
  const clusterRules = rules.map((rule) => ({
    name: rule.name,
    kind: rule.kind,
    guests: rule.guestIds.flatMap((id) => guestIndex.get(id) ?? []),
    hosts: new Set(rule.hostIds.flatMap((id) => hostIndex.get(id) ?? [])),
  }));
  const rulesOf: ClusterRule[][] = guests.map(() => []);
  for (const rule of clusterRules) for (const guest of rule.guests) rulesOf[guest]!.push(rule);
  const cluster: Cluster = {
    hosts,
    guests,
    hostIndex,
    guestIndex,
    rulesOf,
    rules: clusterRules,
    cpuDemand: new Float64Array(hosts.length),
    cpuReserved: new Float64Array(hosts.length),
    memoryUsed: new Float64Array(hosts.length),
    hostOf: new Int32Array(guests.length).fill(-1),
  };
  guests.forEach((guest, index) => {
    if (guest.hostId !== null) move(cluster, index, hostIndex.get(guest.hostId) ?? -1);
  });
  return cluster;
}

/** Puts the guest on the host (-1: on none) and keeps the sums. */
export function move(cluster: Cluster, guest: number, host: number): void {
  const figures = cluster.guests[guest]!;
  const from = cluster.hostOf[guest]!;
  if (from >= 0) addTo(cluster, from, figures, -1);
  if (host >= 0) addTo(cluster, host, figures, 1);
  cluster.hostOf[guest] = host;
}

function addTo(cluster: Cluster, host: number, figures: GuestFigures, sign: 1 | -1): void {
  cluster.cpuDemand[host]! += sign * figures.cpuDemandMillicores;
  cluster.cpuReserved[host]! += sign * figures.cpuReservationMillicores;
  cluster.memoryUsed[host]! += sign * figures.memoryMiB;
}

/** Demand over capacity, by host; hosts that do not count are left out. */
export function loads(cluster: Cluster): number[] {
  return cluster.hosts.flatMap((host, index) =>
    host.use === 'usable' ? [cluster.cpuDemand[index]! / host.cpuMillicores] : [],
  );
}

/** The standard deviation of the hosts' load: vSphere's measure of a cluster's balance. */
export function imbalance(cluster: Cluster): number {
  const values = loads(cluster);
  if (values.length === 0) return 0;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}
