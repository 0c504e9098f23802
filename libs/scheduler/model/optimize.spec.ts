// Judged by the benchmark's evaluator, which knows nothing of the model.
import * as fc from 'fast-check';
import { evaluate } from '../../../bench/reassignment/evaluate.mjs';
import { buildModel, type ModelDescription } from './model';
import { optimize } from './optimize';
import { Random } from './random';
import { State } from './state';
import { aFleet } from './testing';

const fleets = fc
  .integer()
  .map(aFleet)
  .filter(({ items }) => items > 1);
const untilStep = (last: number) => (steps: number) => steps / last;

/** Whether what the state says of a change is what the evaluator says of the placement after it. */
function expectJudged(
  fleet: ModelDescription,
  state: State,
  changed: Int32Array,
  said: { delta: number; isAllowed: boolean },
) {
  const judged = evaluate(fleet, changed);
  expect(said.isAllowed).toBe(judged.violations.length === 0);
  if (said.isAllowed) expect(state.cost + said.delta).toBe(judged.cost);
}

test('each shift is allowed and costs as the evaluator has it, after any shifts before it', () => {
  fc.assert(
    fc.property(fleets, fc.integer(), (fleet, seed) => {
      const random = new Random(seed);
      const state = new State(buildModel(fleet), fleet.placement);
      for (let step = 0; step < 40; step++) {
        const [item, to] = [random.below(fleet.items), random.below(fleet.hosts)];
        const from = state.hostOf[item]!;
        if (to === from) continue;
        const given = state.removalDelta(item) + state.moveDelta(item, from, to);
        const delta = state.additionDelta(item, to, given);
        const isAllowed = delta < Infinity && state.groupsAllow(item, to);
        const changed = state.hostOf.slice();
        changed[item] = to;
        expectJudged(fleet, state, changed, { delta, isAllowed });
        if (!isAllowed) continue;
        state.moveItem(item, to);
        state.cost += delta;
        expect(state.wholeCost()).toBe(state.cost);
      }
    }),
    { numRuns: 100 },
  );
});

test('what two items that change places cost is what the evaluator says', () => {
  fc.assert(
    fc.property(fleets, fc.integer(), (fleet, seed) => {
      const random = new Random(seed);
      const state = new State(buildModel(fleet), fleet.placement);
      for (let step = 0; step < 40; step++) {
        const [item, other] = [random.below(fleet.items), random.below(fleet.items)];
        const [from, to] = [state.hostOf[item]!, state.hostOf[other]!];
        if (from === to || fleet.groupOf[item] === fleet.groupOf[other]) continue;
        const delta = state.swapDelta(item, other);
        const changed = state.hostOf.slice();
        changed[item] = to;
        changed[other] = from;
        const judged = evaluate(fleet, changed);
        const lacksRoom = judged.violations.some((each) => each.includes('capacity'));
        expect(delta === Infinity).toBe(lacksRoom);
        if (!lacksRoom) {
          expect(state.cost + delta).toBe(judged.cost);
          // A limit leaves out what is above it, and nothing else.
          for (const most of [delta - 1, delta, delta + 1]) {
            state.mostDelta = most;
            expect(state.swapDelta(item, other) <= most).toBe(delta <= most);
          }
          state.mostDelta = Infinity;
        }
        if (judged.violations.length > 0) continue;
        state.moveItem(item, to);
        state.moveItem(other, from);
        state.cost += delta;
      }
    }),
    { numRuns: 100 },
  );
});

test('every answer is feasible, costs what it says, and never more than what was there', () => {
  fc.assert(
    fc.property(fleets, fc.integer(), (fleet, seed) => {
      const answer = optimize(buildModel(fleet), { seed, progress: untilStep(6000) });
      const judged = evaluate(fleet, answer.placement);
      expect(judged).toEqual({ cost: answer.cost, violations: [] });
      expect(answer.cost).toBeLessThanOrEqual(evaluate(fleet, fleet.placement).cost);
    }),
    { numRuns: 60 },
  );
});

test('the same seed and the same steps give the same answer', () => {
  fc.assert(
    fc.property(fleets, fc.integer(), (fleet, seed) => {
      const answer = () => optimize(buildModel(fleet), { seed, progress: untilStep(6000) });
      expect(answer()).toEqual(answer());
    }),
    { numRuns: 20 },
  );
});

test('an answer is there although no time was', () => {
  const fleet = aFleet(1);
  expect(optimize(buildModel(fleet), { seed: 1, progress: () => 1 }).placement).toEqual(fleet.placement);
});

test('an item is never put where its class must not be', () => {
  const fleet = { ...aFleet(4) };
  const classOf = new Int32Array(fleet.items);
  const forbidden = Uint8Array.from({ length: fleet.hosts }, (_unused, host) =>
    fleet.placement.includes(host) ? 0 : 1,
  );
  forbidden[0] = 1;
  const { placement } = optimize(buildModel({ ...fleet, forbidden: { classOf, forbidden } }), {
    seed: 1,
    progress: untilStep(20_000),
  });
  placement.forEach((host, item) => expect(host === fleet.placement[item] || forbidden[host] === 0).toBe(true));
});

test('a step allocates nothing, once the search is compiled', () => {
  // A number that each step boxes would leave ten times as much behind between two looks.
  const [lookBytes, evenLooks, deadlineMs] = [3_000, 10, 20_000];
  const begun = performance.now();
  let even = 0;
  let before = 0;
  const progress = (): number => {
    even = Math.abs(process.memoryUsage().heapUsed - before) < lookBytes ? even + 1 : 0;
    before = process.memoryUsage().heapUsed;
    return even === evenLooks || performance.now() - begun > deadlineMs ? 1 : 0.5;
  };
  optimize(buildModel(aFleet(4)), { seed: 1, progress });
  expect(even).toBe(evenLooks);
});
