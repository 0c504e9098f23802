import { accepted, refused, type Result } from '@argosy/domain/refusal';
import { slots } from './control-registers';
import { Console } from './devices';
import { loadElf, parseElf } from './elf';
import type { EngineName } from './engine';
import { runThroughIdleness, type Machine } from './machine';
import { memoryStart } from './memory';
import { chainOfMachines, type ChainOptions } from './vmm/chain';

/**
 * Runs a program as the public RISC-V tests are written: a static ELF32 that stores to the word at its symbol `tohost` when it
 * is done: 1 for passed, otherwise twice the number of the test that failed, and 1.
 */
export type TestVerdict =
  | { readonly passed: true; readonly instructions: number }
  | { readonly passed: false; readonly reason: string; readonly instructions: number };

export interface TestOptions extends Pick<ChainOptions, 'variant' | 'depth'> {
  /** The translator translates all before it is run, since the tests run most of it once. */
  readonly engine?: EngineName;
  readonly limit?: number;
}

const programMemoryBytes = 2 * 2 ** 20;
const sliceInstructions = 1000;
const defaultLimit = 10_000_000;

function judge(machine: Machine, tohost: number, limit: number): TestVerdict {
  for (;;) {
    const stop = runThroughIdleness(machine, sliceInstructions);
    const instructions = machine.time;
    const written = machine.memory.word(tohost);
    if (written === 1) return { passed: true, instructions };
    if ((written & 1) === 1) return { passed: false, reason: `test ${written >>> 1} failed`, instructions };
    if (written !== 0)
      return { passed: false, reason: `it wrote ${written} to tohost, which is no result`, instructions };
    if (stop === 'off' || stop === 'idle') return { passed: false, reason: `the machine is ${stop}`, instructions };
    if (instructions >= limit)
      return { passed: false, reason: `nothing in tohost after ${limit} instructions`, instructions };
  }
}

/** Refused: the file is no such program. */
export function runTestProgram(bytes: Uint8Array, options: TestOptions): Result<TestVerdict> {
  const parsed = parseElf(bytes);
  if (!parsed.ok) return parsed;
  const { entry, symbols } = parsed.value;
  const tohost = ((symbols.get('tohost') ?? 0) ^ memoryStart) >>> 0;
  if (tohost + 4 > programMemoryBytes)
    return refused('image-corrupt', 'The program cannot be judged: it has no symbol "tohost" within its memory.');
  const engine = options.engine === 'translator' ? { hotVisits: 0, unseen: true } : 'interpreter';
  const console = new Console(() => {});
  const { top } = chainOfMachines({ ...options, engine, memoryBytes: programMemoryBytes, console });
  const loaded = loadElf(top.memory, parsed.value);
  if (!loaded.ok) return loaded;
  top.control[slots.pc] = entry;
  return accepted(judge(top, tohost, options.limit ?? defaultLimit));
}
