import { buildCluster, type Cluster, move, setUse, usableHosts } from './cluster';
import { type IsLate, unhurried } from './effort';
import { chooseHost } from './place';
import { guestsOn, tolerance, type ToleranceOptions } from './tolerance';

export interface PowerSavingOptions {
  /** Hosts are emptied as long as the others stay below this share of their processors and of their memory. */
  readonly offShare: number;
  /** Above this share of either another host is wanted. */
  readonly onShare: number;
  /** What one host may hold, where others are kept for the failure of any; left out: as much as it has. */
  readonly mostHeld?: { readonly memoryMiB: number; readonly cpuMillicores: number };
  /** So many losses must stay tolerated. */
  readonly losses: number;
  readonly without: NonNullable<ToleranceOptions['without']>;
  /** From then on no other host is tried. */
  readonly isLate?: IsLate;
}

/** More hosts than that are not tried at a time: they are ever fuller. */
const triedHosts = 3;

/**
 * The host that the pool can do without: the emptiest whose guests all find places on the others, with these below `onShare`
 * each, the pool below `offShare`, and the losses tolerated among them. null: none. The cluster is left as it was.
 */
export function hostToEmpty(
  cluster: Cluster,
  mayGo: (host: number) => boolean,
  options: PowerSavingOptions,
): { readonly host: number; readonly shareAfter: number } | null {
  const usable = usableHosts(cluster);
  if (usable.length <= options.losses + 1) return null;
  const candidates = usable
    .filter((host) => mayGo(host) && guestsOn(cluster, host).every((guest) => cluster.guestPinned[guest] === 0))
    .sort(
      (a, b) =>
        cluster.memoryUsed[a]! - cluster.memoryUsed[b]! || cluster.cpuDemand[a]! - cluster.cpuDemand[b]! || b - a,
    );
  const { isLate = unhurried } = options;
  for (const host of candidates.slice(0, triedHosts)) {
    if (isLate()) break;
    const shareAfter = loadShare(
      cluster,
      usable.filter((other) => other !== host),
    );
    if (shareAfter <= options.offShare && canDoWithout(cluster, host, options)) return { host, shareAfter };
  }
  return null;
}

/** Of the pool's processors or of its memory, whichever is asked for more, by the guests that are on a host. */
export function loadShare(cluster: Cluster, hosts: readonly number[] = usableHosts(cluster)): number {
  const sum = (of: Float64Array): number => hosts.reduce((total, host) => total + of[host]!, 0);
  const asked = (of: Float64Array): number =>
    of.reduce((total, each, guest) => total + (cluster.hostOf[guest]! < 0 ? 0 : each), 0);
  if (hosts.length === 0) return Infinity;
  return Math.max(
    asked(cluster.guestDemand) / sum(cluster.cpuCapacity),
    asked(cluster.guestMemory) / sum(cluster.memoryCapacity),
  );
}

function canDoWithout(cluster: Cluster, host: number, options: PowerSavingOptions): boolean {
  const { losses, without, isLate = unhurried } = options;
  const moved: number[] = [];
  setUse(cluster, host, 'evacuating');
  let isEmpty = true;
  for (const guest of guestsOn(cluster, host)) {
    const to = chooseHost(cluster, guest, { avoid: host });
    isEmpty = to >= 0;
    if (!isEmpty) break;
    move(cluster, guest, to);
    moved.push(guest);
    isEmpty = isWithin(cluster, to, options);
    if (!isEmpty) break;
  }
  const answer =
    isEmpty &&
    (losses === 0 || tolerance(clusterWithout(cluster, host), { losses, without, isLate }).proved === losses);
  for (const guest of moved.reverse()) move(cluster, guest, host);
  setUse(cluster, host, cluster.hosts[host]!.use);
  return answer;
}

function isWithin(cluster: Cluster, host: number, { onShare, mostHeld }: PowerSavingOptions): boolean {
  if (cluster.cpuDemand[host]! > onShare * cluster.cpuCapacity[host]!) return false;
  return (
    mostHeld === undefined ||
    (cluster.memoryUsed[host]! <= mostHeld.memoryMiB && cluster.cpuReserved[host]! <= mostHeld.cpuMillicores)
  );
}

/** The cluster as it stands, with that host switched off. */
function clusterWithout(cluster: Cluster, off: number): Cluster {
  const { hosts, guests, rules, hostOf } = cluster;
  return buildCluster(
    hosts.map((host, index) => (index === off ? { ...host, use: 'unusable' as const } : host)),
    guests.map((guest, index) => ({
      ...guest,
      hostId: hostOf[index]! < 0 ? null : hosts[hostOf[index]!]!.id,
      leavingHostId: null,
    })),
    rules.map((rule) => ({
      name: rule.name,
      kind: rule.kind,
      guestIds: rule.guests.map((guest) => guests[guest]!.id),
      hostIds: [...rule.hosts].map((host) => hosts[host]!.id),
    })),
  );
}
