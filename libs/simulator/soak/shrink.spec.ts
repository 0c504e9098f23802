import { parseScenario } from '../scenario-text';
import { generateSoak } from './generate';
import { shrinkScenario } from './shrink';
import { runSoak, violationsOf } from './soak';

/** Broken whenever guest c is migrated while host h2 is without power. */
function broken(text: string): string | null {
  if (!parseScenario(text, 'x').ok) return null;
  const lines = text.split('\n').map((line) => line.replace(/^at \S+ /, ''));
  const off = lines.indexOf('power h2 off');
  const moved = lines.findIndex((line, index) => index > off && line.startsWith('migrate c '));
  return off >= 0 && moved >= 0 ? 'broken' : null;
}

function seedThatBreaks(): number {
  for (let seed = 1; ; seed++) if (broken(generateSoak(seed)) !== null) return seed;
}

test('of hundreds of lines those are left that break the promise', () => {
  const text = generateSoak(seedThatBreaks());
  expect(text.split('\n').length).toBeGreaterThan(60);
  const shrunk = shrinkScenario(text, 2_000, broken);
  const steps = shrunk.text.split('\n').filter((line) => line.startsWith('at '));
  expect(steps).toEqual([expect.stringMatching(/ power h2 off$/), expect.stringMatching(/ migrate c h\d$/)]);
  expect(shrunk.text).not.toMatch(/^guest [abdef] /m);
  expect(shrunk.trials).toBeLessThan(1_000);
});

test('what breaks nothing is left as it is', () => {
  const text = 'host h1 1024\nuntil 5\n';
  expect(shrinkScenario(text, 10)).toEqual({ text, trials: 0 });
});

test('a soak is a scenario that anybody can run, and comes from its seed alone', () => {
  expect(generateSoak(7)).toBe(generateSoak(7));
  expect(generateSoak(7)).not.toBe(generateSoak(8));
  expect(violationsOf(generateSoak(7), 'seven')).toEqual(runSoak(7).violations);
});
