import type { Interruption } from './interpreter';
import type { Machine } from './machine';
import type { TranslatorOptions } from './translator/translator';

/**
 * What runs a machine's instructions. Both mean the same to the instruction: the interpreter is the reference, the
 * translator makes WebAssembly of what is run often (`translator/`).
 */
export const engineNames = ['interpreter', 'translator'] as const;
export type EngineName = (typeof engineNames)[number];
/** Options are a translator's. */
export type EngineChoice = EngineName | TranslatorOptions;

export interface Engine {
  /** Where it wants the machine's registers to be. */
  readonly registers?: Int32Array;
  /** How many instructions the last run tried; and of a trap or an instruction about the machine what `Interruption` says. */
  readonly executed: number;
  readonly cause: number;
  readonly value: number;
  run(machine: Machine, limit: number): Interruption;
}
