import { createRandom } from '@argosy/simulator/random';
import { randomProgram } from '../random-program';
import { variants } from '../variants';
import { differencesOf, runProgram } from './equivalence';

const instructions = 2000;

function differencesAt(seed: number, depth: number): string[] {
  const program = randomProgram(createRandom(seed));
  const options = { variant: variants.virtualizable, instructions };
  const bare = runProgram(program, { ...options, depth: 0 });
  return differencesOf(bare, runProgram(program, { ...options, depth }));
}

test.each([1, 2, 3, 4])(
  '200 random programs do at depth %i what they do on the bare machine, to the instruction',
  (depth) => {
    for (let seed = depth * 1000; seed < depth * 1000 + 40; seed++)
      expect([seed, ...differencesAt(seed, depth)]).toEqual([seed]);
  },
);
