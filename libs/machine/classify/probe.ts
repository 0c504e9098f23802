import { BareMachine } from '../bare-machine';
import { interruptBits, machineMode, slotCount, slots, statusBits, userMode } from '../control-registers';
import { Console, PowerButton, type Disk, type NetworkPort } from '../devices';
import type { Stop } from '../machine';
import { memoryStart, pageBytes } from '../memory';
import { registerCount } from '../processor-state';
import type { Chance } from '../random-program';
import { causes } from '../traps';
import type { Variant } from '../variants';

/**
 * A state of the paper, S = (E, M, P, R), and the rest of what a processor has. E is told as the program sees it: the content of
 * the memory that R gives it; everything else there is holds another content.
 */
export interface ProbeState {
  readonly registers: Int32Array;
  readonly control: Int32Array;
  readonly time: number;
  /** `windowBytes` of content, with the instruction in it at P. */
  readonly content: Uint8Array;
}

export interface ProbeResult {
  /** memory-trap: the state pair tells nothing, by the paper's definitions. trap: to the control program. */
  readonly end: 'ran' | 'trap' | 'memory-trap';
  readonly cause: number;
  readonly registers: Int32Array;
  readonly control: Int32Array;
  readonly content: Int32Array;
  /** Whatever it did beside: devices, power, memory outside R. Empty: nothing. */
  readonly effects: readonly string[];
}

export const windowBytes = pageBytes;
/** Bases that are tried: windows of up to two pages fit behind each. */
export const probeBases = [0, 1, 2, 3].map((page) => page * pageBytes);
const outside = 0x5a5a5a5a;
/** Bytes that do not repeat: a state's content is a stretch of them. */
const pattern = Uint8Array.from({ length: 2 * windowBytes }, (_, index) => Math.imul(index + 1, 0x9e3779b1) >>> 24);
const memoryTraps: readonly number[] = [causes.fetchFault, causes.loadFault, causes.storeFault];

/** The same each time: states are made again by their seed. */
export function chanceOf(seed: number): Chance {
  let state = seed | 0;
  const next = (): number => {
    state = (state + 0x9e3779b9) | 0;
    let word = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
    return (word ^ (word >>> 16)) >>> 0;
  };
  return { below: (limit) => Math.floor((next() / 2 ** 32) * limit) };
}

export function anyWord(chance: Chance): number {
  return chance.below(2 ** 32) | 0;
}

/** Either the timer's interrupt is pending and not enabled, or the other way about: none comes in place of the instruction. */
function anyTimer(control: Int32Array, chance: Chance): void {
  const isEnabled = chance.below(2) === 1;
  control[slots.interruptEnable] = isEnabled ? interruptBits.timer : 0;
  control[slots.timeCompareHigh] = isEnabled ? control[slots.timeCompareHigh]! | (1 << 30) : 0;
}

/** Control registers by chance, each a value that it can have, in a mode and behind a base. */
export function anyControl(chance: Chance, mode: number, base: number): Int32Array {
  const control = Int32Array.from({ length: slotCount }, () => anyWord(chance));
  for (const slot of ['trapVector', 'trapPc', 'pc'] as const) control[slots[slot]]! &= ~3;
  for (const slot of ['previousBase', 'previousBound'] as const) control[slots[slot]]! &= ~(pageBytes - 1);
  control[slots.status] = chance.below(2) * statusBits.enabled + chance.below(2) * statusBits.wasEnabled;
  control[slots.status]! |= chance.below(2) * statusBits.previousMode;
  anyTimer(control, chance);
  control[slots.waiting] = 0;
  control[slots.mode] = mode;
  control[slots.base] = base;
  control[slots.bound] = windowBytes;
  return control;
}

export function anyTime(chance: Chance): number {
  return 2 ** 33 + chance.below(2 ** 40);
}

export function anyState(word: number, chance: Chance): ProbeState {
  const start = chance.below(windowBytes / 4) * 4;
  const content = pattern.slice(start, start + windowBytes);
  const at = chance.below(windowBytes / 4) * 4;
  new DataView(content.buffer).setInt32(at, word, true);
  const registers = Int32Array.from({ length: registerCount }, () =>
    chance.below(2) === 0 ? anyWord(chance) : (memoryStart + chance.below(windowBytes / 4) * 4) | 0,
  );
  registers[0] = 0;
  const control = anyControl(chance, machineMode, probeBases[chance.below(probeBases.length)]!);
  control[slots.pc] = (memoryStart + at) | 0;
  return { registers, control, time: anyTime(chance), content };
}

