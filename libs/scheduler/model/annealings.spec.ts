import { type Annealing, annealingsOf, optimizeBy } from './annealings';
import { buildModel } from './model';
import { optimize } from './optimize';
import { aFleet } from './testing';

test.each([10, 100])('searches differ in seed and schedule, and those of each share its time (%d hosts)', (hosts) => {
  const task = { seed: 7, durationMs: 300_000 };
  const of = (worker: number): Annealing[] => annealingsOf(worker, { items: 1000, hosts }, task);
  const plans = [0, 1, 2].map(of);
  for (const plan of plans) expect(plan.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 10);
  const seeds = plans.flatMap((plan) => plan.map(({ seed }) => seed));
  expect(new Set(seeds).size).toBe(seeds.length);
  expect(of(0)).toHaveLength(1);
  expect(of(1).at(-1)!.schedule).not.toEqual(of(0)[0]!.schedule);
  expect(annealingsOf(1, { items: 50_000, hosts }, { seed: 7, durationMs: 10_000 })).toHaveLength(1);
});

test('of several annealings the best answer is taken, and each has its share of what is left', () => {
  const model = buildModel(aFleet(4_711));
  const given: number[] = [];
  const steps = 20_480;
  const progressOf = (share: number) => {
    given.push(share);
    return (done: number) => done / steps;
  };
  const plan = [0.2, 0.3, 0.5].map((share, index) => ({ seed: index, schedule: { hottest: 0.1 + index }, share }));
  const alone = plan.map(({ seed, schedule }) => optimize(model, { seed, schedule, progress: (done) => done / steps }));
  const best = Math.min(...alone.map(({ cost }) => cost));
  const answer = optimizeBy(model, plan, progressOf);
  expect(answer.cost).toBe(best);
  expect(alone.map(({ placement }) => placement)).toContainEqual(answer.placement);
  expect(answer.steps).toBe(3 * steps);
  expect(given).toEqual([0.2, expect.closeTo(0.375), expect.closeTo(1)]);
});
