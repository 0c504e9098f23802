import { assemble } from '../assembler';
import { Console, sectorBytes } from '../devices';
import type { EngineChoice } from '../engine';
import { runThroughIdleness, type Machine, type Stop } from '../machine';
import { processorDifferences, registerCount, type ProcessorState } from '../processor-state';
import { randomProgramBytes, type RandomProgram } from '../random-program';
import type { Variant } from '../variants';
import { chainOfMachines, type ChainKind } from './chain';

/** A program of a text, from the beginning of memory, with nothing in the registers. */
export function programOf(text: string): RandomProgram {
  const memory = new Uint8Array(randomProgramBytes);
  memory.set(assemble(text).bytes);
  return { memory, registers: new Int32Array(registerCount) };
}

/** All that can be seen of a run from outside, and all that the machine holds after it. */
export interface Outcome {
  readonly stop: Stop;
  readonly output: readonly number[];
  readonly processor: ProcessorState;
  readonly memory: Uint8Array;
  readonly disk: Uint8Array;
}

export interface RunOptions {
  readonly variant: Variant;
  readonly depth: number;
  readonly kind?: ChainKind;
  readonly instructions: number;
  readonly engine?: EngineChoice;
}

const diskSectors = 2;
const memoryBytes = 2 * randomProgramBytes;

/** All that is on a machine's disk. */
export function diskOf({ devices: { disk } }: Machine): Uint8Array {
  const bytes = new Uint8Array(disk!.sectors * sectorBytes);
  for (let sector = 0; sector < disk!.sectors; sector++)
    disk!.read(sector, bytes.subarray(sector * sectorBytes, (sector + 1) * sectorBytes));
  return bytes;
}

export function runProgram(program: RandomProgram, options: RunOptions): Outcome {
  const output: number[] = [];
  const console = new Console((byte) => output.push(byte));
  console.type([1, 2, 3]);
  const { top } = chainOfMachines({ ...options, memoryBytes, diskSectors, console });
  top.memory.write(0, program.memory);
  top.registers.set(program.registers);
  const stop = runThroughIdleness(top, options.instructions);
  return { stop, output, processor: top.saveProcessor(), memory: top.memory.access(0, memoryBytes), disk: diskOf(top) };
}

function firstDifference(one: Uint8Array, other: Uint8Array): number {
  return one.findIndex((byte, index) => byte !== other[index]);
}

/** Empty: nobody could tell one run from the other, not even by counting instructions. */
export function differencesOf(one: Outcome, other: Outcome): string[] {
  const differences = processorDifferences(one.processor, other.processor);
  if (one.stop !== other.stop) differences.push(`stop: ${one.stop} and ${other.stop}`);
  if (one.output.join() !== other.output.join())
    differences.push(`console: ${one.output.join()} and ${other.output.join()}`);
  for (const store of ['memory', 'disk'] as const) {
    const at = firstDifference(one[store], other[store]);
    if (at !== -1) differences.push(`${store} at ${at}: ${one[store][at]} and ${other[store][at]}`);
  }
  return differences;
}
