import { controlRegisters } from '../control-registers';
import { encode, instructions, instructionSet, type Mnemonic } from '../instruction-set';
import type { Chance } from '../random-program';
import type { Variant } from '../variants';

/** What is classified: an instruction, or, of those that name a control register, the reading and the writing of one. */
export interface Subject {
  readonly name: string;
  /** One of its words, with operands by chance. */
  word(chance: Chance): number;
}

function register(chance: Chance): number {
  return chance.below(32);
}

/** Near enough that what it points to is often memory. */
function immediate(mnemonic: Mnemonic, chance: Chance): number {
  switch (instructions[mnemonic].format) {
    case 'U':
      return (chance.below(2 ** 20) << 12) | 0;
    case 'B':
    case 'J':
      return (chance.below(64) - 32) * 4;
    case 'shift':
      return chance.below(32);
    default:
      return chance.below(256) - 128;
  }
}

function ordinary(mnemonic: Mnemonic): Subject {
  return {
    name: mnemonic,
    word: (chance) =>
      encode(mnemonic, {
        rd: register(chance),
        rs1: register(chance),
        rs2: register(chance),
        immediate: immediate(mnemonic, chance),
      }),
  };
}

const setters = ['csrrs', 'csrrc', 'csrrsi', 'csrrci'] as const;
const writers = ['csrrw', 'csrrwi', ...setters] as const;

/** Setting and clearing no bits is reading. */
function reading(name: string, number: number): Subject {
  return {
    name: `csrr ${name}`,
    word: (chance) =>
      encode(setters[chance.below(setters.length)]!, { rd: 1 + chance.below(31), rs1: 0, immediate: number }),
  };
}

function writing(name: string, number: number): Subject {
  return {
    name: `csrw ${name}`,
    word: (chance) =>
      encode(writers[chance.below(writers.length)]!, {
        rd: register(chance),
        rs1: 1 + chance.below(31),
        immediate: number,
      }),
  };
}

export function subjectsOf(variant: Variant): readonly Subject[] {
  const ordinaries = instructionSet.filter(
    ({ format, mnemonic }) => format !== 'csr' && format !== 'csri' && (mnemonic !== 'jrum' || variant.jumpsToUserMode),
  );
  return [
    ...ordinaries.map(({ mnemonic }) => ordinary(mnemonic)),
    ...controlRegisters.flatMap(({ name, number, isReadOnly }) =>
      isReadOnly ? [reading(name, number)] : [reading(name, number), writing(name, number)],
    ),
  ];
}
