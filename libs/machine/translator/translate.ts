import type { Mnemonic } from '../instruction-set';
import { flowOf, root, type Flow, type Root } from './flow';
import { FunctionWriter, locals, type Layout } from './function-writer';
import { isBranch, type Block, type Region } from './region';
import { op, type ModuleFunction } from './webassembly';

/** So many instructions are run at most between two looks at how many are left. */
const longestPath = 64;

const conditions: Partial<Record<Mnemonic, number>> = {
  beq: op.equal,
  bne: op.notEqual,
  blt: op.less,
  bltu: op.lessUnsigned,
  bge: op.greaterOrEqual,
  bgeu: op.greaterOrEqualUnsigned,
};

/**
 * Where it is looked at how many instructions are left, and how many have to be: at entries, at loops, and where the way since
 * the last look becomes long. A way from one look to the next is never left for want of instructions.
 */
function checksOf(region: Region, flow: Flow): Map<number, number> {
  const checked = new Set([...flow.entries, ...flow.order.filter(flow.isLoop)]);
  const ahead = new Map<number, number>();
  for (const pc of [...flow.order].reverse()) {
    const own = region.blocks.get(pc)!.instructions.length;
    const next = flow.successors(pc).filter((to) => flow.edge(pc, to) === 'forward');
    const longest = next.filter((to) => !checked.has(to)).reduce((most, to) => Math.max(most, ahead.get(to)!), 0);
    if (own + longest > longestPath) for (const to of next) checked.add(to);
    ahead.set(pc, own + longest > longestPath ? own : own + longest);
  }
  return new Map([...checked].map((pc) => [pc, ahead.get(pc)!]));
}

const loopLabel = (pc: number | Root) => `loop ${pc}`;
const afterLabel = (pc: number) => `before ${pc}`;

/** Writes the blocks of a region in the shape that its flow has. */
class RegionWriter {
  readonly checks: ReadonlyMap<number, number>;

  constructor(
    private readonly region: Region,
    private readonly flow: Flow,
    private readonly writer: FunctionWriter,
  ) {
    this.checks = checksOf(region, flow);
  }

  tree(node: number | Root): void {
    const isLoop = node === root || this.flow.isLoop(node);
    if (isLoop) this.writer.open(op.loop, loopLabel(node));
    this.within(node, this.flow.mergesBelow(node));
    if (isLoop) this.writer.close();
  }

  /** A merge comes after the end of a block, which whoever goes there leaves. */
  private within(node: number | Root, merges: readonly number[]): void {
    const [last, ...others] = merges;
    if (last === undefined) {
      if (node === root) this.dispatcher(this.flow.entries);
      else this.block(this.region.blocks.get(node)!);
      return;
    }
    this.writer.open(op.block, afterLabel(last));
    this.within(node, others);
    this.writer.close();
    this.tree(last);
  }

  private dispatcher(entries: readonly number[]): void {
    const { writer } = this;
    if (entries.length === 1) {
      writer.get(locals.pc).constant(entries[0]!).put(op.notEqual).open(op.if, 'if').leave().close();
      this.goForward(entries[0]!);
      return;
    }
    const middle = entries.length >>> 1;
    writer.get(locals.pc).constant(entries[middle]!).put(op.lessUnsigned).open(op.if, 'if');
    this.dispatcher(entries.slice(0, middle));
    writer.put(op.else);
    this.dispatcher(entries.slice(middle));
    writer.close();
  }

  private block({ pc, instructions, taken, next }: Block): void {
    const { writer } = this;
    const needed = this.checks.get(pc);
    if (needed !== undefined) writer.check(pc, needed);
    const last = instructions.at(-1)!;
    const endsWithJump = isBranch(last.mnemonic) || last.mnemonic === 'jal' || last.mnemonic === 'jalr';
    const plain = endsWithJump ? instructions.slice(0, -1) : instructions;
    plain.forEach((instruction, index) => writer.instruction(instruction, index));
    if (last.mnemonic === 'jalr') {
      writer.register(last.rs1).constant(last.immediate).put(op.add).constant(~1).put(op.and).tee(locals.address);
      writer.constant(2).put(op.and).leaveBeforeIf(last, plain.length);
      writer.get(locals.address).set(locals.pc);
    }
    if (last.mnemonic === 'jalr' || last.mnemonic === 'jal')
      if (last.rd !== 0) writer.constant(last.pc + 4).setRegister(last.rd);
    writer.spend(instructions.length);
    if (taken !== undefined) {
      writer.register(last.rs1).register(last.rs2).put(conditions[last.mnemonic]!);
      this.choose(pc, taken, next!);
    } else if (next === undefined) writer.branch(loopLabel(root));
    else this.go(pc, next);
  }

  /** By what is on the stack. */
  private choose(from: number, taken: number, next: number): void {
    const { writer } = this;
    const takenLabel = this.labelOf(from, taken);
    const nextLabel = this.labelOf(from, next);
    if (takenLabel !== undefined) {
      writer.branch(takenLabel, op.brIf);
      this.go(from, next);
    } else if (nextLabel !== undefined) {
      writer.put(op.isZero).branch(nextLabel, op.brIf);
      this.go(from, taken);
    } else {
      writer.open(op.if, 'if');
      this.go(from, taken);
      writer.put(op.else);
      this.go(from, next);
      writer.close();
    }
  }

  /** Where a plain branch leads there. */
  private labelOf(from: number, to: number): string | undefined {
    if (!this.region.blocks.has(to)) return undefined;
    const edge = this.flow.edge(from, to);
    if (edge === 'back') return loopLabel(to);
    return edge === 'forward' && this.flow.isMerge(to) ? afterLabel(to) : undefined;
  }

  private go(from: number, to: number): void {
    const { writer } = this;
    const label = this.labelOf(from, to);
    if (label !== undefined) writer.branch(label);
    else if (!this.region.blocks.has(to)) writer.leaveAt(to);
    else if (this.flow.edge(from, to) === 'dispatch') writer.constant(to).set(locals.pc).branch(loopLabel(root));
    else this.tree(to);
  }

  private goForward(to: number): void {
    if (this.flow.isMerge(to)) this.writer.branch(afterLabel(to));
    else this.tree(to);
  }
}

export interface TranslatedRegion {
  readonly function: ModuleFunction;
  /** Where it can be entered, and how many instructions have to be left for that. */
  readonly entries: ReadonlyMap<number, number>;
}

export function translate(region: Region, layout: Layout): TranslatedRegion {
  const flow = flowOf(region);
  const writer = new FunctionWriter(layout);
  const regionWriter = new RegionWriter(region, flow, writer);
  const written = writer.finish(() => regionWriter.tree(root));
  return { function: written, entries: new Map(flow.entries.map((pc) => [pc, regionWriter.checks.get(pc)!])) };
}
