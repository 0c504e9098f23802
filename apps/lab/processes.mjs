// What the lab knows about processes comes from /proc. A process is named by its pid and its start time, because
// a pid alone may belong to a stranger by the time a signal is sent.

import { readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** @typedef {{ pid: number, startTicks: number }} ProcessName */
/** @typedef {{ state: string, parent: number, startTicks: number, threads: number, cpuTicks: number, command: string }} ProcessStat */

const goneCodes = new Set(['ENOENT', 'ESRCH']);

/**
 * Not by `instanceof`: under Jest an error of Node itself comes from another realm.
 * @param {unknown} error
 * @returns {string}
 */
export function errorCode(error) {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}

/**
 * @param {unknown} error
 * @returns {string}
 */
export function errorMessage(error) {
  return typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error);
}

/**
 * Reads one /proc entry; undefined when the process is gone or belongs to somebody else.
 * @template Value
 * @param {() => Value} read
 * @returns {Value | undefined}
 */
function readProcess(read) {
  try {
    return read();
  } catch (error) {
    const code = errorCode(error);
    if (goneCodes.has(code) || code === 'EACCES' || code === 'EPERM') return undefined;
    throw error;
  }
}

/**
 * Fields of proc(5) stat. The command stands in parentheses and may itself hold spaces and parentheses, so the
 * fields are counted from the last one.
 * @param {number} pid
 * @returns {ProcessStat | undefined}
 */
export function processStat(pid) {
  const text = readProcess(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  if (text === undefined || text === '') return undefined;
  const close = text.lastIndexOf(')');
  const fields = text.slice(close + 2).split(' ');
  return {
    command: text.slice(text.indexOf('(') + 1, close),
    state: fields[0] ?? '',
    parent: Number(fields[1]),
    cpuTicks: Number(fields[11]) + Number(fields[12]),
    threads: Number(fields[17]),
    startTicks: Number(fields[19]),
  };
}

/**
 * A zombie has released its memory, files and locks and does not count; but the leader of a process may be one
 * while its other threads still hold the files, and then it does.
 * @param {ProcessStat | undefined} stat
 * @returns {stat is ProcessStat}
 */
export function isAlive(stat) {
  if (stat === undefined) return false;
  return (stat.state !== 'Z' && stat.state !== 'X') || stat.threads > 1;
}

/**
 * @param {ProcessName} name
 * @returns {boolean}
 */
export function isRunning(name) {
  const stat = processStat(name.pid);
  return isAlive(stat) && stat.startTicks === name.startTicks;
}

/**
 * @param {number} pid
 * @returns {ProcessName | undefined}
 */
export function nameProcess(pid) {
  const stat = processStat(pid);
  return isAlive(stat) ? { pid, startTicks: stat.startTicks } : undefined;
}

/**
 * @param {number} pid
 * @returns {string}
 */
export function commandLine(pid) {
  const text = readProcess(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
  return (text ?? '').replaceAll('\0', ' ').trim();
}

/**
 * @param {number} pid
 * @returns {Buffer | undefined}
 */
export function environmentOf(pid) {
  return readProcess(() => readFileSync(`/proc/${pid}/environ`));
}

/**
 * Where /proc/<pid>/<link> points ('cwd', 'ns/pid', 'exe').
 * @param {number} pid
 * @param {string} link
 * @returns {string | undefined}
 */
export function processLink(pid, link) {
  return readProcess(() => readlinkSync(`/proc/${pid}/${link}`));
}

/**
 * @param {ProcessName} name
 * @param {NodeJS.Signals} signal
 * @returns {boolean} whether there was such a process
 */
export function sendSignal(name, signal) {
  if (!isRunning(name)) return false;
  try {
    process.kill(name.pid, signal);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return false;
    throw error;
  }
}

/**
 * @param {() => boolean | Promise<boolean>} condition
 * @param {{ deadlineMs: number, intervalMs?: number }} limits
 * @returns {Promise<boolean>} false when the deadline passed first
 */
export async function waitUntil(condition, { deadlineMs, intervalMs = 10 }) {
  const end = performance.now() + deadlineMs;
  for (;;) {
    if (await condition()) return true;
    if (performance.now() >= end) return false;
    await sleep(intervalMs);
  }
}

/**
 * Sends each signal in turn and gives it its time, until the process is gone.
 * @param {ProcessName} name
 * @param {readonly { signal: NodeJS.Signals, waitMs: number }[]} steps
 * @returns {Promise<boolean>} whether it is gone
 */
export async function stopProcess(name, steps) {
  for (const { signal, waitMs } of steps) {
    if (!sendSignal(name, signal)) return true;
    if (await waitUntil(() => !isRunning(name), { deadlineMs: waitMs })) return true;
  }
  return !isRunning(name);
}
