import { slots, userMode } from '../control-registers';
import { memoryStart, pageBytes } from '../memory';
import { hexadecimal } from '../processor-state';
import { bareMachine, loadLines, table, trace } from './trace';

export function theMachine(): string[] {
  const program = [
    'addi a0, zero, 6',
    'addi a1, zero, 7',
    'mul a2, a0, a1',
    'lui gp, 0x80001000',
    'sw a2, 0(gp)',
    'lw a3, 0(gp)',
  ];
  const machine = bareMachine();
  loadLines(machine, program);
  return [
    'A machine of the third generation is its state S = (E, M, P, R): executable storage,',
    'mode, program counter and relocation-bounds register. An instruction is a function from',
    'one state to the next. This one has registers besides, and is run one instruction at a time:',
    '',
    ...trace(machine, program, program.length),
    '',
    `Time is the instructions that were tried: ${machine.time}. There is no other clock, so that a run is`,
    'its program and nothing else, and can be repeated and compared to the instruction.',
  ];
}

export function relocation(): string[] {
  const program = ['lui gp, 0x80000000', 'lw a0, 512(gp)', 'lui gp, 0x80001000', 'lw a1, 0(gp)'];
  const rows = [2, 9].map((page) => {
    const machine = bareMachine();
    machine.supervisor = 'outside';
    loadLines(machine, program, page * pageBytes);
    machine.memory.write(page * pageBytes + 512, Uint8Array.of(page, page, page, page));
    machine.control[slots.base] = page * pageBytes;
    machine.control[slots.bound] = pageBytes;
    machine.run(100);
    return [
      `base ${hexadecimal(page * pageBytes)}`,
      `bound ${hexadecimal(pageBytes)}`,
      `0x80000200 held ${hexadecimal(machine.registers[10]!)}`,
      `trap ${machine.trap.cause} at ${hexadecimal(machine.trap.value)}`,
    ];
  });
  return [
    'Every address that a program uses goes through R: it is shifted by the base, and what is',
    'not below the bound traps. It holds in both modes. So a program cannot tell where it lies.',
    '',
    ...program.map((line) => `  ${line}`),
    '',
    'The same program in two places of one memory:',
    '',
    ...table(rows),
    '',
    'It reads its own word at 0x80000200, which is in another place each time, and faults (5: a load)',
    'at the first address behind its page.',
  ];
}

export function aTrap(): string[] {
  const program = ['addi a0, zero, 42', 'ecall', 'addi a1, a0, 1', '', '', '', '', ''];
  const handler = ['csrrs t0, mepc, zero', 'addi t0, t0, 4', 'csrrw zero, mepc, t0', 'mret'];
  const machine = bareMachine();
  loadLines(machine, program.slice(0, 3));
  loadLines(machine, handler, 32);
  machine.control[slots.trapVector] = memoryStart + 32;
  machine.control[slots.mode] = userMode;
  machine.control[slots.bound] = 2 * pageBytes;
  return [
    'A trap stores the old (M, P, R), and loads a new one: machine mode, the place of the handler,',
    'all of storage. mret goes back. It is how a process asks its kernel, and how a control program',
    'comes to act at all. Here a process in user mode, with two pages, calls:',
    '',
    ...trace(machine, [...program, ...handler], 7),
    '',
    'mcause says why (8: a call from user mode), mepc where, mpbound what it could reach.',
  ];
}
