import { createRandom } from '@argosy/simulator/random';
import { randomProgram } from '../random-program';
import { variants } from '../variants';
import { differencesOf, runProgram } from './equivalence';

test.each([1, 2, 3, 4])('3,000 random programs do at depth %i what they do on the bare machine', (depth) => {
  for (let seed = depth * 10_000; seed < depth * 10_000 + 3000; seed++) {
    const program = randomProgram(createRandom(seed));
    const options = { variant: variants.virtualizable, instructions: 2000 };
    const bare = runProgram(program, { ...options, depth: 0 });
    expect([seed, ...differencesOf(bare, runProgram(program, { ...options, depth }))]).toEqual([seed]);
  }
}, 600_000); // prettier-ignore