export function withControl(state: ProbeState, changes: Partial<Record<keyof typeof slots, number>>): ProbeState {
  const control = state.control.slice();
  for (const [name, value] of Object.entries(changes)) control[slots[name as keyof typeof slots]] = value;
  return { ...state, control };
}

export const modes = { machine: machineMode, user: userMode } as const;
export type ModeName = keyof typeof modes;

/** What a machine has of everything; a control program that gives less of it must not be seen to. */
export interface Equipment {
  readonly memoryPages: number;
  readonly diskSectors: number;
  readonly waitingBytes: number;
  readonly hardwareAddress: Uint8Array;
  readonly timeScale: number;
  /** What was typed. */
  readonly typed: number;
}

export const oneEquipment: Equipment = {
  memoryPages: 5,
  diskSectors: 2,
  waitingBytes: 60,
  hardwareAddress: Uint8Array.of(2, 0, 0, 0, 0, 1),
  timeScale: 0,
  typed: 65,
};
export const anotherEquipment: Equipment = {
  memoryPages: 6,
  diskSectors: 3,
  waitingBytes: 70,
  hardwareAddress: Uint8Array.of(2, 0, 0, 1, 1, 2),
  timeScale: 10,
  typed: 66,
};

/** The same was typed before each instruction: what one has taken shows in no other. */
class ProbeConsole extends Console {
  constructor(
    private readonly typed: number,
    private readonly tell: (effect: string) => void,
  ) {
    super((byte) => tell(`the console gets ${byte}`));
  }

  override get hasInput(): boolean {
    return true;
  }

  override read(): number {
    this.tell('a byte that was typed is taken');
    return this.typed;
  }
}

/** Runs one instruction of a variant from whatever state. */
export class Probe {
  private effects: string[] = [];
  private readonly machine: BareMachine;
  private readonly power = new PowerButton();

  constructor(variant: Variant, equipment: Equipment) {
    const { memoryPages, diskSectors, waitingBytes, hardwareAddress, timeScale, typed } = equipment;
    const console = new ProbeConsole(typed, (effect) => this.effects.push(effect));
    const network: NetworkPort = {
      hardwareAddress,
      waitingBytes,
      send: () => this.effects.push('a frame is sent'),
      receive: () => (this.effects.push('a frame is received'), new Uint8Array(waitingBytes)),
    };
    const disk: Disk = {
      sectors: diskSectors,
      read: () => this.effects.push('a sector is read'),
      write: () => this.effects.push('a sector is written'),
    };
    const devices = { console, network, disk, power: this.power, timeScale };
    this.machine = new BareMachine(variant, memoryPages * pageBytes, devices);
    this.machine.supervisor = 'outside';
  }

  run({ registers, control, time, content }: ProbeState): ProbeResult {
    const { machine } = this;
    const { memory } = machine;
    const base = control[slots.base]!;
    this.effects = [];
    this.power.press();
    memory.storage.words.fill(outside);
    memory.bytes.set(content, base);
    memory.written(0, memory.size);
    machine.loadProcessor({ registers, control, time });
    const stop = machine.run(1);
    const isMemoryTrap = stop === 'trap' && memoryTraps.includes(machine.trap.cause);
    return {
      end: isMemoryTrap ? 'memory-trap' : stop === 'trap' ? 'trap' : 'ran',
      cause: machine.trap.cause,
      registers: machine.registers.slice(0, registerCount),
      control: machine.control.slice(),
      content: memory.storage.words.slice(base >>> 2, (base + windowBytes) >>> 2),
      effects: [...this.effects, ...this.furtherEffects(stop, base)],
    };
  }

  private furtherEffects(stop: Stop, base: number): string[] {
    const { words } = this.machine.memory.storage;
    const [first, end] = [base >>> 2, (base + windowBytes) >>> 2];
    const effects = stop === 'off' ? ['the machine is switched off'] : [];
    if (!this.power.isPressed) effects.push('the press of the power button is taken');
    for (let index = 0; index < words.length; index++)
      if (words[index] !== outside && (index < first || index >= end))
        return [...effects, `memory outside its own changes, at ${4 * index}`];
    return effects;
  }
}
