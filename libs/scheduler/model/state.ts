import type { Model } from './model';

/**
 * Where the items are, and everything that tells quickly what a change would cost and whether it is allowed. Only
 * `moveItem` changes it; it trusts its caller to have asked before.
 */
export class State {
  readonly hostOf: Int32Array;
  /** By host and dimension: demand above the threshold (below zero: to spare), and how much more fits. */
  readonly above: Float64Array;
  readonly room: Float64Array;
  /** By row of the group and host, location, neighbourhood: how many items of the group are there. */
  readonly onHost: Uint8Array;
  readonly inLocation: Int32Array;
  readonly inNeighbourhood: Int32Array;
  /** By row: in how many locations the group is. */
  readonly spread: Int32Array;
  /** By group: items that are not where they were; by that count: how many groups have it; the largest of them. */
  readonly movedOf: Int32Array;
  readonly groupsMoving: Int32Array;
  mostMoved = 0;
  cost = 0;
  /** What a change may cost that is asked for; set here, for as an argument it would be boxed for each of millions. */
  mostDelta = Infinity;
  /** By host: a number that is another after each change there. By item: its `removalDelta`, and of which number of its host that is. */
  private readonly changeOf: Float64Array;
  private readonly removal: Float64Array;
  private readonly removalAt: Float64Array;
  private changes = 0;

  constructor(
    readonly model: Model,
    placement: Int32Array,
  ) {
    const { hosts, items, groups, dimensions } = model;
    this.hostOf = model.origin.slice();
    this.above = model.threshold.map((threshold) => -threshold);
    this.room = model.limit.slice();
    this.onHost = new Uint8Array(model.apartRows * hosts);
    this.inLocation = new Int32Array(model.spreadRows * model.locations);
    this.inNeighbourhood = new Int32Array(model.nearRows * model.neighbourhoods);
    this.spread = new Int32Array(model.spreadRows);
    this.movedOf = new Int32Array(groups);
    this.groupsMoving = new Int32Array(items + 2);
    this.groupsMoving[0] = groups;
    this.changeOf = new Float64Array(hosts);
    this.removal = new Float64Array(items);
    this.removalAt = new Float64Array(items).fill(-1);
    for (let item = 0; item < items; item++) {
      for (let dimension = 0; dimension < dimensions; dimension++) {
        const demand = model.demand[item * dimensions + dimension]!;
        this.above[this.hostOf[item]! * dimensions + dimension]! += demand;
        this.room[this.hostOf[item]! * dimensions + dimension]! -= demand;
      }
      this.count(item, this.hostOf[item]!, 1);
    }
    this.moveAll(placement);
  }

  /** Puts every item where the placement has it, whatever that breaks on the way, and adds up the cost afresh. */
  moveAll(placement: Int32Array): void {
    for (let item = 0; item < placement.length; item++)
      if (this.hostOf[item] !== placement[item]) this.moveItem(item, placement[item]!);
    this.cost = this.wholeCost();
  }

  /** The cost from the ground up: what `cost`, which is kept by differences, has to be. */
  wholeCost(): number {
    const { model, above, hostOf } = this;
    let cost = model.groupMoveWeight * this.mostMoved;
    for (let place = 0; place < above.length; place++)
      cost += model.weight[place % model.dimensions]! * Math.max(0, above[place]!);
    for (let item = 0; item < model.items; item++) {
      const origin = model.origin[item]!;
      if (hostOf[item] !== origin) cost += model.itemMoveCost[item]! + this.distance(origin, hostOf[item]!);
    }
    return cost;
  }

  private distance(origin: number, host: number): number {
    const { distance, distanceClassOf, distanceClasses } = this.model;
    return distance[distanceClassOf[origin]! * distanceClasses + distanceClassOf[host]!]!;
  }

  private count(item: number, host: number, change: 1 | -1): void {
    const { model } = this;
    const group = model.groupOf[item]!;
    const apart = model.apartRow[group]!;
    if (apart >= 0) this.onHost[apart * model.hosts + host]! += change;
    const spread = model.spreadRow[group]!;
    if (spread >= 0) {
      const left = (this.inLocation[spread * model.locations + model.locationOf[host]!]! += change);
      if (change === 1 ? left === 1 : left === 0) this.spread[spread]! += change;
    }
    const near = model.nearRow[group]!;
    if (near >= 0) this.inNeighbourhood[near * model.neighbourhoods + model.neighbourhoodOf[host]!]! += change;
  }

