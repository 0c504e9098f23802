import type { ModelDescription } from './model';
import { Random } from './random';

/**
 * A small fleet in which every kind of constraint and cost occurs, drawn from the seed. Where its items are breaks
 * nothing: capacities, spreads and dependencies are drawn last, to fit.
 */
export function aFleet(seed: number): ModelDescription {
  const random = new Random(seed);
  const ints = (count: number, bound: number): Int32Array =>
    Int32Array.from({ length: count }, () => random.below(bound));
  const resources = Array.from({ length: 1 + random.below(3) }, () => ({
    isTransient: random.below(2) === 0,
    loadWeight: random.below(5),
  }));
  const hosts = 2 + random.below(6);
  const groups = 1 + random.below(8);
  const places = Array.from({ length: groups * hosts }, (_unused, place) => place).filter(() => random.below(3) === 0);
  const items = places.length;
  const groupOf = Int32Array.from(places, (place) => Math.floor(place / hosts));
  const placement = Int32Array.from(places, (place) => place % hosts);
  const locationOf = ints(hosts, 3);
  const neighbourhoodOf = ints(hosts, 2);
  const demand = Float64Array.from(ints(items * resources.length, 30));
  const usage = new Float64Array(hosts * resources.length);
  demand.forEach((asked, place) => {
    const item = Math.floor(place / resources.length);
    usage[placement[item]! * resources.length + (place % resources.length)]! += asked;
  });
  const capacity = usage.map((used) => used + random.below(40));
  const inGroup = (group: number): number[] => [...placement].filter((_host, item) => groupOf[item] === group);
  const spreadMinimum = Int32Array.from({ length: groups }, (_unused, group) =>
    random.below(new Set(inGroup(group).map((host) => locationOf[host])).size + 1),
  );
  const near = (group: number): Set<number> => new Set(inGroup(group).map((host) => neighbourhoodOf[host]!));
  const needs = Array.from({ length: groups }, (_unused, group) =>
    Array.from({ length: groups }, (_other, other) => other).filter(
      (other) => random.below(3) === 0 && [...near(group)].every((place) => near(other).has(place)),
    ),
  );
  const dependencyStart = new Int32Array(groups + 1);
  needs.forEach((needed, group) => (dependencyStart[group + 1] = dependencyStart[group]! + needed.length));
  const resource = (): number => random.below(resources.length);
  return {
    resources,
    balances: Array.from({ length: random.below(3) }, () => ({
      first: resource(),
      second: resource(),
      target: random.below(4),
      weight: random.below(5),
    })),
    hosts,
    capacity,
    safetyCapacity: capacity.map((there) => random.below(there + 1)),
    locationOf,
    neighbourhoodOf,
    hostMoveCost: ints(hosts * hosts, 4).map((cost, place) => (place % (hosts + 1) === 0 ? 0 : cost)),
    groups,
    spreadMinimum,
    dependencyStart,
    dependencies: Int32Array.from(needs.flat()),
    items,
    groupOf,
    demand,
    itemMoveCost: Float64Array.from(ints(items, 10)),
    itemMoveWeight: random.below(3),
    groupMoveWeight: random.below(20),
    hostMoveWeight: random.below(5),
    placement,
  };
}
