import { usualLimits } from '@argosy/domain/guest-specification';
import {
  type Cluster,
  type ClusterRule,
  countUsable,
  type GuestFigures,
  type HostFigures,
  hostUses,
  noRules,
  putWhereItIs,
  settleTouched,
  usableHosts,
} from './cluster';
import { inheritIndex } from './placement-index';

/** What is known of guests and hosts that are in it, by their index. */
export interface ClusterNews {
  /** New ones, under no rule, by the index that they are to have: the lowest first. */
  readonly added: ReadonlyMap<number, GuestFigures>;
  readonly guests: ReadonlyMap<number, GuestFigures>;
  readonly hosts: ReadonlyMap<number, HostFigures>;
}

/**
 * The cluster as it would be built with those figures for the others. What is other than it was is settled anew, and what
 * somebody has changed in thought; all else is left as it is, so that a change costs what it touches and not what there is. Which
 * hosts there are, their failure domains and platforms and the rules stay. It takes the arrays of the one before, which
 * is of no use any more.
 */
export function renewCluster(before: Cluster, { added, guests, hosts }: ClusterNews): Cluster {
  const cluster: Cluster = { ...before, ...(added.size > 0 ? grown(before, added) : {}), watchers: [] };
  const { hostTouched, guestTouched } = cluster;
  for (const [index, host] of hosts) {
    (cluster.hosts as HostFigures[])[index] = host;
    hostTouched[index] = 1;
  }
  for (const [index, guest] of guests) {
    (cluster.guests as GuestFigures[])[index] = guest;
    guestTouched[index] = 1;
  }
  for (let guest = 0; guest < guestTouched.length; guest++) if (guestTouched[guest] === 1) renewGuest(cluster, guest);
  for (let host = 0; host < hostTouched.length; host++)
    if (hostTouched[host] === 1) setHost(cluster, host, cluster.hosts[host]!);
  cluster.usableIn.fill(0);
  cluster.domains.usable = 0;
  for (const host of usableHosts(cluster)) countUsable(cluster, host, 1);
  // What hosts have is built into it; what their guests take of that is told to it.
  if (hosts.size === 0) inheritIndex(before, cluster);
  cluster.guestEntitlement.set(cluster.guestDemand);
  settleTouched(cluster);
  cluster.cpuEntitled.set(cluster.cpuDemand);
  return cluster;
}

function renewGuest(cluster: Cluster, guest: number): void {
  touchHosts(cluster, guest);
  setGuest(cluster, guest, cluster.guests[guest]!);
  putWhereItIs(cluster, guest);
  cluster.nextGuest[guest] = cluster.previousGuest[guest] = -1;
  touchHosts(cluster, guest);
}

function touchHosts({ hostOf, leaving, hostTouched }: Cluster, guest: number): void {
  for (const host of [hostOf[guest]!, leaving[guest]!]) if (host >= 0) hostTouched[host] = 1;
}

type Grown = Pick<Cluster, (typeof byGuest)[number]>;

/** The columns of guests. */
const byGuest = [
  ...(['guestDemand', 'guestShares', 'guestEntitlement', 'guestReservation', 'guestMemory'] as const),
  ...(['guestVcpus', 'guestDirtyMiBPerSecond'] as const),
  ...(['guestPinned', 'guestBound', 'guestTouched', 'hostOf', 'leaving', 'nextGuest', 'previousGuest'] as const),
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
  const links = [cluster.firstGuestOn, columns['nextGuest'], columns['previousGuest']] as Int32Array[];
  for (const index of added.keys()) {
    for (const link of links) makeWay(link, index);
    for (const name of ['hostOf', 'leaving', 'nextGuest', 'previousGuest']) columns[name]![index] = -1;
    columns['guestTouched']![index] = 1;
  }
  return columns;
}

/** The guests from there on have another number. */
function makeWay(link: Int32Array, index: number): void {
  for (let place = 0; place < link.length; place++) if (link[place]! >= index) link[place]!++;
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
  cluster.guestShares[index] = guest.cpuShares ?? usualLimits.cpuShares;
  cluster.guestEntitlement[index] = guest.cpuDemandMillicores;
  cluster.guestReservation[index] = guest.cpuReservationMillicores;
  cluster.guestMemory[index] = guest.memoryMiB;
  cluster.guestVcpus[index] = guest.vcpus ?? 1;
  cluster.guestDirtyMiBPerSecond[index] = guest.dirtyBytesPerSecond / (1024 * 1024);
  cluster.guestPinned[index] = guest.pinned ? 1 : 0;
  cluster.guestBound[index] = cluster.rulesOf[index]!.length > 0 || guest.datastores.length > 0 ? 1 : 0;
}
