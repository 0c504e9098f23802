import type { Devices } from './devices';
import { Interpreter } from './interpreter';
import { Machine, type Stop } from './machine';
import { Memory } from './memory';
import type { Variant } from './variants';

/** The machine that nothing is below of: its instructions are run by the interpreter. */
export class BareMachine extends Machine {
  private readonly interpreter = new Interpreter();

  constructor(variant: Variant, memoryBytes: number, devices: Devices) {
    super(variant, Memory.ofSize(memoryBytes), devices);
  }

  protected proceed(instructions: number): Stop | undefined {
    const { interpreter } = this;
    const interruption = interpreter.run(this, instructions);
    this.time += interpreter.executed;
    switch (interruption) {
      case 'limit':
        return undefined;
      case 'trap':
        return this.raise(interpreter.cause, interpreter.value);
      case 'system':
        return this.executeSystem(interpreter.value);
    }
  }
}