  /** Does not touch `cost`: the caller knows what the move costs, for it has asked. */
  moveItem(item: number, to: number): void {
    const { model, hostOf, above, room } = this;
    const { dimensions, demand, firstTransient, firstPlain } = model;
    const from = hostOf[item]!;
    const origin = model.origin[item]!;
    const [base, fromBase, toBase] = [item * dimensions, from * dimensions, to * dimensions];
    for (let dimension = 0; dimension < dimensions; dimension++) {
      const asked = demand[base + dimension]!;
      const isTransient = dimension >= firstTransient && dimension < firstPlain;
      above[fromBase + dimension]! -= asked;
      above[toBase + dimension]! += asked;
      if (!isTransient || from !== origin) room[fromBase + dimension]! += asked;
      if (!isTransient || to !== origin) room[toBase + dimension]! -= asked;
    }
    this.count(item, from, -1);
    this.count(item, to, 1);
    if (from === origin) this.countMoved(model.groupOf[item]!, 1);
    else if (to === origin) this.countMoved(model.groupOf[item]!, -1);
    hostOf[item] = to;
    this.changeOf[from] = ++this.changes;
    this.changeOf[to] = ++this.changes;
  }

  private countMoved(group: number, change: 1 | -1): void {
    const { movedOf, groupsMoving } = this;
    const before = movedOf[group]!;
    movedOf[group] = before + change;
    groupsMoving[before]!--;
    groupsMoving[before + change]!++;
    if (change === 1 && before === this.mostMoved) this.mostMoved++;
    else if (change === -1 && before === this.mostMoved && groupsMoving[before] === 0) this.mostMoved--;
  }

  /** What going from one host to another changes in the costs of moving. */
  moveDelta(item: number, from: number, to: number): number {
    const { model } = this;
    const origin = model.origin[item]!;
    if (from !== origin && to !== origin) return this.distance(origin, to) - this.distance(origin, from);
    const moved = this.movedOf[model.groupOf[item]!]!;
    const isMost = moved === this.mostMoved;
    if (from === origin)
      return model.itemMoveCost[item]! + this.distance(origin, to) + (isMost ? model.groupMoveWeight : 0);
    const wasAlone = isMost && this.groupsMoving[moved] === 1;
    return -model.itemMoveCost[item]! - this.distance(origin, from) - (wasAlone ? model.groupMoveWeight : 0);
  }

  /** What the item's host would cost more without it: usually less than nothing. Kept, for most changes that are tried are not made. */
  removalDelta(item: number): number {
    const change = this.changeOf[this.hostOf[item]!]!;
    if (this.removalAt[item] === change) return this.removal[item]!;
    this.removalAt[item] = change;
    return (this.removal[item] = this.removalCost(item));
  }

  private removalCost(item: number): number {
    const { above } = this;
    const { dimensions, demand, weight } = this.model;
    const base = item * dimensions;
    const hostBase = this.hostOf[item]! * dimensions;
    let delta = 0;
    for (let dimension = 0; dimension < dimensions; dimension++) {
      const before = above[hostBase + dimension]!;
      const after = before - demand[base + dimension]!;
      delta += weight[dimension]! * ((after > 0 ? after : 0) - (before > 0 ? before : 0));
    }
    return delta;
  }

  /**
   * `given` and what the host would cost more with the item. Infinity where it has no room for it, or once it is above
   * `mostDelta`. Groups are not looked at.
   */
  additionDelta(item: number, to: number, given: number): number {
    const { model, above, room, mostDelta } = this;
    const { dimensions, demand, weight, firstTransient, firstPlain } = model;
    const base = item * dimensions;
    const hostBase = to * dimensions;
    const isHome = model.origin[item] === to;
    let delta = given;
    for (let dimension = 0; dimension < dimensions; dimension++) {
      const asked = demand[base + dimension]!;
      if (asked > room[hostBase + dimension]!) {
        // At home it holds the transient resources anyway.
        if (!isHome || dimension < firstTransient || dimension >= firstPlain) return Infinity;
      }
      const before = above[hostBase + dimension]!;
      const after = before + asked;
      delta += weight[dimension]! * ((after > 0 ? after : 0) - (before > 0 ? before : 0));
      // The balances come first; what follows them can only add.
      if (delta > mostDelta && dimension >= firstTransient) return Infinity;
    }
    return delta;
  }

  /**
   * What it costs that two items of different groups change places. Infinity where there is no room, or once it is known to be above
   * `mostDelta`. Groups are not looked at.
   */
  swapDelta(item: number, other: number): number {
    if (!this.haveRoomForEachOther(item, other)) return Infinity;
    const { model, above, hostOf } = this;
    const { dimensions, demand, weight, firstTransient } = model;
    const [host, otherHost] = [hostOf[item]!, hostOf[other]!];
    const moves = this.swapMoveDelta(item, other);
    // Without balances, what comes to a host can only add to what is left there.
    if (firstTransient === 0 && moves + this.removalDelta(item) + this.removalDelta(other) > this.mostDelta)
      return Infinity;
    const [base, otherBase] = [item * dimensions, other * dimensions];
    const [hostBase, otherHostBase] = [host * dimensions, otherHost * dimensions];
    let delta = 0;
    for (let dimension = 0; dimension < dimensions; dimension++) {
      const change = demand[otherBase + dimension]! - demand[base + dimension]!;
      const before = above[hostBase + dimension]!;
      const after = before + change;
      const otherBefore = above[otherHostBase + dimension]!;
      const otherAfter = otherBefore - change;
      delta +=
        weight[dimension]! *
        ((after > 0 ? after : 0) -
          (before > 0 ? before : 0) +
          (otherAfter > 0 ? otherAfter : 0) -
          (otherBefore > 0 ? otherBefore : 0));
    }
    return delta + moves;
  }

