// File systems that a test mounts in its scratch folder: each says in its name whose it is, so that what a dead process left is known.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRunning, nameProcess } from '../../apps/lab/processes.mjs';

const prefix = 'argosy-test-';

/** In memory, of that size, for as long as this process lives. */
export function mountScratch(/** @type {string} */ path, /** @type {number} */ sizeMiB) {
  const { pid, startTicks } = /** @type {NonNullable<ReturnType<typeof nameProcess>>} */ (nameProcess(process.pid));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMiB}m`, `${prefix}${pid}-${startTicks}`, path]);
}

/** Of those, the ones below that folder. */
export function unmountBelow(/** @type {string} */ folder) {
  for (const { path } of scratchMounts()) if (path.startsWith(join(folder, '/'))) unmount(path);
}

/** What processes left that were killed, with all that would have cleared up after them. */
export function unmountLeft() {
  for (const { path, owner } of scratchMounts()) if (!isRunning(owner)) unmount(path);
}

function unmount(/** @type {string} */ path) {
  execFileSync('umount', ['-l', path]);
}

function scratchMounts() {
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([source = '']) => source.startsWith(prefix))
    .map(([source = '', path = '']) => {
      const [pid, startTicks] = source.slice(prefix.length).split('-').map(Number);
      return { path: path.replaceAll('\\040', ' '), owner: { pid: pid ?? 0, startTicks: startTicks ?? 0 } };
    });
}
