import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Classification } from '@argosy/machine/classification';
import type { EngineName } from '@argosy/machine/engine';
import type { TestVerdict } from '@argosy/machine/test-program';
import type { VariantName } from '@argosy/machine/variants';
import { command } from '../command';
import { Failure, usageFailure } from '../failure';
import { classificationLines } from '../output/classification-report';
import type { Session } from '../session';
import { printTour, showTour, type Tour } from '../tour';

const elfMagic = Buffer.from([0x7f, 0x45, 0x4c, 0x46]);
const deepest = 4;
const engineChoices = ['interpreter', 'translator'] as const satisfies readonly EngineName[];

interface Judged {
  readonly program: string;
  readonly depth: number;
  readonly engine: EngineName;
  readonly verdict: TestVerdict;
}

interface Program {
  readonly name: string;
  readonly bytes: Buffer;
}

/** The public tests are named after the instructions that they need and the surroundings that they are built for. */
const publicName = /^rv\d+\w*-[pv]t?-/;
const publicNameOfOurs = /^rv32u[im]-p-/;

/** A file by itself; of a folder, every ELF file in it that is not a public test for another machine. */
function programsAt(
  session: Session,
  path: string,
): { readonly programs: readonly Program[]; readonly others: number } {
  const given = resolve(session.io.currentFolder, path);
  try {
    if (!statSync(given).isDirectory())
      return {
        programs: [{ name: path, bytes: readFileSync(given) }],
        others: 0,
      };
    const found = readdirSync(given, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => ({ name, bytes: readFileSync(join(given, name)) }))
      .filter(({ bytes }) => bytes.subarray(0, 4).equals(elfMagic))
      .sort((one, other) => (one.name < other.name ? -1 : 1));
    const programs = found.filter(({ name }) => !publicName.test(name) || publicNameOfOurs.test(name));
    if (programs.length === 0) throw new Failure('no-file', `${path} has no programs for this machine in it.`);
    return { programs, others: found.length - programs.length };
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure('no-file', `${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
}

function depthsOf(given: readonly string[]): number[] {
  const depths = given.length === 0 ? [0, 1] : given.map(Number);
  if (depths.every((depth) => Number.isInteger(depth) && depth >= 0 && depth <= deepest)) return depths;
  throw usageFailure(`--depth is one or more of 0 to ${deepest}, such as --depth 0,1.`);
}

/** One that cannot be loaded has failed, among others; by itself it is a mistake of who named it. */
async function judge(
  programs: readonly Program[],
  depths: readonly number[],
  engines: readonly EngineName[],
): Promise<Judged[]> {
  const { runTestProgram } = await import('@argosy/machine/test-program');
  const { variants } = await import('@argosy/machine/variants');
  return programs.flatMap(({ name, bytes }) =>
    depths.flatMap((depth) =>
      engines.map((engine) => {
        const result = runTestProgram(bytes, {
          variant: variants.virtualizable,
          depth,
          engine,
        });
        if (result.ok) return { program: name, depth, engine, verdict: result.value };
        const { code, message } = result.refusal;
        if (programs.length === 1) throw new Failure(code, `${name}: ${message}`);
        return {
          program: name,
          depth,
          engine,
          verdict: { passed: false, reason: message, instructions: 0 },
        };
      }),
    ),
  );
}

async function classifications(names: readonly VariantName[], seed: number): Promise<Classification[]> {
  const { classify } = await import('@argosy/machine/classification');
  const { variantNames, variants } = await import('@argosy/machine/variants');
  const { createRandom } = await import('@argosy/simulator/random');
  const wanted = names.length === 0 ? variantNames : names;
  return wanted.map((name) => classify(variants[name], createRandom(seed)));
}

async function tour(): Promise<Tour> {
  const { tourScreens } = await import('@argosy/machine/tour/tour');
  const { createRandom } = await import('@argosy/simulator/random');
  return {
    screens: tourScreens,
    chanceOf: (screen) => createRandom(screen + 1),
  };
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
    path: 'machine tour',
    summary: 'virtualization in ten screens: traps, classes of instructions, machines in machines, a patch, a migration',
    flags: { plain: { type: 'flag', summary: 'all screens one below the other, on a terminal too' } },
    examples: ['machine tour', 'machine tour --plain | less'],
    run: async (session, { flags }) => {
      const { out, keyboard } = session.io;
      if (flags.plain || !out.isTerminal || !keyboard.isTerminal || !session.isForPeople) printTour(session, await tour());
      else await showTour(session, await tour());
      return 'done';
    },
  }),
  command({
    path: 'machine test',
    summary: 'run RISC-V test programs (static ELF32, tohost) on the bare machine and in a machine of a machine',
    parameters: [{ name: 'folder-or-file' }],
    flags: {
      depth: { type: 'texts', placeholder: 'number', summary: '0 the bare machine, 1 a VM, 2 a VM in a VM, to 4 (default 0,1)' },
      engine: { type: 'texts', choices: engineChoices, summary: 'what runs the instructions (default each)' },
    },
    examples: ['machine test riscv-tests/isa', 'machine test rv32ui-p-add --depth 0,1,2,3,4 --engine translator'],
    run: async (session, { parameters, flags }) => {
      const depths = depthsOf(flags.depth);
      const { programs, others } = programsAt(session, parameters['folder-or-file']);
      const engines = flags.engine.length === 0 ? engineChoices : (flags.engine as readonly EngineName[]);
      const judged = await judge(programs, depths, engines);
      if (session.format === 'json' || session.format === 'yaml') session.printValue(judged);
      else
        for (const { program, depth, engine, verdict } of judged)
          session.print(
            `${verdict.passed ? 'passed' : 'FAILED'}  ${program} at depth ${depth}, ${engine}` +
              (verdict.passed ? ` (${verdict.instructions} instructions)` : `: ${verdict.reason}`),
          );
      const failures = judged.filter(({ verdict }) => !verdict.passed).length;
      const passedOver = others === 0 ? '' : ` ${others} programs for other machines were passed over.`;
      if (session.isForPeople) session.print(`${judged.length - failures} passed, ${failures} failed.${passedOver}`);
      return failures === 0 ? 'done' : 'failed';
    },
  }),
]; // prettier-ignore
