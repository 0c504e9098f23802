import { assemble, type Assembled } from './assembler';
import { BareMachine } from './bare-machine';
import { Console, MemoryDisk, PowerButton, type NetworkPort } from './devices';
import type { Machine } from './machine';
import { variants, type Variant } from './variants';

/** For tests: a bare machine with everything, and what came out of its console. */
export interface Bench {
  readonly machine: BareMachine;
  readonly console: Console;
  readonly output: number[];
  readonly disk: MemoryDisk;
  readonly power: PowerButton;
}

export interface BenchOptions {
  readonly variant?: Variant;
  readonly memoryBytes?: number;
  readonly network?: NetworkPort;
}

export function bench({ variant = variants.virtualizable, memoryBytes = 65536, network }: BenchOptions = {}): Bench {
  const output: number[] = [];
  const console = new Console((byte) => output.push(byte));
  const disk = new MemoryDisk(new Uint8Array(4 * 512));
  const power = new PowerButton();
  const machine = new BareMachine(variant, memoryBytes, { console, disk, network, power });
  return { machine, console, output, disk, power };
}

export function load(machine: Machine, text: string): Assembled {
  const assembled = assemble(text);
  machine.memory.write(0, assembled.bytes);
  return assembled;
}

/** A static ELF32 for RISC-V of one segment, as a linker would make it, with symbols. */
export function elfFile(bytes: Uint8Array, address: number, symbols: ReadonlyMap<string, number>): Uint8Array {
  const names = ['', ...symbols.keys()];
  const strings = new TextEncoder().encode(`${names.join('\0')}\0`);
  const programHeader = 52;
  const content = programHeader + 32;
  const symbolTable = content + ((bytes.length + 3) & ~3);
  const stringTable = symbolTable + 16 * names.length;
  const sectionHeaders = (stringTable + strings.length + 3) & ~3;
  const file = new Uint8Array(sectionHeaders + 3 * 40);
  const view = new DataView(file.buffer);
  const words = (at: number, values: readonly number[]) =>
    values.forEach((value, index) => view.setUint32(at + 4 * index, value, true));
  file.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  words(16, [2 | (243 << 16), 1, address, programHeader, sectionHeaders, 0, 52 | (32 << 16), 1 | (40 << 16), 3]);
  words(programHeader, [1, content, address, address, bytes.length, bytes.length, 7, 4]);
  file.set(bytes, content);
  let nameAt = 1;
  names.slice(1).forEach((name, index) => {
    words(symbolTable + 16 * (index + 1), [nameAt, symbols.get(name)!, 0, 0]);
    nameAt += name.length + 1;
  });
  file.set(strings, stringTable);
  words(sectionHeaders + 40, [0, 2, 0, 0, symbolTable, 16 * names.length, 2, 1, 4, 16]);
  words(sectionHeaders + 80, [0, 3, 0, 0, stringTable, strings.length, 0, 0, 1, 0]);
  return file;
}
