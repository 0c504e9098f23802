import { createRandom } from '@argosy/simulator/random';
import { lockStepPlaces, runAllInLockStep, type LockStepOptions, type RandomRuns } from './lock-step';
import { variants } from './variants';

const common = { variant: variants.virtualizable, depth: 0, slices: 30, longestSlice: 120 } as const;
const eager = { hotVisits: 2 };

function translatedRunsOfSame(options: LockStepOptions, runs: Omit<RandomRuns, 'chanceOf'>): number {
  const { differences, translatedRuns } = runAllInLockStep(options, { ...runs, chanceOf: createRandom });
  expect(differences).toEqual([]);
  return translatedRuns;
}

test.each<[string, LockStepOptions]>([
  ['translated, at every instruction', { ...common, translator: { hotVisits: 1, blocks: 1, blockInstructions: 1 } }],
  ["translated, at every block's end", { ...common, translator: { hotVisits: 1, blocks: 1 } }],
  ['translated, whenever a module is left', { ...common, translator: eager }],
  ['translated before they are run', { ...common, translator: { hotVisits: 0, unseen: true } }],
  ['translated, with many instructions at a time', { ...common, longestSlice: 5000, slices: 4, translator: eager }],
])('1,200 random programs are the same, %s', (_when, options) => {
  expect(translatedRunsOfSame(options, { shape: 'looping', first: 10_000, count: 1000 })).toBeGreaterThan(10_000);
  translatedRunsOfSame(options, { shape: 'wild', first: 10_000, count: 200 });
});

test.each(lockStepPlaces)('and so are 500 in machines of machines, and on the other variants: %s', (_name, place) => {
  const options = { ...common, translator: eager, ...place };
  expect(translatedRunsOfSame(options, { shape: 'looping', first: 20_000, count: 500 })).toBeGreaterThan(2000);
});
