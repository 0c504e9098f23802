import { controlRegisters, type ControlRegisterName } from './control-registers';
import { encode, instructionSet, type Instruction, type Mnemonic } from './instruction-set';
import { assemble } from './assembler';
import { memoryStart } from './memory';

/** Where chance comes from: a whole number in [0, limit). */
export interface Chance {
  below(limit: number): number;
}

/**
 * Programs that do anything at all: every instruction, defined or not, over registers that often point into memory. A trap
 * handler steps over what trapped and goes on, in user mode or in machine mode, as long as the program leaves it alone.
 */
const startUpFor = (start: string) =>
  assemble(`
    la   t0, handler
    csrw mtvec, t0
    csrw mscratch, sp
    li   t0, 0x1800          # mstatus: machine mode before the trap
    csrw mstatus, t0
    ${start}
handler:
    csrrw t6, mscratch, t6
    csrr t6, mcause
    blt  t6, zero, interrupt
    csrr t6, mepc
    addi t6, t6, 4
    csrw mepc, t6
    csrrw t6, mscratch, t6
    mret
interrupt:
    li   t6, -1
    csrw mtimecmph, t6
    csrrw t6, mscratch, t6
    mret
program:
`);
const startUps = {
  machineMode: startUpFor('j program'),
  userMode: startUpFor('csrw mstatus, zero\n la t0, program\n csrw mepc, t0\n mret'),
};

export const randomProgramBytes = 16384;
const dataOffset = 8192;

function signed(chance: Chance, bits: number): number {
  return chance.below(2 ** bits) - 2 ** (bits - 1);
}

/** Without these a program soon has no handler and no memory, and does nothing but trap: they come, but seldom. */
const vital: readonly ControlRegisterName[] = ['mtvec', 'mbase', 'mbound', 'mpbase', 'mpbound', 'mstatus', 'mpower'];

function controlRegisterFor(chance: Chance): number {
  if (chance.below(20) === 0) return chance.below(4096);
  const { name, number } = controlRegisters[chance.below(controlRegisters.length)]!;
  return vital.includes(name) && chance.below(8) !== 0 ? controlRegisterFor(chance) : number;
}

function immediateFor({ format, mnemonic }: Instruction<Mnemonic>, chance: Chance): number {
  switch (format) {
    case 'B':
      return (chance.below(24) - 6) * 4 + (chance.below(50) === 0 ? 2 : 0);
    case 'J':
      return (chance.below(24) - 6) * 4;
    case 'csr':
    case 'csri':
      return controlRegisterFor(chance);
    case 'U':
      return mnemonic === 'lui' && chance.below(2) === 0 ? memoryStart | 0 : signed(chance, 32);
    case 'load':
    case 'S':
    case 'I':
    case 'jalr':
      return chance.below(4) === 0 ? signed(chance, 12) : chance.below(64) * 4;
    case 'shift':
      return chance.below(32);
    case 'R':
    case 'fence':
    case 'none':
    case 'source':
      return 0;
  }
}

/** Half of these would end a program as well. */
const seldom: readonly Mnemonic[] = [
  'csrrw',
  'csrrs',
  'csrrc',
  'csrrwi',
  'csrrsi',
  'csrrci',
  'mret',
  'wfi',
  'jalr',
  'jrum',
];

/**
 * wild: a long program, which is over soon. looping: a short one that begins again and again, half of them in user mode. It has
 * few registers, and two that it does not write: they point to data, or in some of them to its own code, so that it changes.
 */
export type ProgramShape = 'wild' | 'looping';
const shapes = {
  wild: { words: 400, written: 32, read: 32, controls: 3 },
  looping: { words: 48, written: 8, read: 10, controls: 12 },
} as const satisfies Record<ProgramShape, object>;
const keptRegisters = [8, 9] as const;

function randomWord(chance: Chance, shape: ProgramShape): number {
  const { written, read, controls } = shapes[shape];
  if (chance.below(200) === 0) return signed(chance, 32);
  let instruction = instructionSet[chance.below(instructionSet.length)]!;
  if (seldom.includes(instruction.mnemonic) && chance.below(controls) !== 0)
    instruction = instructionSet[chance.below(instructionSet.length)]!;
  const isAccess = instruction.format === 'load' || instruction.format === 'S';
  return encode(instruction.mnemonic, {
    rd: chance.below(written),
    rs1:
      shape === 'looping' && isAccess && chance.below(4) !== 0 ? keptRegisters[chance.below(2)]! : chance.below(read),
    rs2: chance.below(read),
    immediate: immediateFor(instruction, chance),
  });
}

export interface RandomProgram {
  /** From the beginning of memory; `randomProgramBytes` long. */
  readonly memory: Uint8Array;
  /** What the registers hold at the first instruction. */
  readonly registers: Int32Array;
}

export function randomProgram(chance: Chance, shape: ProgramShape = 'wild'): RandomProgram {
  const { words: bodyWords } = shapes[shape];
  const startUp = shape === 'looping' && chance.below(2) === 0 ? startUps.userMode : startUps.machineMode;
  const memory = new Uint8Array(randomProgramBytes);
  const words = new Int32Array(memory.buffer);
  words.set(startUp.words);
  const first = startUp.words.length;
  for (let index = 0; index < bodyWords; index++) words[first + index] = randomWord(chance, shape);
  if (shape === 'looping') words[first + bodyWords] = encode('jal', { immediate: -4 * bodyWords });
  for (let index = dataOffset / 4; index < words.length; index++) words[index] = signed(chance, 32);
  const registers = Int32Array.from({ length: 32 }, (_, register) => {
    if (register === 0) return 0;
    if (chance.below(3) === 0) return signed(chance, 32);
    return (memoryStart + dataOffset + chance.below(2048) * 4) | 0;
  });
  if (shape === 'looping')
    for (const register of keptRegisters)
      registers[register] = memoryStart + (chance.below(6) === 0 ? first * 4 : dataOffset);
  return { memory, registers };
}
