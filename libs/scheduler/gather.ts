import { isCompatible, reachesDatastores } from './checks';
import { beginMove, type Cluster, type ClusterRule, takeBack, usableHosts } from './cluster';
import { breaks } from './rules';
import { freeMemory, freeReservation } from './room';

/**
 * Where a group that has come apart can be brought together: the host that has most of it already, of those with room for the
 * rest, or else the one with the most memory. -1: none takes all of it.
 */
export function gatheringHost(cluster: Cluster, rule: ClusterRule): number {
  const here = new Map<number, number>();
  for (const guest of rule.guests) {
    const host = cluster.hostOf[guest]!;
    if (host >= 0) here.set(host, (here.get(host) ?? 0) + 1);
  }
  const ranked = [...here].sort(([a, countA], [b, countB]) => countB - countA || a - b).map(([host]) => host);
  const found = ranked.find((host) => canGather(cluster, rule, host));
  if (found !== undefined) return found;
  let best = -1;
  for (const host of usableHosts(cluster))
    if ((best < 0 || freeMemory(cluster, host) > freeMemory(cluster, best)) && canGather(cluster, rule, host))
      best = host;
  return best;
}

/** Whether all of the group that is elsewhere can come to that host, by every check but the rule's own. */
export function canGather(cluster: Cluster, rule: ClusterRule, host: number): boolean {
  if (cluster.useOf[host] !== 0) return false;
  const coming = rule.guests.filter((guest) => cluster.hostOf[guest]! >= 0 && cluster.hostOf[guest] !== host);
  let [memoryMiB, millicores, vcpus] = [0, 0, 0];
  for (const guest of coming) {
    memoryMiB += cluster.guestMemory[guest]!;
    millicores += cluster.guestReservation[guest]!;
    vcpus += cluster.guestVcpus[guest]!;
  }
  return (
    memoryMiB <= freeMemory(cluster, host) &&
    millicores <= freeReservation(cluster, host) &&
    vcpus <= cluster.vcpuCapacity[host]! - cluster.vcpusUsed[host]! &&
    mayComeTogether(cluster, rule, coming, host)
  );
}

/** Each where those before it are by then: a spread or an apart may take one of them and not two. The cluster is left as it was. */
function mayComeTogether(cluster: Cluster, rule: ClusterRule, coming: readonly number[], host: number): boolean {
  const come: number[] = [];
  const mayAll = coming.every((guest) => {
    if (!mayCome(cluster, rule, guest, host)) return false;
    beginMove(cluster, guest, host);
    come.push(guest);
    return true;
  });
  takeBack(cluster, come);
  return mayAll;
}

function mayCome(cluster: Cluster, rule: ClusterRule, guest: number, host: number): boolean {
  if (cluster.guestPinned[guest] === 1 || cluster.leaving[guest]! >= 0) return false;
  if (!isCompatible(cluster, guest, host) || !reachesDatastores(cluster, guest, host)) return false;
  return cluster.rulesOf[guest]!.every(
    (other) => other === rule || other.isWish || !breaks(cluster, other, guest, host),
  );
}

/** Rules are kept but for those of groups that are apart, which this host brings together. */
export function gathers(cluster: Cluster, guest: number, host: number): boolean {
  const broken = cluster.rulesOf[guest]!.filter((rule) => !rule.isWish && breaks(cluster, rule, guest, host));
  return broken.every((rule) => rule.kind === 'together' && isApart(cluster, rule) && canGather(cluster, rule, host));
}

export function isApart(cluster: Cluster, rule: ClusterRule): boolean {
  const hosts = new Set(rule.guests.map((guest) => cluster.hostOf[guest]!));
  hosts.delete(-1);
  return hosts.size > 1;
}
