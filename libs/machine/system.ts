import {
  controlRegisterOf,
  machineMode,
  slots,
  statusBits,
  userMode,
  type ControlRegister,
  type Special,
} from './control-registers';
import { commandDisk, commandNetwork } from './devices';
import { instructionOf, type Mnemonic } from './instruction-set';
import type { Machine } from './machine';
import { causes } from './traps';

/**
 * What the instructions do that are about the machine itself. The bare machine runs them here in machine mode, and the VMM's
 * interpreter routines are these same functions over the state of a machine that it made: so both mean the same.
 *
 * next: done, and `pc` is moved. illegal: nothing was done. call, breakpoint: always trap. idle: waits. off: no more.
 */
export type SystemOutcome = 'next' | 'illegal' | 'call' | 'breakpoint' | 'idle' | 'off';

type Routine = (machine: Machine, word: number) => SystemOutcome;

const powerOff = 1;
const powerReset = 2;

function readSpecial(machine: Machine, special: Special): number {
  const { control, devices, memory } = machine;
  switch (special) {
    case 'status':
      return control[slots.status]!;
    case 'pending':
      return machine.pendingInterrupts;
    case 'time-low':
      return machine.time | 0;
    case 'time-high':
      return Math.floor(machine.time / 2 ** 32) + machine.timeHigh;
    case 'memory-size':
      return memory.size;
    case 'console':
      return devices.console.read();
    case 'disk-command':
      return control[slots.diskStatus]!;
    case 'disk-sectors':
      return devices.disk?.sectors ?? 0;
    case 'network-command':
      return control[slots.networkStatus]!;
    case 'network-waiting':
      return devices.network?.waitingBytes ?? 0;
    case 'hardware-address-low':
      return littleEndian(devices.network?.hardwareAddress ?? [], 0, 4);
    case 'hardware-address-high':
      return littleEndian(devices.network?.hardwareAddress ?? [], 4, 2);
    case 'power':
      return devices.power?.read() === true ? 1 : 0;
    case 'time-scale':
      return devices.timeScale ?? 0;
  }
}

function littleEndian(bytes: ArrayLike<number>, first: number, count: number): number {
  let word = 0;
  for (let index = 0; index < count; index++) word |= (bytes[first + index] ?? 0) << (8 * index);
  return word;
}

/** Of the modes before the trap there are two; anything but machine mode is user mode. */
export function writeStatus(control: Int32Array, value: number): void {
  const isMachineMode = (value & statusBits.previousMode) === statusBits.previousMode;
  const kept = value & (statusBits.enabled | statusBits.wasEnabled);
  control[slots.status] = kept | (isMachineMode ? statusBits.previousMode : 0);
}

function writeSpecial(machine: Machine, special: Special, value: number): SystemOutcome {
  const { control, devices, memory } = machine;
  switch (special) {
    case 'status':
      writeStatus(control, value);
      return 'next';
    case 'console':
      devices.console.write(value & 255);
      return 'next';
    case 'disk-command':
      control[slots.diskStatus] = commandDisk(devices, memory, {
        command: value,
        address: control[slots.diskAddress]!,
        sector: control[slots.diskSector]!,
      });
      return 'next';
    case 'network-command':
      control[slots.networkStatus] = commandNetwork(devices, memory, {
        command: value,
        address: control[slots.networkAddress]!,
        length: control[slots.networkLength]!,
      });
      return 'next';
    case 'power':
      return powerSwitch(machine, value);
    case 'pending':
    case 'time-low':
    case 'time-high':
    case 'time-scale':
    case 'memory-size':
    case 'disk-sectors':
    case 'network-waiting':
    case 'hardware-address-low':
    case 'hardware-address-high':
      return 'next';
  }
}

/** The lower half says what, the upper half is the code that it ends with. */
function powerSwitch(machine: Machine, value: number): SystemOutcome {
  if ((value & 0xffff) === powerReset) {
    const { time, timeHigh } = machine;
    machine.reset();
    machine.time = time;
    machine.timeHigh = timeHigh;
    machine.control[slots.pc] = (machine.control[slots.pc]! - 4) | 0;
    return 'next';
  }
  if ((value & 0xffff) !== powerOff) return 'next';
  machine.offCode = value >>> 16;
  return 'off';
}

function readRegister(machine: Machine, { content }: ControlRegister): number {
  if ('constant' in content) return content.constant;
  return 'slot' in content ? machine.control[slots[content.slot]]! : readSpecial(machine, content.special);
}

