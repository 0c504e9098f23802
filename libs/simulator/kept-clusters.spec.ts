import { clusterOf } from '@argosy/control/fleet/placement';
import { emptyIndexes, type FleetIndexes, reindex } from '@argosy/control/fleet/indexes';
import { collections, type FleetTurn } from '@argosy/control/fleet/turn';
import type { Fleet } from '@argosy/control/fleet-types';
import type { EntityKind } from '@argosy/control/ports/fleet-store';
import type { Cluster } from '@argosy/scheduler/cluster';
import { inventoryOf } from './inventory-plan';
import { parseScenario } from './scenario-text';
import { generateSoak } from './soak/generate';
import { World } from './world';

const lookEveryMs = 1_700;

/** All that a scheduler reads in it. */
function figuresOf(cluster: Cluster): string {
  const {
    watchers: _,
    hostIndex: _hosts,
    guestIndex: _guests,
    hostTouched: _h,
    guestTouched: _g,
    ...figures
  } = cluster;
  const plain = (value: unknown): unknown =>
    ArrayBuffer.isView(value)
      ? [...(value as Float64Array)]
      : value instanceof Map || value instanceof Set
        ? [...value]
        : value;
  return JSON.stringify(figures, (_name, value: unknown) => plain(value));
}

/** What the leader has kept and brought up to date, and what it would build from nothing. */
function keptAndBuilt(world: World, purpose: 'ordinary' | 'failover'): readonly [string, string] | null {
  const fleet = world.leader()?.fleet;
  if (!fleet?.leading) return null;
  const turn: FleetTurn = { fleet, now: world.clock.now, writes: [], effects: [], actor: 'test' };
  const kept = figuresOf(clusterOf(turn, 'main', purpose));
  const clusters = new Map(fleet.clusters);
  fleet.clusters.clear();
  const built = figuresOf(clusterOf(turn, 'main', purpose));
  fleet.clusters.clear();
  for (const [key, cluster] of clusters) fleet.clusters.set(key, cluster);
  return [kept, built];
}

/** In one order, and without what is empty: that was something once. */
function plainIndexes({ ofHosts: _, ...indexes }: FleetIndexes): unknown {
  const plain = (value: unknown): unknown => {
    if (value instanceof Set) return [...(value as Set<string>)].sort();
    if (!(value instanceof Map)) return value;
    const entries = [...(value as Map<string, unknown>)].map(([key, each]) => [key, plain(each)] as const);
    return entries
      .filter(([, each]) => !/^(\[\]|{}|{"memoryMiB":0,.*})$/.test(JSON.stringify(each)))
      .sort(([a], [b]) => (a < b ? -1 : 1));
  };
  return Object.fromEntries(Object.entries(indexes).map(([name, index]) => [name, plain(index)]));
}

function indexesOfRows(fleet: Fleet): FleetIndexes {
  const indexes = emptyIndexes();
  for (const [kind, collection] of Object.entries(collections))
    for (const row of fleet[collection].values()) reindex(indexes, kind as EntityKind, undefined, row);
  return indexes;
}

test.each([3, 92])(
  'seed %i: whatever happens to a fleet, the clusters and indexes that are kept are those that would be built',
  (seed) => {
    const parsed = parseScenario(generateSoak(seed), `seed ${seed}`);
    if (!parsed.ok) throw new Error(parsed.refusal.message);
    const scenario = parsed.value;
    // Figures that are news each second would hide what is forgotten.
    const world = new World({ inventory: inventoryOf(scenario), checked: false, figuresEveryMs: 30_000 });
    for (const step of scenario.steps) world.clock.at(step.atMs, () => step.action(world));
    let looks = 0;
    while (world.clock.now < scenario.untilMs) {
      world.run(lookEveryMs);
      const fleet = world.leader()?.fleet;
      if (fleet?.leading) expect(plainIndexes(fleet.indexes)).toEqual(plainIndexes(indexesOfRows(fleet)));
      for (const purpose of ['ordinary', 'failover'] as const) {
        const both = keptAndBuilt(world, purpose);
        if (both === null) continue;
        looks++;
        if (both[0] !== both[1]) expect(JSON.parse(both[0])).toEqual(JSON.parse(both[1]));
      }
    }
    expect(looks).toBeGreaterThan(150);
  },
);
