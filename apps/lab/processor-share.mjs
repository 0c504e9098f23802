// A chassis' share of the processor. Only its guests stand in the limited group: the agent must never wait for the
// processor behind its own guests, or its heartbeats would stop and the host would pass for dead.

import { existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode, isRunning, processStat, sendSignal } from './processes.mjs';

/** @typedef {import('./processes.mjs').ProcessName} ProcessName */
/** @typedef {'cgroup-v1' | 'cgroup-v2' | 'duty-cycle' | 'none'} ShareMethod */
/** @typedef {{ method: ShareMethod, folder: string }} ProcessorShare folder '' without control groups */

// A short period, because a guest that has used up its share stands still until the next one begins.
const periodMicroseconds = 20_000;

/** @returns {{ method: 'cgroup-v1' | 'cgroup-v2', root: string } | undefined} */
function findHierarchy() {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').trim().split('\n');
  for (const line of mounts) {
    const [, root = '', type, options = ''] = line.split(' ');
    if (type === 'cgroup' && options.split(',').includes('cpu')) return { method: 'cgroup-v1', root };
    if (type !== 'cgroup2') continue;
    const controllers = readFileSync(join(root, 'cgroup.controllers'), 'utf8').trim().split(' ');
    if (controllers.includes('cpu')) return { method: 'cgroup-v2', root };
  }
  return undefined;
}

/**
 * @param {'cgroup-v1' | 'cgroup-v2'} method
 * @param {string} folder
 * @param {number} millicores
 */
function limitGroup(method, folder, millicores) {
  const quota = Math.round((periodMicroseconds * millicores) / 1000);
  if (method === 'cgroup-v2') {
    writeFileSync(join(folder, 'cpu.max'), `${quota} ${periodMicroseconds}`);
    return;
  }
  writeFileSync(join(folder, 'cpu.cfs_period_us'), String(periodMicroseconds));
  writeFileSync(join(folder, 'cpu.cfs_quota_us'), String(quota));
}

/**
 * Makes the group argosy-<lab>/<host>, or says that signals must do its work. Below the group the agent makes one
 * for each guest; with cgroup v1 no guest's own limit may exceed the group's.
 * @param {{ lab: string, host: string, millicores: number, method?: 'auto' | 'duty-cycle' | 'none' | undefined }} share
 * @returns {ProcessorShare}
 */
export function createShare({ lab, host, millicores, method = 'auto' }) {
  if (method !== 'auto') return { method, folder: '' };
  const hierarchy = findHierarchy();
  if (hierarchy === undefined) return { method: 'duty-cycle', folder: '' };
  const labFolder = join(hierarchy.root, `argosy-${lab}`);
  const folder = join(labFolder, host);
  try {
    mkdirSync(folder, { recursive: true });
    if (hierarchy.method === 'cgroup-v2') {
      // Each level hands the controller down; the group itself then holds no process, only the guests' groups.
      for (const level of [hierarchy.root, labFolder, folder]) {
        writeFileSync(join(level, 'cgroup.subtree_control'), '+cpu');
      }
    }
    limitGroup(hierarchy.method, folder, millicores);
    return { method: hierarchy.method, folder };
  } catch (error) {
    // Not ours to write (no root, or a container's read-only mount): signals do it.
    if (!['EACCES', 'EPERM', 'EROFS', 'EBUSY', 'EOPNOTSUPP'].includes(errorCode(error))) throw error;
    return { method: 'duty-cycle', folder: '' };
  }
}

/**
 * @param {string} folder
 * @returns {boolean} whether it is gone
 */
function removeGroup(folder) {
  if (!existsSync(folder)) return true;
  const below = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const entry of below) removeGroup(join(folder, entry.name));
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return true;
    // The kernel holds a group for a moment longer than its last process.
    if (errorCode(error) === 'EBUSY' || errorCode(error) === 'ENOTEMPTY') return false;
    throw error;
  }
}

/**
 * @param {ProcessorShare} share
 * @returns {boolean} false while the kernel still holds it
 */
export function removeShare(share) {
  if (share.folder === '') return true;
  const removed = removeGroup(share.folder);
  // The lab's group goes with its last host.
  if (removed) removeEmptyGroup(join(share.folder, '..'));
  return removed;
}

/** @param {string} folder */
function removeEmptyGroup(folder) {
  try {
    rmdirSync(folder);
  } catch (error) {
    if (!['EBUSY', 'ENOTEMPTY', 'ENOENT'].includes(errorCode(error))) throw error;
  }
}

const dutyPeriodMs = 50;
const measureEveryPeriods = 10;
const ticksPerSecond = 100;

/**
 * Without control groups: lets the guests run for a part of every 50 ms, and finds that part from what they use.
 * A stopped guest's clock jumps by up to 50 ms, so this is the last resort.
 * @param {{ millicores: number, guests: () => ProcessName[] }} options
 * @returns {() => void} ends the cycle and lets the guests run
 */
export function startDutyCycle({ millicores, guests }) {
  const share = millicores / 1000;
  let running = 1;
  let periods = 0;
  let members = guests();
  let lastTicks = usedTicks(members);
  let lastMeasure = performance.now();
  /** @type {NodeJS.Timeout | undefined} */
  let resume;
  const continueGuests = () => members.forEach((guest) => sendSignal(guest, 'SIGCONT'));
  const period = setInterval(() => {
    periods += 1;
    if (periods % measureEveryPeriods === 0) {
      const now = performance.now();
      const ticks = usedTicks(members);
      const used = Math.max(0, ticks - lastTicks) / ticksPerSecond / ((now - lastMeasure) / 1000);
      running = nextRunningPart(running, used, share);
      members = guests();
      lastTicks = usedTicks(members);
      lastMeasure = now;
    }
    if (running >= 1) return;
    members.forEach((guest) => sendSignal(guest, 'SIGSTOP'));
    resume = setTimeout(continueGuests, dutyPeriodMs * (1 - running));
  }, dutyPeriodMs);
  return () => {
    clearInterval(period);
    clearTimeout(resume);
    continueGuests();
  };
}

/**
 * @param {number} running
 * @param {number} used processors used since the last measurement
 * @param {number} share processors allowed
 * @returns {number}
 */
export function nextRunningPart(running, used, share) {
  if (used > share) return Math.max(0.02, running * Math.max(0.5, share / used));
  return Math.min(1, running * Math.min(1.25, share / Math.max(used, 0.01)));
}

/**
 * @param {readonly ProcessName[]} members
 * @returns {number}
 */
function usedTicks(members) {
  return members
    .filter((member) => isRunning(member))
    .reduce((sum, { pid }) => sum + (processStat(pid)?.cpuTicks ?? 0), 0);
}