  private haveRoomForEachOther(item: number, other: number): boolean {
    const { model, room, hostOf } = this;
    const { dimensions, demand, firstTransient, firstPlain, origin } = model;
    const [host, otherHost] = [hostOf[item]!, hostOf[other]!];
    const [base, otherBase] = [item * dimensions, other * dimensions];
    const [hostBase, otherHostBase] = [host * dimensions, otherHost * dimensions];
    const [isHome, otherIsHome] = [origin[item] === host, origin[other] === otherHost];
    const [comesHome, otherComesHome] = [origin[item] === otherHost, origin[other] === host];
    // The balances have no limits. A transient resource is held at home, whoever is there.
    for (let dimension = firstTransient; dimension < firstPlain; dimension++) {
      const asked = demand[base + dimension]!;
      const otherAsked = demand[otherBase + dimension]!;
      if ((otherComesHome ? 0 : otherAsked) - (isHome ? 0 : asked) > room[hostBase + dimension]!) return false;
      if ((comesHome ? 0 : asked) - (otherIsHome ? 0 : otherAsked) > room[otherHostBase + dimension]!) return false;
    }
    for (let dimension = firstPlain; dimension < dimensions; dimension++) {
      const change = demand[otherBase + dimension]! - demand[base + dimension]!;
      if (change > room[hostBase + dimension]! || -change > room[otherHostBase + dimension]!) return false;
    }
    return true;
  }

  /**
   * The two changes of the costs of moving do not simply add up: the group with the most moves is one for both. Where that
   * matters, the first is made for a moment.
   */
  private swapMoveDelta(item: number, other: number): number {
    const { origin, groupOf } = this.model;
    const [host, otherHost] = [this.hostOf[item]!, this.hostOf[other]!];
    const first = this.moveDelta(item, host, otherHost);
    const change = host === origin[item] ? 1 : otherHost === origin[item] ? -1 : 0;
    if (change === 0) return first + this.moveDelta(other, otherHost, host);
    const group = groupOf[item]!;
    this.countMoved(group, change);
    const second = this.moveDelta(other, otherHost, host);
    this.countMoved(group, change === 1 ? -1 : 1);
    return first + second;
  }

  /** Whether the item's group, and those that need it or are needed by it, allow the shift. */
  groupsAllow(item: number, to: number): boolean {
    const { model } = this;
    const group = model.groupOf[item]!;
    const apart = model.apartRow[group]!;
    if (apart >= 0 && this.onHost[apart * model.hosts + to]! > 0) return false;
    if (model.forbidden.length > 0 && model.forbidden[model.eligibilityOf[item]! * model.hosts + to] === 1)
      return false;
    const from = this.hostOf[item]!;
    return (
      (model.spreadRow[group]! < 0 || this.spreadAllows(group, from, to)) &&
      (model.nearRow[group]! < 0 || this.nearnessAllows(model.nearRow[group]!, from, to))
    );
  }

  private spreadAllows(group: number, from: number, to: number): boolean {
    const { locations, locationOf, spreadRow, spreadMinimum } = this.model;
    const row = spreadRow[group]!;
    const [left, entered] = [locationOf[from]!, locationOf[to]!];
    if (left === entered || this.inLocation[row * locations + left]! > 1) return true;
    const spread = this.spread[row]! - (this.inLocation[row * locations + entered]! > 0 ? 1 : 0);
    return spread >= spreadMinimum[group]!;
  }

  private nearnessAllows(row: number, from: number, to: number): boolean {
    const { neighbourhoods, neighbourhoodOf, needStart, needs, neededStart, neededBy } = this.model;
    const [left, entered] = [neighbourhoodOf[from]!, neighbourhoodOf[to]!];
    if (left === entered) return true;
    const { inNeighbourhood } = this;
    if (inNeighbourhood[row * neighbourhoods + entered] === 0)
      for (let place = needStart[row]!; place < needStart[row + 1]!; place++)
        if (inNeighbourhood[needs[place]! * neighbourhoods + entered] === 0) return false;
    if (inNeighbourhood[row * neighbourhoods + left] === 1)
      for (let place = neededStart[row]!; place < neededStart[row + 1]!; place++)
        if (inNeighbourhood[neededBy[place]! * neighbourhoods + left]! > 0) return false;
    return true;
  }
}
