import {
  lockStepPlaces,
  runAllInLockStep,
  type LockStepOptions,
  type LockStepResult,
  type RandomRuns,
} from './lock-step';
import type { Chance } from './random-program';
import { variants } from './variants';

/** How many random programs, from which seed on, and how often at least translated code was run in them. */
interface Part {
  readonly first: number;
  readonly count: number;
  readonly atLeast: number;
}

export interface LockStepSize {
  readonly looping: Part;
  readonly wild: Part;
  /** In each of the places beside the bare machine of the virtualizable variant. */
  readonly elsewhere: Part;
  readonly longestSlice: number;
}

const common = { variant: variants.virtualizable, depth: 0, slices: 30, longestSlice: 120 } as const;
const eager = { hotVisits: 2 };

/** What the translator must keep to, beside the interpreter: the same claims on few programs and on many. */
export function describeLockStep(size: LockStepSize, chanceOf: (seed: number) => Chance): void {
  const run = (shape: RandomRuns['shape'], { first, count }: Part, options: LockStepOptions): LockStepResult =>
    runAllInLockStep(options, { shape, first, count, chanceOf });
  const { looping, wild, elsewhere, longestSlice } = size;

  test.each<[string, LockStepOptions]>([
    ['translated, at every instruction', { ...common, translator: { hotVisits: 1, blocks: 1, blockInstructions: 1 } }],
    ["translated, at every block's end", { ...common, translator: { hotVisits: 1, blocks: 1 } }],
    ['translated, whenever a module is left', { ...common, translator: eager }],
    ['translated before they are run', { ...common, translator: { hotVisits: 0, unseen: true } }],
    ['translated, with many instructions at a time', { ...common, longestSlice, slices: 4, translator: eager }],
  ])(`${looping.count + wild.count} random programs are the same, %s`, (_when, options) => {
    const { differences, translatedRuns } = run('looping', looping, options);
    expect(differences).toEqual([]);
    expect(translatedRuns).toBeGreaterThan(looping.atLeast);
    expect(run('wild', wild, options).differences).toEqual([]);
  });

  test.each(lockStepPlaces)(
    `and so are ${elsewhere.count} in machines of machines, and on the other variants: %s`,
    (_name, place) => {
      const { differences, translatedRuns } = run('looping', elsewhere, { ...common, translator: eager, ...place });
      expect(differences).toEqual([]);
      expect(translatedRuns).toBeGreaterThan(elsewhere.atLeast);
    },
  );
}
