import {
  divide,
  divideUnsigned,
  multiplyHighSigned,
  multiplyHighSignedUnsigned,
  multiplyHighUnsigned,
  remainder,
  remainderUnsigned,
} from './arithmetic';
import { slots } from './control-registers';
import type { DecodedPage } from './decoded-page';
import type { Engine } from './engine';
import { instructionOf, operandsOf, type Mnemonic } from './instruction-set';
import type { Machine } from './machine';
import { memoryStart, pageBytes, pageDirty, pageGuards, pageShift, pageWords, type Storage } from './memory';
import { discarded } from './processor-state';
import { causes } from './traps';

/** Numbers, because the hot loop switches on them. 0 is a word that is not decoded. */
const enum Operation {
  Undecoded,
  Lui,
  Auipc,
  Jal,
  Jalr,
  Beq,
  Bne,
  Blt,
  Bge,
  Bltu,
  Bgeu,
  Lb,
  Lh,
  Lw,
  Lbu,
  Lhu,
  Sb,
  Sh,
  Sw,
  Addi,
  Slti,
  Sltiu,
  Xori,
  Ori,
  Andi,
  Slli,
  Srli,
  Srai,
  Add,
  Sub,
  Sll,
  Slt,
  Sltu,
  Xor,
  Srl,
  Sra,
  Or,
  And,
  Mul,
  Mulh,
  Mulhsu,
  Mulhu,
  Div,
  Divu,
  Rem,
  Remu,
  Fence,
  System,
}

const operations: Readonly<Record<Mnemonic, Operation>> = {
  lui: Operation.Lui,
  auipc: Operation.Auipc,
  jal: Operation.Jal,
  jalr: Operation.Jalr,
  beq: Operation.Beq,
  bne: Operation.Bne,
  blt: Operation.Blt,
  bge: Operation.Bge,
  bltu: Operation.Bltu,
  bgeu: Operation.Bgeu,
  lb: Operation.Lb,
  lh: Operation.Lh,
  lw: Operation.Lw,
  lbu: Operation.Lbu,
  lhu: Operation.Lhu,
  sb: Operation.Sb,
  sh: Operation.Sh,
  sw: Operation.Sw,
  addi: Operation.Addi,
  slti: Operation.Slti,
  sltiu: Operation.Sltiu,
  xori: Operation.Xori,
  ori: Operation.Ori,
  andi: Operation.Andi,
  slli: Operation.Slli,
  srli: Operation.Srli,
  srai: Operation.Srai,
  add: Operation.Add,
  sub: Operation.Sub,
  sll: Operation.Sll,
  slt: Operation.Slt,
  sltu: Operation.Sltu,
  xor: Operation.Xor,
  srl: Operation.Srl,
  sra: Operation.Sra,
  or: Operation.Or,
  and: Operation.And,
  mul: Operation.Mul,
  mulh: Operation.Mulh,
  mulhsu: Operation.Mulhsu,
  mulhu: Operation.Mulhu,
  div: Operation.Div,
  divu: Operation.Divu,
  rem: Operation.Rem,
  remu: Operation.Remu,
  fence: Operation.Fence,
  'fence.i': Operation.Fence,
  ecall: Operation.System,
  ebreak: Operation.System,
  mret: Operation.System,
  wfi: Operation.System,
  csrrw: Operation.System,
  csrrs: Operation.System,
  csrrc: Operation.System,
  csrrwi: Operation.System,
  csrrsi: Operation.System,
  csrrci: Operation.System,
  jrum: Operation.System,
};

/** A decoded word: operation, destination, first and second source, eight bits each. What is undefined goes to `system`. */
function decode(page: DecodedPage, index: number, word: number): number {
  const instruction = instructionOf(word);
  if (instruction === undefined) return (page.codes[index] = Operation.System);
  const { rd, rs1, rs2, immediate } = operandsOf(instruction.format, word);
  page.immediates[index] = immediate;
  const destination = rd === 0 ? discarded : rd;
  return (page.codes[index] = operations[instruction.mnemonic] | (destination << 8) | (rs1 << 16) | (rs2 << 24));
}

/** A load that is not aligned, by bytes. `offset` is in the storage, and all of it is there. */
function loadBytes({ bytes }: Storage, offset: number, count: number): number {
  let word = 0;
  for (let index = 0; index < count; index++) word |= bytes[offset + index]! << (8 * index);
  return word;
}

function storeBytes({ bytes }: Storage, offset: number, value: number, count: number): void {
  for (let index = 0; index < count; index++) bytes[offset + index] = value >>> (8 * index);
}

