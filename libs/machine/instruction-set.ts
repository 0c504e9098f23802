/**
 * The instructions, as one table: RV32IM with Zicsr of the RISC-V unprivileged specification (20191213), `mret` and `wfi` of
 * the privileged one (20211203), and `jrum` of one variant of ours. Decoder, assembler, disassembler and classifier read it.
 */

/** Which bits are operands. shift: an immediate of five bits. csri: the first source is an immediate of five bits. */
export type Format =
  'R' | 'I' | 'shift' | 'load' | 'S' | 'B' | 'U' | 'J' | 'jalr' | 'csr' | 'csri' | 'fence' | 'none' | 'source';

export interface Instruction<Name extends string = string> {
  readonly mnemonic: Name;
  readonly format: Format;
  /** What the word is where `mask` has ones. */
  readonly match: number;
  readonly mask: number;
}

const masks: Readonly<Record<Format, number>> = {
  R: 0xfe00707f,
  I: 0x707f,
  shift: 0xfe00707f,
  load: 0x707f,
  S: 0x707f,
  B: 0x707f,
  U: 0x7f,
  J: 0x7f,
  jalr: 0x707f,
  csr: 0x707f,
  csri: 0x707f,
  fence: 0x707f,
  none: 0xffffffff,
  source: 0xfff07fff,
};

const rows = [
  ['lui', 'U', 0x37],
  ['auipc', 'U', 0x17],
  ['jal', 'J', 0x6f],
  ['jalr', 'jalr', 0x67],
  ['beq', 'B', 0x0063],
  ['bne', 'B', 0x1063],
  ['blt', 'B', 0x4063],
  ['bge', 'B', 0x5063],
  ['bltu', 'B', 0x6063],
  ['bgeu', 'B', 0x7063],
  ['lb', 'load', 0x0003],
  ['lh', 'load', 0x1003],
  ['lw', 'load', 0x2003],
  ['lbu', 'load', 0x4003],
  ['lhu', 'load', 0x5003],
  ['sb', 'S', 0x0023],
  ['sh', 'S', 0x1023],
  ['sw', 'S', 0x2023],
  ['addi', 'I', 0x0013],
  ['slti', 'I', 0x2013],
  ['sltiu', 'I', 0x3013],
  ['xori', 'I', 0x4013],
  ['ori', 'I', 0x6013],
  ['andi', 'I', 0x7013],
  ['slli', 'shift', 0x1013],
  ['srli', 'shift', 0x5013],
  ['srai', 'shift', 0x40005013],
  ['add', 'R', 0x0033],
  ['sub', 'R', 0x40000033],
  ['sll', 'R', 0x1033],
  ['slt', 'R', 0x2033],
  ['sltu', 'R', 0x3033],
  ['xor', 'R', 0x4033],
  ['srl', 'R', 0x5033],
  ['sra', 'R', 0x40005033],
  ['or', 'R', 0x6033],
  ['and', 'R', 0x7033],
  ['mul', 'R', 0x02000033],
  ['mulh', 'R', 0x02001033],
  ['mulhsu', 'R', 0x02002033],
  ['mulhu', 'R', 0x02003033],
  ['div', 'R', 0x02004033],
  ['divu', 'R', 0x02005033],
  ['rem', 'R', 0x02006033],
  ['remu', 'R', 0x02007033],
  ['fence', 'fence', 0x000f],
  ['fence.i', 'fence', 0x100f],
  ['ecall', 'none', 0x00000073],
  ['ebreak', 'none', 0x00100073],
  ['mret', 'none', 0x30200073],
  ['wfi', 'none', 0x10500073],
  ['csrrw', 'csr', 0x1073],
  ['csrrs', 'csr', 0x2073],
  ['csrrc', 'csr', 0x3073],
  ['csrrwi', 'csri', 0x5073],
  ['csrrsi', 'csri', 0x6073],
  ['csrrci', 'csri', 0x7073],
  ['jrum', 'source', 0x0000000b],
] as const satisfies readonly (readonly [string, Format, number])[];

export type Mnemonic = (typeof rows)[number][0];

