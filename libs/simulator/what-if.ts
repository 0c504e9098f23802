import type { Inventory } from '@argosy/control/ports/fleet-store';
import type { Host } from '@argosy/domain/entities';
import type { FleetRequest } from '@argosy/domain/fleet-request';
import { accepted, refused } from '@argosy/domain/refusal';
import type { Result } from '@argosy/domain/refusal';
import type { Change, GuestOutlook, HostOutlook, WhatIf } from '@argosy/domain/simulation';
import { inventoryOf } from './inventory-plan';
import type { ModelInstance } from './model-instance';
import { asSimulated } from './predict';
import { World } from './world';

/** What of an inventory it is about: the rest is history, or under way. */
export type Facts = Pick<Inventory, 'pools' | 'hosts' | 'guests' | 'images' | 'datastores' | 'rules'>;

/** What a guest asks of its host, as last heard; one that was never heard asks for nothing. */
export interface Demand {
  readonly cpuMillicores: number;
  readonly dirtyBytesPerSecond: number;
}

/** What it begins with. */
export interface Premises {
  readonly facts: Facts;
  readonly demand: ReadonlyMap<string, Demand>;
  /** Of a moment of the past: what is not of then. */
  readonly notes: readonly string[];
}

export interface WhatIfPlan {
  readonly changes: readonly Change[];
  readonly forMs: number;
  /** Told from time to time which share of the time has been simulated. */
  readonly onProgress?: (share: number) => void;
}

const settleMs = 5_000;
const lookMs = 100;

/**
 * The inventory in a simulated world, with the loads that its guests had, then the changes, and what the same brain makes
 * of them within that time.
 */
export function whatIf({ facts, demand, notes }: Premises, plan: WhatIfPlan): Result<WhatIf> {
  const inventory: Inventory = { ...inventoryOf({ hosts: [], guests: [] }), ...facts };
  const added = plan.changes.flatMap((change) => (change.kind === 'host-added' ? [change] : []));
  const unknown = plan.changes.find((change) => 'host' in change && !isKnown(inventory, change));
  if (unknown && 'host' in unknown)
    return unknown.kind === 'host-added'
      ? refused('name-taken', `There is a host ${unknown.host} already: give the one that is added another name.`)
      : refused('unknown-host', `There is no host ${unknown.host}.`);
  const world = new World({
    inventory: asSimulated(withHosts(inventory, added), { balances: true }),
    controllers: 1,
    checked: false,
  });
  world.whenBooted((instance) => burden(instance, demand.get(instance.id.guestId)));
  world.run(settleMs);
  const before = outlook(world).filter(({ host }) => !added.some((each) => each.host === host));
  const watch = new GuestWatch(world);
  const from = world.log.length;
  const refusals: string[] = [];
  for (const change of plan.changes) apply(world, change, refusals);
  const until = world.clock.now + plan.forMs;
  while (world.clock.now < until) {
    world.run(lookMs);
    watch.look();
    plan.onProgress?.(1 - (until - world.clock.now) / plan.forMs);
  }
  return accepted({
    before,
    after: outlook(world),
    guests: watch.outlook(),
    refused: refusals,
    alarms: [...world.store.rows.alarm.values()]
      .filter(({ clearedAt }) => clearedAt === null)
      .map(({ message }) => message),
    notes,
    log: world.log.slice(from).map(({ at, text }) => `${((at - settleMs) / 1000).toFixed(3).padStart(8)} ${text}`),
  });
}

function isKnown({ hosts }: Inventory, change: Extract<Change, { host: string }>): boolean {
  return hosts.some(({ name }) => name === change.host) !== (change.kind === 'host-added');
}

type Added = Extract<Change, { kind: 'host-added' }>;

/** Like the pool's other hosts in all that nothing is said of. */
function withHosts(inventory: Inventory, added: readonly Added[]): Inventory {
  const pool = inventory.pools[0]!;
  const plan = added.map(({ host, cpuMillicores, memoryMiB }) => ({ name: host, cpuMillicores, memoryMiB, off: true }));
  const hosts: Host[] = inventoryOf({ hosts: plan, guests: [] }).hosts.map((host) => ({
    ...host,
    poolId: pool.id,
    capabilities: inventory.hosts[0]?.capabilities ?? null,
  }));
  return { ...inventory, hosts: [...inventory.hosts, ...hosts] };
}

