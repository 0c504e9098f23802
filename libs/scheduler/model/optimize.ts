import { Best } from './best';
import type { Model } from './model';
import { Random } from './random';
import { State } from './state';

export interface OptimizeOptions {
  readonly seed: number;
  /** Where to begin: a placement that breaks nothing. Left out: where the items are. */
  readonly placement?: Int32Array;
  /** How far the search is, from 0 to 1, at which it ends: a share of the time or of the steps. It is asked every `stepsPerLook` steps. */
  readonly progress: (steps: number) => number;
  readonly schedule?: Partial<Schedule>;
}

export interface Schedule {
  /** The first temperature, in mean sizes of an item. */
  readonly hottest: number;
  /** The last: in units of cost, but no less than that many mean sizes, below which nothing is left to gain but small change. */
  readonly coldest: number;
  readonly coldestSizes: number;
  /** Only items that are larger than so many temperatures are moved. */
  readonly activeSize: number;
  /** Of the steps, so many are swaps; the others are shifts. */
  readonly swapShare: number;
}

/**
 * Where hosts have many items, the large ones are placed best before the small ones stir. Where they have few, the room for a large one
 * has to be made by its neighbours, and they must be free to go. Both by measurement.
 */
function usualSchedule({ items, hosts }: Model): Schedule {
  const activeSize = Math.min(5, (items / (20 * hosts)) ** 2);
  return { hottest: 1.5, coldest: 3, coldestSizes: 0, activeSize, swapShare: 0.5 };
}

/** From here on nothing that costs more is accepted. */
const quenchFrom = 0.985;

export interface Optimized {
  readonly placement: Int32Array;
  readonly cost: number;
  readonly steps: number;
}

export const stepsPerLook = 2048;

/** −ln of a number drawn evenly between 0 and 1: how many temperatures a change may cost. */
const allowances = Float64Array.from({ length: 4096 }, (_unused, index) => -Math.log((index + 0.5) / 4096));

/**
 * Simulated annealing (Kirkpatrick, Gelatt and Vecchi 1983) with two kinds of steps, shifts and swaps, and with items let in by
 * size: while it is hot only the large ones move. The small ones would move at random then, to no end, and what is held
 * twice by a move would fill the hosts. As it cools, ever smaller ones are placed around those that stand.
 *
 * Returns the best placement found, which is the first one if there was no time. The answer depends on the seed and on what
 * `progress` says, and on nothing else.
 */
export function optimize(model: Model, options: OptimizeOptions): Optimized {
  const state = new State(model, options.placement ?? model.origin);
  const schedule = { ...usualSchedule(model), ...options.schedule };
  const search = new Search(state, new Random(options.seed), schedule.swapShare);
  const coldest = Math.max(schedule.coldest, schedule.coldestSizes * search.meanSize);
  const hottest = Math.max(schedule.hottest * search.meanSize, coldest);
  let steps = 0;
  for (;;) {
    const progress = options.progress(steps);
    if (progress >= 1 || model.items === 0) break;
    const temperature = progress < quenchFrom ? hottest * Math.pow(coldest / hottest, progress / quenchFrom) : 0;
    search.run(stepsPerLook, temperature, schedule.activeSize * temperature);
    steps += stepsPerLook;
  }
  return { placement: search.best.placement, cost: search.best.cost, steps };
}

/** Fewer than these would leave a hot search nothing to try. */
const fewestActive = 64;
/** How many hosts are tried for an item before another one is. */
const triedHosts = 4;

class Search {
  readonly best: Best;
  readonly meanSize: number;
  /** Sizes and items, from the largest down. */
  private readonly sizes: Float64Array;
  private readonly order: Int32Array;
  private readonly swapsIn256: number;

  constructor(
    private readonly state: State,
    private readonly random: Random,
    swapShare: number,
  ) {
    this.swapsIn256 = Math.round(256 * swapShare);
    this.best = new Best(state);
    const sizes = sizesOf(state.model);
    this.order = Int32Array.from(sizes.keys()).sort((left, right) => sizes[right]! - sizes[left]!);
    this.sizes = Float64Array.from(this.order, (item) => sizes[item]!);
    this.meanSize = sizes.reduce((sum, size) => sum + size, 0) / Math.max(1, sizes.length);
  }

  run(steps: number, temperature: number, smallest: number): void {
    const active = this.activeItems(smallest);
    for (let step = 0; step < steps; step++) {
      this.state.mostDelta = temperature * allowances[this.random.below(allowances.length)]!;
      const item = this.order[this.random.below(active)]!;
      if (this.random.below(256) >= this.swapsIn256) this.tryShift(item);
      else this.trySwap(item, this.order[this.random.below(active)]!);
    }
  }

  /** How many items, from the largest down, are at least as large. */
  private activeItems(smallest: number): number {
    let [low, high] = [Math.min(fewestActive, this.sizes.length), this.sizes.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.sizes[middle]! >= smallest) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The host where the item was at first comes first: going back costs no room of what is held twice, and gives some back. */
  private tryShift(item: number): void {
    const { state } = this;
    const { model } = state;
    const from = state.hostOf[item]!;
    const removal = state.removalDelta(item);
    for (let tried = 0; tried < triedHosts; tried++) {
      const to = tried === 0 ? model.origin[item]! : this.random.below(model.hosts);
      if (to === from) continue;
      const delta = state.additionDelta(item, to, removal + state.moveDelta(item, from, to));
      if (delta > state.mostDelta || !state.groupsAllow(item, to)) continue;
      state.moveItem(item, to);
      this.best.note(item);
      this.accept(delta);
      return;
    }
  }

  private trySwap(item: number, other: number): void {
    const { state } = this;
    const { hostOf, model } = state;
    const from = hostOf[item]!;
    const to = hostOf[other]!;
    if (from === to || model.groupOf[item] === model.groupOf[other]) return;
    const delta = state.swapDelta(item, other);
    if (delta > state.mostDelta || !state.groupsAllow(item, to)) return;
    // The second is judged with the first made, which is undone if that does not do.
    state.moveItem(item, to);
    if (!state.groupsAllow(other, from)) {
      state.moveItem(item, from);
      return;
    }
    state.moveItem(other, from);
    this.best.note(item);
    this.best.note(other);
    this.accept(delta);
  }

  private accept(delta: number): void {
    this.state.cost += delta;
    this.best.keep();
  }
}

/** What an item would cost where all of it is too much. */
function sizesOf({ items, dimensions, weight, demand }: Model): Float64Array {
  const sizes = new Float64Array(items);
  for (let item = 0; item < items; item++)
    for (let dimension = 0; dimension < dimensions; dimension++)
      sizes[item]! += weight[dimension]! * Math.abs(demand[item * dimensions + dimension]!);
  return sizes;
}
