import { isWish, type MachineKind, type RuleKind } from '@argosy/domain/entities';
import { usualLimits } from '@argosy/domain/guest-specification';
import { domainsOf, hostsByDomain, isUniform, platformsOf } from './cluster-hosts';

/**
 * A pool as the scheduler sees it: hosts and guests by index, their figures in typed arrays, so that a move is a few
 * additions. Every call works on one of these; `move`, `beginMove`, `endMoves` and `setDemand` are all that changes it.
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

/** What a host runs guests on. A running guest moves only to one that is the same in all but the architectures. */
export interface Platform {
  readonly driver: string;
  readonly accelerator: string;
  readonly machineType: string;
  readonly cpuModel: string;
  readonly guestArchitectures: readonly string[];
}

export interface HostFigures {
  readonly id: string;
  readonly name: string;
  readonly use: HostUse;
  /** Why it is not usable, for the one who asks. */
  readonly useReason: string;
  readonly cpuMillicores: number;
  readonly memoryMiB: number;
  /** How many virtual processors its guests may have together; left out: as many as they like. */
  readonly vcpus?: number;
  /** What fails as one with it; null: it fails alone. */
  readonly failureDomain?: string | null;
  /** null: not known, and taken to do for everybody. */
  readonly platform?: Platform | null;
  /** Datastores that it should reach and does not, with the reason. */
  readonly missingDatastores: ReadonlyMap<string, string>;
}

export interface GuestFigures {
  readonly id: string;
  readonly name: string;
  /** Where it is, or is on its way to. */
  readonly hostId: string | null;
  /** In a migration: where it still takes room. */
  readonly leavingHostId?: string | null;
  readonly cpuDemandMillicores: number;
  readonly cpuReservationMillicores: number;
  /** Its weight where there is less than all ask for; left out: as most. */
  readonly cpuShares?: number;
  readonly memoryMiB: number;
  readonly vcpus?: number;
  /** Bytes dirtied per second: what a live copy has to send again. */
  readonly dirtyBytesPerSecond: number;
  readonly datastores: readonly NeededDatastore[];
  /** Of its processor; left out: any host's will do. */
  readonly architecture?: string | undefined;
  /** Of a suspended guest: what its memory was of; left out: it boots, or nothing is known of it. */
  readonly memoryMachine?: MachineKind | null;
  /** Must stay where it is for now: in a migration, cooling down, starting. */
  readonly pinned: boolean;
}

export interface RuleFigures {
  readonly name: string;
  readonly kind: RuleKind;
  readonly guestIds: readonly string[];
  readonly hostIds: readonly string[];
}

export interface ClusterRule {
  readonly name: string;
  readonly kind: RuleFigures['kind'];
  readonly guests: readonly number[];
  readonly hosts: ReadonlySet<number>;
  /** It would rather: what it says is weighed, and not checked. */
  readonly isWish: boolean;
}

/** Keeps something of its own about hosts, and is told which has changed. */
export interface HostWatcher {
  hostChanged(host: number): void;
}

export interface Cluster {
  readonly hosts: readonly HostFigures[];
  readonly guests: readonly GuestFigures[];
  readonly hostIndex: ReadonlyMap<string, number>;
  readonly guestIndex: ReadonlyMap<string, number>;
  readonly rulesOf: readonly (readonly ClusterRule[])[];
  readonly rules: readonly ClusterRule[];
  /** By host. */
  readonly cpuCapacity: Float64Array;
  readonly memoryCapacity: Float64Array;
  readonly vcpuCapacity: Float64Array;
  /** Some host has a limit of virtual processors. */
  readonly countsVcpus: boolean;
  /** By host: an index into `hostUses`. */
  readonly useOf: Uint8Array;
  /** By host: its failure domain; a host of none is one by itself. By domain: how many usable hosts it has. */
  readonly domainOf: Int32Array;
  /** By domain: its hosts; those of a domain that is one host by itself are not listed. */
  readonly hostsIn: ReadonlyMap<number, readonly number[]>;
  /** By host: those of one number run guests on the same. All hosts have the same, which suits every guest: nobody has to ask. */
  readonly platformOf: Int32Array;
  readonly isUniform: boolean;
  readonly usableIn: Int32Array;
  readonly domains: { usable: number };
  /** By guest. */
  readonly guestDemand: Float64Array;
  readonly guestShares: Float64Array;
  /** What of its demand it is entitled to: all of it, until `entitle` has found the pool asked for more than it has. */
  readonly guestEntitlement: Float64Array;
  readonly guestReservation: Float64Array;
  readonly guestMemory: Float64Array;
  readonly guestVcpus: Float64Array;
  readonly guestDirtyMiBPerSecond: Float64Array;
  /** By guest: 1, it must stay where it is. */
  readonly guestPinned: Uint8Array;
  /** By guest: 1, it is under a rule, or needs datastores. Most are not, and are spared a look. */
  readonly guestBound: Uint8Array;
  /** By host: what its guests ask, are entitled to and take. A guest takes room where it is and where it is leaving, and asks where it is. */
  readonly cpuDemand: Float64Array;
  readonly cpuEntitled: Float64Array;
  readonly cpuReserved: Float64Array;
  readonly memoryUsed: Float64Array;
  readonly vcpusUsed: Float64Array;
  /** By host: each guest's demand or reservation, whichever is more. Packing fills hosts up to this. */
  readonly cpuClaimed: Float64Array;
  /** By host: how much of `memoryUsed` is of guests that are leaving. */
  readonly memoryLeaving: Float64Array;
  /** By guest: its host's index, or -1. */
  readonly hostOf: Int32Array;
  /** By guest: the host that it is leaving, or -1. */
  readonly leaving: Int32Array;
  /** The guests of a host as a list: its first, and by guest the next and the one before, or -1. */
  readonly firstGuestOn: Int32Array;
  readonly nextGuest: Int32Array;
  readonly previousGuest: Int32Array;
  /** By host, and by guest: 1, it has been changed since the cluster was built or renewed, and may be other than its figures say. */
  readonly hostTouched: Uint8Array;
  readonly guestTouched: Uint8Array;
  readonly watchers: HostWatcher[];
}

