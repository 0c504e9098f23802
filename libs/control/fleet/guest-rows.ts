import type { Guest, Host, Pool } from '@argosy/domain/entities';
import type { Image } from '@argosy/domain/storage';
import { usualLimits } from '@argosy/domain/guest-specification';
import type { NewGuest } from '@argosy/domain/fleet-request';
import { freeAddress, macAddressOf } from '@argosy/domain/network';
import { accepted, refused, type Result } from '@argosy/domain/refusal';
import { askedOfHosts, reindex } from './indexes';
import { forgetPool } from './kept-clusters';
import type { FleetTurn } from './turn';

export function nextAddress(turn: FleetTurn, pool: Pool): Result<string> {
  const { fleet } = turn;
  const address = freeAddress(pool.network, fleet.addresses, fleet.lastAddress.get(pool.id) ?? null);
  if (address === null)
    return refused(
      'subnet-full',
      `Every address of ${pool.network.subnet} is taken: remove guests, or widen network.subnet of pool ${pool.name}.`,
    );
  fleet.lastAddress.set(pool.id, address);
  return accepted(address);
}

export function newGuest(
  turn: FleetTurn,
  wanted: Omit<NewGuest, 'pool'>,
  {
    pool,
    image,
    datastoreId,
    address,
  }: { readonly pool: Pool; readonly image: Image; readonly datastoreId: string; readonly address: string },
): Guest {
  return {
    id: turn.fleet.newId(),
    name: wanted.name,
    poolId: pool.id,
    imageId: image.id,
    datastoreId,
    vcpus: wanted.vcpus ?? 1,
    memoryMiB: wanted.memoryMiB ?? Math.max(64, image.minimumMemoryMiB),
    diskMiB: wanted.diskMiB ?? 16,
    cpuReservationMillicores: wanted.cpuReservationMillicores ?? 0,
    cpuLimitMillicores: wanted.cpuLimitMillicores ?? null,
    cpuShares: wanted.cpuShares ?? usualLimits.cpuShares,
    restartPriority: wanted.restartPriority ?? 'medium',
    display: wanted.display ?? 'none',
    cloudInit: wanted.cloudInit ?? null,
    address,
    macAddress: macAddressOf(address),
    desired: 'stopped',
    state: 'stopped',
    stateReason: '',
    memoryPath: null,
    memoryMachine: null,
    epoch: 0,
    reservedEpoch: 0,
    hostId: null,
    createdAt: turn.now,
    movedAt: null,
    failedStarts: 0,
    retryAt: null,
    restarts: [],
    lostAt: null,
    probe: wanted.probe ?? null,
    isTemplate: false,
    clonedFrom: null,
    diskMade: false,
    basePaths: [],
  };
}

interface Largest {
  /** By memory; null: the pool has no host. */
  readonly largest: Host | null;
  readonly mostMillicores: number;
}

function largestOf({ fleet }: FleetTurn, poolId: string): Largest {
  return askedOfHosts(fleet.indexes, `largest host of ${poolId}`, () => {
    const hosts = [...fleet.hosts.values()].filter((host) => host.poolId === poolId);
    const largest = hosts.reduce<Host | null>(
      (best, host) => (best === null || host.capacity.memoryMiB > best.capacity.memoryMiB ? host : best),
      null,
    );
    return { largest, mostMillicores: Math.max(0, ...hosts.map(({ capacity }) => capacity.cpuMillicores)) };
  });
}

/** What no host of the pool could ever run is refused when it is asked for, not when it is started. */
export function misfit(turn: FleetTurn, guest: Guest, image: Image): Result<null> {
  if (guest.memoryMiB < image.minimumMemoryMiB)
    return refused(
      'invalid-request',
      `Image ${image.name} needs at least ${image.minimumMemoryMiB} MiB; ${guest.name} asks for ${guest.memoryMiB}.`,
    );
  const { largest, mostMillicores } = largestOf(turn, guest.poolId);
  if (largest && guest.memoryMiB > largest.capacity.memoryMiB)
    return refused(
      'memory-exceeds-every-host',
      `${guest.name} asks for ${guest.memoryMiB} MiB; the largest host of its pool, ${largest.name}, has ${largest.capacity.memoryMiB}.`,
    );
  if (largest && guest.cpuReservationMillicores > mostMillicores)
    return refused(
      'not-enough-cpu',
      `${guest.name} is to reserve ${guest.cpuReservationMillicores} millicores; no host of its pool has more than ${mostMillicores}.`,
    );
  return accepted(null);
}

/** Half done is not done: what is refused later in the same step has not been made either. */
export function undoCreation(turn: FleetTurn, { id, address, poolId }: Guest): void {
  forgetPool(turn.fleet, poolId);
  reindex(turn.fleet.indexes, 'guest', turn.fleet.guests.get(id), undefined);
  turn.fleet.guests.delete(id);
  turn.fleet.addresses.delete(address);
  turn.writes.length = 0;
  turn.effects.length = 0;
}
