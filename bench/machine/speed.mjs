import { built } from '../built.mjs';
import { atLeast, atMost, median } from '../figures.mjs';
import { aboveKernel, programs } from './programs.mjs';
import { qemuMillionsPerSecond } from './qemu.mjs';

const memoryBytes = 2 ** 18;
/** Of the machine's own clock, which counts instructions. The translated machine's is faster, and its timer is to be no faster than a real one. */
const timerEvery = { interpreter: 10_000, translator: 100_000 };

/** @typedef {'interpreter' | 'translator'} Engine */

/**
 * By processor time, so that what else the computer does matters little.
 * @param {{ process: string, engine: Engine, depth: number, quick: boolean }} options
 * @returns {() => number} runs it once; million instructions a second
 */
function runOf({ process: text, engine, depth, quick }) {
  const { assemble } = built('machine/assembler.js');
  const { Console } = built('machine/devices.js');
  const { variants } = built('machine/variants.js');
  const { chainOfMachines } = built('machine/vmm/chain.js');
  const console = new Console(() => {});
  const { top } = chainOfMachines({ variant: variants.virtualizable, depth, memoryBytes, console, engine });
  top.memory.write(0, assemble(aboveKernel(text, timerEvery[engine])).bytes);
  const instructions = (quick ? 5e6 : 50e6) * (engine === 'translator' ? 8 : 1);
  return () => {
    const before = process.cpuUsage();
    if (top.run(instructions) !== 'limit') throw new Error('the program ended');
    const { user, system } = process.cpuUsage(before);
    return instructions / (user + system);
  };
}

/**
 * In turns, so that what changes with time is the same to all; the median of each one's turns, the first of which warms up.
 * @param {readonly (() => number)[]} runs
 * @param {boolean} quick
 */
function speedsInTurns(runs, quick) {
  const turns = Array.from({ length: quick ? 2 : 6 }, () => runs.map((run) => run())).slice(1);
  return runs.map((_, index) => median(turns.map((turn) => turn[index] ?? 0)));
}

/** @param {{ process: string, engine: Engine, depth: number, quick: boolean }} options */
const millionsPerSecond = (options) => speedsInTurns([runOf(options)], options.quick)[0] ?? 0;

/** @type {import('../figures.mjs').Benchmark} */
export const speed = {
  name: 'speed',
  title: 'instructions of the bare machine, interpreted and translated',
  measure: async ({ quick }) =>
    Object.entries(programs).flatMap(([name, program]) => {
      const common = { unit: 'million/s', depth: 0, quick };
      const qemu = qemuMillionsPerSecond(program, quick);
      return [
        atLeast({
          name: `speed.${name}`,
          value: millionsPerSecond({ ...common, process: program.process, engine: 'interpreter' }),
          unit: common.unit,
          reference: null,
          target: 50,
          remark: 'the interpreter, by processor time',
        }),
        atLeast({
          name: `speed.${name}.translated`,
          value: millionsPerSecond({ ...common, process: program.process, engine: 'translator' }),
          unit: common.unit,
          reference: qemu,
          target: 400,
          remark:
            qemu === null
              ? 'the translator, by processor time; install qemu-system-misc to see QEMU beside it'
              : "the translator, by processor time, beside QEMU TCG's riscv32 on the same process",
        }),
      ];
    }),
};

/** @type {readonly Engine[]} */
const engines = ['interpreter', 'translator'];

/** @type {import('../figures.mjs').Benchmark} */
export const depths = {
  name: 'depths',
  title: 'user code in machines of machines, against the bare machine',
  measure: async ({ quick }) =>
    engines.flatMap((engine) => {
      const { process } = programs.memory;
      const runs = [0, 1, 2, 3, 4].map((depth) => runOf({ process, engine, depth, quick }));
      const [bare = 0, ...virtual] = speedsInTurns(runs, quick);
      return virtual.map((speed, index) => {
        const depth = index + 1;
        return atMost({
          name: engine === 'interpreter' ? `depths.${depth}` : `depths.${depth}.translated`,
          value: bare / speed,
          unit: 'times',
          reference: 1,
          target: depth === 1 ? 1.1 : null,
          remark: `time against bare: a kernel with a timer at every ${timerEvery[engine]} instructions, and loads and stores in user mode`,
        });
      });
    }),
};
