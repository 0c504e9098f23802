import type { Mnemonic } from '../instruction-set';
import { memoryStart, pageDirty, pageGuards, pageShift } from '../memory';
import type { TranslatedInstruction } from './region';
import { blockType, Bytes, op } from './webassembly';

/** Where things are in the shared memory: byte 0 is the storage's first. */
export interface Layout {
  readonly flagsAt: number;
  readonly registersAt: number;
  /** Where a run leaves the address that it stopped at. */
  readonly pcAt: number;
  /** Where address `memoryStart` is. A constant of the code, so that an access costs no addition. */
  readonly base: number;
  /** Some pages are guarded against loads. */
  readonly checksLoads: boolean;
}

export const locals = { pc: 0, left: 1, reach: 2, address: 3 } as const;
const parameters = 3;
const exit = 'exit';

const simple: Partial<Record<Mnemonic, number>> = {
  add: op.add,
  sub: op.subtract,
  sll: op.shiftLeft,
  slt: op.less,
  sltu: op.lessUnsigned,
  xor: op.xor,
  srl: op.shiftRightUnsigned,
  sra: op.shiftRight,
  or: op.or,
  and: op.and,
  mul: op.multiply,
};
const immediateForms: Partial<Record<Mnemonic, number>> = {
  addi: op.add,
  slti: op.less,
  sltiu: op.lessUnsigned,
  xori: op.xor,
  ori: op.or,
  andi: op.and,
  slli: op.shiftLeft,
  srli: op.shiftRightUnsigned,
  srai: op.shiftRight,
};
const upperHalves: Partial<Record<Mnemonic, readonly [number, number]>> = {
  mulh: [op.widen, op.widen],
  mulhsu: [op.widen, op.widenUnsigned],
  mulhu: [op.widenUnsigned, op.widenUnsigned],
};
const divisions: Partial<Record<Mnemonic, number>> = {
  div: op.divide,
  divu: op.divideUnsigned,
  rem: op.remainder,
  remu: op.remainderUnsigned,
};
const loads: Partial<Record<Mnemonic, readonly [code: number, bytes: number]>> = {
  lb: [op.loadSignedByte, 1],
  lbu: [op.loadByte, 1],
  lh: [op.loadSignedHalf, 2],
  lhu: [op.loadHalf, 2],
  lw: [op.load, 4],
};
const stores: Partial<Record<Mnemonic, readonly [code: number, bytes: number]>> = {
  sb: [op.storeByte, 1],
  sh: [op.storeHalf, 2],
  sw: [op.store, 4],
};

/**
 * Writes the function that runs a region. The machine's registers are its locals. Whatever is not plain (a fault, a guard, a
 * store to code) leaves the function *before* its instruction, with all as it was then: the interpreter does it.
 */
export class FunctionWriter {
  private readonly code = new Bytes();
  private readonly labels: string[] = [];
  private readonly registers = new Map<number, number>();
  private readonly written = new Set<number>();
  private readonly rooms = new Map<number, number>();
  private localCount: number = locals.address + 1;

  constructor(private readonly layout: Layout) {}

  put(...bytes: readonly number[]): this {
    this.code.put(...bytes);
    return this;
  }

  constant(value: number): this {
    this.code.put(op.constant).signed(value);
    return this;
  }

  get(local: number): this {
    this.code.put(op.localGet).unsigned(local);
    return this;
  }

  set(local: number): this {
    this.code.put(op.localSet).unsigned(local);
    return this;
  }

  tee(local: number): this {
    this.code.put(op.localTee).unsigned(local);
    return this;
  }

  /** Of memory: `alignment` 0, since programs may do what is not aligned. */
  access(code: number, offset: number): this {
    this.code.put(code, 0).unsigned(offset);
    return this;
  }

  open(kind: number, label: string, type: number = blockType.nothing): this {
    this.labels.push(label);
    return this.put(kind, type);
  }

  close(): this {
    this.labels.pop();
    return this.put(op.end);
  }

  branch(label: string, code: number = op.br): this {
    this.code.put(code).unsigned(this.labels.length - 1 - this.labels.lastIndexOf(label));
    return this;
  }

  private registerLocal(register: number): number {
    const known = this.registers.get(register);
    if (known !== undefined) return known;
    this.registers.set(register, this.localCount);
    return this.localCount++;
  }

  register(register: number): this {
    return register === 0 ? this.constant(0) : this.get(this.registerLocal(register));
  }

  setRegister(register: number): this {
    if (register === 0) return this.put(op.drop);
    this.written.add(register);
    return this.set(this.registerLocal(register));
  }

  /** So many instructions were run. */
  spend(instructions: number): this {
    if (instructions === 0) return this;
    return this.get(locals.left).constant(instructions).put(op.subtract).set(locals.left);
  }

  leaveAt(pc: number): this {
    return this.constant(pc).set(locals.pc).branch(exit);
  }

  leave(): this {
    return this.branch(exit);
  }

  /** If what is on the stack is not 0: the instructions before this one are all that was run. */
  leaveBeforeIf({ pc }: TranslatedInstruction, before: number): this {
    return this.open(op.if, 'if').spend(before).leaveAt(pc).close();
  }

  /** Leaves where less than so many instructions are left. */
  check(pc: number, instructions: number): this {
    this.get(locals.left).constant(instructions).put(op.less);
    return this.open(op.if, 'if').leaveAt(pc).close();
  }

