import type { Devices } from './devices';
import type { EngineChoice } from './engine';
import { Machine, type Stop } from './machine';
import { Memory } from './memory';
import { Translator } from './translator/translator';
import type { Variant } from './variants';

/** The machine that nothing is below of: its instructions are run by an engine. */
export class BareMachine extends Machine {
  /** Undefined: its engine is the interpreter. */
  readonly translator: Translator | undefined;

  constructor(variant: Variant, memoryBytes: number, devices: Devices, engine: EngineChoice = 'interpreter') {
    const translator =
      engine === 'interpreter' ? undefined : Translator.ofMemory(memoryBytes, engine === 'translator' ? {} : engine);
    super(variant, translator?.memory ?? Memory.ofSize(memoryBytes), devices, translator);
    this.translator = translator;
  }

  protected proceed(instructions: number): Stop | undefined {
    return this.runEngine(instructions);
  }
}
