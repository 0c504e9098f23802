import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { built } from '../built.mjs';
import { atMost } from '../figures.mjs';

/** What the shipped guest does in every run: fills and sums memory, and fills and sums its disk. */
const commands = ['tick 0', 'fill 2 5', 'sum', 'disk fill 1000 3', 'disk sum 1000'];
const answers = /filled|disk filled|sum/;
const memoryBytes = 4 * 2 ** 20;
const diskSectors = 1008;
const sliceInstructions = 10_000;

/** @typedef {{ name: string, program: string, variant: string, kind: string, depth: number }} Run */

/** @type {readonly Run[]} */
const runs = [
  { name: 'direct', program: 'machine.elf', variant: 'virtualizable', kind: 'direct', depth: 1 },
  { name: 'hybrid', program: 'machine.elf', variant: 'hybrid', kind: 'hybrid', depth: 1 },
  { name: 'patching', program: 'machine.elf', variant: 'unprivileged-reads', kind: 'patching', depth: 1 },
  { name: 'patching-twice', program: 'machine.elf', variant: 'unprivileged-reads', kind: 'patching', depth: 2 },
  { name: 'paravirtual', program: 'paravirtual.elf', variant: 'unprivileged-reads', kind: 'paravirtual', depth: 1 },
];

/**
 * @param {string} root
 * @param {Run} run
 * @returns {{ seconds: number, machine: any }} processor time, and the machine that it ended with
 */
function session(root, { program, variant, kind, depth }) {
  const { Console } = built('machine/devices.js');
  const { loadElf, parseElf } = built('machine/elf.js');
  const { runThroughIdleness } = built('machine/machine.js');
  const { variants } = built('machine/variants.js');
  const { chainOfMachines } = built('machine/vmm/chain.js');
  let output = '';
  const console = new Console((/** @type {number} */ byte) => (output += String.fromCharCode(byte)));
  const { top } = chainOfMachines({ variant: variants[variant], depth, kind, memoryBytes, diskSectors, console });
  loadElf(top.memory, parseElf(readFileSync(join(root, 'guests/machine', program))).value);
  const before = process.cpuUsage();
  for (const command of commands) {
    const answered = output.length;
    console.type(Buffer.from(`${command}\n`));
    const isDone = () => command === 'tick 0' || answers.test(output.slice(answered));
    do if (runThroughIdleness(top, sliceInstructions) !== 'limit') throw new Error(`the guest stopped at "${command}"`);
    while (!isDone());
  }
  const { user, system } = process.cpuUsage(before);
  return { seconds: (user + system) / 1e6, machine: top };
}

/** @param {() => { seconds: number, machine: any }} run @param {number} times */
function quickest(run, times) {
  return Array.from({ length: times }, run).reduce((best, each) => (each.seconds < best.seconds ? each : best));
}

/** @type {import('../figures.mjs').Benchmark} */
export const monitors = {
  name: 'monitors',
  title: 'what each kind of monitor costs the shipped guest',
  measure: async ({ root, quick }) => {
    const times = quick ? 1 : 5;
    const bare = quickest(
      () => session(root, { name: 'bare', program: 'machine.elf', variant: 'virtualizable', kind: 'direct', depth: 0 }),
      times,
    );
    return runs.flatMap((run) => {
      const { seconds, machine } = quickest(() => session(root, run), times);
      const { direct, emulated, reflected, interpreted } = machine.shares;
      const all = direct + emulated + reflected + interpreted;
      const common = {
        reference: null,
        target: null,
        remark: `${run.program} on ${run.variant} at depth ${run.depth}, against the bare machine`,
      };
      return [
        atMost({
          ...common,
          name: `monitors.${run.name}.time`,
          value: seconds / bare.seconds,
          unit: 'times',
          reference: 1,
        }),
        atMost({
          ...common,
          name: `monitors.${run.name}.by-vmm`,
          value: (1000 * (all - direct)) / all,
          unit: 'per 1000',
        }),
      ];
    });
  },
};
