import {
  type Cluster,
  type ClusterRule,
  countUsable,
  type GuestFigures,
  type HostFigures,
  hostUses,
  noRules,
  settle,
  usableHosts,
  usualShares,
} from './cluster';

/** What is known of guests and hosts that are in it, by their index. */
export interface ClusterNews {
  /** New ones, under no rule, by the index that they are to have: the lowest first. */
  readonly added: ReadonlyMap<number, GuestFigures>;
  readonly guests: ReadonlyMap<number, GuestFigures>;
  readonly hosts: ReadonlyMap<number, HostFigures>;
}

/**
 * The cluster as it would be built with those figures for the others: everything is settled anew, in the same order, so
 * that sums and lists are the same to the last bit. Which hosts there are, their failure domains and platforms and the rules
 * stay. It takes the arrays of the one before, which is of no use any more.
 */
export function renewCluster(before: Cluster, { added, guests, hosts }: ClusterNews): Cluster {
  const cluster: Cluster = {
    ...before,
    ...(added.size > 0 ? grown(before, added) : {}),
    domains: { usable: 0 },
    watchers: [],
  };
  for (const [index, host] of hosts) (cluster.hosts as HostFigures[])[index] = host;
  for (const [index, guest] of guests) (cluster.guests as GuestFigures[])[index] = guest;
  // Of the others as well: whoever had it may have changed them in thought.
  cluster.hosts.forEach((host, index) => setHost(cluster, index, host));
  cluster.guests.forEach((guest, index) => setGuest(cluster, index, guest));
  for (const sums of [
    cluster.cpuDemand,
    cluster.cpuEntitled,
    cluster.cpuReserved,
    cluster.memoryUsed,
    cluster.cpuClaimed,
    cluster.vcpusUsed,
  ])
    sums.fill(0);
  cluster.memoryLeaving.fill(0);
  cluster.usableIn.fill(0);
  for (const links of [cluster.hostOf, cluster.leaving, cluster.firstGuestOn, cluster.nextGuest, cluster.previousGuest])
    links.fill(-1);
  for (const host of usableHosts(cluster)) countUsable(cluster, host, 1);
  for (let index = cluster.guests.length - 1; index >= 0; index--) settle(cluster, index, cluster.hostIndex);
  return cluster;
}

type Grown = Pick<Cluster, (typeof byGuest)[number]>;

/** The columns of guests. */
const byGuest = [
  ...(['guestDemand', 'guestShares', 'guestEntitlement', 'guestReservation', 'guestMemory'] as const),
  ...(['guestVcpus', 'guestDirtyMiBPerSecond'] as const),
  ...(['guestPinned', 'guestBound', 'hostOf', 'leaving', 'nextGuest', 'previousGuest'] as const),
] as const;

/** With room for the new ones, whose figures are still to be set; the others have the indexes that they come to have. */
function grown(cluster: Cluster, added: ReadonlyMap<number, GuestFigures>): Partial<Grown> {
  const guests = cluster.guests as GuestFigures[];
  const rulesOf = cluster.rulesOf as (readonly ClusterRule[])[];
  for (const [index, guest] of added) {
    guests.splice(index, 0, guest);
    rulesOf.splice(index, 0, noRules);
    for (const rule of cluster.rules) {
      const named = rule.guests as number[];
      named.forEach((other, place) => (named[place] = other >= index ? other + 1 : other));
    }
  }
  const [first = 0] = added.keys();
  const guestIndex = cluster.guestIndex as Map<string, number>;
  for (let index = first; index < guests.length; index++) guestIndex.set(guests[index]!.id, index);
  const columns: Record<string, Float64Array | Int32Array | Uint8Array> = {};
  for (const name of byGuest) columns[name] = withGaps(cluster[name], added.keys());
  return columns;
}

function withGaps<Column extends Float64Array | Int32Array | Uint8Array>(
  column: Column,
  gaps: Iterable<number>,
): Column {
  let whole = column;
  for (const gap of gaps) {
    const next = new (whole.constructor as new (length: number) => Column)(whole.length + 1);
    next.set(whole.subarray(0, gap));
    next.set(whole.subarray(gap), gap + 1);
    whole = next;
  }
  return whole;
}

function setHost(cluster: Cluster, index: number, host: HostFigures): void {
  cluster.cpuCapacity[index] = Math.max(1, host.cpuMillicores);
  cluster.memoryCapacity[index] = Math.max(1, host.memoryMiB);
  cluster.vcpuCapacity[index] = host.vcpus ?? Infinity;
  cluster.useOf[index] = hostUses.indexOf(host.use);
}

function setGuest(cluster: Cluster, index: number, guest: GuestFigures): void {
  cluster.guestDemand[index] = guest.cpuDemandMillicores;
  cluster.guestShares[index] = guest.cpuShares ?? usualShares;
  cluster.guestEntitlement[index] = guest.cpuDemandMillicores;
  cluster.guestReservation[index] = guest.cpuReservationMillicores;
  cluster.guestMemory[index] = guest.memoryMiB;
  cluster.guestVcpus[index] = guest.vcpus ?? 1;
  cluster.guestDirtyMiBPerSecond[index] = guest.dirtyBytesPerSecond / (1024 * 1024);
  cluster.guestPinned[index] = guest.pinned ? 1 : 0;
  cluster.guestBound[index] = cluster.rulesOf[index]!.length > 0 || guest.datastores.length > 0 ? 1 : 0;
}
