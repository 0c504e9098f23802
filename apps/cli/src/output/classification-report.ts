import type { Classification, TheoremResult, Verdict } from '@argosy/machine/classification';
import { paint, tableLines } from './table';

const textColumns = 100;

const privilegeWords = {
  privileged: 'privileged',
  unprivileged: 'not privileged',
  'always-traps': 'trap in either mode',
} as const satisfies Record<Verdict['privilege'], string>;

function sensitivityOf({ findings }: Verdict): string {
  const kinds = [...new Set(findings.map(({ sensitivity }) => sensitivity))].sort();
  return kinds.length === 0 ? 'innocuous' : `sensitive: ${kinds.join(', ')}`;
}

/** What is both sensitive and not privileged is why a theorem fails. */
function isCritical({ privilege, findings }: Verdict): boolean {
  return privilege === 'unprivileged' && findings.length > 0;
}

function wrapped(words: readonly string[], indent: string): string[] {
  const lines: string[] = [];
  let line = indent;
  for (const word of words) {
    if (line.length + word.length > textColumns && line !== indent) {
      lines.push(line.trimEnd());
      line = indent;
    }
    line += `${word}, `;
  }
  return [...lines, line.replace(/, $/, '')];
}

function groupLines(verdicts: readonly Verdict[], useColour: boolean): string[] {
  const groups = new Map<string, Verdict[]>();
  for (const verdict of verdicts) {
    const title = `${privilegeWords[verdict.privilege]}, ${sensitivityOf(verdict)}`;
    groups.set(title, [...(groups.get(title) ?? []), verdict]);
  }
  return [...groups].flatMap(([title, members]) => {
    const [first] = members;
    const witness = first!.findings.at(-1);
    const told =
      witness === undefined
        ? []
        : [`    ${first!.instruction} (${wordOf(witness.word)}), in ${witness.foundIn} mode: ${witness.witness}`];
    const instructions = wrapped(members.map(({ instruction }) => instruction), '    '); // prettier-ignore
    return [paint(`  ${title}`, isCritical(first!) ? 'red' : 'bold', useColour), ...instructions, ...told, ''];
  });
}

function theoremLine({ theorem, name, holds, reason, against }: TheoremResult, useColour: boolean): string {
  const verdict = paint(holds ? 'holds' : 'fails', holds ? 'green' : 'red', useColour);
  const named = holds || against.length === 0 ? '' : ` (${against.join(', ')})`;
  return `  Theorem ${theorem} (${name}) ${verdict}: ${reason}${named}.`;
}

function wordOf(word: number): string {
  return `0x${(word >>> 0).toString(16).padStart(8, '0')}`;
}

/** Every instruction with every witness, a row each. */
function everyRow(verdicts: readonly Verdict[], useColour: boolean): readonly string[] {
  const rows = verdicts.flatMap((verdict) => {
    const { instruction, privilege, privilegeWitness, findings } = verdict;
    const colour = isCritical(verdict) ? ('red' as const) : undefined;
    const told =
      findings.length === 0
        ? [['', '', privilegeWitness] as const]
        : findings.map((finding) => [finding.sensitivity, finding.foundIn, finding] as const);
    return told.map(([kind, mode, { witness, word, seed }], index) => [
      { text: index === 0 ? instruction : '', colour },
      { text: index === 0 ? privilegeWords[privilege] : '' },
      { text: kind === '' ? 'innocuous' : kind },
      { text: mode },
      { text: wordOf(word) },
      { text: String(seed) },
      { text: witness },
    ]);
  });
  return tableLines(rows, {
    titles: ['INSTRUCTION', 'PRIVILEGE', 'SENSITIVE', 'IN MODE', 'WORD', 'SEED', 'WITNESS'],
    useColour,
  });
}

export function classificationLines(
  { variant, summary, verdicts, theorems }: Classification,
  { everyWitness, useColour }: { readonly everyWitness: boolean; readonly useColour: boolean },
): readonly string[] {
  return [
    `${paint(variant, 'bold', useColour)}: ${summary}`,
    '',
    ...(everyWitness ? [...everyRow(verdicts, useColour), ''] : groupLines(verdicts, useColour)),
    ...theorems.map((theorem) => theoremLine(theorem, useColour)),
  ];
}
