import { runScenario } from '../scenario';
import { parseScenario } from '../scenario-text';
import { generateSoak } from './generate';
import { shrinkScenario } from './shrink';

export interface SoakRun {
  readonly seed: number;
  readonly violations: readonly string[];
  /** The shortest scenario found that breaks the same promise; null: nothing was broken. */
  readonly scenario: string | null;
}

/** What does not hold when a scenario runs, or why it cannot be read. */
export function violationsOf(text: string, file: string): readonly string[] {
  const parsed = parseScenario(text, file);
  if (!parsed.ok) return [parsed.refusal.message];
  return runScenario(parsed.value).violations;
}

/** One fleet under faults that come from its seed, then mended: the invariants hold all along, and at the end all is well. */
export function runSoak(seed: number, trials = 400): SoakRun {
  const text = generateSoak(seed);
  const violations = violationsOf(text, `seed ${seed}`);
  return { seed, violations, scenario: violations.length === 0 ? null : shrinkScenario(text, trials).text };
}
