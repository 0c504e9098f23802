import { assemble } from '../assembler';
import { BareMachine } from '../bare-machine';
import { machineMode, slots, type Slot } from '../control-registers';
import { Console } from '../devices';
import type { Machine } from '../machine';
import { memoryStart } from '../memory';
import { hexadecimal, registerCount } from '../processor-state';
import { variants, type Variant } from '../variants';

/** What the screens are made with: real machines, whose instructions are run one at a time and looked at. */
export const tourMemoryBytes = 65536;

export function bareMachine(variant: Variant = variants.virtualizable): BareMachine {
  return new BareMachine(variant, tourMemoryBytes, {
    console: new Console(() => {}),
  });
}

/** An instruction a line, without pseudo-instructions of two words and without labels: so a line is a word. */
export function loadLines(machine: Machine, lines: readonly string[], offset = 0): void {
  machine.memory.write(offset, assemble(lines.join('\n'), (memoryStart + offset) | 0).bytes);
}

const registerNames =
  'zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6'.split(' ');
const toldSlots: Partial<Record<Slot, string>> = {
  mode: 'mode',
  base: 'mbase',
  bound: 'mbound',
  previousBase: 'mpbase',
  previousBound: 'mpbound',
  trapPc: 'mepc',
  trapCause: 'mcause',
  trapValue: 'mtval',
  scratch: 'mscratch',
};

export function modeName(mode: number): string {
  return mode === machineMode ? 'machine' : 'user';
}

function slotValue(slot: Slot, value: number): string {
  if (slot === 'mode') return modeName(value);
  return slot === 'trapCause' ? `${value}` : hexadecimal(value);
}

export interface Step {
  readonly pc: number;
  /** What an instruction changed of registers and control registers, but for the place. */
  readonly changes: readonly string[];
  readonly stop: string;
}

export function step(machine: Machine): Step {
  const registers = machine.registers.slice(0, registerCount);
  const control = machine.control.slice();
  const pc = control[slots.pc]!;
  const stop = machine.run(1);
  const changes: string[] = [];
  for (let register = 1; register < registerCount; register++)
    if (machine.registers[register] !== registers[register])
      changes.push(`${registerNames[register]} = ${hexadecimal(machine.registers[register]!)}`);
  for (const [slot, name] of Object.entries(toldSlots) as [Slot, string][])
    if (machine.control[slots[slot]] !== control[slots[slot]])
      changes.push(`${name} = ${slotValue(slot, machine.control[slots[slot]]!)}`);
  return { pc, changes, stop };
}

/** So many instructions, a line each; what one changed beyond that goes below it. */
export function trace(machine: Machine, lines: readonly string[], count: number): string[] {
  return Array.from({ length: count }, () => step(machine)).flatMap(({ pc, changes }) => {
    const text = lines[((pc ^ memoryStart) >>> 0) / 4] ?? '';
    const rows: string[] = [];
    for (let first = 0; first === 0 || first < changes.length; first += 3) {
      const left = first === 0 ? `${hexadecimal(pc)}  ${text}` : '';
      rows.push(`  ${left.padEnd(36)}${changes.slice(first, first + 3).join(', ')}`.trimEnd());
    }
    return rows;
  });
}

export function table(rows: readonly (readonly (string | number)[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => `${row[column]!}`.length)));
  return rows.map((row) =>
    `  ${row.map((cell, column) => `${cell}`[typeof cell === 'number' ? 'padStart' : 'padEnd'](widths[column]!)).join('  ')}`.trimEnd(),
  );
}
