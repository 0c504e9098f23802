import type { Guest, Host, Pool } from '@argosy/domain/entities';
import { accepted, refused, type Result } from '@argosy/domain/refusal';
import { type Cluster, move, usableHosts } from '@argosy/scheduler/cluster';
import { freeMemory, freeReservation } from '@argosy/scheduler/room';
import { type LossWitness, tolerance } from '@argosy/scheduler/tolerance';
import { askedOfHosts } from './indexes';
import { promisable } from './placement';
import { type FleetTurn, poolOf } from './turn';

/** What is promised, or can be: memory whole, and reserved processor time. */
export interface Promised {
  readonly memoryMiB: number;
  readonly cpuMillicores: number;
}

export const promisedResources = [
  ['memoryMiB', 'MiB of memory'],
  ['cpuMillicores', 'millicores of reservations'],
] as const;

/** A start that would take the room which the pool's policy keeps for failures is refused, with the arithmetic. */
export function admit(turn: FleetTurn, guest: Guest, doing: string): Result<null> {
  const pool = poolOf(turn.fleet, guest);
  const room = askedOfHosts(turn.fleet.indexes, `room of ${pool.id}`, () => roomOf(pool, capacitiesOf(turn, pool)));
  if (room === null) return accepted(null);
  const asked = askedOf(turn, pool, guest);
  for (const [resource, unit] of promisedResources) {
    // A guest that asks for none of it takes none of it, whatever the others do.
    if (asked[resource] <= room.kept[resource] || promiseOf(guest)[resource] === 0) continue;
    return refused(
      'admission-control',
      `${doing} ${guest.name} would leave too little room for ${room.purpose}: running guests would ask for ${asked[resource]} ${unit}, and ${room.source} ${room.kept[resource]}. Stop a guest, add a host, or change ${room.setting} of pool ${pool.name}.`,
      { admission: pool.failure.admission, resource, asked: asked[resource], kept: room.kept[resource] },
    );
  }
  return accepted(null);
}

/** Of the hosts that take guests, but for one that may be left out. */
function capacitiesOf({ fleet }: FleetTurn, pool: Pool, withoutHostId?: string): Promised[] {
  return [...fleet.hosts.values()].flatMap((host) =>
    takesGuests(host, pool) && !host.failoverOnly && host.id !== withoutHostId ? [promisedBy(host, pool)] : [],
  );
}

/** Memory may be promised more than once. */
function promisedBy({ capacity }: Host, { balance }: Pool): Promised {
  return { ...capacity, memoryMiB: promisable(capacity, balance).memoryMiB };
}

/** Those that are not kept for failover. */
export function hostsFor({ fleet }: FleetTurn, { id }: Pool): Host[] {
  return [...fleet.hosts.values()].filter((host) => host.poolId === id && !host.failoverOnly);
}

/** For so many losses room is kept: somebody has to be left. */
export function keptLosses(turn: FleetTurn, pool: Pool): number {
  return lossesAmong(pool, capacitiesOf(turn, pool).length);
}

function lossesAmong({ failure }: Pool, hosts: number): number {
  return Math.max(0, Math.min(failure.toleratedHostFailures, hosts - 1));
}

function takesGuests(host: Host, { id }: Pool): boolean {
  return (
    host.poolId === id &&
    host.state === 'online' &&
    host.maintenance === 'none' &&
    host.standby === 'none' &&
    isWell(host)
  );
}

/** Whether running guests ask for room that the pool keeps for failures, as it stands or would without that host. */
export function lacksRoom(turn: FleetTurn, pool: Pool, withoutHostId?: string): boolean {
  const room = roomOf(pool, capacitiesOf(turn, pool, withoutHostId));
  const asked = askedOf(turn, pool);
  return room !== null && promisedResources.some(([resource]) => asked[resource] > room.kept[resource]);
}