function burden(instance: ModelInstance, demand: Demand | undefined): void {
  if (!demand) return;
  const dirtyMBps = Math.round(demand.dirtyBytesPerSecond / 1e6);
  const area = Math.min(dirtyMBps, Math.floor(instance.guest.memoryMiB / 2));
  if (area > 0) instance.consoleWrite(`dirty ${dirtyMBps} ${area} 1\n`);
  const rest = Math.max(0, Math.round(demand.cpuMillicores - instance.demandMillicores()));
  if (rest > 0) instance.consoleWrite(`load ${Math.min(rest, 1000 * instance.guest.vcpus)}\n`);
}

function apply(world: World, change: Change, refusals: string[]): void {
  const ask = (request: FleetRequest): void =>
    world.request('administrator', request, (result) => {
      if (!result.ok) refusals.push(result.refusal.message);
    });
  switch (change.kind) {
    case 'host-lost':
      return world.host(change.host).powerOff();
    case 'host-added':
      return world.host(change.host).powerOn();
    case 'maintenance':
      return ask({ kind: 'host.maintenance', host: change.host, enter: true });
    case 'balance':
      for (const pool of world.store.rows.pool.values())
        ask({ kind: 'pool.update', pool: pool.id, settings: { balance: change.settings } });
  }
}

function outlook(world: World): HostOutlook[] {
  return [...world.store.rows.host.values()]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, state, capacity }) => {
      const running = [...world.host(name).machine.instances.values()].filter((instance) => instance.executes());
      return {
        host: name,
        state,
        guests: running.length,
        cpuDemandMillicores: Math.round(running.reduce((sum, instance) => sum + instance.demandMillicores(), 0)),
        cpuMillicores: capacity.cpuMillicores,
        memoryUsedMiB: running.reduce((sum, { guest }) => sum + guest.memoryMiB, 0),
        memoryMiB: capacity.memoryMiB,
      };
    });
}

interface Watched {
  readonly name: string;
  readonly from: string | null;
  readonly boot: number;
  to: string | null;
  toBoot: number;
  downMs: number;
}

/** Looks where every guest runs, ten times a second. */
class GuestWatch {
  private readonly guests = new Map<string, Watched>();

  constructor(private readonly world: World) {
    for (const { id, name, desired } of world.store.rows.guest.values()) {
      if (desired !== 'running') continue;
      const copy = world.site.runningCopies(id)[0];
      const [at, boot] = [copy?.machine.name ?? null, copy?.memory?.boot ?? 0];
      this.guests.set(id, { name, from: at, boot, to: at, toBoot: boot, downMs: 0 });
    }
  }

  look(): void {
    const copies = new Map(
      [...this.world.site.instances()].filter((each) => each.executes()).map((each) => [each.id.guestId, each]),
    );
    for (const [id, guest] of this.guests) {
      const copy = copies.get(id);
      guest.to = copy?.machine.name ?? null;
      if (copy) guest.toBoot = copy.memory!.boot;
      else guest.downMs += lookMs;
    }
  }

  outlook(): GuestOutlook[] {
    return [...this.guests].flatMap(([id, { name, from, boot, to, toBoot, downMs }]) => {
      const fate = to === null ? 'down' : toBoot > boot ? 'restarted' : to === from ? null : 'moved';
      if (fate === null) return [];
      const reason = fate === 'down' ? (this.world.store.rows.guest.get(id)?.stateReason ?? '') : this.why(id);
      return [{ guest: name, from, to, fate, outageMs: downMs, reason }];
    });
  }

  private why(guestId: string): string {
    const { migration } = this.world.store.rows;
    const moves = [...migration.values()].filter((each) => each.guestId === guestId && each.step === 'done');
    return moves.at(-1)?.reason ?? this.world.store.placements.get(guestId)?.at(-1)?.reason ?? '';
  }
}
