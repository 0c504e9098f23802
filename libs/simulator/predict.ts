import type { DrillFault, DrillPrediction } from '@argosy/control/fleet-types';
import type { Inventory } from '@argosy/control/ports/fleet-store';
import type { Guest, Host, HostCapacity } from '@argosy/domain/entities';
import type { Drill } from '@argosy/domain/drill';
import type { GuestState } from '@argosy/domain/lifecycle';
import type { FleetRequest } from '@argosy/domain/fleet-request';
import { accepted, refused } from '@argosy/domain/refusal';
import type { Result } from '@argosy/domain/refusal';
import { World } from './world';
import type { Calibration } from './world';

/** Until every host has reported and the channels count. */
const settleMs = 5_000;
const longestDrillMs = 125_000;

/**
 * Runs the same drill in a simulated world that begins as the inventory stands: the same brain, so the same decisions, and
 * the times of the calibration. A drill that the brain refuses is refused here too, before anything real is broken.
 */
export function predictDrill(
  inventory: Inventory,
  fault: DrillFault,
  calibration: Calibration = {},
): Result<DrillPrediction> {
  const part = concernedBy(inventory, fault);
  const world = new World({ inventory: asSimulated(part), controllers: 1, calibration, checked: false });
  world.run(settleMs);
  let answer: Result<unknown> | null = null;
  world.request('prediction', drillRequest(fault), (result) => (answer = result));
  const drill = (): Drill | undefined => [...world.store.rows.drill.values()].at(-1);
  world.runWhile(() => (answer?.ok ?? true) && (drill()?.endedAt ?? null) === null, longestDrillMs);
  const refusal = refusalOf(answer);
  if (refusal) return refusal;
  const row = drill();
  if (!row) return refused('deadline-passed', 'the simulated drill did not begin');
  return accepted({
    phases: Object.fromEntries(row.phases.map((phase) => [phase.name, phase.measuredMs])),
    outages: row.outages.map(({ guestId, outageMs, toHostId }) => ({ guestId, outageMs, toHostId })),
  });
}

/** A fleet with more guests is predicted by the part of it that a drill bears on: whoever asks has other things to do as well. */
const wholeUpToGuests = 500;
/** Where its guests may go: those with the most room. */
const consideredHosts = 60;

/**
 * The drilled host with its guests, and the hosts of its pool with the most room, less what their own guests take of it. In a large
 * fleet nothing else has a part in what happens; where they go may be another of many that are alike.
 */
export function concernedBy(inventory: Inventory, fault: DrillFault): Inventory {
  if (inventory.guests.length <= wholeUpToGuests) return inventory;
  const drilled = inventory.guests.find(({ id }) => id === fault.guestId);
  const host = inventory.hosts.find(({ id }) => id === (fault.hostId ?? drilled?.hostId));
  if (!host) return inventory;
  const taken = new Map<string, { memoryMiB: number; cpuMillicores: number }>();
  for (const { hostId, memoryMiB, cpuReservationMillicores } of inventory.guests) {
    const sum = taken.get(hostId ?? '') ?? { memoryMiB: 0, cpuMillicores: 0 };
    sum.memoryMiB += memoryMiB;
    sum.cpuMillicores += cpuReservationMillicores;
    taken.set(hostId ?? '', sum);
  }
  const others = inventory.hosts
    .filter(({ id, poolId }) => id !== host.id && poolId === host.poolId)
    .map((other) => ({ ...other, capacity: less(other.capacity, taken.get(other.id)) }))
    .sort((a, b) => b.capacity.memoryMiB - a.capacity.memoryMiB || (a.name < b.name ? -1 : 1))
    .slice(0, consideredHosts);
  return {
    ...inventory,
    pools: inventory.pools.filter(({ id }) => id === host.poolId),
    hosts: [host, ...others],
    guests: inventory.guests.filter(({ hostId }) => hostId === host.id),
  };
}

function less(capacity: HostCapacity, taken: HostCapacity = { cpuMillicores: 0, memoryMiB: 0 }): HostCapacity {
  return {
    cpuMillicores: Math.max(0, capacity.cpuMillicores - taken.cpuMillicores),
    memoryMiB: Math.max(0, capacity.memoryMiB - taken.memoryMiB),
  };
}

function refusalOf(
  answer: Result<unknown> | null,
): { readonly ok: false; readonly refusal: Extract<Result<never>, { ok: false }>['refusal'] } | null {
  return answer && !answer.ok ? answer : null;
}

function drillRequest({ kind, hostId, guestId, impairment }: DrillFault): FleetRequest {
  return {
    kind: 'drill.run',
    drill: kind,
    ...(hostId === null ? {} : { host: hostId }),
    ...(guestId === null ? {} : { guest: guestId }),
    ...(impairment === null ? {} : { impairment }),
  };
}

/**
 * The simulation's clock begins at 0 and what is under way now is taken as over: migrations and drills have ended, guests
 * run where their placement is. `balances`: as the pool's policy is; without, nothing is moved for balance.
 */
export function asSimulated(inventory: Inventory, { balances = false } = {}): Inventory {
  return {
    ...inventory,
    pools: inventory.pools.map((pool) => ({
      ...pool,
      balance: balances ? pool.balance : { ...pool.balance, automation: 'partial' as const },
      createdAt: 0,
    })),
    hosts: inventory.hosts.map((host) => ({
      ...host,
      state: isUp(host) ? 'online' : 'offline',
      failures: [],
      createdAt: 0,
    })),
    guests: inventory.guests.map((guest) => ({
      ...guest,
      state: settledState(guest),
      createdAt: 0,
      movedAt: null,
      retryAt: null,
      failedStarts: 0,
      restarts: [],
      lostAt: null,
    })),
    diskOperations: [],
    snapshots: [],
    migrations: [],
    recommendations: [],
    drills: [],
    rolls: [],
    tasks: [],
    alarms: [],
  };
}

/** A host whose agent is silent still runs its guests. */
function isUp(host: Host): boolean {
  return host.state === 'online' || host.state === 'suspect' || host.state === 'disconnected';
}

function settledState(guest: Guest): GuestState {
  if (guest.hostId === null || guest.desired === 'stopped') return guest.state;
  return guest.desired === 'paused' ? 'paused' : 'running';
}
