// What was measured on.

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { built } from './built.mjs';

const run = promisify(execFile);

/** @returns {Promise<string[]>} sentences */
export async function conditions() {
  const { qemuProgram } = built('vmm/qemu/machine.js');
  const { chooseAccelerator } = built('vmm/qemu/accelerator.js');
  const program = await qemuProgram('x86_64');
  const { accelerator, reason } = await chooseAccelerator(program);
  const commit = await run('git', ['rev-parse', '--short', 'HEAD'], { cwd: import.meta.dirname }).catch(
    () => undefined,
  );
  const busy = await processorUse(500);
  const gibibytes = (totalmem() / 2 ** 30).toFixed(1);
  const kernel = readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim();
  return [
    `machine: ${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown'}, ${gibibytes} GiB, Linux ${kernel}, Node ${process.version}`,
    `QEMU: ${program.version}, ${program.machineType}, ${accelerator} (${reason})`,
    `load before: ${Math.round(busy * 100)} % of the processors, load average ${loadavg()[0]?.toFixed(1)}`,
    `commit: ${commit?.stdout.trim() ?? 'unknown'}, ${new Date().toISOString()}`,
  ];
}

/** @returns {{ idle: number, total: number }} in clock ticks since the boot, of all processors together */
function processorTicks() {
  const fields = (readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '').split(/\s+/).slice(1, 9).map(Number);
  const total = fields.reduce((sum, ticks) => sum + ticks, 0);
  return { idle: (fields[3] ?? 0) + (fields[4] ?? 0), total };
}

/**
 * @returns {() => number} the share of all processors that was in use since
 */
export function watchProcessors() {
  const before = processorTicks();
  return () => {
    const after = processorTicks();
    return 1 - (after.idle - before.idle) / Math.max(1, after.total - before.total);
  };
}

/**
 * @param {number} durationMs
 * @returns {Promise<number>}
 */
async function processorUse(durationMs) {
  const use = watchProcessors();
  await sleep(durationMs);
  return use();
}
