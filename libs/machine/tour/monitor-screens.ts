import { slots } from '../control-registers';
import { Console } from '../devices';
import { runThroughIdleness } from '../machine';
import { hexadecimal } from '../processor-state';
import { variants } from '../variants';
import { chainOfMachines } from '../vmm/chain';
import type { MonitorKind, VirtualMachine } from '../vmm/virtual-machine';
import { loadLines, modeName, step, table, tourMemoryBytes } from './trace';

export function trapAndEmulate(): string[] {
  const program = [
    'addi a0, zero, 5',
    'csrrw zero, mscratch, a0',
    'csrrs a1, mscratch, zero',
    'addi a2, a1, 1',
    'csrrs a3, mbase, zero',
  ];
  const console = new Console(() => {});
  const { top, chain } = chainOfMachines({
    variant: variants.virtualizable,
    depth: 1,
    memoryBytes: tourMemoryBytes,
    console,
  });
  const [host] = chain;
  loadLines(top, program);
  const rows = program.map((line) => {
    const before = (top as VirtualMachine).shares.emulated;
    const { changes } = step(top);
    const isEmulated = (top as VirtualMachine).shares.emulated > before;
    return [line, isEmulated ? `trap ${host!.trap.cause}, then the VMM` : 'the processor', changes.join(', ')];
  });
  return [
    `The guest's kernel believes that it runs in ${modeName(top.control[slots.mode]!)} mode. Below it the processor is in ${modeName(host!.control[slots.mode]!)} mode,`,
    'so what is privileged traps to the dispatcher, which has an interpreter routine do it on the',
    "guest's own state. All else is run by the processor, at its speed.",
    '',
    ...table([['instruction', 'run by', 'and then'], ...rows]),
    '',
    `The guest reads its mbase: ${hexadecimal(top.registers[13]!)}. It really lies at ${hexadecimal(host!.control[slots.base]!)}, and cannot know.`,
    `Emulated: ${(top as VirtualMachine).shares.emulated}. Run directly: ${(top as VirtualMachine).shares.direct}.`,
  ];
}

const greeting = [
  'addi t0, zero, 104',
  'csrrw zero, mconsole, t0',
  'addi t0, zero, 105',
  'csrrw zero, mconsole, t0',
  'addi a1, zero, 1000',
  'next: add a0, a0, a1',
  'addi a1, a1, -1',
  'bne a1, zero, next',
  'csrrwi zero, mpower, 1',
];

export function machinesInMachines(): string[] {
  const rows = [0, 1, 2, 3].map((depth) => {
    let said = '';
    const console = new Console((byte) => (said += String.fromCharCode(byte)));
    const { top } = chainOfMachines({
      variant: variants.virtualizable,
      depth,
      memoryBytes: tourMemoryBytes,
      console,
    });
    loadLines(top, greeting);
    const stop = runThroughIdleness(top, 100_000);
    const { direct, emulated } = depth === 0 ? { direct: top.time, emulated: 0 } : (top as VirtualMachine).shares;
    return [depth, said, top.registers[10]!, top.time, stop, direct, emulated];
  });
  return [
    'A VMM takes a machine and gives machines of the same kind. So it takes those as well: depth 2',
    'is a VM in a VM. The same program at each depth, which greets, adds up 1 to 1000, and switches',
    'its machine off:',
    '',
    ...table([['depth', 'console', 'a0', 'instructions', 'ended', 'direct', 'by its VMM'], ...rows]),
    '',
    'Equivalence: nobody could tell one from the other, not even by counting instructions.',
    'Efficiency: all but the privileged ones run on the processor, however deep.',
    'Resource control: each has the pages and sectors that its allocator gave, and no others.',
  ];
}

export function aPatch(): string[] {
  const program = ['csrrs a0, mbase, zero', 'lui gp, 0x80000000', 'lw a1, 0(gp)', 'csrrs a2, mstatus, zero'];
  const variant = variants['unprivileged-reads'];
  const run = (kind: MonitorKind, depth: number) => {
    const { top } = chainOfMachines({
      variant,
      depth,
      kind,
      memoryBytes: tourMemoryBytes,
      console: new Console(() => {}),
    });
    loadLines(top, program);
    const before = top.memory.word(0);
    top.run(1);
    const during = top.memory.word(0);
    top.run(program.length - 1);
    const register = (number: number): string => hexadecimal(top.registers[number]!);
    return {
      before: hexadecimal(before),
      during: hexadecimal(during),
      mbase: register(10),
      loaded: register(11),
    };
  };
  const bare = run('direct', 0);
  const direct = run('direct', 1);
  const patched = run('patching', 1);
  return [
    'On a processor like IA-32 before 2005 csrr mbase does not trap: a guest in user mode is told',
    "where its VMM really put it. Patching replaces it by a word that traps, before the page's first",
    'instruction is run, and keeps the original.',
    '',
    ...table([
      ['', 'bare machine', 'trap and emulate', 'patching'],
      ['mbase, as the guest reads it', bare.mbase, direct.mbase, patched.mbase],
      ['the first word, loaded from outside', bare.before, direct.before, patched.before],
      ['the same, once the page was run', bare.during, direct.during, patched.during],
      ['the same, as the guest loads it', bare.loaded, direct.loaded, patched.loaded],
    ]),
    '',
    'The page is guarded: a load from it traps, is given the original, and sees no patch. A store to',
    'it may write new instructions, so it traps as well, and the page is scanned again.',
  ];
}
