import { BareMachine } from '../bare-machine';
import { Console } from '../devices';
import type { EngineChoice } from '../engine';
import { pageBytes } from '../memory';
import { hexadecimal, processorDifferences } from '../processor-state';
import { variants } from '../variants';
import { loadLines, table } from './trace';

const pages = 32;
const loop = ['next: addi a0, a0, 1', 'add a1, a1, a0', 'mul a2, a1, a0', 'bne a0, zero, next'];

function machineWith(engine: EngineChoice): BareMachine {
  return new BareMachine(variants.virtualizable, pages * pageBytes, { console: new Console(() => {}) }, engine);
}

export function twoEngines(): string[] {
  const runs = { count: 0 };
  const fast = machineWith({
    hotVisits: 500,
    afterTranslated: () => runs.count++,
  });
  const reference = machineWith('interpreter');
  for (const machine of [fast, reference]) {
    loadLines(machine, loop);
    machine.run(1_000_000);
  }
  const differences = processorDifferences(fast.saveProcessor(), reference.saveProcessor());
  const row = (name: string, { registers, time }: BareMachine) =>
    [name, time, ...[10, 11, 12].map((register) => hexadecimal(registers[register]!))]; // prettier-ignore
  return [
    'Instructions that are innocuous need no VMM, but they need a processor. The interpreter is the',
    'reference. The translator counts how often jumps come to each place, and from the 500th on',
    'makes WebAssembly of the blocks around it: their loops stay inside, registers are local variables.',
    '',
    ...loop.map((line) => `  ${line}`),
    '',
    ...table([['engine', 'instructions', 'a0', 'a1', 'a2'], row('interpreter', reference), row('translator', fast)]),
    '',
    `Modules made: ${fast.translator!.counts.made}, entered ${runs.count === 1 ? 'once' : `${runs.count} times`}. What differs: ${differences.length === 0 ? 'nothing' : differences.join(', ')}.`,
    'It stops at exactly the instruction that it is told. Faults, guards and stores to code leave it',
    'before their instruction, and the interpreter does that one: so both mean the same by a trap.',
  ];
}

/** Writes page after page, a word in 128 bytes: a page in 128 instructions. */
const dirtying = [
  'again: lui s0, 0x80002000',
  'lui s1, 0x80018000',
  'next: sw a0, 0(s0)',
  'addi a0, a0, 1',
  'addi s0, s0, 128',
  'bltu s0, s1, next',
  'jal zero, again',
];
const instructionsForPage = 40;
const fewEnough = 3;

export function aMigration(): string[] {
  const source = machineWith('translator');
  const stayed = machineWith('translator');
  const target = machineWith('translator');
  for (const machine of [source, stayed]) {
    loadLines(machine, dirtying);
    machine.run(20_000);
  }
  source.memory.takeDirtyPages();
  const rows: string[] = [];
  let sent = Array.from({ length: pages }, (_, page) => page);
  for (let round = 1; ; round++) {
    for (const page of sent) target.memory.write(page * pageBytes, source.memory.access(page * pageBytes, pageBytes));
    const map = Array.from({ length: pages }, (_, page) => (sent.includes(page) ? '#' : '.')).join('');
    const isLast = sent.length <= fewEnough;
    rows.push(`  ${isLast ? 'standing' : `round ${round} `}  ${map}  ${`${sent.length}`.padStart(2)} pages`);
    if (isLast) break;
    source.run(sent.length * instructionsForPage);
    sent = source.memory.takeDirtyPages();
  }
  target.loadProcessor(source.saveProcessor());
  stayed.run(source.time - stayed.time);
  for (const machine of [target, stayed]) machine.run(50_000);
  const differences = processorDifferences(target.saveProcessor(), stayed.saveProcessor());
  const isSame = stayed.memory.bytes.every((byte, at) => byte === target.memory.bytes[at]);
  return [
    'A machine that is only state can be moved while it runs. Pre-copy sends every page, then those',
    'that were written meanwhile, and again, until few are left; then it stands still for the last',
    `ones and its processor, and goes on at the target. A page takes as long as ${instructionsForPage} instructions here.`,
    '',
    ...rows,
    '',
    'Beside it a machine that was never moved has run the same program. 50,000 instructions later',
    `what differs is ${differences.length === 0 && isSame ? 'nothing' : differences.join(', ')}. The processor marks each page that it writes, with either engine.`,
  ];
}
