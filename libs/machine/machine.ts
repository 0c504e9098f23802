import { interruptBits, machineMode, slotCount, slots, statusBits, userMode } from './control-registers';
import type { Devices } from './devices';
import type { Engine } from './engine';
import { Interpreter } from './interpreter';
import type { Memory } from './memory';
import { registerCount, type ProcessorState } from './processor-state';
import { executeSystem, trapOf } from './system';
import { causes } from './traps';
import type { Variant } from './variants';

/**
 * Why a machine stands. limit: it ran as long as it was told. trap: it is controlled from outside, and `trap` says which.
 * idle: at a `wfi` that no interrupt has ended. off: it was switched off, and `offCode` says with what.
 */
export type Stop = 'limit' | 'trap' | 'idle' | 'off';

/** Larger than every memory: at its reset a machine's relocation register bounds nothing. */
export const wholeBound = ~0xfff;

/**
 * A machine of the third generation: registers, a processor with two modes, memory behind a relocation register that holds
 * in both, and traps. The bare machine is one, and so is each machine that a VMM makes of one.
 *
 * Its time is the number of instructions that it tried, and what `skipTime` added while it waited.
 */
export abstract class Machine {
  readonly registers: Int32Array;
  readonly control = new Int32Array(slotCount);
  time = 0;
  /** And so many times 2³² before it, so that `time` is an exact number however long a machine runs. */
  timeHigh = 0;
  /** outside: traps are not delivered to the trap vector, they end `run`, and whoever called it is the control program. */
  supervisor: 'inside' | 'outside' = 'inside';
  /** The last trap that ended `run`. */
  readonly trap = { cause: 0, value: 0 };
  offCode = 0;

  constructor(
    readonly variant: Variant,
    readonly memory: Memory,
    readonly devices: Devices,
    private readonly engine: Engine = new Interpreter(),
  ) {
    this.registers = engine.registers ?? new Int32Array(registerCount + 1);
    this.reset();
  }

  /**
   * Runs instructions up to the next event, for at most that many: on the processor itself, or on the machine below.
   * Undefined: it goes on.
   */
  protected abstract proceed(instructions: number): Stop | undefined;

  /** Runs for at most so many instructions, which `time` counts. */
  run(instructions: number): Stop {
    const end = this.time + instructions;
    for (;;) {
      if (this.stillWaits()) return 'idle';
      if (this.takeInterrupt() === 'trap') return 'trap';
      if (this.time >= end) return 'limit';
      const stop = this.proceed(Math.min(end - this.time, this.instructionsToTimer));
      if (stop !== undefined) return stop;
    }
  }

  /** Runs instructions up to the next event by its own engine. */
  protected runEngine(instructions: number): Stop | undefined {
    const { engine } = this;
    const interruption = engine.run(this, instructions);
    this.time += engine.executed;
    switch (interruption) {
      case 'limit':
        return undefined;
      case 'trap':
        return this.raise(engine.cause, engine.value);
      case 'system':
        return this.executeSystem(engine.value);
    }
  }

  /** An instruction about the machine itself, at `pc`. */
  protected executeSystem(word: number): Stop | undefined {
    const outcome = executeSystem(this, word);
    if (outcome === 'off') return 'off';
    const trap = trapOf(this, outcome, word);
    return trap === undefined ? undefined : this.raise(...trap);
  }

  reset(pc = 0x80000000 | 0): void {
    this.registers.fill(0);
    this.control.fill(0);
    this.control[slots.pc] = pc;
    this.control[slots.mode] = machineMode;
    this.control[slots.bound] = wholeBound;
    this.control[slots.previousBound] = wholeBound;
    this.control[slots.timeCompareLow] = -1;
    this.control[slots.timeCompareHigh] = -1;
    this.time = 0;
    this.timeHigh = 0;
  }

  /** Puts what `time` has above 2³² there: what a program sees stays as it is. Value: what was taken from `time`. */
  carryTime(): number {
    const high = Math.floor(this.time / 2 ** 32);
    this.timeHigh += high;
    this.time -= high * 2 ** 32;
    return high * 2 ** 32;
  }

  get isInUserMode(): boolean {
    return this.control[slots.mode] === userMode;
  }