/**
 * Why an engine returned. limit: as many as it was told. system: `pc` is at an instruction for `executeSystem`, `value` is its
 * word, and it counts as tried. trap: `cause` and `value` say which, at `pc`.
 */
export type Interruption = 'limit' | 'system' | 'trap';

/**
 * Runs the instructions of a machine, and decides nothing about modes, traps and devices: that is for who called it.
 * Every instruction here means the same in both modes, and is the same wherever the machine's memory lies in the storage.
 */
export class Interpreter implements Engine {
  executed = 0;
  cause = 0;
  value = 0;

  run(machine: Machine, limit: number): Interruption {
    return this.runToHot(machine, limit, Infinity) as Interruption;
  }

  /**
   * For a translator: counts how often jumps come to each place, and returns `hot`, without having run anything there, at one
   * that they have come to so often. Where it begins it always goes on.
   */
  // One loop: its registers, place and limits stay in local variables, which is what makes it fast.
  runToHot(machine: Machine, limit: number, hotVisits: number): Interruption | 'hot' {
    const { control, memory, registers: x } = machine;
    const { storage } = memory;
    const { words, halves, bytes, flags } = storage;
    const relocation = control[slots.base]! >>> 0;
    const reach = relocation < memory.size ? Math.min(control[slots.bound]! >>> 0, memory.size - relocation) : 0;
    const base = relocation + memory.offset;
    let pc = control[slots.pc]!;
    let left = limit;
    let cause = -1;
    let value = 0;
    let isSystem = false;
    let isHot = false;
    const loadsAreGuarded = storage.loadGuards > 0;
    const isCounting = hotVisits !== Infinity;

    pages: while (left > 0) {
      const offset = (pc ^ memoryStart) >>> 0;
      if (offset >= reach || (offset & 3) !== 0) {
        left--;
        cause = offset >= reach ? causes.fetchFault : causes.fetchMisaligned;
        value = pc;
        break;
      }
      if ((flags[(base + offset) >>> pageShift]! & pageGuards.fetch) !== 0) {
        left--;
        cause = causes.fetchGuard;
        value = pc;
        break;
      }
      const firstWord = ((base + offset) >>> 2) & -pageWords;
      const page = storage.decodedPage((base + offset) >>> pageShift);
      const { codes, immediates, visits } = page;
      const pageStart = pc & -pageBytes;
      let index = (offset >>> 2) & (pageWords - 1);
      if (isCounting && left !== limit) {
        isHot = visits[index]! >= hotVisits;
        if (isHot) break;
        visits[index]!++;
      }

      while (left > 0) {
        let code = codes[index]!;
        if ((code as Operation) === Operation.Undecoded) code = decode(page, index, words[firstWord + index]!);
        left--;
        const immediate = immediates[index]!;
        let taken = false;
        switch ((code & 255) as Operation) {
          case Operation.Lui:
            x[(code >> 8) & 63] = immediate;
            break;
          case Operation.Auipc:
            x[(code >> 8) & 63] = pageStart + (index << 2) + immediate;
            break;
          case Operation.Jal:
            if ((immediate & 3) === 0) x[(code >> 8) & 63] = pageStart + (index << 2) + 4;
            taken = true;
            break;
          case Operation.Jalr: {
            const target = (x[(code >> 16) & 31]! + immediate) & ~1;
            pc = (pageStart + (index << 2)) | 0;
            if ((target & 2) !== 0) {
              cause = causes.fetchMisaligned;
              value = target;
              break pages;
            }
            x[(code >> 8) & 63] = pc + 4;
            pc = target;
            continue pages;
          }
          case Operation.Beq:
            taken = x[(code >> 16) & 31]! === x[code >>> 24]!;
            break;
          case Operation.Bne:
            taken = x[(code >> 16) & 31]! !== x[code >>> 24]!;
            break;
          case Operation.Blt:
            taken = x[(code >> 16) & 31]! < x[code >>> 24]!;
            break;
          case Operation.Bge:
            taken = x[(code >> 16) & 31]! >= x[code >>> 24]!;
            break;
          case Operation.Bltu:
            taken = x[(code >> 16) & 31]! >>> 0 < x[code >>> 24]! >>> 0;
            break;
          case Operation.Bgeu:
            taken = x[(code >> 16) & 31]! >>> 0 >= x[code >>> 24]! >>> 0;
            break;
          case Operation.Lw: {
            const at = ((x[(code >> 16) & 31]! + immediate) ^ memoryStart) >>> 0;
            if (at + 4 > reach) cause = causes.loadFault;
            else if (loadsAreGuarded && storage.refusesRead(base + at, 4)) cause = causes.loadGuard;
            else x[(code >> 8) & 63] = (at & 3) === 0 ? words[(base + at) >>> 2]! : loadBytes(storage, base + at, 4);
            break;
          }
          case Operation.Lh: {
            const at = ((x[(code >> 16) & 31]! + immediate) ^ memoryStart) >>> 0;
            if (at + 2 > reach) cause = causes.loadFault;
            else if (loadsAreGuarded && storage.refusesRead(base + at, 2)) cause = causes.loadGuard;
            else
              x[(code >> 8) & 63] =
                (at & 1) === 0 ? halves[(base + at) >>> 1]! : (loadBytes(storage, base + at, 2) << 16) >> 16;
            break;
          }
          case Operation.Lhu: {
            const at = ((x[(code >> 16) & 31]! + immediate) ^ memoryStart) >>> 0;
            if (at + 2 > reach) cause = causes.loadFault;
            else if (loadsAreGuarded && storage.refusesRead(base + at, 2)) cause = causes.loadGuard;
            else
              x[(code >> 8) & 63] =
                (at & 1) === 0 ? halves[(base + at) >>> 1]! & 0xffff : loadBytes(storage, base + at, 2);
            break;
          }
          case Operation.Lb: {
            const at = ((x[(code >> 16) & 31]! + immediate) ^ memoryStart) >>> 0;
            if (at >= reach) cause = causes.loadFault;
            else if (loadsAreGuarded && storage.refusesRead(base + at, 1)) cause = causes.loadGuard;
            else x[(code >> 8) & 63] = (bytes[base + at]! << 24) >> 24;
            break;
          }
          case Operation.Lbu: {
            const at = ((x[(code >> 16) & 31]! + immediate) ^ memoryStart) >>> 0;
            if (at >= reach) cause = causes.loadFault;
            else if (loadsAreGuarded && storage.refusesRead(base + at, 1)) cause = causes.loadGuard;
            else x[(code >> 8) & 63] = bytes[base + at]!;
            break;
          }
          case Operation.Sw: {
            const at = ((x[(code >> 16) & 31]! + immediate) ^ memoryStart) >>> 0;
            const place = base + at;
            if (at + 4 > reach) cause = causes.storeFault;
            else if (((at & 3) | (flags[place >>> pageShift]! ^ pageDirty)) !== 0 && storage.refusesWrite(place, 4))
              cause = causes.storeGuard;
            else if ((at & 3) === 0) words[place >>> 2] = x[code >>> 24]!;
            else storeBytes(storage, place, x[code >>> 24]!, 4);
            break;
          }
          case Operation.Sh: {
            const at = ((x[(code >> 16) & 31]! + immediate) ^ memoryStart) >>> 0;
            const place = base + at;
            if (at + 2 > reach) cause = causes.storeFault;
            else if (((at & 1) | (flags[place >>> pageShift]! ^ pageDirty)) !== 0 && storage.refusesWrite(place, 2))
              cause = causes.storeGuard;
            else if ((at & 1) === 0) halves[place >>> 1] = x[code >>> 24]!;
            else storeBytes(storage, place, x[code >>> 24]!, 2);
            break;
          }
          case Operation.Sb: {
            const at = ((x[(code >> 16) & 31]! + immediate) ^ memoryStart) >>> 0;
            const place = base + at;
            if (at >= reach) cause = causes.storeFault;
            else if (flags[place >>> pageShift] !== pageDirty && storage.refusesWrite(place, 1))
              cause = causes.storeGuard;
            else bytes[place] = x[code >>> 24]!;
            break;
          }
          case Operation.Addi:
            x[(code >> 8) & 63] = x[(code >> 16) & 31]! + immediate;
            break;
          case Operation.Slti:
            x[(code >> 8) & 63] = x[(code >> 16) & 31]! < immediate ? 1 : 0;
            break;
          case Operation.Sltiu:
            x[(code >> 8) & 63] = x[(code >> 16) & 31]! >>> 0 < immediate >>> 0 ? 1 : 0;
            break;
          case Operation.Xori:
            x[(code >> 8) & 63] = x[(code >> 16) & 31]! ^ immediate;
            break;
          case Operation.Ori:
            x[(code >> 8) & 63] = x[(code >> 16) & 31]! | immediate;
            break;
          case Operation.Andi:
            x[(code >> 8) & 63] = x[(code >> 16) & 31]! & immediate;
            break;
          case Operation.Slli:
            x[(code >> 8) & 63] = x[(code >> 16) & 31]! << immediate;
            break;
          case Operation.Srli:
            x[(code >> 8) & 63] = x[(code >> 16) & 31]! >>> immediate;
            break;
          case Operation.Srai:
            x[(code >> 8) & 63] = x[(code >> 16) & 31]! >> immediate;
            break;
          case Operation.Add:
            x[(code >> 8) & 63] = x[(code >> 16) & 31]! + x[code >>> 24]!;
            break;
          case Operation.Sub:
            x[(code >> 8) & 63] = x[(code >> 16) & 31]! - x[code >>> 24]!;
            break;
          case Operation.Sll:
            x[(code >> 8) & 63] = x[(code >> 16) & 31]! << x[code >>> 24]!;
            break;
          case Operation.Slt:
            x[(code >> 8) & 63] = x[(code >> 16) & 31]! < x[code >>> 24]! ? 1 : 0;
            break;
          case Operation.Sltu:
            x[(code >> 8) & 63] = x[(code >> 16) & 31]! >>> 0 < x[code >>> 24]! >>> 0 ? 1 : 0;
            break;
          case Operation.Xor:
            x[(code >> 8) & 63] = x[(code >> 16) & 31]! ^ x[code >>> 24]!;
            break;
          case Operation.Srl:
            x[(code >> 8) & 63] = x[(code >> 16) & 31]! >>> x[code >>> 24]!;
            break;
          case Operation.Sra:
            x[(code >> 8) & 63] = x[(code >> 16) & 31]! >> x[code >>> 24]!;
            break;
          case Operation.Or:
            x[(code >> 8) & 63] = x[(code >> 16) & 31]! | x[code >>> 24]!;
            break;
          case Operation.And:
            x[(code >> 8) & 63] = x[(code >> 16) & 31]! & x[code >>> 24]!;
            break;
          case Operation.Mul:
            x[(code >> 8) & 63] = Math.imul(x[(code >> 16) & 31]!, x[code >>> 24]!);
            break;
          case Operation.Mulh:
            x[(code >> 8) & 63] = multiplyHighSigned(x[(code >> 16) & 31]!, x[code >>> 24]!);
            break;
          case Operation.Mulhsu:
            x[(code >> 8) & 63] = multiplyHighSignedUnsigned(x[(code >> 16) & 31]!, x[code >>> 24]!);
            break;
          case Operation.Mulhu:
            x[(code >> 8) & 63] = multiplyHighUnsigned(x[(code >> 16) & 31]!, x[code >>> 24]!);
            break;
          case Operation.Div:
            x[(code >> 8) & 63] = divide(x[(code >> 16) & 31]!, x[code >>> 24]!);
            break;
          case Operation.Divu:
            x[(code >> 8) & 63] = divideUnsigned(x[(code >> 16) & 31]!, x[code >>> 24]!);
            break;
          case Operation.Rem:
            x[(code >> 8) & 63] = remainder(x[(code >> 16) & 31]!, x[code >>> 24]!);
            break;
          case Operation.Remu:
            x[(code >> 8) & 63] = remainderUnsigned(x[(code >> 16) & 31]!, x[code >>> 24]!);
            break;
          case Operation.Fence:
            break;
          default:
            isSystem = true;
            pc = (pageStart + (index << 2)) | 0;
            value = words[firstWord + index]!;
            break pages;
        }
        if (cause !== -1) {
          // Only loads and stores come here, and what they name is what their operands say.
          pc = (pageStart + (index << 2)) | 0;
          if (cause === causes.storeGuard && storage.isToRepeat) {
            storage.isToRepeat = false;
            cause = -1;
            left++;
            continue pages;
          }
          value = (x[(code >> 16) & 31]! + immediate) | 0;
          break pages;
        }
        if (!taken) {
          if (++index < pageWords) continue;
          pc = (pageStart + pageBytes) | 0;
          continue pages;
        }
        pc = (pageStart + (index << 2)) | 0;
        if ((immediate & 3) !== 0) {
          cause = causes.fetchMisaligned;
          value = (pc + immediate) | 0;
          break pages;
        }
        const next = index + (immediate >> 2);
        if (next >>> 0 < pageWords) {
          index = next;
          if (!isCounting) continue;
          isHot = visits[index]! >= hotVisits;
          if (isHot) break;
          visits[index]!++;
          continue;
        }
        pc = (pc + immediate) | 0;
        continue pages;
      }
      pc = (pageStart + (index << 2)) | 0;
      if (isHot) break;
    }

    control[slots.pc] = pc;
    this.executed = limit - left;
    this.cause = cause;
    this.value = value;
    if (isSystem) return 'system';
    if (isHot) return 'hot';
    return cause === -1 ? 'limit' : 'trap';
  }
}
