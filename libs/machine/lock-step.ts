import { Console } from './devices';
import { runThroughIdleness, type Machine, type Stop } from './machine';
import { processorDifferences } from './processor-state';
import {
  randomProgram,
  randomProgramBytes,
  type Chance,
  type ProgramShape,
  type RandomProgram,
} from './random-program';
import type { TranslatorOptions } from './translator/translator';
import { variants, type Variant } from './variants';
import { chainOfMachines } from './vmm/chain';
import { diskOf } from './vmm/equivalence';
import type { MonitorKind } from './vmm/virtual-machine';

/** Runs a program on a machine with the translator, and beside it on one with the interpreter, and looks for what differs. */
export interface LockStepOptions {
  readonly variant: Variant;
  readonly depth: number;
  readonly kind?: MonitorKind;
  readonly translator: TranslatorOptions;
  /** How often, and after how many instructions at most, the machines are stopped and compared. */
  readonly slices: number;
  readonly longestSlice: number;
}

export interface LockStepResult {
  /** Empty: nothing differed at any time. */
  readonly differences: readonly string[];
  /** How often translated code was run. */
  readonly translatedRuns: number;
}

const memoryBytes = 2 * randomProgramBytes;

/** By words: it is looked at after each instruction. */
function memoryDifferences(one: Machine, other: Machine): string[] {
  const [here, there] = [one, other].map(({ memory }) => {
    const { buffer, byteOffset, length } = memory.access(0, memoryBytes);
    return new Int32Array(buffer, byteOffset, length / 4);
  });
  for (let at = 0; at < here!.length; at++)
    if (here![at] !== there![at]) return [`memory at ${4 * at}: ${here![at]} and ${there![at]}`];
  return [];
}

/** All that can be seen of both, at one moment. */
function differencesBetween(one: Machine, other: Machine): string[] {
  const differences = processorDifferences(one.saveProcessor(), other.saveProcessor());
  differences.push(...memoryDifferences(one, other));
  const [here, there] = [diskOf(one), diskOf(other)];
  const at = here.findIndex((byte, index) => byte !== there[index]);
  if (at !== -1) differences.push(`disk at ${at}: ${here[at]} and ${there[at]}`);
  return differences;
}

class Side {
  readonly output: number[] = [];
  readonly top: Machine;
  stop: Stop = 'limit';

  constructor(
    program: RandomProgram,
    { variant, depth, kind = 'direct' }: LockStepOptions,
    engine: TranslatorOptions | 'interpreter',
  ) {
    const console = new Console((byte) => this.output.push(byte));
    console.type([1, 2, 3]);
    this.top = chainOfMachines({ variant, depth, kind, memoryBytes, diskSectors: 2, console, engine }).top;
    this.top.memory.write(0, program.memory);
    this.top.registers.set(program.registers);
  }

  runUntil(time: number): void {
    this.stop = runThroughIdleness(this.top, time - this.top.time);
  }
}

/**
 * On the bare machine processors are compared whenever translated code was left as well: with one block a module at each block's
 * end, and with one instruction after each, where memories are too.
 */
export function runInLockStep(program: RandomProgram, chance: Chance, options: LockStepOptions): LockStepResult {
  const differences: string[] = [];
  let translatedRuns = 0;
  const isOneInstruction = options.translator.blockInstructions === 1;
  const reference = new Side(program, options, 'interpreter');
  const translated: Side = new Side(program, options, {
    ...options.translator,
    afterTranslated: (executed) => {
      translatedRuns++;
      if (options.depth > 0 || differences.length > 0) return;
      const now = translated.top.time + executed;
      // At its timer's time the reference takes the interrupt, and the other will.
      if (now >= reference.top.timeCompare) return;
      reference.runUntil(now);
      const at = { ...translated.top.saveProcessor(), time: now };
      differences.push(...processorDifferences(at, reference.top.saveProcessor()));
      if (isOneInstruction) differences.push(...memoryDifferences(translated.top, reference.top));
    },
  });
  for (let slice = 0; slice < options.slices && differences.length === 0; slice++) {
    const end = translated.top.time + 1 + chance.below(options.longestSlice);
    translated.runUntil(end);
    reference.runUntil(end);
    differences.push(...differencesBetween(translated.top, reference.top));
    if (translated.stop !== reference.stop) differences.push(`stop: ${translated.stop} and ${reference.stop}`);
    if (translated.output.join() !== reference.output.join()) differences.push('console');
    if (translated.stop !== 'limit') break;
  }
  return { differences, translatedRuns };
}

/** Where programs are run, besides on the bare machine of the virtualizable variant. */
export const lockStepPlaces: readonly (readonly [string, Partial<LockStepOptions>])[] = [
  ['depth 1', { depth: 1 }],
  ['depth 2', { depth: 2 }],
  ['depth 3', { depth: 3 }],
  ['unprivileged-reads', { variant: variants['unprivileged-reads'] }],
  ['patched', { variant: variants['unprivileged-reads'], depth: 1, kind: 'patching' }],
  ['patched in a patched machine', { variant: variants['unprivileged-reads'], depth: 2, kind: 'patching' }],
  ['paravirtual', { variant: variants['unprivileged-reads'], depth: 1, kind: 'paravirtual' }],
  ['hybrid', { variant: variants.hybrid }],
  ['under a hybrid monitor', { variant: variants.hybrid, depth: 1, kind: 'hybrid' }],
];

export interface RandomRuns {
  readonly shape: ProgramShape;
  readonly first: number;
  readonly count: number;
  readonly chanceOf: (seed: number) => Chance;
}

/** Of programs by seeds that follow each other, up to the first that differs, which is named. */
export function runAllInLockStep(
  options: LockStepOptions,
  { shape, first, count, chanceOf }: RandomRuns,
): LockStepResult {
  let translatedRuns = 0;
  for (let seed = first; seed < first + count; seed++) {
    const chance = chanceOf(seed);
    const result = runInLockStep(randomProgram(chance, shape), chance, options);
    translatedRuns += result.translatedRuns;
    if (result.differences.length > 0)
      return { differences: [`program ${seed}`, ...result.differences], translatedRuns };
  }
  return { differences: [], translatedRuns };
}
