import { createRandom } from '@argosy/simulator/random';
import { applyTheorems, classify, type Classification, type Verdict } from './classification';
import { subjectsOf } from './classify/subjects';
import { classifySubject, probesOf, replayed, type Witness } from './classify/verdict';
import { controlRegisters } from './control-registers';
import { variantNames, variants, type VariantName } from './variants';

const found = new Map<VariantName, Classification>();
function classified(name: VariantName): Classification {
  if (!found.has(name)) found.set(name, classify(variants[name], createRandom(1)));
  return found.get(name)!;
}
function verdictOn(name: VariantName, instruction: string): Verdict {
  return classified(name).verdicts.find((verdict) => verdict.instruction === instruction)!;
}
const sensitivitiesOf = ({ findings }: Verdict) => findings.map(({ sensitivity }) => sensitivity);
const names = (verdicts: readonly Verdict[]) => verdicts.map(({ instruction }) => instruction);
const theorems = (name: VariantName) => classified(name).theorems.map(({ holds }) => holds);

test('of the virtualizable variant every sensitive instruction is privileged, so all three theorems hold', () => {
  expect(theorems('virtualizable')).toEqual([true, true, true]);
  const privileged = classified('virtualizable').verdicts.filter(({ privilege }) => privilege === 'privileged');
  const registers = controlRegisters.flatMap(({ name, isReadOnly }) =>
    isReadOnly ? [`csrr ${name}`] : [`csrr ${name}`, `csrw ${name}`],
  );
  expect(names(privileged)).toEqual(['mret', 'wfi', ...registers]);
});

test('whatever computes, loads, stores or jumps is innocuous', () => {
  const others = classified('virtualizable').verdicts.filter(({ privilege }) => privilege === 'unprivileged');
  expect(others).toHaveLength(47);
  expect(others.flatMap(({ instruction, findings }) => findings.map((finding) => [instruction, finding]))).toEqual([]);
});

test('calls and breakpoints trap in either mode, which leaves them to the control program', () => {
  const verdicts = classified('virtualizable').verdicts.filter(({ privilege }) => privilege === 'always-traps');
  expect(names(verdicts)).toEqual(['ecall', 'ebreak']);
});

test.each<[string, readonly string[], RegExp]>([
  ['csrw mbase', ['control', 'location'], /base goes from/],
  ['csrr mbase', ['location'], /at base 0x0000\d000 and 0x0000\d000, x\d+ is/],
  ['csrr mbound', ['resource'], /under two control programs, x\d+ is/],
  ['mret', ['control', 'resource'], /mode goes from 0x00000003 to 0x00000000|status goes from|base goes from/],
  ['wfi', ['control'], /waiting goes from 0x00000000 to 0x00000001/],
  ['csrw mconsole', ['control'], /the console gets \d+|a byte that was typed is taken/],
])('%s is found to be %s-sensitive, with two states as witness', (instruction, expected, witness) => {
  const verdict = verdictOn('virtualizable', instruction);
  expect(sensitivitiesOf(verdict)).toEqual(expect.arrayContaining([...expected]));
  expect(verdict.findings.map((finding) => finding.witness).join('\n')).toMatch(witness);
});

test('of the variant like IA-32 before 2005 the sensitive unprivileged instructions are named, and no theorem holds', () => {
  const against = ['csrr mstatus', 'csrw mstatus', 'csrr mtvec', 'csrr mbase', 'csrr mbound'];
  expect(theorems('unprivileged-reads')).toEqual([false, false, false]);
  expect(classified('unprivileged-reads').theorems[0]!.against).toEqual(against);
  // A write that user mode ignores is wrong in a virtual machine mode only: a hybrid monitor interprets that.
  expect(classified('unprivileged-reads').theorems[2]!.against).toEqual(
    expect.arrayContaining(['csrr mbase', 'csrr mtvec']),
  );
  expect(sensitivitiesOf(verdictOn('unprivileged-reads', 'csrw mstatus'))).toContain('mode');
});

test('of the hybrid variant one instruction stands against theorem 1, and it is not user-sensitive', () => {
  expect(theorems('hybrid')).toEqual([false, false, true]);
  expect(classified('hybrid').theorems[0]!.against).toEqual(['jrum']);
  expect(verdictOn('hybrid', 'jrum').findings).toMatchObject([{ sensitivity: 'control', foundIn: 'machine' }]);
});

test.each(variantNames)('each witness of %s is seen again when it is replayed', (name) => {
  const [variant, probes] = [variants[name], probesOf(variants[name])];
  const subjects = new Map(subjectsOf(variant).map((subject) => [subject.name, subject]));
  for (const { instruction, privilege, privilegeWitness, findings } of classified(name).verdicts) {
    const replay = (witness: Witness) => replayed(subjects.get(instruction)!, probes, witness);
    const { witness, word } = privilegeWitness;
    expect(replay(privilegeWitness)).toMatchObject({ word, privilege: { class: privilege, witness } });
    for (const finding of findings) {
      const round = replay(finding);
      expect(round.word).toBe(finding.word);
      const { sensitivity, foundIn } = finding;
      expect(round.seen).toContainEqual({ sensitivity, foundIn, witness: finding.witness });
    }
  }
});

// What is found is not what was declared: each register by itself is opened to user mode, and has to be noticed.
const telling = controlRegisters.filter(({ content }) => !('constant' in content));
test.each(telling.map(({ name }) => name))(
  'that user mode may read %s is found, and stands against theorem 1',
  (name) => {
    const variant = { ...variants.virtualizable, userAccess: { [name]: 'read' as const } };
    const subject = subjectsOf(variant).find((each) => each.name === `csrr ${name}`)!;
    const verdict = classifySubject(subject, probesOf(variant), createRandom(2), 20);
    expect(verdict.privilege).toBe('unprivileged');
    expect(applyTheorems([verdict])).toMatchObject([
      { holds: false, against: [`csrr ${name}`] },
      { holds: false },
      { holds: false, against: [`csrr ${name}`] },
    ]);
  },
);
