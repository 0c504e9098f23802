import type { Guest, Host, HostCapacity } from '@argosy/domain/entities';
import type { BalancePolicy } from '@argosy/domain/policies';
import { buildCluster, type Cluster, type GuestFigures, type HostUse } from '@argosy/scheduler/cluster';
import { renewCluster } from '@argosy/scheduler/renew-cluster';
import type { Fleet, KeptCluster } from '../fleet-types';
import { defaultBalance } from '../defaults';
import { isBusy } from './begin-disk-operation';
import { datastoresOf, missingDatastores } from './datastores';
import { type FigureMakers, newsOf, noteCooling } from './kept-clusters';
import { isBeingEmptied } from './host-use';
import { moveOf } from './lookup';
import { strangersOn } from './strangers';
import { type FleetTurn, isOff, poolOf, put } from './turn';

/** A guest that nothing is known of yet is expected to use this much, so that ten new ones do not land on one host. */
const presumedMillicores = 50;

/**
 * The pool as the scheduler sees it, from what is placed and what the hosts report. It is kept, and what has changed since is
 * looked at again; whoever is given one may change it in thought, and the next one who asks gets it as it is.
 */
export function clusterOf(
  turn: Pick<FleetTurn, 'fleet' | 'now'>,
  poolId: string,
  purpose: 'ordinary' | 'failover' = 'ordinary',
  /** As it would be with that guest's disk there. */
  moved?: { readonly guestId: string; readonly datastoreId: string },
): Cluster {
  const { fleet, now } = turn;
  const makers = figureMakers(turn, poolId, purpose);
  if (moved) {
    const guest = (row: Guest): GuestFigures => makers.guest(row.id === moved.guestId ? { ...row, ...moved } : row);
    return builtCluster(fleet, poolId, { ...makers, guest });
  }
  const key = `${poolId}/${purpose}`;
  const kept = fleet.clusters.get(key);
  const news = kept ? newsOf(fleet, kept, makers, now) : null;
  if (kept && news) {
    kept.cluster = renewCluster(kept.cluster, news);
    return kept.cluster;
  }
  const fresh: KeptCluster = {
    poolId,
    cluster: builtCluster(fleet, poolId, makers),
    changedGuests: new Set(),
    changedHosts: new Set(),
    coolingUntil: new Map(),
    turnedAway: null,
  };
  for (const guest of fleet.guests.values())
    if (guest.poolId === poolId) noteCooling(fresh, guest, makers.coolDownMs, now);
  fleet.clusters.set(key, fresh);
  return fresh.cluster;
}

function builtCluster(fleet: Fleet, poolId: string, makers: FigureMakers): Cluster {
  const byName = (a: { readonly name: string }, b: { readonly name: string }): number => (a.name < b.name ? -1 : 1);
  return buildCluster(
    [...fleet.hosts.values()]
      .filter((host) => host.poolId === poolId)
      .sort(byName)
      .map(makers.host),
    [...fleet.guests.values()]
      .filter((guest) => guest.poolId === poolId)
      .sort(byName)
      .map(makers.guest),
    [...fleet.rules.values()].filter((rule) => rule.poolId === poolId),
  );
}

function figureMakers(
  turn: Pick<FleetTurn, 'fleet' | 'now'>,
  poolId: string,
  purpose: 'ordinary' | 'failover',
): FigureMakers {
  const { fleet, now } = turn;
  const balance = fleet.pools.get(poolId)?.balance ?? defaultBalance;
  const { coolDownMs } = balance;
  let copies: ReadonlyMap<string, ReadonlySet<string>> | null = null;
  return {
    coolDownMs,
    host: (host) => ({
      id: host.id,
      name: host.name,
      ...useOf(host, purpose),
      cpuMillicores: host.capacity.cpuMillicores,
      ...promisable(
        host.capacity,
        balance,
        memoryBesides(fleet, host.id, (copies ??= copiesBesides(fleet)).get(host.id)),
      ),
      failureDomain: host.failureDomain,
      platform: host.capabilities,
      missingDatastores: missingDatastores(fleet, host),
    }),
    guest: (guest) => ({
      id: guest.id,
      name: guest.name,
      hostId: expectedHost(fleet, guest),
      leavingHostId: guest.state === 'migrating' ? guest.hostId : null,
      cpuDemandMillicores: demandOf(fleet, guest),
      cpuReservationMillicores: guest.cpuReservationMillicores,
      cpuShares: guest.cpuShares,
      memoryMiB: guest.memoryMiB,
      vcpus: guest.vcpus,
      dirtyBytesPerSecond: fleet.demand.get(guest.id)?.dirtyBytesPerSecond ?? 0,
      memoryMachine: guest.memoryPath === null ? null : guest.memoryMachine,
      architecture: fleet.images.get(guest.imageId)?.architecture,
      datastores: datastoresOf(fleet, guest).map(({ id, name, hostId }) => ({ id, name, hostId })),
      pinned:
        guest.state !== 'running' ||
        isBusy(fleet, guest.id) ||
        (guest.movedAt !== null &&
          now - guest.movedAt < coolDownMs &&
          !isBeingEmptied(fleet.hosts.get(guest.hostId ?? ''))),
    }),
  };
}