  /** A jump through a register and what else depends on the flow is not for here. */
  instruction(instruction: TranslatedInstruction, before: number): void {
    const { mnemonic, rd, rs1, rs2, immediate, pc } = instruction;
    const load = loads[mnemonic];
    const store = stores[mnemonic];
    if (load !== undefined) this.load(instruction, load, before);
    else if (store !== undefined) this.store(instruction, store, before);
    else if (rd === 0 || mnemonic === 'fence' || mnemonic === 'fence.i') return;
    else if (mnemonic === 'lui') this.constant(immediate).setRegister(rd);
    else if (mnemonic === 'auipc') this.constant(pc + immediate).setRegister(rd);
    else if (simple[mnemonic] !== undefined) this.register(rs1).register(rs2).put(simple[mnemonic]).setRegister(rd);
    else if (immediateForms[mnemonic] !== undefined)
      this.register(rs1).constant(immediate).put(immediateForms[mnemonic]).setRegister(rd);
    else if (upperHalves[mnemonic] !== undefined) this.upperHalf(instruction, upperHalves[mnemonic]);
    else this.divide(instruction, divisions[mnemonic]!);
  }

  private upperHalf(
    { rd, rs1, rs2 }: TranslatedInstruction,
    [widenFirst, widenSecond]: readonly [number, number],
  ): void {
    this.register(rs1).put(widenFirst).register(rs2).put(widenSecond, op.wideMultiply);
    this.put(op.wideConstant, 32, op.wideShiftRight, op.narrow).setRegister(rd);
  }

  /** By zero the quotient is all ones and the remainder the dividend; and WebAssembly's own traps where the quotient does not fit. */
  private divide({ mnemonic, rd, rs1, rs2 }: TranslatedInstruction, code: number): void {
    const isQuotient = mnemonic === 'div' || mnemonic === 'divu';
    this.register(rs2).put(op.isZero).open(op.if, 'zero', blockType.i32);
    if (isQuotient) this.constant(-1);
    else this.register(rs1);
    this.put(op.else);
    if (mnemonic === 'div') {
      this.register(rs2).constant(-1).put(op.equal).open(op.if, 'minus one', blockType.i32);
      this.constant(0).register(rs1).put(op.subtract, op.else);
    }
    this.register(rs1).register(rs2).put(code);
    if (mnemonic === 'div') this.close();
    this.close().setRegister(rd);
  }

  /** The offset from `memoryStart` goes to a local, and the function is left where not all bytes are within reach. */
  private address(instruction: TranslatedInstruction, bytes: number, before: number): void {
    const { rs1, immediate } = instruction;
    // Exclusive or with the upper bit, which is adding it.
    this.register(rs1).constant(immediate + memoryStart).put(op.add).tee(locals.address); // prettier-ignore
    this.get(this.roomFor(bytes)).put(op.greaterUnsigned).leaveBeforeIf(instruction, before);
  }

  /** The largest offset that an access of so many bytes may have. */
  private roomFor(bytes: number): number {
    const known = this.rooms.get(bytes);
    if (known !== undefined) return known;
    this.rooms.set(bytes, this.localCount);
    return this.localCount++;
  }

  private pageFlags(bytes: number): this {
    this.get(locals.address);
    if (bytes > 1) this.constant(bytes - 1).put(op.add);
    const { flagsAt, base } = this.layout;
    return this.constant(pageShift)
      .put(op.shiftRightUnsigned)
      .access(op.loadByte, flagsAt + (base >>> pageShift));
  }

  private load(instruction: TranslatedInstruction, [code, bytes]: readonly [number, number], before: number): void {
    this.address(instruction, bytes, before);
    if (this.layout.checksLoads) {
      this.pageFlags(1);
      if (bytes > 1) this.pageFlags(bytes).put(op.or);
      this.constant(pageGuards.load).put(op.and).leaveBeforeIf(instruction, before);
    }
    this.get(locals.address).access(code, this.layout.base).setRegister(instruction.rd);
  }

  private store(instruction: TranslatedInstruction, [code, bytes]: readonly [number, number], before: number): void {
    const { base } = this.layout;
    this.address(instruction, bytes, before);
    this.pageFlags(1).constant(pageDirty).put(op.xor);
    if (bytes > 1) this.get(locals.address).constant(bytes - 1).put(op.and, op.or); // prettier-ignore
    this.open(op.if, 'if').get(locals.address).constant(base).put(op.add).constant(bytes).put(op.call, 0);
    this.leaveBeforeIf(instruction, before).close();
    this.get(locals.address).register(instruction.rs2).access(code, base);
  }

  /** `body` writes what runs between fetching the registers and putting them back. */
  finish(body: () => void): { readonly parameters: number; readonly locals: number; readonly code: Bytes } {
    const { registersAt, pcAt } = this.layout;
    this.open(op.block, exit);
    body();
    this.close();
    this.constant(0).get(locals.pc).access(op.store, pcAt);
    for (const register of this.written)
      this.constant(0)
        .register(register)
        .access(op.store, registersAt + 4 * register);
    this.get(locals.left);
    const prologue = new FunctionWriter(this.layout);
    for (const [register, local] of this.registers)
      prologue.constant(0).access(op.load, registersAt + 4 * register).set(local); // prettier-ignore
    for (const [bytes, local] of this.rooms)
      prologue.get(locals.reach).constant(bytes).put(op.subtract).set(local); // prettier-ignore
    return { parameters, locals: this.localCount - parameters, code: prologue.code.append(this.code) };
  }
}