function writeRegister(machine: Machine, { content }: ControlRegister, value: number): SystemOutcome {
  if ('special' in content) return writeSpecial(machine, content.special, value);
  if ('slot' in content) machine.control[slots[content.slot]] = value & content.writable;
  return 'next';
}

type Change = (old: number, operand: number) => number;
const set: Change = (old, operand) => old | operand;
const clear: Change = (old, operand) => old & ~operand;
const replace: Change = (_old, operand) => operand;

/** Set and clear do not write where the source is x0 or 0, and replace does not read where the destination is x0. */
function controlAccess(change: Change, isImmediate: boolean): Routine {
  return (machine, word) => {
    const register = controlRegisterOf(word >>> 20);
    const source = (word >>> 15) & 31;
    const destination = (word >>> 7) & 31;
    const writes = change === replace || source !== 0;
    if (register === undefined || (writes && register.isReadOnly)) return 'illegal';
    const access = machine.isInUserMode ? (machine.variant.userAccess[register.name] ?? 'trap') : 'read-and-write';
    if (access === 'trap' || (access === 'read' && writes)) return 'illegal';
    const operand = isImmediate ? source : machine.registers[source]!;
    const reads = change !== replace || destination !== 0;
    const old = reads ? readRegister(machine, register) : 0;
    const outcome =
      writes && access === 'read-and-write' ? writeRegister(machine, register, change(old, operand)) : 'next';
    if (destination !== 0) machine.registers[destination] = old;
    if (outcome === 'next') advance(machine);
    return outcome;
  };
}

function advance({ control }: Machine): void {
  control[slots.pc] = (control[slots.pc]! + 4) | 0;
}

function trapReturn({ control, isInUserMode }: Machine): SystemOutcome {
  if (isInUserMode) return 'illegal';
  const status = control[slots.status]!;
  control[slots.mode] = (status & statusBits.previousMode) >>> 11;
  control[slots.status] = ((status & statusBits.wasEnabled) !== 0 ? statusBits.enabled : 0) | statusBits.wasEnabled;
  control[slots.base] = control[slots.previousBase]!;
  control[slots.bound] = control[slots.previousBound]!;
  control[slots.pc] = control[slots.trapPc]!;
  return 'next';
}

function waitForInterrupt(machine: Machine): SystemOutcome {
  if (machine.isInUserMode) return 'illegal';
  machine.control[slots.waiting] = 1;
  advance(machine);
  return 'idle';
}

function jumpToUserMode({ control, registers, variant }: Machine, word: number): SystemOutcome {
  if (!variant.jumpsToUserMode) return 'illegal';
  control[slots.pc] = registers[(word >>> 15) & 31]! & ~3;
  control[slots.mode] = userMode;
  return 'next';
}

const routines: Partial<Record<Mnemonic, Routine>> = {
  ecall: () => 'call',
  ebreak: () => 'breakpoint',
  mret: trapReturn,
  wfi: waitForInterrupt,
  jrum: jumpToUserMode,
  csrrw: controlAccess(replace, false),
  csrrs: controlAccess(set, false),
  csrrc: controlAccess(clear, false),
  csrrwi: controlAccess(replace, true),
  csrrsi: controlAccess(set, true),
  csrrci: controlAccess(clear, true),
};

/** Those that are about the machine itself; every other is the processor's alone, and the same in every machine. */
export const systemMnemonics = Object.keys(routines) as readonly Mnemonic[];

/** A kernel has some dozens of such words, and comes to them again and again; a random program may have any. */
const mostKnown = 4096;
const known = new Map<number, Routine>();
const illegal: Routine = () => 'illegal';

function routineOf(word: number): Routine {
  const mnemonic = instructionOf(word)?.mnemonic;
  const routine = (mnemonic === undefined ? undefined : routines[mnemonic]) ?? illegal;
  if (known.size >= mostKnown) known.clear();
  known.set(word, routine);
  return routine;
}

export function executeSystem(machine: Machine, word: number): SystemOutcome {
  return (known.get(word) ?? routineOf(word))(machine, word);
}

/** The trap that an outcome is, with its value; undefined: it is none. */
export function trapOf(machine: Machine, outcome: SystemOutcome, word: number): readonly [number, number] | undefined {
  switch (outcome) {
    case 'illegal':
      return [causes.illegalInstruction, word];
    case 'call':
      return [machine.control[slots.mode] === machineMode ? causes.machineCall : causes.userCall, 0];
    case 'breakpoint':
      return [causes.breakpoint, machine.control[slots.pc]!];
    case 'next':
    case 'idle':
    case 'off':
      return undefined;
  }
}
