import { createRandom } from '@argosy/simulator/random';
import { randomProgram, type ProgramShape } from '../random-program';
import { variants, type VariantName } from '../variants';
import { differencesOf, runProgram } from './equivalence';
import type { MonitorKind } from './virtual-machine';

interface Place {
  readonly name: VariantName;
  readonly kind: MonitorKind;
  readonly depth: number;
}

/** A call from machine mode is for a paravirtual monitor: there random programs do something else, as they should. */
const places: readonly Place[] = [
  ...[1, 2, 3, 4].map((depth) => ({ name: 'virtualizable', kind: 'direct', depth }) as const),
  ...[1, 2, 3].map((depth) => ({ name: 'hybrid', kind: 'hybrid', depth }) as const),
  { name: 'virtualizable', kind: 'hybrid', depth: 1 },
  ...[1, 2, 3, 4].map((depth) => ({ name: 'unprivileged-reads', kind: 'patching', depth }) as const),
  ...[1, 2, 3].map((depth) => ({ name: 'hybrid', kind: 'patching', depth }) as const),
];
const engines = { interpreted: 'interpreter', translated: { hotVisits: 2 } } as const;
const shapes: readonly ProgramShape[] = ['wild', 'looping'];
const programs = 2000;

const cases = places.flatMap(({ name, kind, depth }) =>
  (Object.keys(engines) as (keyof typeof engines)[]).flatMap((engine) =>
    shapes.map((shape) => ({ shape, engine, kind, depth, name })),
  ),
);

test.each(cases.map((each, index) => ({ ...each, first: 10_000 * (index + 1) })))(
  `${programs} $shape programs of the variant $name, $engine, do under a $kind monitor at depth $depth what they do on the bare interpreter`,
  ({ shape, engine, kind, depth, name, first }) => {
    const common = { variant: variants[name], kind, instructions: 2000 };
    for (let seed = first; seed < first + programs; seed++) {
      const program = randomProgram(createRandom(seed), shape);
      const bare = runProgram(program, { ...common, depth: 0 });
      const made = runProgram(program, { ...common, depth, engine: engines[engine] });
      expect([seed, ...differencesOf(bare, made)]).toEqual([seed]);
    }
  },
);
