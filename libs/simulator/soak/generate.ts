import { createRandom } from '../random';
import type { Random } from '../random';
import { type Fault, moreFaults, pickFault, usualFaults } from './faults';
import { narrowShape, roomyShape, type Shape } from './shape';

const faultsUntilMs = 120_000;
/** After the last fault everything is mended, and the fleet has this long to come to rest. */
const restMs = 130_000;

interface Line {
  readonly atMs: number;
  readonly text: string;
}

/** A fleet and two minutes of faults, as the text of a scenario: all of it comes from the seed. Every third fleet is a roomy one. */
export function generateSoak(seed: number): string {
  const random = createRandom(seed);
  if (seed % 3 === 2) return soakOf(seed, random, roomyShape(random), usualFaults);
  return soakOf(seed, random, narrowShape(random), moreFaults);
}

function soakOf(seed: number, random: Random, shape: Shape, faults: readonly Fault[]): string {
  const { hosts, guests } = shape;
  const lines: Line[] = [{ atMs: 0, text: `messages lossy ${seed}` }];
  const made: string[] = [];
  for (let atMs = 3000; atMs <= faultsUntilMs; atMs += 50 + random.below(random.below(3) === 0 ? 300 : 6000)) {
    const now = atMs;
    pickFault(faults, random).write({
      random,
      atMs,
      hosts,
      host: random.pick(hosts),
      guest: random.pick(guests),
      add: (text, afterMs = 0) => lines.push({ atMs: Math.min(now + afterMs, faultsUntilMs), text }),
      make: (guest) => made.push(guest),
    });
  }
  lines.push({ atMs: faultsUntilMs, text: 'mend' });
  // What was begun before has been asked for by then, or never will be; and what nobody answered is asked again.
  for (const afterMs of [35_000, 60_000]) {
    for (const host of hosts) lines.push({ atMs: faultsUntilMs + afterMs, text: `maintenance ${host} off` });
    for (const guest of guests) lines.push({ atMs: faultsUntilMs + afterMs, text: `guest ${guest} start` });
    for (const guest of made) lines.push({ atMs: faultsUntilMs + afterMs, text: `guest ${guest} remove` });
  }
  const steps = lines
    .map((line, index) => ({ ...line, index }))
    .sort((one, two) => one.atMs - two.atMs || one.index - two.index);
  return [
    `# Whatever happens: no guest runs twice, none is lost, none goes back in time. Soak, seed ${seed}.`,
    ...shape.lines(),
    ...steps.map(({ atMs, text }) => `at ${atMs / 1000} ${text}`),
    `until ${(faultsUntilMs + restMs) / 1000}`,
    '',
  ].join('\n');
}
