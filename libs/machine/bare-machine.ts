import type { Devices } from './devices';
import { Machine, type Stop } from './machine';
import { Memory } from './memory';
import type { Variant } from './variants';

/** The machine that nothing is below of: its instructions are run by the interpreter. */
export class BareMachine extends Machine {
  constructor(variant: Variant, memoryBytes: number, devices: Devices) {
    super(variant, Memory.ofSize(memoryBytes), devices);
  }

  protected proceed(instructions: number): Stop | undefined {
    return this.interpret(instructions);
  }
}
