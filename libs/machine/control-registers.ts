/**
 * A machine's control registers: what the Zicsr instructions reach, by number, and the slots of the array that holds them.
 * Numbers below 0x7c0 and from 0xb00 are of the RISC-V privileged specification; 0x7c0 to 0x7ff are left to implementations
 * by it, and ours are there: the relocation register, the timer and the devices.
 */

/** Where each is in a machine's `control` array. What is not here is worked out when it is read. */
export const slots = {
  pc: 0,
  mode: 1,
  base: 2,
  bound: 3,
  previousBase: 4,
  previousBound: 5,
  status: 6,
  trapVector: 7,
  trapPc: 8,
  trapCause: 9,
  trapValue: 10,
  scratch: 11,
  interruptEnable: 12,
  timeCompareLow: 13,
  timeCompareHigh: 14,
  diskAddress: 15,
  diskSector: 16,
  diskStatus: 17,
  networkAddress: 18,
  networkLength: 19,
  networkStatus: 20,
  /** 1: stands at a `wfi` until an interrupt is pending. */
  waiting: 21,
} as const;
export type Slot = keyof typeof slots;
export const slotCount = Object.keys(slots).length;

export const userMode = 0;
export const machineMode = 3;

/** Bits of mstatus: interrupts are enabled, they were before the trap, and the mode before the trap. */
export const statusBits = { enabled: 1 << 3, wasEnabled: 1 << 7, previousMode: 3 << 11 } as const;
export const interruptBits = { timer: 1 << 7, external: 1 << 11 } as const;

/** Reads as: a constant, a slot, or something that `system.ts` works out or does. */
export type Content =
  { readonly slot: Slot; readonly writable: number } | { readonly constant: number } | { readonly special: Special };

export type Special =
  | 'status'
  | 'pending'
  | 'time-low'
  | 'time-high'
  | 'memory-size'
  | 'console'
  | 'disk-command'
  | 'disk-sectors'
  | 'network-command'
  | 'network-waiting'
  | 'hardware-address-low'
  | 'hardware-address-high'
  | 'power'
  | 'time-scale';

const pages = ~0xfff;
const words = ~3;
const all = ~0;

const registers = {
  mstatus: [0x300, { special: 'status' }],
  misa: [0x301, { constant: (1 << 30) | (1 << 8) | (1 << 12) | (1 << 20) }],
  mie: [0x304, { slot: 'interruptEnable', writable: interruptBits.timer | interruptBits.external }],
  mtvec: [0x305, { slot: 'trapVector', writable: words }],
  mscratch: [0x340, { slot: 'scratch', writable: all }],
  mepc: [0x341, { slot: 'trapPc', writable: words }],
  mcause: [0x342, { slot: 'trapCause', writable: (1 << 31) | 31 }],
  mtval: [0x343, { slot: 'trapValue', writable: all }],
  mip: [0x344, { special: 'pending' }],
  mbase: [0x7c0, { slot: 'base', writable: pages }],
  mbound: [0x7c1, { slot: 'bound', writable: pages }],
  mpbase: [0x7c2, { slot: 'previousBase', writable: pages }],
  mpbound: [0x7c3, { slot: 'previousBound', writable: pages }],
  mtimecmp: [0x7c4, { slot: 'timeCompareLow', writable: all }],
  mtimecmph: [0x7c5, { slot: 'timeCompareHigh', writable: all }],
  mmemory: [0x7c6, { special: 'memory-size' }],
  mpower: [0x7c7, { special: 'power' }],
  mconsole: [0x7c8, { special: 'console' }],
  mtimescale: [0x7c9, { special: 'time-scale' }],
  mdiskaddress: [0x7d0, { slot: 'diskAddress', writable: all }],
  mdisksector: [0x7d1, { slot: 'diskSector', writable: all }],
  mdiskcommand: [0x7d2, { special: 'disk-command' }],
  mdisksectors: [0x7d3, { special: 'disk-sectors' }],
  mnetaddress: [0x7d8, { slot: 'networkAddress', writable: all }],
  mnetlength: [0x7d9, { slot: 'networkLength', writable: all }],
  mnetcommand: [0x7da, { special: 'network-command' }],
  mnetwaiting: [0x7db, { special: 'network-waiting' }],
  mnetmac: [0x7dc, { special: 'hardware-address-low' }],
  mnetmach: [0x7dd, { special: 'hardware-address-high' }],
  mcycle: [0xb00, { special: 'time-low' }],
  minstret: [0xb02, { special: 'time-low' }],
  mcycleh: [0xb80, { special: 'time-high' }],
  minstreth: [0xb82, { special: 'time-high' }],
  cycle: [0xc00, { special: 'time-low' }],
  time: [0xc01, { special: 'time-low' }],
  instret: [0xc02, { special: 'time-low' }],
  cycleh: [0xc80, { special: 'time-high' }],
  timeh: [0xc81, { special: 'time-high' }],
  instreth: [0xc82, { special: 'time-high' }],
  mvendorid: [0xf11, { constant: 0 }],
  marchid: [0xf12, { constant: 0 }],
  mimpid: [0xf13, { constant: 0 }],
  mhartid: [0xf14, { constant: 0 }],
} as const satisfies Readonly<Record<string, readonly [number, Content]>>;

export type ControlRegisterName = keyof typeof registers;

export interface ControlRegister {
  readonly name: ControlRegisterName;
  readonly number: number;
  readonly content: Content;
  /** By the two upper bits of its number: a write to it is an illegal instruction. */
  readonly isReadOnly: boolean;
}

export const controlRegisters: readonly ControlRegister[] = Object.entries(registers).map(
  ([name, [number, content]]) => ({
    name: name as ControlRegisterName,
    number,
    content,
    isReadOnly: number >>> 10 === 3,
  }),
);

const byNumber = new Map(controlRegisters.map((each) => [each.number, each]));

export function controlRegisterOf(number: number): ControlRegister | undefined {
  return byNumber.get(number);
}

export const controlRegisterNumbers = Object.fromEntries(
  controlRegisters.map(({ name, number }) => [name, number]),
) as Readonly<Record<ControlRegisterName, number>>;