export const instructionSet: readonly Instruction<Mnemonic>[] = rows.map(([mnemonic, format, match]) => ({
  mnemonic,
  format,
  match: match | 0,
  mask: masks[format] | 0,
}));

export const instructions = Object.fromEntries(instructionSet.map((each) => [each.mnemonic, each])) as Readonly<
  Record<Mnemonic, Instruction<Mnemonic>>
>;

const byOpcode: readonly (readonly Instruction<Mnemonic>[])[] = Array.from({ length: 128 }, (_, opcode) =>
  instructionSet.filter(({ match }) => (match & 127) === opcode),
);

/** Undefined: no instruction, and the processor traps. */
export function instructionOf(word: number): Instruction<Mnemonic> | undefined {
  return byOpcode[word & 127]!.find(({ match, mask }) => (word & mask) === match);
}

export interface Operands {
  readonly rd: number;
  readonly rs1: number;
  readonly rs2: number;
  readonly immediate: number;
}

/** csr: the number of the control register is the immediate; csri: the immediate source is `rs1`. */
export function immediateOf(format: Format, word: number): number {
  switch (format) {
    case 'I':
    case 'load':
    case 'jalr':
      return word >> 20;
    case 'shift':
      return (word >>> 20) & 31;
    case 'csr':
    case 'csri':
      return word >>> 20;
    case 'S':
      return ((word >> 20) & ~31) | ((word >>> 7) & 31);
    case 'B':
      return ((word >> 31) << 12) | ((word & 0x80) << 4) | ((word >>> 20) & 0x7e0) | ((word >>> 7) & 0x1e);
    case 'U':
      return word & ~0xfff;
    case 'J':
      return ((word >> 31) << 20) | (word & 0xff000) | ((word >>> 9) & 0x800) | ((word >>> 20) & 0x7fe);
    case 'R':
    case 'fence':
    case 'none':
    case 'source':
      return 0;
  }
}

export function operandsOf(format: Format, word: number): Operands {
  return {
    rd: (word >>> 7) & 31,
    rs1: (word >>> 15) & 31,
    rs2: (word >>> 20) & 31,
    immediate: immediateOf(format, word),
  };
}

function immediateBits(format: Format, value: number): number {
  switch (format) {
    case 'I':
    case 'load':
    case 'jalr':
    case 'csr':
    case 'csri':
      return value << 20;
    case 'shift':
      return (value & 31) << 20;
    case 'S':
      return ((value & ~31) << 20) | ((value & 31) << 7);
    case 'B':
      return ((value & 0x1000) << 19) | ((value & 0x7e0) << 20) | ((value & 0x1e) << 7) | ((value & 0x800) >>> 4);
    case 'U':
      return value & ~0xfff;
    case 'J':
      return ((value & 0x100000) << 11) | ((value & 0x7fe) << 20) | ((value & 0x800) << 9) | (value & 0xff000);
    case 'R':
    case 'fence':
    case 'none':
    case 'source':
      return 0;
  }
}

/** Which register fields the format has: what else is given is left out. */
const fields: Readonly<Record<Format, readonly ('rd' | 'rs1' | 'rs2')[]>> = {
  R: ['rd', 'rs1', 'rs2'],
  I: ['rd', 'rs1'],
  shift: ['rd', 'rs1'],
  load: ['rd', 'rs1'],
  S: ['rs1', 'rs2'],
  B: ['rs1', 'rs2'],
  U: ['rd'],
  J: ['rd'],
  jalr: ['rd', 'rs1'],
  csr: ['rd', 'rs1'],
  csri: ['rd', 'rs1'],
  fence: [],
  none: [],
  source: ['rs1'],
};
const shifts = { rd: 7, rs1: 15, rs2: 20 } as const;

export function encode(mnemonic: Mnemonic, operands: Partial<Operands> = {}): number {
  const { format, match } = instructions[mnemonic];
  const registers = fields[format].reduce((bits, field) => bits | (((operands[field] ?? 0) & 31) << shifts[field]), 0);
  return match | registers | immediateBits(format, operands.immediate ?? 0);
}
