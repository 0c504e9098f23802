import { controlRegisterNumbers } from './control-registers';
import { encode, instructions, type Format, type Mnemonic } from './instruction-set';
import { memoryStart } from './memory';

/**
 * A small two-pass assembler for programs of tests, probes and the tour: an instruction or `.word` a line, labels, comments
 * after `#`, and the usual pseudo-instructions `li`, `la`, `mv`, `j`, `jr`, `ret`, `nop`, `csrr`, `csrw`, `beqz`, `bnez`.
 * What is wrong with a text is an error of who wrote it, and is thrown with its line.
 */
export interface Assembled {
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
  readonly labels: ReadonlyMap<string, number>;
}

const abiNames =
  'zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6'.split(' ');
const registerNumbers = new Map([
  ...abiNames.map((name, number) => [name, number] as const),
  ...abiNames.map((_, number) => [`x${number}`, number] as const),
  ['fp', 8] as const,
]);

type Resolve = (text: string) => number;
interface Line {
  readonly number: number;
  readonly address: number;
  readonly name: string;
  readonly operands: readonly string[];
}

function fail(line: number, problem: string): never {
  throw new SyntaxError(`Line ${line}: ${problem}.`);
}

function upper(value: number): number {
  return (value + 0x800) & ~0xfff;
}

/** Each takes the words that its first pass counted, whatever the operands turn out to be. */
const pseudo: Readonly<Record<string, readonly [count: number, (o: readonly string[]) => readonly string[]]>> = {
  nop: [1, () => ['addi zero, zero, 0']],
  mv: [1, ([to, from]) => [`addi ${to}, ${from}, 0`]],
  j: [1, ([target]) => [`jal zero, ${target}`]],
  jr: [1, ([register]) => [`jalr zero, 0(${register})`]],
  ret: [1, () => ['jalr zero, 0(ra)']],
  csrr: [1, ([to, register]) => [`csrrs ${to}, ${register}, zero`]],
  csrw: [1, ([register, from]) => [`csrrw zero, ${register}, ${from}`]],
  beqz: [1, ([register, target]) => [`beq ${register}, zero, ${target}`]],
  bnez: [1, ([register, target]) => [`bne ${register}, zero, ${target}`]],
  li: [2, ([to, value]) => [`lui ${to}, %hi(${value})`, `addi ${to}, ${to}, %lo(${value})`]],
  la: [2, ([to, label]) => [`lui ${to}, %hi(${label})`, `addi ${to}, ${to}, %lo(${label})`]],
};

/** The order in which a text names the operands. */
const order: Readonly<Record<Format, readonly ('rd' | 'rs1' | 'rs2' | 'immediate' | 'target' | 'memory' | 'control')[]>> = {
  R: ['rd', 'rs1', 'rs2'],
  I: ['rd', 'rs1', 'immediate'],
  shift: ['rd', 'rs1', 'immediate'],
  load: ['rd', 'memory'],
  jalr: ['rd', 'memory'],
  S: ['rs2', 'memory'],
  B: ['rs1', 'rs2', 'target'],
  U: ['rd', 'immediate'],
  J: ['rd', 'target'],
  csr: ['rd', 'control', 'rs1'],
  csri: ['rd', 'control', 'immediate'],
  fence: [],
  none: [],
  source: ['rs1'],
}; // prettier-ignore

function register(line: Line, text: string): number {
  return registerNumbers.get(text) ?? fail(line.number, `"${text}" is no register`);
}

function assembleLine(line: Line, resolve: Resolve): number {
  const mnemonic = line.name as Mnemonic;
  const { format } = instructions[mnemonic] ?? fail(line.number, `"${line.name}" is no instruction`);
  const places = order[format];
  if (places.length !== line.operands.length)
    fail(line.number, `${mnemonic} has ${places.length} operands, not ${line.operands.length}`);
  const found = { rd: 0, rs1: 0, rs2: 0, immediate: 0 };
  places.forEach((place, index) => {
    const text = line.operands[index]!;
    if (place === 'target') found.immediate = resolve(text) - line.address;
    else if (place === 'control')
      found.immediate = controlRegisterNumbers[text as keyof typeof controlRegisterNumbers] ?? resolve(text);
    else if (place === 'memory') {
      const [, offset = '', base = ''] =
        /^(.*)\((\w+)\)$/.exec(text) ?? fail(line.number, `"${text}" is no offset(register)`);
      found.immediate = offset === '' ? 0 : resolve(offset);
      found.rs1 = register(line, base);
    } else if (place === 'immediate' && format === 'csri') found.rs1 = resolve(text);
    else if (place === 'immediate') found.immediate = resolve(text);
    else found[place] = register(line, text);
  });
  return encode(mnemonic, found);
}

/** Splits at commas and spaces, but not within brackets. */
function operandsOf(text: string): string[] {
  return text.split(/[\s,]+(?![^(]*\))/).filter((each) => each !== '');
}

export function assemble(text: string, origin = memoryStart | 0): Assembled {
  const labels = new Map<string, number>();
  const lines: Line[] = [];
  let address = origin;
  text.split('\n').forEach((raw, index) => {
    let rest = raw.replace(/#.*/, '').trim();
    for (let label = /^(\w+):\s*/.exec(rest); label !== null; label = /^(\w+):\s*/.exec(rest)) {
      labels.set(label[1]!, address);
      rest = rest.slice(label[0].length);
    }
    if (rest === '') return;
    const [name = '', ...operands] = operandsOf(rest);
    const expansion = pseudo[name]?.[1](operands) ?? [rest];
    for (const each of expansion) {
      const [mnemonic = '', ...parts] = operandsOf(each);
      lines.push({ number: index + 1, address, name: mnemonic, operands: parts });
      address = (address + 4) | 0;
    }
  });
  const words = Int32Array.from(lines, (line) => {
    const resolve: Resolve = (operand) => {
      const half = /^%(hi|lo)\((.*)\)$/.exec(operand);
      if (half !== null) {
        const value = resolve(half[2]!);
        return half[1] === 'hi' ? upper(value) : value - upper(value);
      }
      const value = labels.get(operand) ?? (operand === '.' ? line.address : Number(operand));
      return Number.isNaN(value) ? fail(line.number, `"${operand}" is neither a label nor a number`) : value | 0;
    };
    return line.name === '.word' ? resolve(line.operands[0] ?? '') : assembleLine(line, resolve);
  });
  return { words, bytes: new Uint8Array(words.buffer), labels };
}
