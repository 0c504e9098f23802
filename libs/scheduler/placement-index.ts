import { fits } from './checks';
import { type Cluster, usableHosts } from './cluster';
import { RoomMap } from './room-map';
import { RoomTree, type Seeker } from './room-tree';
import { hostsOfWish } from './rules';

export const roomWeights = { cpuWeight: 2, memoryWeight: 1 };
const nobody: readonly number[] = [];

/** Finds hosts for guests of one cluster, and is kept as long as that. */
export class PlacementIndex implements Seeker {
  private guest = -1;
  private avoid = -1;
  /** Hosts that wishes of the guest name are looked at one by one: the others are all alike to it. null: it has none. */
  private wished: ReadonlySet<number> | null = null;
  hasCompany = false;
  demandMillicores = 0;
  claimMillicores = 0;
  reservationMillicores = 0;
  memoryMiB = 0;
  vcpus = 0;
  leastRoom = -Infinity;
  private tree: RoomTree | null = null;
  private map: RoomMap | null = null;

  constructor(
    private readonly cluster: Cluster,
    before: PlacementIndex | undefined = undefined,
  ) {
    if (!before?.tree) return;
    this.tree = before.tree;
    cluster.watchers.push(this.tree);
  }

  /** Made when it is first asked for: a cluster that is only looked at needs none. */
  get spread(): RoomTree {
    return (this.tree ??= treeOf(this.cluster));
  }

  get packing(): RoomMap {
    return (this.map ??= new RoomMap(this.cluster));
  }

  /** From now on for that guest, with those that are to come along; `avoid` (-1: none) is left out. */
  seek(guest: number, avoid: number, company: readonly number[] = nobody): void {
    const { guestDemand, guestReservation, guestMemory } = this.cluster;
    this.guest = guest;
    this.avoid = avoid;
    this.hasCompany = company.length > 0;
    this.leastRoom = -Infinity;
    this.wished = this.cluster.guestBound[guest] === 1 ? this.wishedBy(guest) : null;
    this.demandMillicores = guestDemand[guest]!;
    this.reservationMillicores = guestReservation[guest]!;
    this.claimMillicores = Math.max(this.demandMillicores, this.reservationMillicores);
    this.memoryMiB = guestMemory[guest]!;
    this.vcpus = this.cluster.guestVcpus[guest]!;
    for (const other of company) {
      this.demandMillicores += guestDemand[other]!;
      this.reservationMillicores += guestReservation[other]!;
      this.claimMillicores += Math.max(guestDemand[other]!, guestReservation[other]!);
      this.memoryMiB += guestMemory[other]!;
      this.vcpus += this.cluster.guestVcpus[other]!;
    }
  }

  /** Whether the host takes the guest; the company's room is the index's own affair. */
  takes(host: number): boolean {
    return host !== this.avoid && fits(this.cluster, this.guest, host);
  }

  accepts(host: number): boolean {
    if (this.wished?.has(host) === true || !this.hasProcessors(host)) return false;
    return this.takes(host);
  }

  /** For all of them; the tree itself knows room by memory and reservations. */
  private hasProcessors(host: number): boolean {
    const { countsVcpus, vcpuCapacity, vcpusUsed } = this.cluster;
    return !this.hasCompany || !countsVcpus || this.vcpus <= vcpuCapacity[host]! - vcpusUsed[host]!;
  }

  private wishedBy(guest: number): ReadonlySet<number> | null {
    const { cluster } = this;
    let wished: Set<number> | null = null;
    for (const rule of cluster.rulesOf[guest]!)
      if (rule.isWish) for (const host of hostsOfWish(cluster, rule, guest)) (wished ??= new Set()).add(host);
    return wished;
  }

  /** The hosts that have to be looked at one by one besides those that the index finds. */
  named(): ReadonlySet<number> | null {
    return this.wished;
  }
}

function treeOf(cluster: Cluster): RoomTree {
  const { cpuCapacity, memoryCapacity } = cluster;
  const byKind = (a: number, b: number): number =>
    cpuCapacity[a]! - cpuCapacity[b]! || memoryCapacity[a]! - memoryCapacity[b]! || a - b;
  return new RoomTree(cluster, usableHosts(cluster).sort(byKind), { ...roomWeights, by: 'cpuDemand' });
}

const indexes = new WeakMap<Cluster, PlacementIndex>();

export function indexOf(cluster: Cluster): PlacementIndex {
  let index = indexes.get(cluster);
  if (!index) indexes.set(cluster, (index = new PlacementIndex(cluster)));
  return index;
}

/**
 * For a cluster that has taken over another's hosts: the tree over them goes on. The map is made anew, since what it finds hangs on
 * what has happened to it.
 */
export function inheritIndex(before: Cluster, after: Cluster): void {
  const index = indexes.get(before);
  if (index) indexes.set(after, new PlacementIndex(after, index));
}
