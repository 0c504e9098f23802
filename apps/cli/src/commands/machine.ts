import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Classification } from '@argosy/machine/classification';
import type { TestVerdict } from '@argosy/machine/test-program';
import type { VariantName } from '@argosy/machine/variants';
import { command } from '../command';
import { Failure, usageFailure } from '../failure';
import { classificationLines } from '../output/classification-report';
import type { Session } from '../session';

const elfMagic = Buffer.from([0x7f, 0x45, 0x4c, 0x46]);
const deepest = 4;

interface Judged {
  readonly program: string;
  readonly depth: number;
  readonly verdict: TestVerdict;
}

/** A file by itself; of a folder, every ELF file in it: the public tests' folders have dumps and sources beside them. */
function programsAt(session: Session, path: string): { readonly name: string; readonly bytes: Buffer }[] {
  const given = resolve(session.io.currentFolder, path);
  try {
    if (!statSync(given).isDirectory()) return [{ name: path, bytes: readFileSync(given) }];
    return readdirSync(given, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => ({ name, bytes: readFileSync(join(given, name)) }))
      .filter(({ bytes }) => bytes.subarray(0, 4).equals(elfMagic))
      .sort((one, other) => (one.name < other.name ? -1 : 1));
  } catch (error) {
    throw new Failure('no-file', `${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
}

function depthsOf(given: readonly string[]): number[] {
  const depths = given.length === 0 ? [0, 1] : given.map(Number);
  if (depths.every((depth) => Number.isInteger(depth) && depth >= 0 && depth <= deepest)) return depths;
  throw usageFailure(`--depth is one or more of 0 to ${deepest}, such as --depth 0,1.`);
}

async function judge(session: Session, path: string, depths: readonly number[]): Promise<Judged[]> {
  const { runTestProgram } = await import('@argosy/machine/test-program');
  const { variants } = await import('@argosy/machine/variants');
  const programs = programsAt(session, path);
  if (programs.length === 0) throw new Failure('no-file', `${path} has no ELF programs in it.`);
  return programs.flatMap(({ name, bytes }) =>
    depths.map((depth) => {
      const result = runTestProgram(bytes, { variant: variants.virtualizable, depth });
      if (!result.ok) throw new Failure(result.refusal.code, `${name}: ${result.refusal.message}`);
      return { program: name, depth, verdict: result.value };
    }),
  );
}

async function classifications(names: readonly VariantName[], seed: number): Promise<Classification[]> {
  const { classify } = await import('@argosy/machine/classification');
  const { variantNames, variants } = await import('@argosy/machine/variants');
  const { createRandom } = await import('@argosy/simulator/random');
  const wanted = names.length === 0 ? variantNames : names;
  return wanted.map((name) => classify(variants[name], createRandom(seed)));
}

export const machineCommands = [
  command({
    path: 'machine classify',
    summary: 'find out which instructions are privileged and which are sensitive, and apply Popek and Goldberg to them',
    flags: {
      variant: { type: 'texts', choices: ['virtualizable', 'unprivileged-reads', 'hybrid'], summary: 'of the instruction set (default all three)' },
      seed: { type: 'count', summary: 'of the states that are tried (default 1)' },
    },
    examples: ['machine classify', 'machine classify --variant unprivileged-reads -o wide'],
    run: async (session, { flags }) => {
      const results = await classifications(flags.variant as readonly VariantName[], flags.seed ?? 1);
      if (session.format === 'json' || session.format === 'yaml') session.printValue(results);
      else
        for (const [index, result] of results.entries()) {
          if (index > 0) session.print('');
          const options = { everyWitness: session.format === 'wide', useColour: session.useColour };
          classificationLines(result, options).forEach((line) => session.print(line));
        }
      return 'done';
    },
  }),
  command({
    path: 'machine test',
    summary: 'run RISC-V test programs (static ELF32, tohost) on the bare machine and in a machine of a machine',
    parameters: [{ name: 'folder-or-file' }],
    flags: { depth: { type: 'texts', placeholder: 'number', summary: '0 the bare machine, 1 a VM, 2 a VM in a VM, to 4 (default 0,1)' } },
    examples: ['machine test riscv-tests/isa', 'machine test rv32ui-p-add --depth 0,1,2,3,4'],
    run: async (session, { parameters, flags }) => {
      const judged = await judge(session, parameters['folder-or-file'], depthsOf(flags.depth));
      if (session.format === 'json' || session.format === 'yaml') session.printValue(judged);
      else
        for (const { program, depth, verdict } of judged)
          session.print(
            `${verdict.passed ? 'passed' : 'FAILED'}  ${program} at depth ${depth}` +
              (verdict.passed ? ` (${verdict.instructions} instructions)` : `: ${verdict.reason}`),
          );
      const failures = judged.filter(({ verdict }) => !verdict.passed).length;
      if (session.isForPeople) session.print(`${judged.length - failures} passed, ${failures} failed.`);
      return failures === 0 ? 'done' : 'failed';
    },
  }),
]; // prettier-ignore
