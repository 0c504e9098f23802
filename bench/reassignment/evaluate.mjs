// What an assignment costs and what it breaks, computed afresh from the instance, term by term as the problem statement
// has them. It shares nothing with the optimizer, whose answers it judges.

/** @typedef {import('../../libs/scheduler/model/model.js').ModelDescription} Instance */

/**
 * @param {Instance} instance
 * @param {ArrayLike<number>} assignment machine by process
 * @returns {{ cost: number, violations: string[] }} violations: a sentence for each constraint that is broken
 */
export function evaluate(instance, assignment) {
  const outOfRange = Array.from({ length: instance.items }, (_unused, item) => item).find((item) => {
    const host = assignment[item];
    return host === undefined || !Number.isInteger(host) || host < 0 || host >= instance.hosts;
  });
  if (outOfRange !== undefined)
    return {
      cost: NaN,
      violations: [`process ${outOfRange} is on machine ${assignment[outOfRange]}, which does not exist`],
    };
  const usage = usageOf(instance, assignment);
  return {
    cost: loadCost(instance, usage) + balanceCost(instance, usage) + moveCost(instance, assignment),
    violations: [
      ...brokenCapacities(instance, assignment, usage),
      ...brokenGroups(instance, assignment),
      ...brokenDependencies(instance, assignment),
    ],
  };
}

/** @param {ArrayLike<number>} table @param {number} index */
const at = (table, index) => /** @type {number} */ (table[index]);

/** @param {Float64Array | Int32Array} table @param {number} index @param {number} amount */
const add = (table, index, amount) => (table[index] = at(table, index) + amount);

/** @param {Instance} instance @param {ArrayLike<number>} assignment */
function usageOf({ items, hosts, resources, demand }, assignment) {
  const width = resources.length;
  const usage = new Float64Array(hosts * width);
  for (let item = 0; item < items; item++)
    for (let resource = 0; resource < width; resource++)
      add(usage, at(assignment, item) * width + resource, at(demand, item * width + resource));
  return usage;
}

/** @param {Instance} instance @param {Float64Array} usage */
function loadCost({ hosts, resources, safetyCapacity }, usage) {
  let cost = 0;
  resources.forEach(({ loadWeight }, resource) => {
    for (let host = 0; host < hosts; host++) {
      const place = host * resources.length + resource;
      cost += loadWeight * Math.max(0, at(usage, place) - at(safetyCapacity, place));
    }
  });
  return cost;
}

/** @param {Instance} instance @param {Float64Array} usage */
function balanceCost({ hosts, resources, capacity, balances }, usage) {
  let cost = 0;
  for (const { first, second, target, weight } of balances)
    for (let host = 0; host < hosts; host++) {
      const [one, other] = [host * resources.length + first, host * resources.length + second];
      const left = at(capacity, one) - at(usage, one);
      const leftOfOther = at(capacity, other) - at(usage, other);
      cost += weight * Math.max(0, target * left - leftOfOther);
    }
  return cost;
}

/** @param {Instance} instance @param {ArrayLike<number>} assignment */
function moveCost(instance, assignment) {
  const { items, hosts, groups, groupOf, placement, itemMoveCost, hostMoveCost } = instance;
  let [ofItems, ofHosts] = [0, 0];
  const movedOf = new Int32Array(groups);
  for (let item = 0; item < items; item++) {
    const [from, to] = [at(placement, item), at(assignment, item)];
    ofHosts += at(hostMoveCost, from * hosts + to);
    if (from === to) continue;
    ofItems += at(itemMoveCost, item);
    add(movedOf, at(groupOf, item), 1);
  }
  const ofGroups = movedOf.reduce((most, count) => Math.max(most, count), 0);
  return instance.itemMoveWeight * ofItems + instance.groupMoveWeight * ofGroups + instance.hostMoveWeight * ofHosts;
}

/** A transient resource is held on the old machine as well. @param {Instance} instance @param {ArrayLike<number>} assignment @param {Float64Array} usage */
function brokenCapacities({ items, hosts, resources, demand, capacity, placement }, assignment, usage) {
  const width = resources.length;
  const held = usage.slice();
  for (let item = 0; item < items; item++) {
    const from = at(placement, item);
    if (from === assignment[item]) continue;
    resources.forEach(({ isTransient }, resource) => {
      if (isTransient) add(held, from * width + resource, at(demand, item * width + resource));
    });
  }
  const violations = [];
  for (let host = 0; host < hosts; host++)
    for (let resource = 0; resource < width; resource++) {
      const [needed, there] = [at(held, host * width + resource), at(capacity, host * width + resource)];
      if (needed > there)
        violations.push(`machine ${host} holds ${needed} of resource ${resource} and has a capacity of ${there}`);
    }
  return violations;
}

/** @param {Instance} instance @param {ArrayLike<number>} assignment */
function brokenGroups({ items, groups, groupOf, locationOf, spreadMinimum }, assignment) {
  const violations = [];
  const hostsOf = Array.from({ length: groups }, () => /** @type {Set<number>} */ (new Set()));
  for (let item = 0; item < items; item++) {
    const [group, host] = [at(groupOf, item), at(assignment, item)];
    const taken = /** @type {Set<number>} */ (hostsOf[group]);
    if (taken.has(host)) violations.push(`two processes of service ${group} are on machine ${host}`);
    taken.add(host);
  }
  hostsOf.forEach((taken, group) => {
    const locations = new Set([...taken].map((host) => at(locationOf, host))).size;
    const least = at(spreadMinimum, group);
    if (locations < least) violations.push(`service ${group} is in ${locations} locations, and ${least} is the least`);
  });
  return violations;
}

/** @param {Instance} instance @param {ArrayLike<number>} assignment */
function brokenDependencies(instance, assignment) {
  const { items, groups, groupOf, neighbourhoodOf, dependencyStart, dependencies } = instance;
  const neighbourhoodsOf = Array.from({ length: groups }, () => /** @type {Set<number>} */ (new Set()));
  for (let item = 0; item < items; item++)
    neighbourhoodsOf[at(groupOf, item)]?.add(at(neighbourhoodOf, at(assignment, item)));
  const violations = [];
  for (let group = 0; group < groups; group++)
    for (let place = at(dependencyStart, group); place < at(dependencyStart, group + 1); place++)
      for (const neighbourhood of neighbourhoodsOf[group] ?? [])
        if (!neighbourhoodsOf[at(dependencies, place)]?.has(neighbourhood))
          violations.push(
            `service ${group} is in neighbourhood ${neighbourhood}, where service ${at(dependencies, place)} is not, on which it depends`,
          );
  return violations;
}
