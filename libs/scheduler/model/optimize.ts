import { Best } from './best';
import type { Model } from './model';
import { Random } from './random';
import { State } from './state';

export interface OptimizeOptions {
  readonly seed: number;
  /** Where to begin: a placement that breaks nothing. Left out: where the items are. */
  readonly placement?: Int32Array;
  /** How far the search is, from 0 to 1, at which it ends: a share of the time, or of the steps. It is asked every `stepsPerLook` steps. */
  readonly progress: (steps: number) => number;
  readonly hottest?: number;
  readonly coldest?: number;
}

export interface Optimized {
  readonly placement: Int32Array;
  readonly cost: number;
  readonly steps: number;
}

export const stepsPerLook = 2048;

const logarithms = Float64Array.from({ length: 4096 }, (_unused, index) => -Math.log((index + 0.5) / 4096));

export function optimize(model: Model, options: OptimizeOptions): Optimized {
  const state = new State(model, options.placement ?? model.origin);
  const best = new Best(state);
  const random = new Random(options.seed);
  const hottest = options.hottest ?? 1000;
  const coldest = options.coldest ?? 1;
  let steps = 0;
  for (;;) {
    const progress = options.progress(steps);
    if (progress >= 1) break;
    const temperature = hottest * Math.pow(coldest / hottest, progress);
    for (let step = 0; step < stepsPerLook; step++) {
      const limit = temperature * logarithms[random.below(4096)]!;
      if (random.below(2) === 0) tryShift(state, best, random, limit);
      else trySwap(state, best, random, limit);
    }
    steps += stepsPerLook;
  }
  return { placement: best.placement, cost: best.cost, steps };
}

const triedHosts = 4;

function tryShift(state: State, best: Best, random: Random, limit: number): void {
  const { model } = state;
  const item = random.below(model.items);
  const from = state.hostOf[item]!;
  const removal = state.removalDelta(item);
  if (model.firstTransient === 0 && from === model.origin[item] && removal + model.itemMoveCost[item]! > limit) return;
  for (let tried = 0; tried < triedHosts; tried++) {
    const to = random.below(model.hosts);
    if (to === from) continue;
    const delta = state.additionDelta(item, to, removal + state.moveDelta(item, from, to), limit);
    if (delta > limit || !state.groupsAllow(item, to)) continue;
    state.moveItem(item, to);
    state.cost += delta;
    best.note(item);
    best.keep();
    return;
  }
}

function trySwap(state: State, best: Best, random: Random, limit: number): void {
  const { model, hostOf } = state;
  const item = random.below(model.items);
  const other = random.below(model.items);
  const from = hostOf[item]!;
  const to = hostOf[other]!;
  if (from === to || model.groupOf[item] === model.groupOf[other]) return;
  const delta = state.swapDelta(item, other);
  if (delta > limit || !state.groupsAllow(item, to)) return;
  // The second is judged with the first made, which is undone if that does not do.
  state.moveItem(item, to);
  if (!state.groupsAllow(other, from)) {
    state.moveItem(item, from);
    return;
  }
  state.moveItem(other, from);
  state.cost += delta;
  best.note(item);
  best.note(other);
  best.keep();
}
