import type { DrillFault, DrillPrediction } from '@argosy/control/fleet-types';
import type { Inventory } from '@argosy/control/ports/fleet-store';
import type { Guest, Host } from '@argosy/domain/entities';
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
  const world = new World({ inventory: asSimulated(inventory), controllers: 1, calibration, checked: false });
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
