import { built } from '../built.mjs';
import { atLeast, atMost, median } from '../figures.mjs';
import { programs } from './programs.mjs';

const memoryBytes = 2 ** 18;

/**
 * By processor time, so that what else the computer does matters little; the median of runs, the first of which warms up.
 * @param {{ text: string, depth: number, quick: boolean }} options
 * @returns {number} million instructions a second
 */
function millionsPerSecond({ text, depth, quick }) {
  const { assemble } = built('machine/assembler.js');
  const { Console } = built('machine/devices.js');
  const { variants } = built('machine/variants.js');
  const { chainOfMachines } = built('machine/vmm/chain.js');
  const console = new Console(() => {});
  const { top } = chainOfMachines({ variant: variants.virtualizable, depth, memoryBytes, console });
  top.memory.write(0, assemble(text).bytes);
  const instructions = quick ? 5e6 : 100e6;
  const speeds = Array.from({ length: quick ? 2 : 6 }, () => {
    const before = process.cpuUsage();
    if (top.run(instructions) !== 'limit') throw new Error('the program ended');
    const { user, system } = process.cpuUsage(before);
    return instructions / (user + system);
  });
  return median(speeds.slice(1));
}

/** @type {import('../figures.mjs').Benchmark} */
export const speed = {
  name: 'speed',
  title: 'instructions of the bare machine',
  measure: async ({ quick }) =>
    Object.entries(programs).map(([name, text]) =>
      atLeast({
        name: `speed.${name}`,
        value: millionsPerSecond({ text, depth: 0, quick }),
        unit: 'million/s',
        reference: null,
        target: 50,
        remark: 'the interpreter, by processor time',
      }),
    ),
};

/** @type {import('../figures.mjs').Benchmark} */
export const depths = {
  name: 'depths',
  title: 'user code in machines of machines, against the bare machine',
  measure: async ({ quick }) => {
    const text = programs.memory;
    const bare = millionsPerSecond({ text, depth: 0, quick });
    return [1, 2, 3, 4].map((depth) =>
      atMost({
        name: `depths.${depth}`,
        value: bare / millionsPerSecond({ text, depth, quick }),
        unit: 'times',
        reference: 1,
        target: depth === 1 ? 1.1 : null,
        remark:
          'time against bare: a kernel with a timer at every 10,000 instructions, and loads and stores in user mode',
      }),
    );
  },
};
