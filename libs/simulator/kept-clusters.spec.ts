import { clusterOf } from '@argosy/control/fleet/placement';
import type { FleetTurn } from '@argosy/control/fleet/turn';
import type { Cluster } from '@argosy/scheduler/cluster';
import { inventoryOf } from './inventory-plan';
import { parseScenario } from './scenario-text';
import { generateSoak } from './soak/generate';
import { World } from './world';

const lookEveryMs = 1_700;

/** All that a scheduler reads in it. */
function figuresOf(cluster: Cluster): string {
  const { watchers: _, hostIndex: _hosts, guestIndex: _guests, ...figures } = cluster;
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

test.each([3, 92])(
  'seed %i: whatever happens to a fleet, the cluster that is kept is the one that would be built',
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