export const noRules: readonly ClusterRule[] = [];

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
    isWish: isWish(rule.kind),
  }));
  const domainOf = domainsOf(hosts);
  const platformOf = platformsOf(hosts);
  const rulesOf = rulesByGuest(guests.length, clusterRules);
  const cluster: Cluster = {
    hosts,
    guests,
    hostIndex,
    guestIndex,
    rulesOf,
    rules: clusterRules,
    // A host of nothing counts as one of next to nothing, so that every share of it is a number.
    cpuCapacity: Float64Array.from(hosts, (host) => Math.max(1, host.cpuMillicores)),
    vcpuCapacity: Float64Array.from(hosts, ({ vcpus = Infinity }) => vcpus),
    countsVcpus: hosts.some(({ vcpus }) => vcpus !== undefined),
    memoryCapacity: Float64Array.from(hosts, (host) => Math.max(1, host.memoryMiB)),
    useOf: Uint8Array.from(hosts, (host) => hostUses.indexOf(host.use)),
    domainOf,
    hostsIn: hostsByDomain(hosts, domainOf),
    platformOf,
    isUniform: isUniform(hosts, guests, platformOf),
    usableIn: new Int32Array(hosts.length),
    domains: { usable: 0 },
    guestDemand: Float64Array.from(guests, (guest) => guest.cpuDemandMillicores),
    guestShares: Float64Array.from(guests, ({ cpuShares = usualLimits.cpuShares }) => cpuShares),
    guestEntitlement: Float64Array.from(guests, (guest) => guest.cpuDemandMillicores),
    guestReservation: Float64Array.from(guests, (guest) => guest.cpuReservationMillicores),
    guestVcpus: Float64Array.from(guests, ({ vcpus = 1 }) => vcpus),
    guestMemory: Float64Array.from(guests, (guest) => guest.memoryMiB),
    guestDirtyMiBPerSecond: Float64Array.from(guests, (guest) => guest.dirtyBytesPerSecond / (1024 * 1024)),
    guestPinned: Uint8Array.from(guests, (guest) => (guest.pinned ? 1 : 0)),
    guestBound: Uint8Array.from(guests, (guest, index) =>
      rulesOf[index]!.length > 0 || guest.datastores.length > 0 ? 1 : 0,
    ),
    cpuDemand: new Float64Array(hosts.length),
    cpuEntitled: new Float64Array(hosts.length),
    cpuReserved: new Float64Array(hosts.length),
    memoryUsed: new Float64Array(hosts.length),
    vcpusUsed: new Float64Array(hosts.length),
    cpuClaimed: new Float64Array(hosts.length),
    memoryLeaving: new Float64Array(hosts.length),
    hostOf: new Int32Array(guests.length).fill(-1),
    leaving: new Int32Array(guests.length).fill(-1),
    firstGuestOn: new Int32Array(hosts.length).fill(-1),
    nextGuest: new Int32Array(guests.length).fill(-1),
    previousGuest: new Int32Array(guests.length).fill(-1),
    hostTouched: new Uint8Array(hosts.length),
    guestTouched: new Uint8Array(guests.length),
    watchers: [],
  };
  for (const host of usableHosts(cluster)) countUsable(cluster, host, 1);
  cluster.hostTouched.fill(1);
  for (let guest = 0; guest < guests.length; guest++) putWhereItIs(cluster, guest);
  settleTouched(cluster);
  return cluster;
}

