/**
 * The dense model that every question about a fleet is put to: items (guests) on hosts, everything a number, everything
 * in typed arrays. What an item costs on a host is a sum over *dimensions*. A resource is a dimension with a limit; a
 * balance between two resources is a dimension without one, for its level is linear in the items as well:
 *
 *     cost of a host = Σ over dimensions of weight · max(0, Σ of its items' demand − threshold)
 *
 * So the search has one loop for both. The layout is by item and by host, dimensions adjacent.
 */

export interface Resource {
  /** A moving item holds it on both hosts until it has arrived. */
  readonly isTransient: boolean;
  /** The cost of each unit above a host's safety capacity. */
  readonly loadWeight: number;
}

/** Wanted: for each unit of `first` that a host has left, `target` units of `second`. Each unit short costs `weight`. */
export interface Balance {
  readonly first: number;
  readonly second: number;
  readonly target: number;
  readonly weight: number;
}

/** A problem as its source has it. Tables are by row: `demand[item * resources + resource]`. */
export interface ModelDescription {
  readonly resources: readonly Resource[];
  readonly balances: readonly Balance[];
  readonly hosts: number;
  readonly capacity: Float64Array;
  readonly safetyCapacity: Float64Array;
  readonly locationOf: Int32Array;
  readonly neighbourhoodOf: Int32Array;
  /** By the host that an item is on at first, and the one it goes to. */
  readonly hostMoveCost: Int32Array;
  readonly groups: number;
  /** At least so many locations have an item of the group. */
  readonly spreadMinimum: Int32Array;
  /** Group g needs the groups dependencies[dependencyStart[g]] up to dependencyStart[g + 1] in each neighbourhood where it is. */
  readonly dependencyStart: Int32Array;
  readonly dependencies: Int32Array;
  readonly items: number;
  /** Items of one group are on distinct hosts. */
  readonly groupOf: Int32Array;
  readonly demand: Float64Array;
  readonly itemMoveCost: Float64Array;
  readonly itemMoveWeight: number;
  /** For each move in the group that has most of them. */
  readonly groupMoveWeight: number;
  readonly hostMoveWeight: number;
  /** Where the items are. */
  readonly placement: Int32Array;
  /** Hosts that items must not be on, by class of items: 1 in `forbidden[class * hosts + host]`. */
  readonly forbidden?: { readonly classOf: Int32Array; readonly forbidden: Uint8Array };
}

export interface Model {
  readonly hosts: number;
  readonly items: number;
  readonly groups: number;
  /** Balances first, then transient resources, then the others. */
  readonly dimensions: number;
  readonly firstTransient: number;
  readonly firstPlain: number;
  readonly weight: Float64Array;
  readonly demand: Float64Array;
  readonly limit: Float64Array;
  readonly threshold: Float64Array;

  readonly groupOf: Int32Array;
  /** The items of group g: members[memberStart[g]] up to memberStart[g + 1]. */
  readonly memberStart: Int32Array;
  readonly members: Int32Array;
  /** Rows of the tables that only some groups have; -1: this group needs none. */
  readonly apartRow: Int32Array;
  readonly apartRows: number;
  readonly spreadRow: Int32Array;
  readonly spreadRows: number;
  readonly spreadMinimum: Int32Array;
  readonly nearRow: Int32Array;
  readonly nearRows: number;
  /** Rows of what a group needs near it, and of what needs it. */
  readonly needStart: Int32Array;
  readonly needs: Int32Array;
  readonly neededStart: Int32Array;
  readonly neededBy: Int32Array;

  readonly locations: number;
  readonly locationOf: Int32Array;
  readonly neighbourhoods: number;
  readonly neighbourhoodOf: Int32Array;

  readonly origin: Int32Array;
  /** Weighted, as are those between hosts. */
  readonly itemMoveCost: Float64Array;
  /** Hosts that are equally far from all others share a class, so that the table stays in the processor's cache. */
  readonly distanceClassOf: Int32Array;
  readonly distanceClasses: number;
  readonly distance: Float64Array;
  readonly groupMoveWeight: number;

  /** Empty table: every item may be on every host. */
  readonly eligibilityOf: Int32Array;
  readonly forbidden: Uint8Array;
}

export function buildModel(description: ModelDescription): Model {
  const { hosts, items, groups } = description;
  return {
    hosts,
    items,
    groups,
    ...dimensionTables(description),
    ...groupTables(description),
    locations: countOf(description.locationOf),
    locationOf: description.locationOf,
    neighbourhoods: countOf(description.neighbourhoodOf),
    neighbourhoodOf: description.neighbourhoodOf,
    origin: description.placement,
    itemMoveCost: description.itemMoveCost.map((cost) => cost * description.itemMoveWeight),
    ...distanceTables(description),
    groupMoveWeight: description.groupMoveWeight,
    eligibilityOf: description.forbidden?.classOf ?? new Int32Array(0),
    forbidden: description.forbidden?.forbidden ?? new Uint8Array(0),
  };
}

function countOf(indices: Int32Array): number {
  let largest = -1;
  for (const index of indices) largest = Math.max(largest, index);
  return largest + 1;
}

