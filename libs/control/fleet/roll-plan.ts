import type { Host, Pool } from '@argosy/domain/entities';
import { accepted, refused, type Result } from '@argosy/domain/refusal';
import type { RollHost } from '@argosy/domain/roll';
import type { Cluster } from '@argosy/scheduler/cluster';
import type { MostAway } from '@argosy/scheduler/least-rounds';
import { canBeAway, fewestRounds } from '@argosy/scheduler/rounds';
import { askedOf, hostsFor, type Promised, promisedResources, roomOf, sum } from './admission';
import { clusterOf } from './placement';
import { type FleetTurn, hostName } from './turn';

/** The rounds of the hosts that can be rolled, from that number on; and those that cannot, with what is in their way. */
export interface RoundsPlan {
  readonly hosts: readonly RollHost[];
  readonly left: readonly string[];
  readonly obstacle: string;
  /** Fewer rounds would not do. */
  readonly least: number;
}

/** The whole of a pool: refused where one of its hosts cannot be emptied. */
export function planRoll(turn: FleetTurn, pool: Pool): Result<RoundsPlan> {
  const hosts = [...turn.fleet.hosts.values()].filter((host) => host.poolId === pool.id && canBeRolled(host));
  if (hosts.length === 0)
    return refused(
      'host-not-online',
      `Pool ${pool.name} has no host that is online and takes guests: nothing to roll.`,
    );
  const fresh = hosts.map(({ id }): RollHost => ({
    hostId: id,
    round: 0,
    step: 'waiting',
    since: turn.now,
    output: '',
  }));
  const plan = planRounds(turn, pool, fresh, 1);
  if (plan.left.length === 0) return accepted(plan);
  return refused(
    'no-host-fits',
    `${tellStuck(turn, plan)}. Make room, stop guests, or keep less (failure.admission of pool ${pool.name}).`,
  );
}

export function canBeRolled(host: Host | undefined): host is Host {
  return host?.state === 'online' && host.maintenance === 'none' && !host.quarantined;
}

export function tellStuck({ fleet }: FleetTurn, { left, obstacle }: RoundsPlan): string {
  return `${left.map((id) => hostName(fleet, id)).join(', ')} cannot be emptied: ${obstacle}`;
}

/** From the emptiest host on: it costs the fewest moves, and leaves room for the guests of the next. */
export function planRounds(turn: FleetTurn, pool: Pool, waiting: readonly RollHost[], firstRound: number): RoundsPlan {
  const cluster = clusterOf(turn, pool.id);
  const byHost = new Map(waiting.map((each) => [cluster.hostIndex.get(each.hostId)!, each]));
  const order = [...byHost.keys()].sort((a, b) => cluster.memoryUsed[a]! - cluster.memoryUsed[b]! || a - b);
  const { rounds, left, least } = fewestRounds(cluster, {
    hosts: order,
    keepsRoom: (away) => shortage(turn, pool, cluster, away) === null,
    mostAway: mostAwayOf(turn, pool, cluster),
    isLate: turn.fleet.deadline(),
  });
  return {
    hosts: rounds.flatMap((round, index) => round.map((host) => ({ ...byHost.get(host)!, round: firstRound + index }))),
    left: left.map((host) => cluster.hosts[host]!.id),
    obstacle: left.length === 0 ? '' : (obstacleOf(turn, pool, cluster, [left[0]!]) ?? ''),
    least,
  };
}

/** The hosts that are left have what guests ask for beside the room that is kept, which is no less than the smallest hosts' or the share of all. */
function mostAwayOf(turn: FleetTurn, pool: Pool, cluster: Cluster): MostAway | null {
  const usable = cluster.hosts.filter((_, host) => cluster.useOf[host] === 0);
  const asked = askedOf(turn, pool);
  const { admission, toleratedHostFailures, reservedMemoryShare, reservedCpuShare } = pool.failure;
  const all = (resource: keyof Promised): number => sum(usable.map((host) => host[resource]));
  const shares = { memoryMiB: reservedMemoryShare, cpuMillicores: reservedCpuShare };
  const kept = (resource: keyof Promised): number => {
    if (admission === 'reserved-share') return asked[resource] / (1 - shares[resource]);
    const sizes = usable.map((host) => host[resource]).sort((a, b) => a - b);
    return asked[resource] + sum(sizes.slice(0, toleratedHostFailures));
  };
  if (admission !== 'reserved-share' && admission !== 'host-failures') return null;
  return {
    memoryMiB: all('memoryMiB') - kept('memoryMiB'),
    cpuMillicores: all('cpuMillicores') - kept('cpuMillicores'),
  };
}

