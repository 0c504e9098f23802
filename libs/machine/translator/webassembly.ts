/** WebAssembly as far as the translator needs it (core specification 2.0, §5): a writer of modules, and the language's own global that runs them. */

export interface SharedMemory {
  readonly buffer: ArrayBuffer;
  /** Also by 0 pages: views of the buffer that there was are views of nothing from then on. */
  grow(pages: number): number;
}

interface WebAssemblyGlobal {
  readonly Memory: new (limits: { readonly initial: number }) => SharedMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: Readonly<Record<string, unknown>> };
}

// The language's own library does not declare it: that of browsers does.
const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: WebAssemblyGlobal };

const webAssemblyPageBytes = 65536;

/** Of that size or more; all zeros. */
export type MakeMemory = (bytes: number) => SharedMemory;

export const freshMemory: MakeMemory = (bytes) =>
  new WebAssembly.Memory({ initial: Math.ceil(bytes / webAssemblyPageBytes) });

export const op = {
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  call: 0x10,
  drop: 0x1a,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  load: 0x28,
  loadSignedByte: 0x2c,
  loadByte: 0x2d,
  loadSignedHalf: 0x2e,
  loadHalf: 0x2f,
  store: 0x36,
  storeByte: 0x3a,
  storeHalf: 0x3b,
  constant: 0x41,
  wideConstant: 0x42,
  isZero: 0x45,
  equal: 0x46,
  notEqual: 0x47,
  less: 0x48,
  lessUnsigned: 0x49,
  greaterUnsigned: 0x4b,
  greaterOrEqual: 0x4e,
  greaterOrEqualUnsigned: 0x4f,
  add: 0x6a,
  subtract: 0x6b,
  multiply: 0x6c,
  divide: 0x6d,
  divideUnsigned: 0x6e,
  remainder: 0x6f,
  remainderUnsigned: 0x70,
  and: 0x71,
  or: 0x72,
  xor: 0x73,
  shiftLeft: 0x74,
  shiftRight: 0x75,
  shiftRightUnsigned: 0x76,
  wideMultiply: 0x7e,
  wideShiftRight: 0x87,
  narrow: 0xa7,
  widen: 0xac,
  widenUnsigned: 0xad,
} as const;

const valueType = { i32: 0x7f } as const;
export const blockType = { nothing: 0x40, i32: valueType.i32 } as const;

/** Bytes of code, or of a section. */
export class Bytes {
  readonly bytes: number[] = [];

  put(...bytes: readonly number[]): this {
    this.bytes.push(...bytes);
    return this;
  }

  /** LEB128. */
  unsigned(value: number): this {
    let rest = value;
    while (rest >= 128) {
      this.bytes.push((rest % 128) | 128);
      rest = Math.floor(rest / 128);
    }
    this.bytes.push(rest);
    return this;
  }

  signed(value: number): this {
    let rest = value | 0;
    while (rest < -64 || rest > 63) {
      this.bytes.push((rest & 127) | 128);
      rest >>= 7;
    }
    this.bytes.push(rest & 127);
    return this;
  }

  append(other: Bytes): this {
    // Not by spreading: a module's code is longer than a call's arguments may be.
    for (const byte of other.bytes) this.bytes.push(byte);
    return this;
  }

  name(text: string): this {
    return this.unsigned(text.length).put(...Array.from(text, (character) => character.charCodeAt(0)));
  }
}

function section(id: number, content: Bytes): Bytes {
  return new Bytes().put(id).unsigned(content.bytes.length).append(content);
}

function functionType(parameters: number): readonly number[] {
  return [0x60, parameters, ...Array<number>(parameters).fill(valueType.i32), 1, valueType.i32];
}

export interface ModuleFunction {
  /** How many of its locals are parameters, and how many there are besides; all are i32, as its result is. */
  readonly parameters: number;
  readonly locals: number;
  readonly code: Bytes;
}

/** A module of one exported function `run`. It imports a memory, and a function of two numbers, which is function 0. */
export function moduleOf({ parameters, locals, code }: ModuleFunction, memoryBytes: number): Uint8Array {
  const types = new Bytes().put(2, ...functionType(parameters), ...functionType(2));
  const memoryPages = Math.ceil(memoryBytes / webAssemblyPageBytes);
  const imports = new Bytes().put(2).name('storage').name('refusesStore').put(0, 1);
  imports.name('storage').name('memory').put(2, 0).unsigned(memoryPages);
  const body = new Bytes().put(1).unsigned(locals).put(valueType.i32).append(code).put(op.end);
  const module = new Bytes().put(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  module
    .append(section(1, types))
    .append(section(2, imports))
    .append(section(3, new Bytes().put(1, 0)));
  module.append(section(7, new Bytes().put(1).name('run').put(0, 1)));
  module.append(section(10, new Bytes().put(1).unsigned(body.bytes.length).append(body)));
  return Uint8Array.from(module.bytes);
}

export interface ModuleImports {
  readonly memory: SharedMemory;
  readonly refusesStore: (place: number, length: number) => number;
}

export type ModuleRun = (pc: number, left: number, reach: number) => number;

export function instantiate(bytes: Uint8Array, storage: ModuleImports): ModuleRun {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { storage });
  return exports.run as ModuleRun;
}
