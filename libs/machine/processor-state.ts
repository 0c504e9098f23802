import { slots } from './control-registers';

/** registers: x0 to x31, and a place for what is written to x0. */
export const registerCount = 32;
export const discarded = 32;

/** What of a machine is not in its memory and its devices; two of them are equal when all of it is. */
export interface ProcessorState {
  readonly registers: Int32Array;
  readonly control: Int32Array;
  readonly time: number;
}

/** What differs between two machines' processors, in words: empty when nothing does. */
export function processorDifferences(one: ProcessorState, other: ProcessorState): string[] {
  const differences: string[] = [];
  const compare = (name: string, a: number, b: number) => {
    if (a !== b) differences.push(`${name}: ${hexadecimal(a)} and ${hexadecimal(b)}`);
  };
  for (let register = 1; register < registerCount; register++)
    compare(`x${register}`, one.registers[register]!, other.registers[register]!);
  for (const [name, slot] of Object.entries(slots)) compare(name, one.control[slot]!, other.control[slot]!);
  if (one.time !== other.time) differences.push(`time: ${one.time} and ${other.time}`);
  return differences;
}

export function hexadecimal(word: number): string {
  return `0x${(word >>> 0).toString(16).padStart(8, '0')}`;
}