/** A balance's level, target · left(first) − left(second), rises with the demand for `second` and falls with that for `first`. */
function dimensionTables(description: ModelDescription) {
  const { resources, balances, hosts, items } = description;
  const indices = resources.map((_resource, index) => index);
  const transient = indices.filter((index) => resources[index]!.isTransient);
  const order = [...transient, ...indices.filter((index) => !resources[index]!.isTransient)];
  const dimensions = balances.length + order.length;
  const demand = new Float64Array(items * dimensions);
  const limit = new Float64Array(hosts * dimensions);
  const threshold = new Float64Array(hosts * dimensions);
  const width = resources.length;
  const fill = (count: number, put: (row: number, source: number) => void): void => {
    for (let index = 0; index < count; index++) put(index * dimensions, index * width);
  };
  balances.forEach(({ first, second, target }, dimension) => {
    fill(items, (row, source) => {
      demand[row + dimension] = description.demand[source + second]! - target * description.demand[source + first]!;
    });
    fill(hosts, (row, source) => {
      limit[row + dimension] = Infinity;
      threshold[row + dimension] =
        description.capacity[source + second]! - target * description.capacity[source + first]!;
    });
  });
  order.forEach((resource, place) => {
    const dimension = balances.length + place;
    fill(items, (row, source) => (demand[row + dimension] = description.demand[source + resource]!));
    fill(hosts, (row, source) => {
      limit[row + dimension] = description.capacity[source + resource]!;
      threshold[row + dimension] = description.safetyCapacity[source + resource]!;
    });
  });
  const weight = Float64Array.from([
    ...balances.map((balance) => balance.weight),
    ...order.map((resource) => resources[resource]!.loadWeight),
  ]);
  const firstTransient = balances.length;
  return {
    dimensions,
    firstTransient,
    firstPlain: firstTransient + transient.length,
    weight,
    demand,
    limit,
    threshold,
  };
}

function groupTables(description: ModelDescription) {
  const { groups, groupOf, spreadMinimum, dependencyStart, dependencies } = description;
  const { start: memberStart, values: members } = listsBy(groups, groupOf);
  const size = (group: number): number => memberStart[group + 1]! - memberStart[group]!;
  const isNear = new Uint8Array(groups);
  const pairs: [number, number][] = [];
  for (let group = 0; group < groups; group++) {
    for (let place = dependencyStart[group]!; place < dependencyStart[group + 1]!; place++) {
      const needed = dependencies[place]!;
      if (needed === group) continue;
      pairs.push([group, needed]);
      isNear[group] = isNear[needed] = 1;
    }
  }
  const [apartRow, apartRows] = rowsOf(groups, (group) => size(group) > 1);
  const [spreadRow, spreadRows] = rowsOf(groups, (group) => spreadMinimum[group]! > 1);
  const [nearRow, nearRows] = rowsOf(groups, (group) => isNear[group] === 1);
  const needing = Int32Array.from(pairs, ([group]) => nearRow[group]!);
  const needed = Int32Array.from(pairs, ([, other]) => nearRow[other]!);
  const { start: needStart, values: needs } = listsBy(nearRows, needing, needed);
  const { start: neededStart, values: neededBy } = listsBy(nearRows, needed, needing);
  return {
    groupOf,
    memberStart,
    members,
    apartRow,
    apartRows,
    spreadRow,
    spreadRows,
    spreadMinimum,
    nearRow,
    nearRows,
    needStart,
    needs,
    neededStart,
    neededBy,
  };
}

function rowsOf(groups: number, hasRow: (group: number) => boolean): [Int32Array, number] {
  const rows = new Int32Array(groups).fill(-1);
  let count = 0;
  for (let group = 0; group < groups; group++) if (hasRow(group)) rows[group] = count++;
  return [rows, count];
}

/** Groups values (the indices themselves, where none are given) by key. */
function listsBy(keys: number, keyOf: Int32Array, valueOf?: Int32Array): { start: Int32Array; values: Int32Array } {
  const start = new Int32Array(keys + 1);
  for (const key of keyOf) start[key + 1]!++;
  for (let key = 0; key < keys; key++) start[key + 1]! += start[key]!;
  const next = start.slice();
  const values = new Int32Array(keyOf.length);
  keyOf.forEach((key, index) => (values[next[key]!++] = valueOf === undefined ? index : valueOf[index]!));
  return { start, values };
}

function distanceTables({ hosts, hostMoveCost, hostMoveWeight }: ModelDescription) {
  const { classOf, firstOf } = distanceClasses(hosts, hostMoveCost);
  const distanceClassCount = firstOf.length;
  const distance = new Float64Array(distanceClassCount * distanceClassCount);
  firstOf.forEach((from, row) =>
    firstOf.forEach((to, column) => {
      distance[row * distanceClassCount + column] = hostMoveCost[from * hosts + to]! * hostMoveWeight;
    }),
  );
  return { distanceClassOf: classOf, distanceClasses: distanceClassCount, distance };
}

/** Hosts whose rows are alike share a class, if the whole table can be had from one host of each. */
function distanceClasses(hosts: number, cost: Int32Array): { classOf: Int32Array; firstOf: number[] } {
  const classOf = new Int32Array(hosts);
  const firstOf: number[] = [];
  const classesOfSum = new Map<number, number[]>();
  for (let host = 0; host < hosts; host++) {
    let sum = 0;
    for (let other = 0; other < hosts; other++) sum = (Math.imul(sum, 31) + cost[host * hosts + other]!) | 0;
    const alike = classesOfSum.get(sum) ?? [];
    classesOfSum.set(sum, alike);
    let found = alike.find((known) => sameRow(cost, firstOf[known]! * hosts, host * hosts, hosts));
    if (found === undefined) {
      found = firstOf.length;
      alike.push(found);
      firstOf.push(host);
    }
    classOf[host] = found;
  }
  for (let host = 0; host < hosts; host++)
    for (let other = 0; other < hosts; other++)
      if (cost[host * hosts + other] !== cost[host * hosts + firstOf[classOf[other]!]!])
        return {
          classOf: classOf.map((_class, index) => index),
          firstOf: Array.from(classOf, (_class, index) => index),
        };
  return { classOf, firstOf };
}

function sameRow(table: Int32Array, left: number, right: number, width: number): boolean {
  for (let place = 0; place < width; place++) if (table[left + place] !== table[right + place]) return false;
  return true;
}