/** By its figures; the sums of its hosts are the caller's affair. */
export function putWhereItIs(cluster: Cluster, guest: number): void {
  const { hostId, leavingHostId = null } = cluster.guests[guest]!;
  const indexOf = (id: string | null): number => (id === null ? -1 : (cluster.hostIndex.get(id) ?? -1));
  cluster.hostOf[guest] = indexOf(hostId);
  cluster.leaving[guest] = leavingHostId === hostId ? -1 : indexOf(leavingHostId);
}

const hostSums = [
  ...(['cpuDemand', 'cpuEntitled', 'cpuReserved', 'cpuClaimed'] as const),
  ...(['memoryUsed', 'memoryLeaving', 'vcpusUsed'] as const),
] as const;

/**
 * Sums and lists of the hosts that were touched, from nothing: the guests in one order, so that they come out the same to the
 * last bit whichever hosts were.
 */
export function settleTouched(cluster: Cluster): void {
  const { hostTouched, hostOf, leaving } = cluster;
  const touched: number[] = [];
  for (let host = 0; host < hostTouched.length; host++) if (hostTouched[host] === 1) touched.push(host);
  for (const host of touched) {
    for (const sums of hostSums) cluster[sums][host] = 0;
    cluster.firstGuestOn[host] = -1;
  }
  for (let guest = hostOf.length - 1; guest >= 0; guest--) {
    const [host, from] = [hostOf[guest]!, leaving[guest]!];
    if (host >= 0 && hostTouched[host] === 1) {
      takeRoom(cluster, guest, host, 1);
      join(cluster, guest, host);
    }
    if (from >= 0 && hostTouched[from] === 1) {
      takeRoom(cluster, guest, from, 1);
      cluster.memoryLeaving[from]! += cluster.guestMemory[guest]!;
    }
  }
  for (const watcher of cluster.watchers) for (const host of touched) watcher.hostChanged(host);
  hostTouched.fill(0);
  cluster.guestTouched.fill(0);
}

export function countUsable(cluster: Cluster, host: number, change: 1 | -1): void {
  const domain = cluster.domainOf[host]!;
  const before = cluster.usableIn[domain]!;
  cluster.usableIn[domain] = before + change;
  if (before === 0 || before + change === 0) cluster.domains.usable += change;
}

/** In thought: what if the host were lost? */
export function setUse(cluster: Cluster, host: number, use: HostUse): void {
  const isUsable = use === 'usable';
  cluster.hostTouched[host] = 1;
  if ((cluster.useOf[host] === 0) !== isUsable) countUsable(cluster, host, isUsable ? 1 : -1);
  cluster.useOf[host] = hostUses.indexOf(use);
}

/** Most guests are under no rule: they share one empty list. */
function rulesByGuest(count: number, rules: readonly ClusterRule[]): readonly (readonly ClusterRule[])[] {
  const byGuest: ClusterRule[][] = [];
  for (const rule of rules) for (const guest of rule.guests) (byGuest[guest] ??= []).push(rule);
  return Array.from({ length: count }, (_, guest) => byGuest[guest] ?? noRules);
}

/** Puts the guest on the host (-1: on none) and keeps the sums. */
export function move(cluster: Cluster, guest: number, host: number): void {
  cluster.guestTouched[guest] = 1;
  const from = cluster.hostOf[guest]!;
  if (from >= 0) {
    takeRoom(cluster, guest, from, -1);
    leave(cluster, guest, from);
  }
  cluster.hostOf[guest] = host;
  if (host >= 0) {
    takeRoom(cluster, guest, host, 1);
    join(cluster, guest, host);
  }
  if (from >= 0) changed(cluster, from);
  if (host >= 0) changed(cluster, host);
}

/** Puts the guest on another host, and keeps its room on the one that it leaves until `endMoves`. It must not be leaving already. */
export function beginMove(cluster: Cluster, guest: number, host: number): void {
  const from = cluster.hostOf[guest]!;
  cluster.guestTouched[guest] = 1;
  leave(cluster, guest, from);
  cluster.leaving[guest] = from;
  cluster.memoryLeaving[from]! += cluster.guestMemory[guest]!;
  cluster.hostOf[guest] = host;
  takeRoom(cluster, guest, host, 1);
  join(cluster, guest, host);
  changed(cluster, from);
  changed(cluster, host);
}

/** Those guests have left. */
export function endMoves(cluster: Cluster, guests: Iterable<number>): void {
  for (const guest of guests) {
    const from = cluster.leaving[guest]!;
    if (from < 0) continue;
    cluster.guestTouched[guest] = 1;
    cluster.leaving[guest] = -1;
    cluster.memoryLeaving[from]! -= cluster.guestMemory[guest]!;
    takeRoom(cluster, guest, from, -1);
    changed(cluster, from);
  }
}

