import { subjectsOf } from './classify/subjects';
import { classifySubject, probesOf, type Verdict } from './classify/verdict';
import type { Chance } from './random-program';
import type { Variant } from './variants';

export type { Verdict } from './classify/verdict';

/** The paper's theorem 1, 2 or 3 for one instruction set. */
export interface TheoremResult {
  readonly theorem: 1 | 2 | 3;
  readonly name: string;
  readonly holds: boolean;
  readonly reason: string;
  /** The instructions that stand against it. */
  readonly against: readonly string[];
}

export interface Classification {
  readonly variant: string;
  readonly summary: string;
  readonly verdicts: readonly Verdict[];
  readonly theorems: readonly TheoremResult[];
}

const defaultRounds = 60;

/** What matters where virtual user mode runs in user mode: mode is the same in both, so that depending on it shows nothing. */
function isUserSensitive({ findings }: Verdict): boolean {
  return findings.some(({ foundIn }) => foundIn === 'user');
}

function theorem(number: 1 | 2 | 3, name: string, against: readonly Verdict[], subset: string): TheoremResult {
  const reason =
    against.length === 0
      ? `every ${subset} instruction is privileged`
      : `${against.length} ${subset} ${against.length === 1 ? 'instruction is' : 'instructions are'} not privileged`;
  return {
    theorem: number,
    name,
    holds: against.length === 0,
    reason,
    against: against.map(({ instruction }) => instruction),
  };
}

export function applyTheorems(verdicts: readonly Verdict[]): readonly TheoremResult[] {
  const unprivileged = verdicts.filter(({ privilege }) => privilege === 'unprivileged');
  const first = theorem(
    1,
    'virtualizable',
    unprivileged.filter(({ findings }) => findings.length > 0),
    'sensitive',
  );
  const second: TheoremResult = {
    ...first,
    theorem: 2,
    name: 'recursively virtualizable',
    reason: first.holds ? 'it is virtualizable, and its VMM has no timing dependencies: time is counted, and each machine has its own' : 'it is not virtualizable',
  }; // prettier-ignore
  return [first, second, theorem(3, 'hybrid virtualizable', unprivileged.filter(isUserSensitive), 'user-sensitive')];
}

export function classify(variant: Variant, chance: Chance, rounds = defaultRounds): Classification {
  const probes = probesOf(variant);
  const verdicts = subjectsOf(variant).map((subject) => classifySubject(subject, probes, chance, rounds));
  return { variant: variant.name, summary: variant.summary, verdicts, theorems: applyTheorems(verdicts) };
}
