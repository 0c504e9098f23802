import type { Guest } from '@argosy/domain/entities';
import { fits } from '@argosy/scheduler/checks';
import type { Cluster } from '@argosy/scheduler/cluster';
import type { KeptCluster } from '../fleet-types';

/** What hosts have now and had not when guests were turned away. */
export interface RoomNews {
  /** Those that have more of something, or are otherwise not what they were. */
  readonly hosts: readonly number[];
  /** Some host has more or less: whatever a rule says of others may have changed. */
  readonly isAny: boolean;
}

/** By host: free memory, reservation, virtual processors. */
const kinds = 3;

function roomOf(cluster: Cluster): Float64Array {
  const { hosts, memoryCapacity, memoryUsed, cpuCapacity, cpuReserved, vcpuCapacity, vcpusUsed } = cluster;
  const room = new Float64Array(hosts.length * kinds);
  for (let host = 0; host < hosts.length; host++) {
    room[host * kinds] = memoryCapacity[host]! - memoryUsed[host]!;
    room[host * kinds + 1] = cpuCapacity[host]! - cpuReserved[host]!;
    room[host * kinds + 2] = vcpuCapacity[host]! - vcpusUsed[host]!;
  }
  return room;
}

/** Of a cluster that has just been asked for. null: there is nothing to compare with, and everybody is tried. */
export function roomNewsOf({ cluster, turnedAway }: KeptCluster): RoomNews | null {
  if (turnedAway === null) return null;
  const room = roomOf(cluster);
  const hosts: number[] = [];
  let isAny = false;
  for (let host = 0; host < cluster.hosts.length; host++) {
    let isMore = cluster.hosts[host] !== turnedAway.hosts[host];
    for (let place = host * kinds; place < (host + 1) * kinds; place++) {
      if (room[place] === turnedAway.room[place]) continue;
      isAny = true;
      if (room[place]! > turnedAway.room[place]!) isMore = true;
    }
    if (isMore) hosts.push(host);
  }
  return { hosts, isAny: isAny || hosts.length > 0 };
}

/**
 * Whether the guest need not be tried again: it is the same, and what has come to be since is of no use to it. A guest under rules is spared
 * only if nothing at all has changed, for others' places may have stood against it.
 */
export function isStillTurnedAway(kept: KeptCluster, news: RoomNews | null, guest: Guest): boolean {
  const { cluster, turnedAway } = kept;
  const index = cluster.guestIndex.get(guest.id);
  if (news === null || index === undefined || turnedAway?.guests.get(guest.id) !== guest) return false;
  if (cluster.rulesOf[index]!.length > 0) return !news.isAny;
  return !news.hosts.some((host) => fits(cluster, index, host));
}

/** Those that nobody takes, as the hosts are with all others placed in thought. */
export function rememberTurnedAway(kept: KeptCluster, guests: readonly Guest[]): void {
  const { cluster } = kept;
  kept.turnedAway = {
    guests: new Map(guests.map((guest) => [guest.id, guest])),
    hosts: cluster.hosts.slice(),
    room: roomOf(cluster),
  };
}