/** By host, guests whose copies are there though they have no place there: what a move left behind until it is destroyed, and what is tried under a disk's lock. */
function copiesBesides(fleet: Fleet): ReadonlyMap<string, ReadonlySet<string>> {
  const copies = new Map<string, Set<string>>();
  const add = (hostId: string, guestId: string): void => {
    const known = copies.get(hostId);
    if (known) known.add(guestId);
    else copies.set(hostId, new Set([guestId]));
  };
  for (const { step, guestId, sourceHostId, targetHostId } of fleet.migrations.values())
    if (step === 'release' && sourceHostId !== targetHostId) add(sourceHostId, guestId);
  for (const [guestId, { hostId }] of fleet.takeOvers) add(hostId, guestId);
  return copies;
}

/** Beside the guests that have a place there: by the record, and by what the host still shows, as of a move that was called off. */
function memoryBesides(fleet: Fleet, hostId: string, copies: ReadonlySet<string> | undefined): number {
  const guestIds = new Set([...(copies ?? []), ...strangersOn(fleet, hostId, fleet.views.get(hostId)?.guests)]);
  let taken = 0;
  for (const id of guestIds) taken += fleet.guests.get(id)?.memoryMiB ?? 0;
  return taken;
}

/** What the pool's over-commit makes of a host, less what is taken there by nobody who has a place. */
export function promisable(
  { memoryMiB, cpuMillicores }: HostCapacity,
  { memoryRatio, vcpuRatio }: Pick<BalancePolicy, 'memoryRatio' | 'vcpuRatio'>,
  takenMiB = 0,
): { readonly memoryMiB: number; readonly vcpus?: number } {
  const memory = Math.floor(memoryMiB * memoryRatio) - takenMiB;
  return vcpuRatio === 0
    ? { memoryMiB: memory }
    : { memoryMiB: memory, vcpus: Math.max(1, Math.floor((cpuMillicores / 1000) * vcpuRatio)) };
}

/** MiB that this host's guests may have together. */
export function promisableOf(turn: FleetTurn, host: Host): number {
  return promisable(host.capacity, poolOf(turn.fleet, host).balance).memoryMiB;
}

/** What it waits for beyond its limit it would get nowhere. */
function demandOf(fleet: Fleet, guest: Guest): number {
  const asked = fleet.demand.get(guest.id)?.cpuMillicores ?? presumedMillicores;
  return Math.min(asked, guest.cpuLimitMillicores ?? Infinity);
}

/** A guest in a migration counts where it goes; its room at the source is free only when it has left. */
function expectedHost(fleet: Fleet, guest: Guest): string | null {
  if (guest.state !== 'migrating') return guest.hostId;
  return moveOf(fleet, guest.id)?.targetHostId ?? guest.hostId;
}

function useOf(host: Host, purpose: 'ordinary' | 'failover'): { use: HostUse; useReason: string } {
  if (isOff(host) && host.standby !== 'none') return { use: 'unusable', useReason: 'it is off to save power' };
  if (host.state !== 'online')
    return { use: 'unusable', useReason: `it is ${host.state}${host.stateReason ? ` (${host.stateReason})` : ''}` };
  if (host.degraded !== null) return { use: 'evacuating', useReason: `it is degraded (${host.degraded.reason})` };
  if (host.quarantined) return { use: 'unusable', useReason: 'it is in quarantine: it has failed too often' };
  if (host.maintenance !== 'none') return { use: 'evacuating', useReason: 'it is in maintenance' };
  if (host.standby !== 'none') return { use: 'evacuating', useReason: 'it is emptied to save power' };
  if (host.failoverOnly && purpose === 'ordinary') return { use: 'unusable', useReason: 'it is kept for failover' };
  return { use: 'usable', useReason: '' };
}

/** Opens a placement at the next epoch, in the database with compare-and-set: the guest's row says the same. */
export function openPlacement(turn: FleetTurn, guest: Guest, hostId: string, epoch: number, reason: string): Guest {
  turn.writes.push({
    kind: 'open-placement',
    placement: { guestId: guest.id, hostId, epoch, from: turn.now, to: null, reason, endReason: null },
  });
  indexGuest(turn.fleet, guest.id, guest.hostId, hostId);
  return { ...guest, hostId, epoch, reservedEpoch: Math.max(guest.reservedEpoch, epoch) };
}

export function closePlacement(turn: FleetTurn, guest: Guest, endReason: string): Guest {
  if (guest.hostId === null) return guest;
  turn.writes.push({ kind: 'close-placement', guestId: guest.id, epoch: guest.epoch, to: turn.now, endReason });
  indexGuest(turn.fleet, guest.id, guest.hostId, null);
  const row = { ...guest, hostId: null };
  put(turn, 'guest', row);
  return row;
}

export function indexGuest(fleet: Fleet, guestId: string, from: string | null, to: string | null): void {
  if (from !== null) fleet.guestsOn.get(from)?.delete(guestId);
  if (to === null) return;
  const here = fleet.guestsOn.get(to);
  if (here) here.add(guestId);
  else fleet.guestsOn.set(to, new Set([guestId]));
}