/** What the hosts that are kept for failover have together. */
export function spareOf({ fleet }: FleetTurn, pool: Pool): Promised {
  const spare = [...fleet.hosts.values()].filter((host) => takesGuests(host, pool) && host.failoverOnly);
  return {
    memoryMiB: sum(spare.map((host) => promisedBy(host, pool).memoryMiB)),
    cpuMillicores: sum(spare.map((host) => promisedBy(host, pool).cpuMillicores)),
  };
}

export interface Room {
  readonly kept: Promised;
  readonly purpose: string;
  readonly source: string;
  readonly setting: string;
}

/** What those hosts may promise without touching the room that the pool keeps on them for failures. null: it keeps none. */
export function roomOf(pool: Pool, capacities: readonly Promised[]): Room | null {
  const { failure } = pool;
  if (failure.admission === 'reserved-share') {
    const kept = (resource: keyof Promised, share: number): number =>
      Math.floor(sum(capacities.map((each) => each[resource])) * (1 - share));
    return {
      kept: {
        memoryMiB: kept('memoryMiB', failure.reservedMemoryShare),
        cpuMillicores: kept('cpuMillicores', failure.reservedCpuShare),
      },
      purpose: 'failures',
      source: `without the share that is kept free (${percent(failure.reservedMemoryShare)} of memory, ${percent(failure.reservedCpuShare)} of processors) the hosts have`,
      setting: 'failure.reservedMemoryShare or failure.reservedCpuShare',
    };
  }
  const tolerated = lossesAmong(pool, capacities.length);
  if (failure.admission !== 'host-failures' || tolerated === 0) return null;
  // The largest hosts by each resource: whichever are lost, so much is left.
  const left = (resource: keyof Promised): number =>
    sum(
      capacities
        .map((each) => each[resource])
        .sort((a, b) => b - a)
        .slice(tolerated),
    );
  return {
    kept: { memoryMiB: left('memoryMiB'), cpuMillicores: left('cpuMillicores') },
    purpose: `the loss of ${tolerated} host${tolerated > 1 ? 's' : ''}`,
    source: 'the other hosts have',
    setting: 'failure.toleratedHostFailures',
  };
}

/** By all guests of the pool that are to run, and by that one as it is given. */
export function askedOf({ fleet }: FleetTurn, pool: Pool, guest?: Guest): Promised {
  const sums = fleet.indexes.asked.get(pool.id);
  let [memoryMiB, cpuMillicores] = [sums?.memoryMiB ?? 0, sums?.cpuReservationMillicores ?? 0];
  const row = guest && fleet.guests.get(guest.id);
  if (row?.poolId === pool.id && row.desired !== 'stopped') {
    memoryMiB -= row.memoryMiB;
    cpuMillicores -= row.cpuReservationMillicores;
  }
  if (guest && row && guest.poolId === pool.id) {
    memoryMiB += guest.memoryMiB;
    cpuMillicores += guest.cpuReservationMillicores;
  }
  return { memoryMiB, cpuMillicores };
}

function promiseOf({ memoryMiB, cpuReservationMillicores: cpuMillicores }: Guest): Promised {
  return { memoryMiB, cpuMillicores };
}

/** Where a guest is to be, or is, and what is done there, for the answer. */
interface Where {
  readonly cluster: Cluster;
  readonly chosen: number;
  readonly doing: string;
}

/** With hosts kept for failover: what any other host holds must fit there, the chosen one with this guest too. */
export function coveredByFailoverHosts(turn: FleetTurn, guest: Guest, { cluster, chosen, doing }: Where): Result<null> {
  const pool = poolOf(turn.fleet, guest);
  if (pool.failure.admission !== 'failover-hosts') return accepted(null);
  const spare = [...turn.fleet.hosts.values()].filter((host) => takesGuests(host, pool) && host.failoverOnly);
  const target = cluster.hosts[chosen]!;
  const own = cluster.hostOf[cluster.guestIndex.get(guest.id)!] === chosen ? 0 : 1;
  const asked: Promised = {
    memoryMiB: cluster.memoryUsed[chosen]! + own * guest.memoryMiB,
    cpuMillicores: cluster.cpuReserved[chosen]! + own * guest.cpuReservationMillicores,
  };
  for (const [resource, unit] of promisedResources) {
    const kept = sum(spare.map((host) => promisedBy(host, pool)[resource]));
    if (asked[resource] <= kept) continue;
    return refused(
      'admission-control',
      `${doing} ${guest.name} on ${target.name} would leave it with more than the failover hosts can take: its guests would ask for ${asked[resource]} ${unit}, and ${spare.map(({ name }) => name).join(', ') || 'no failover host'} ${spare.length === 1 ? 'has' : 'have'} ${kept}. Give pool ${pool.name} failover hosts (argosy host set <host> --failover-only true), or change failure.admission.`,
      { admission: pool.failure.admission, resource, asked: asked[resource], kept },
    );
  }
  return accepted(null);
}

