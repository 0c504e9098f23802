import { slots } from '../control-registers';
import type { Engine } from '../engine';
import { Interpreter, type Interruption } from '../interpreter';
import type { Machine } from '../machine';
import { Memory, memoryStart, pageGuards, pageShift, pageWords, type Storage } from '../memory';
import { registerCount } from '../processor-state';
import { regionAt, type Region, type RegionLimits } from './region';
import { translate } from './translate';
import { Translations, type Entry } from './translations';
import { freshMemory, instantiate, type MakeMemory, moduleOf } from './webassembly';

export interface TranslatorOptions extends Partial<RegionLimits> {
  /** How often a jump must have come to a place before it is translated. */
  readonly hotVisits?: number;
  /** What a machine does first after `rested` is interpreted: for one that does little at a time, so many instructions. */
  readonly interpretedAfterRest?: number;
  /** Called whenever translated code was left, with how many instructions this run has done so far. */
  readonly afterTranslated?: (executed: number) => void;
  /** Of the machine; left out: a new one. */
  readonly makeMemory?: MakeMemory;
}

const defaults = {
  hotVisits: 500,
  interpretedAfterRest: 0,
  blocks: 160,
  blockInstructions: 64,
  unseen: false,
} as const;
/** WebAssembly counts down in a number of 32 bits; and its own compiler improves a function between its runs. */
const longestRun = 2 ** 20;
/** With less reach than its code has a translation cannot be entered: so far the interpreter goes before it is asked again. */
const interpretedStretch = 1000;

/** The fast engine: the interpreter runs what is run seldom and what is not plain, and WebAssembly what is run often. */
export class Translator implements Engine {
  executed = 0;
  cause = 0;
  value = 0;
  readonly registers: Int32Array;
  private readonly interpreter = new Interpreter();
  private readonly translations: Translations;
  private readonly stoppedAt: Int32Array;
  private readonly hotVisits: number;
  private readonly interpretedAfterRest: number;
  private toInterpret = 0;
  private readonly limits: RegionLimits;
  private readonly afterTranslated: ((executed: number) => void) | undefined;
  private checksLoads = false;

  private constructor(
    readonly memory: Memory,
    options: TranslatorOptions,
  ) {
    const { blocks, blockInstructions, unseen, ...others } = { ...defaults, ...options };
    this.hotVisits = others.hotVisits;
    this.interpretedAfterRest = others.interpretedAfterRest;
    this.limits = { blocks, blockInstructions, unseen };
    this.afterTranslated = others.afterTranslated;
    const { memory: shared, registersAt } = memory.storage.shared!;
    this.registers = new Int32Array(shared.buffer, registersAt, registerCount + 1);
    this.stoppedAt = new Int32Array(shared.buffer, pcAt(registersAt), 1);
    this.translations = new Translations(memory.storage);
  }

  /** With the memory that the machine is to have: its code is in there, and shares it. */
  static ofMemory(memoryBytes: number, options: TranslatorOptions = {}): Translator {
    return new Translator(Memory.ofSize(memoryBytes, options.makeMemory ?? freshMemory), options);
  }

  /** How many translations there are, and have been. */
  get counts(): { readonly live: number; readonly made: number } {
    return { live: this.translations.live, made: this.translations.made };
  }

  /** The machine has been idle. */
  rested(): void {
    this.toInterpret = this.interpretedAfterRest;
  }

  run(machine: Machine, limit: number): Interruption {
    if (this.toInterpret > 0) return this.runAfterRest(machine, limit);
    const { control } = machine;
    const { storage } = this.memory;
    if (storage.loadGuards > 0 && !this.checksLoads) {
      this.checksLoads = true;
      this.translations.dropAll();
    }
    const base = control[slots.base]! >>> 0;
    const reach = base < storage.size ? Math.min(control[slots.bound]! >>> 0, storage.size - base) : 0;
    let left = limit;
    while (left > 0) {
      const entry = this.entryAt(control[slots.pc]!, base, reach);
      if (entry !== undefined && entry.needed <= left && entry.translation.end <= reach) {
        const given = Math.min(left, longestRun);
        const rest = entry.translation.run(control[slots.pc]!, given, reach);
        control[slots.pc] = this.stoppedAt[0]!;
        left -= given - rest;
        this.afterTranslated?.(limit - left);
        if (rest < given) continue;
      }
      const interruption = this.interpret(machine, left, entry);
      left -= this.interpreter.executed;
      if (interruption === 'system' || interruption === 'trap') {
        this.executed = limit - left;
        this.cause = this.interpreter.cause;
        this.value = this.interpreter.value;
        return interruption;
      }
    }
    this.executed = limit;
    return 'limit';
  }

  /** Nothing is looked up and nothing is counted: of hundreds of machines that do this in turn, each would find its counts gone from the caches. */
  private runAfterRest(machine: Machine, limit: number): Interruption {
    const { interpreter } = this;
    const interruption = interpreter.run(machine, Math.min(limit, this.toInterpret));
    ({ executed: this.executed, cause: this.cause, value: this.value } = interpreter);
    this.toInterpret -= interpreter.executed;
    return interruption;
  }

  /** Where there is an entry and it cannot be used, it is not looked for at every jump. */
  private interpret(machine: Machine, left: number, entry: Entry | undefined): Interruption | 'hot' {
    return entry === undefined
      ? this.interpreter.runToHot(machine, left, this.hotVisits)
      : this.interpreter.run(machine, Math.min(left, interpretedStretch));
  }

  /** Counts the visit, and translates what was visited often. */
  private entryAt(pc: number, base: number, reach: number): Entry | undefined {
    const offset = (pc ^ memoryStart) >>> 0;
    if (offset >= reach || (offset & 3) !== 0) return undefined;
    const { storage } = this.memory;
    const page = (base + offset) >>> pageShift;
    if ((storage.flags[page]! & pageGuards.fetch) !== 0) return undefined;
    const { visits } = storage.decodedPage(page);
    const index = ((base + offset) >>> 2) & (pageWords - 1);
    if (visits[index]! < this.hotVisits) {
      visits[index]!++;
      return undefined;
    }
    const known = this.translations.entryAt(page, index, base);
    if (known !== undefined) return known;
    const region = regionAt({ storage, base, reach, limits: this.limits }, pc);
    if (region.blocks.get(pc)!.instructions.length === 0) {
      visits[index] = this.translations.rest;
      return undefined;
    }
    this.add(region, base);
    return this.translations.entryAt(page, index, base);
  }

  private add(region: Region, base: number): void {
    const { storage } = this.memory;
    const { memory, flagsAt, registersAt, bytes } = storage.shared!;
    const layout = { flagsAt, registersAt, pcAt: pcAt(registersAt), base, checksLoads: this.checksLoads };
    const translated = translate(region, layout);
    const refusesStore = (place: number, length: number) => this.refusesStore(storage, place, length);
    const run = instantiate(moduleOf(translated.function, bytes), { memory, refusesStore });
    this.translations.add({ region, base, run, entries: translated.entries });
  }

  /** A store that a guard stops, or that is to translated code, is the interpreter's: the code that it is asked from is left. */
  private refusesStore(storage: Storage, place: number, length: number): number {
    const { dropped } = this.translations;
    return storage.refusesWrite(place, length) || this.translations.dropped !== dropped ? 1 : 0;
  }
}

function pcAt(registersAt: number): number {
  return registersAt + 4 * (registerCount + 1);
}