/** Why those hosts cannot be away together now; null: they can. */
export function whyNotNow(turn: FleetTurn, pool: Pool, hostIds: readonly string[]): string | null {
  const cluster = clusterOf(turn, pool.id);
  return obstacleOf(
    turn,
    pool,
    cluster,
    hostIds.map((id) => cluster.hostIndex.get(id)!),
  );
}

function obstacleOf(turn: FleetTurn, pool: Pool, cluster: Cluster, hosts: readonly number[]): string | null {
  let short: string | null = null;
  const keepsRoom = (away: ReadonlySet<number>): boolean => {
    short = shortage(turn, pool, cluster, away);
    return short === null;
  };
  if (canBeAway(cluster, hosts, keepsRoom)) return null;
  return short ?? 'the guests would not fit on the others by the rules';
}

/**
 * What the hosts that are left lack of the room that the pool's policy keeps for failures; null: nothing. A pool that could never
 * keep it is rolled one host at a time; one that could, and has lost a host, is not.
 */
function shortage(turn: FleetTurn, pool: Pool, cluster: Cluster, away: ReadonlySet<number>): string | null {
  const usable = cluster.hosts.flatMap((_, host) => (cluster.useOf[host] === 0 ? [host] : []));
  const asked = askedOf(turn, pool);
  if (usable.length === 0)
    return promisedResources.every(([resource]) => asked[resource] === 0)
      ? null
      : 'no host would be left for the guests';
  const { admission, toleratedHostFailures: losses } = pool.failure;
  if (admission === 'failover-hosts') return uncovered(turn, cluster, usable, away);
  const isAlone = away.size === 1 && hostsFor(turn, pool).length <= losses + 1;
  if (admission === 'host-failures' && usable.length <= losses && !isAlone)
    return `${counted(usable.length)} would be left, where the pool is to bear the loss of ${losses}`;
  const room = roomOf(
    pool,
    usable.map((host) => cluster.hosts[host]!),
  );
  if (room === null) return null;
  const short = promisedResources.find(([resource]) => asked[resource] > room.kept[resource]);
  if (!short) return null;
  const [resource, unit] = short;
  return `too little room would be left for ${room.purpose}: guests ask for ${asked[resource]} ${unit}, and ${room.source} ${room.kept[resource]}`;
}

function counted(hosts: number): string {
  return `${hosts} host${hosts === 1 ? '' : 's'}`;
}

/** What any one host holds fits on the failover hosts; while the last of these is rolled itself, there is none. */
function uncovered(
  turn: FleetTurn,
  cluster: Cluster,
  usable: readonly number[],
  away: ReadonlySet<number>,
): string | null {
  const spare = cluster.hosts.filter(({ id }, index) => {
    const host = turn.fleet.hosts.get(id);
    return host?.failoverOnly === true && canBeRolled(host) && !away.has(index);
  });
  if (spare.length === 0) return away.size === 1 ? null : 'no failover host would be left';
  for (const host of usable) {
    const promised = promisedOn(cluster, host);
    const short = promisedResources.find(([resource]) => promised[resource] > sum(spare.map((each) => each[resource])));
    if (short)
      return `${cluster.hosts[host]!.name} would hold more than the failover hosts can take (${promised[short[0]]} ${short[1]})`;
  }
  return null;
}

function promisedOn(cluster: Cluster, host: number): Promised {
  return { memoryMiB: cluster.memoryUsed[host]!, cpuMillicores: cluster.cpuReserved[host]! };
}
