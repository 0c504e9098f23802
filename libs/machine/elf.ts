import { accepted, refused, type Result } from '@argosy/domain/refusal';
import { memoryStart, type Memory } from './memory';
import { hexadecimal } from './processor-state';

/** A static ELF32 program for RISC-V, as far as a loader needs it. */
export interface ElfProgram {
  readonly entry: number;
  readonly segments: readonly { readonly address: number; readonly bytes: Uint8Array; readonly memoryBytes: number }[];
  readonly symbols: ReadonlyMap<string, number>;
}

const headerBytes = 52;
const riscv = 243;
const executable = 2;
const loadable = 1;
const symbolTable = 2;
const symbolBytes = 16;

function cString(bytes: Uint8Array, offset: number): string {
  let end = offset;
  while (end < bytes.length && bytes[end] !== 0) end++;
  return String.fromCharCode(...bytes.subarray(offset, end));
}

function readSegments(view: DataView, bytes: Uint8Array): ElfProgram['segments'] {
  const first = view.getUint32(28, true);
  const size = view.getUint16(42, true);
  const count = view.getUint16(44, true);
  return Array.from({ length: count }, (_, index) => first + index * size)
    .filter((at) => view.getUint32(at, true) === loadable && view.getUint32(at + 20, true) > 0)
    .map((at) => {
      const offset = view.getUint32(at + 4, true);
      const fileBytes = view.getUint32(at + 16, true);
      if (offset + fileBytes > bytes.length) throw new RangeError('a segment goes beyond the end of the file');
      return {
        address: view.getUint32(at + 12, true),
        bytes: bytes.subarray(offset, offset + fileBytes),
        memoryBytes: Math.max(fileBytes, view.getUint32(at + 20, true)),
      };
    });
}

function readSymbols(view: DataView, bytes: Uint8Array): Map<string, number> {
  const symbols = new Map<string, number>();
  const first = view.getUint32(32, true);
  const size = view.getUint16(46, true);
  const sections = Array.from({ length: view.getUint16(48, true) }, (_, index) => first + index * size);
  for (const section of sections.filter((at) => view.getUint32(at + 4, true) === symbolTable)) {
    const names = view.getUint32(sections[view.getUint32(section + 24, true)]! + 16, true);
    const offset = view.getUint32(section + 16, true);
    const end = offset + view.getUint32(section + 20, true);
    for (let at = offset; at < end; at += symbolBytes)
      symbols.set(cString(bytes, names + view.getUint32(at, true)), view.getUint32(at + 4, true));
  }
  return symbols;
}

function notLoaded(problem: string): Result<never> {
  return refused('image-corrupt', `The program cannot be loaded: ${problem}.`);
}

export function parseElf(bytes: Uint8Array): Result<ElfProgram> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < headerBytes || view.getUint32(0, false) !== 0x7f454c46) return notLoaded('it is no ELF file');
  if (bytes[4] !== 1 || bytes[5] !== 1 || view.getUint16(18, true) !== riscv)
    return notLoaded('it is an ELF file, but not one of 32 bits for RISC-V; build it for rv32im');
  if (view.getUint16(16, true) !== executable)
    return notLoaded('it is not linked to fixed addresses; link it statically, at 0x80000000');
  try {
    const entry = view.getUint32(24, true) | 0;
    return accepted({ entry, segments: readSegments(view, bytes), symbols: readSymbols(view, bytes) });
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError)
      return notLoaded('its headers point outside the file; it is cut short or damaged');
    throw error;
  }
}

/** Nothing is written where not all of it finds room. */
export function loadElf(memory: Memory, program: ElfProgram): Result<null> {
  for (const { address, memoryBytes } of program.segments)
    if (((address ^ memoryStart) >>> 0) + memoryBytes > memory.size)
      return notLoaded(
        `it has ${memoryBytes} bytes at ${hexadecimal(address)}, and memory is ${memory.size} bytes at 0x80000000`,
      );
  for (const { address, bytes, memoryBytes } of program.segments) {
    const content = new Uint8Array(memoryBytes);
    content.set(bytes);
    memory.write((address ^ memoryStart) >>> 0, content);
  }
  return accepted(null);
}
