import { classify, type Verdict } from '../classification';
import { hexadecimal } from '../processor-state';
import type { Chance } from '../random-program';
import { variantNames, variants } from '../variants';
import { table } from './trace';

const rounds = 6;

const privileges = {
  privileged: 'privileged',
  unprivileged: 'not privileged',
  'always-traps': 'trap in either mode',
};

function classOf({ privilege, findings }: Verdict): string {
  const kinds = findings.map(({ sensitivity }) => sensitivity);
  const sensitivity = kinds.includes('control')
    ? 'control-sensitive'
    : kinds.length > 0
      ? 'behaviour-sensitive'
      : 'innocuous';
  return `${privileges[privilege]}, ${sensitivity}`;
}

export function classes(chance: Chance): string[] {
  const { verdicts } = classify(variants['unprivileged-reads'], chance, rounds);
  const groups = new Map<string, Verdict[]>();
  for (const verdict of verdicts) {
    const name = classOf(verdict);
    groups.set(name, [...(groups.get(name) ?? []), verdict]);
  }
  const rows = [...groups].map(([name, members]) => [name, members.length, members.slice(0, 3).map(({ instruction }) => instruction).join(', ')]); // prettier-ignore
  const critical = verdicts.find(({ instruction }) => instruction === 'csrr mbase')!;
  return [
    'Privileged: traps in user mode, and not in machine mode. Sensitive: changes what the machine',
    'gives out (control), or does something else by where it lies or in which mode (behaviour).',
    'Nothing is declared here: each instruction was run just now over pairs of states, on the variant',
    'that is like IA-32 before 2005.',
    '',
    ...table(rows),
    '',
    `Sensitive and not privileged: ${critical.instruction}, for one. Its witness:`,
    `  ${hexadecimal(critical.findings[0]!.word)}: ${critical.findings[0]!.witness}`,
    '',
    'argosy machine classify prints all of it.',
  ];
}

export function theorems(chance: Chance): string[] {
  const results = variantNames.map((name) => classify(variants[name], chance, rounds));
  const verdict = (holds: boolean) => (holds ? 'holds' : 'fails');
  const rows = results.map(({ variant, theorems: found }) => [variant, ...found.map(({ holds }) => verdict(holds))]);
  return [
    '1. If every sensitive instruction is privileged, a VMM can be made.',
    '2. If the VMM has no timing dependencies either, it can be made of its own machines.',
    '3. If every user-sensitive one is privileged, a hybrid VMM can be made, which interprets the',
    "   guest's kernel and runs its processes directly.",
    '',
    ...table([['variant', 'theorem 1', 'theorem 2', 'theorem 3'], ...rows]),
    '',
    ...results.flatMap(({ variant, theorems: [first] }) =>
      first!.holds ? [] : [`  ${variant}: against it ${first!.against.join(', ')}`],
    ),
    '',
    'They are sufficient, not necessary: the next screens run all three variants.',
  ];
}