/** Those guests are where they were, as if nobody had begun to move them. */
export function takeBack(cluster: Cluster, guests: readonly number[]): void {
  for (const guest of [...guests].reverse()) {
    const from = cluster.leaving[guest]!;
    endMoves(cluster, [guest]);
    move(cluster, guest, from);
  }
}

/** It is entitled to all of that, until `entitle` looks again. */
export function setDemand(cluster: Cluster, guest: number, millicores: number): void {
  const host = cluster.hostOf[guest]!;
  const before = cluster.guestDemand[guest]!;
  const reservation = cluster.guestReservation[guest]!;
  const entitled = cluster.guestEntitlement[guest]!;
  cluster.guestTouched[guest] = 1;
  cluster.guestDemand[guest] = millicores;
  cluster.guestEntitlement[guest] = millicores;
  for (const at of [host, cluster.leaving[guest]!]) {
    if (at < 0) continue;
    cluster.cpuClaimed[at]! += Math.max(millicores, reservation) - Math.max(before, reservation);
    if (at === host) {
      cluster.cpuDemand[at]! += millicores - before;
      cluster.cpuEntitled[at]! += millicores - entitled;
    }
    changed(cluster, at);
  }
}

/** In thought: what if the guest were promised so much? */
export function resize(
  cluster: Cluster,
  guest: number,
  { memoryMiB, cpuReservationMillicores }: Pick<GuestFigures, 'memoryMiB' | 'cpuReservationMillicores'>,
): void {
  if (cluster.guestMemory[guest] === memoryMiB && cluster.guestReservation[guest] === cpuReservationMillicores) return;
  const host = cluster.hostOf[guest]!;
  move(cluster, guest, -1);
  cluster.guestMemory[guest] = memoryMiB;
  cluster.guestReservation[guest] = cpuReservationMillicores;
  move(cluster, guest, host);
}

/** Memory, reservation and claim: what is held wherever the guest is, or still is. */
function takeRoom(cluster: Cluster, guest: number, host: number, sign: 1 | -1): void {
  const demand = cluster.guestDemand[guest]!;
  const reservation = cluster.guestReservation[guest]!;
  cluster.cpuReserved[host]! += sign * reservation;
  cluster.cpuClaimed[host]! += sign * (demand > reservation ? demand : reservation);
  cluster.memoryUsed[host]! += sign * cluster.guestMemory[guest]!;
  cluster.vcpusUsed[host]! += sign * cluster.guestVcpus[guest]!;
}

function join(cluster: Cluster, guest: number, host: number): void {
  cluster.cpuDemand[host]! += cluster.guestDemand[guest]!;
  cluster.cpuEntitled[host]! += cluster.guestEntitlement[guest]!;
  const first = cluster.firstGuestOn[host]!;
  cluster.nextGuest[guest] = first;
  cluster.previousGuest[guest] = -1;
  if (first >= 0) cluster.previousGuest[first] = guest;
  cluster.firstGuestOn[host] = guest;
}

function leave(cluster: Cluster, guest: number, host: number): void {
  cluster.cpuDemand[host]! -= cluster.guestDemand[guest]!;
  cluster.cpuEntitled[host]! -= cluster.guestEntitlement[guest]!;
  const before = cluster.previousGuest[guest]!;
  const next = cluster.nextGuest[guest]!;
  if (before >= 0) cluster.nextGuest[before] = next;
  else cluster.firstGuestOn[host] = next;
  if (next >= 0) cluster.previousGuest[next] = before;
  cluster.nextGuest[guest] = -1;
  cluster.previousGuest[guest] = -1;
}

function changed(cluster: Cluster, host: number): void {
  const { watchers } = cluster;
  cluster.hostTouched[host] = 1;
  for (let number = 0; number < watchers.length; number++) watchers[number]!.hostChanged(host);
}

export function usableHosts({ hosts }: Cluster): number[] {
  const usable: number[] = [];
  for (let host = 0; host < hosts.length; host++) if (hosts[host]!.use === 'usable') usable.push(host);
  return usable;
}

/** What guests are entitled to over capacity, by host; hosts that do not count are left out. */
export function loads(cluster: Cluster): number[] {
  return usableHosts(cluster).map((host) => cluster.cpuEntitled[host]! / cluster.cpuCapacity[host]!);
}

/** The standard deviation of the hosts' load: vSphere's measure of a cluster's balance. */
export function imbalance(cluster: Cluster): number {
  const values = loads(cluster);
  if (values.length === 0) return 0;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}
