import { instructionOf, operandsOf, type Mnemonic, type Operands } from '../instruction-set';
import { memoryStart, pageGuards, pageShift, pageWords, type Storage } from '../memory';
import { systemMnemonics } from '../system';

/** What one module translates: blocks that lead to each other, around a place that was visited often. */
export interface Region {
  readonly start: number;
  /** By their first instruction's address, `start` among them. */
  readonly blocks: ReadonlyMap<number, Block>;
  /** Where calls of the region come back to: besides `start`, the blocks that a jump through a register may go to. */
  readonly returns: readonly number[];
}

export interface TranslatedInstruction extends Operands {
  readonly mnemonic: Mnemonic;
  readonly pc: number;
}

/** Instructions one after the other; the last may be a branch or a jump. */
export interface Block {
  readonly pc: number;
  readonly instructions: readonly TranslatedInstruction[];
  /** Where it goes on, but for an indirect jump: if the branch is taken, and otherwise. */
  readonly taken: number | undefined;
  readonly next: number | undefined;
}

export interface RegionLimits {
  readonly blocks: number;
  readonly blockInstructions: number;
  /** Takes what was never run as well: not worth it but for tests, which then have all of a program translated. */
  readonly unseen: boolean;
}

export interface RegionPlace {
  readonly storage: Storage;
  /** Where address `memoryStart` is in the storage, and how many bytes from there on are the program's. */
  readonly base: number;
  readonly reach: number;
  readonly limits: RegionLimits;
}

const branches: readonly Mnemonic[] = ['beq', 'bne', 'blt', 'bge', 'bltu', 'bgeu'];

export function isBranch(mnemonic: Mnemonic): boolean {
  return branches.includes(mnemonic);
}

/**
 * Undefined: left to the interpreter. That is what was never run (why translate it), what is about the machine itself, and a
 * jump to half an instruction, which traps.
 */
function instructionAt({ storage, base, reach, limits }: RegionPlace, pc: number): TranslatedInstruction | undefined {
  const offset = (pc ^ memoryStart) >>> 0;
  if (offset >= reach) return undefined;
  const place = base + offset;
  const page = place >>> pageShift;
  if ((storage.flags[page]! & pageGuards.fetch) !== 0) return undefined;
  const wasRun = (storage.decoded[page]?.codes[(place >>> 2) & (pageWords - 1)] ?? 0) !== 0;
  if (!wasRun && !limits.unseen) return undefined;
  const word = storage.words[place >>> 2]!;
  const instruction = instructionOf(word);
  if (instruction === undefined || systemMnemonics.includes(instruction.mnemonic)) return undefined;
  const { mnemonic, format } = instruction;
  const operands = operandsOf(format, word);
  const isJump = mnemonic === 'jal' || isBranch(mnemonic);
  return isJump && (operands.immediate & 3) !== 0 ? undefined : { mnemonic, pc, ...operands };
}

function targetOf({ pc, immediate }: TranslatedInstruction): number {
  return (pc + immediate) | 0;
}

function endsBlock({ mnemonic }: TranslatedInstruction): boolean {
  return mnemonic === 'jal' || mnemonic === 'jalr' || isBranch(mnemonic);
}

/** The instructions from there up to a branch, a jump, another block, or what is left to the interpreter. */
function blockAt(place: RegionPlace, pc: number, isLeader: (pc: number) => boolean): Block {
  const instructions: TranslatedInstruction[] = [];
  for (let at = pc; ; at = (at + 4) | 0) {
    const instruction = instructions.length < place.limits.blockInstructions ? instructionAt(place, at) : undefined;
    if (instruction === undefined || (at !== pc && isLeader(at)))
      return { pc, instructions, taken: undefined, next: at };
    instructions.push(instruction);
    if (!endsBlock(instruction)) continue;
    if (instruction.mnemonic === 'jalr') return { pc, instructions, taken: undefined, next: undefined };
    const taken = targetOf(instruction);
    if (instruction.mnemonic === 'jal') return { pc, instructions, taken: undefined, next: taken };
    return { pc, instructions, taken, next: (at + 4) | 0 };
  }
}

function isCall({ instructions }: Block): boolean {
  const last = instructions.at(-1);
  return last !== undefined && (last.mnemonic === 'jal' || last.mnemonic === 'jalr') && last.rd !== 0;
}

function returnOf({ instructions }: Block): number {
  return (instructions.at(-1)!.pc + 4) | 0;
}

/** Follows branches, jumps and calls from `start`, the nearest first, as far as something was run there. */
export function regionAt(place: RegionPlace, start: number): Region {
  const leaders = new Set([start]);
  for (const leader of leaders) {
    const block = blockAt(place, leader, (pc) => leaders.has(pc));
    const successors = [block.taken, block.next, isCall(block) ? returnOf(block) : undefined];
    for (const pc of successors)
      if (pc !== undefined && leaders.size < place.limits.blocks && instructionAt(place, pc) !== undefined)
        leaders.add(pc);
  }
  const blocks = new Map<number, Block>();
  for (const leader of leaders)
    blocks.set(
      leader,
      blockAt(place, leader, (pc) => leaders.has(pc)),
    );
  const returns = [...blocks.values()].filter(isCall).map(returnOf);
  return { start, blocks, returns: [...new Set(returns)].filter((pc) => pc !== start && blocks.has(pc)) };
}