  get timeCompare(): number {
    const high = (this.control[slots.timeCompareHigh]! >>> 0) - this.timeHigh;
    return high * 2 ** 32 + (this.control[slots.timeCompareLow]! >>> 0);
  }

  /** As `mip` shows it. */
  get pendingInterrupts(): number {
    const { console, network, power } = this.devices;
    const timer = this.time >= this.timeCompare ? interruptBits.timer : 0;
    const isExternal = console.hasInput || (network?.waitingBytes ?? 0) > 0 || power?.isPressed === true;
    return timer | (isExternal ? interruptBits.external : 0);
  }

  private get wantedInterrupts(): number {
    const enabled = this.control[slots.interruptEnable]!;
    return enabled === 0 ? 0 : enabled & this.pendingInterrupts;
  }

  private get takesInterrupts(): boolean {
    return this.isInUserMode || (this.control[slots.status]! & statusBits.enabled) !== 0;
  }

  /** How many instructions until the timer interrupts: Infinity where it does not. */
  private get instructionsToTimer(): number {
    const isWanted = (this.control[slots.interruptEnable]! & interruptBits.timer) !== 0;
    return isWanted && this.takesInterrupts ? this.timeCompare - this.time : Infinity;
  }

  /** The external one goes before the timer's. */
  private takeInterrupt(): 'trap' | undefined {
    const wanted = this.takesInterrupts ? this.wantedInterrupts : 0;
    if (wanted === 0) return undefined;
    const isExternal = (wanted & interruptBits.external) !== 0;
    return this.raise(isExternal ? causes.externalInterrupt : causes.timerInterrupt, 0);
  }

  /** Whether it still stands at its `wfi`. */
  private stillWaits(): boolean {
    if (this.control[slots.waiting] === 0) return false;
    if (this.wantedInterrupts === 0) return true;
    this.control[slots.waiting] = 0;
    return false;
  }

  /** While it is idle: time goes on, at most to `until`, and no further than the timer's interrupt. */
  skipTime(until: number): void {
    const timer = (this.control[slots.interruptEnable]! & interruptBits.timer) !== 0 ? this.timeCompare : Infinity;
    this.time = Math.max(this.time, Math.min(until, timer));
  }

  /** A trap at the instruction that `pc` names. */
  protected raise(cause: number, value: number): 'trap' | undefined {
    if (this.supervisor === 'outside') {
      this.trap.cause = cause;
      this.trap.value = value;
      return 'trap';
    }
    this.enterTrap(cause, value);
    return undefined;
  }

  /** The old mode, place, interrupt enable and relocation are kept; the trap handler runs in machine mode, unrelocated. */
  private enterTrap(cause: number, value: number): void {
    const { control } = this;
    const status = control[slots.status]!;
    const wasEnabled = (status & statusBits.enabled) !== 0 ? statusBits.wasEnabled : 0;
    control[slots.status] = wasEnabled | (control[slots.mode]! << 11);
    control[slots.trapPc] = control[slots.pc]!;
    control[slots.trapCause] = cause;
    control[slots.trapValue] = value;
    control[slots.previousBase] = control[slots.base]!;
    control[slots.previousBound] = control[slots.bound]!;
    control[slots.mode] = machineMode;
    control[slots.base] = 0;
    control[slots.bound] = wholeBound;
    control[slots.pc] = control[slots.trapVector]!;
  }

  saveProcessor(): ProcessorState {
    return { registers: this.registers.slice(0, registerCount), control: this.control.slice(), time: this.time };
  }

  loadProcessor({ registers, control, time }: ProcessorState): void {
    this.registers.set(registers);
    this.control.set(control);
    this.time = time;
  }
}

/** Runs a machine that may wait: while it does nothing, its time passes at once. */
export function runThroughIdleness(machine: Machine, instructions: number): Stop {
  const end = machine.time + instructions;
  for (;;) {
    const stop = machine.run(end - machine.time);
    if (stop !== 'idle') return stop;
    const before = machine.time;
    machine.skipTime(end);
    if (machine.time === before) return 'idle';
    if (machine.time >= end) return 'limit';
  }
}