/**
 * Where hosts may be lost, what is free in all must not lie in pieces too small for the guests that would need it: with this
 * guest on that host, every loss that the pool is to bear leaves a place for each. What cannot be found out is let through.
 */
export function survivesLosses(turn: FleetTurn, guest: Guest, { cluster, chosen, doing }: Where): Result<null> {
  const pool = poolOf(turn.fleet, guest);
  if (pool.failure.admission !== 'host-failures') return accepted(null);
  const losses = lossesAmong(pool, usableHosts(cluster).length);
  if (losses === 0) return accepted(null);
  const without = notRestarted(turn, cluster);
  const index = cluster.guestIndex.get(guest.id)!;
  const before = cluster.hostOf[index]!;
  move(cluster, index, chosen);
  const { witness } = tolerance(cluster, { losses, without, isLate: turn.fleet.deadline() });
  const reason = witness === null ? null : tellWitness(cluster, witness);
  move(cluster, index, before);
  if (reason === null) return accepted(null);
  return refused(
    'admission-control',
    `${doing} ${guest.name} on ${cluster.hosts[chosen]!.name} would leave too little room for the loss of ${losses} host${losses > 1 ? 's' : ''}: ${reason}. Stop a guest, add a host, or change failure.toleratedHostFailures of pool ${pool.name}.`,
    {
      admission: pool.failure.admission,
      lostHosts: witness!.hosts.map((host) => cluster.hosts[host]!.id),
      guestsDown: witness!.guests.map((each) => cluster.guests[each]!.id),
    },
  );
}

/** Guests that are not to be restarted when their host is lost, by their index. */
export function notRestarted({ fleet }: FleetTurn, cluster: Cluster): ReadonlySet<number> {
  return new Set(
    cluster.guests.flatMap(({ id }, index) => (fleet.guests.get(id)?.restartPriority === 'disabled' ? [index] : [])),
  );
}

/** More hosts than that are told by their number. */
const toldHosts = 6;

function tellWitness(cluster: Cluster, { hosts, guests }: LossWitness): string {
  const asks = guests.map((guest) => {
    const reserved = cluster.guestReservation[guest]!;
    return `${cluster.guests[guest]!.name} (${cluster.guestMemory[guest]} MiB${reserved > 0 ? `, ${reserved} millicores reserved` : ''})`;
  });
  const others = usableHosts(cluster)
    .filter((host) => !hosts.includes(host))
    .sort((a, b) => freeMemory(cluster, b) - freeMemory(cluster, a) || a - b);
  const free = others
    .slice(0, toldHosts)
    .map(
      (host) =>
        `${cluster.hosts[host]!.name} ${freeMemory(cluster, host)} MiB and ${freeReservation(cluster, host)} millicores`,
    );
  const more = others.length > toldHosts ? ` and less memory on each of ${others.length - toldHosts} more hosts` : '';
  const names = hosts.map((host) => cluster.hosts[host]!.name).join(' and ');
  return `without ${names}, ${asks.join(', ')} would find no place beside the other guests that are lost with ${hosts.length > 1 ? 'them' : 'it'}; free are ${free.join(', ')}${more}`;
}

/** Takes guests, as far as its health goes. */
function isWell({ degraded, quarantined }: Host): boolean {
  return degraded === null && !quarantined;
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
