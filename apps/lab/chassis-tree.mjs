// The processes of one chassis: how they are started, found and ended. Each carries ARGOSY_CHASSIS=<mark> in its
// environment; as root they share a PID namespace as well, whose end is the end of them all.

import { spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  environmentOf,
  isRunning,
  nameProcess,
  processLink,
  processStat,
  sendSignal,
  waitUntil,
} from './processes.mjs';

/** @typedef {import('./processes.mjs').ProcessName} ProcessName */
/** @typedef {{ mark: string, namespace: string, root: ProcessName }} Tree namespace '' for a marked tree only */

const supervisor = fileURLToPath(new URL('supervisor.sh', import.meta.url));
const unshare = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child', '--'];

/** @returns {boolean} whether this machine lets us make PID namespaces */
export function canMakeNamespace() {
  if (process.getuid?.() !== 0) return false;
  const [program = '', ...args] = [...unshare, 'true'];
  return spawnSync(program, args, { stdio: 'ignore', timeout: 5_000 }).status === 0;
}

/** @returns {number[]} */
function allPids() {
  return readdirSync('/proc').flatMap((entry) => (/^\d+$/.test(entry) ? [Number(entry)] : []));
}

/**
 * @param {Pick<Tree, 'mark' | 'namespace'>} tree
 * @returns {ProcessName[]} oldest first; zombies do not count
 */
export function chassisProcesses({ mark, namespace }) {
  const needle = Buffer.from(`ARGOSY_CHASSIS=${mark}\0`);
  return allPids().flatMap((pid) => {
    const inside =
      environmentOf(pid)?.includes(needle) === true || (namespace !== '' && processLink(pid, 'ns/pid') === namespace);
    return inside ? (nameProcess(pid) ?? []) : [];
  });
}

/**
 * @param {Tree} tree
 * @returns {ProcessName | undefined} the supervisor: unshare's child with a namespace, else the first process
 */
function supervisorOf({ mark, namespace, root }) {
  if (namespace === '') return isRunning(root) ? root : undefined;
  return chassisProcesses({ mark, namespace }).find(({ pid }) => processStat(pid)?.parent === root.pid);
}

/**
 * @typedef {object} TreePlan
 * @property {string} mark
 * @property {string} networkNamespace
 * @property {boolean} useNamespace
 * @property {string} heartbeatFile
 * @property {readonly string[]} command
 * @property {Readonly<Record<string, string>>} environment
 * @property {string} logFile
 */

/**
 * @param {TreePlan} plan
 * @returns {Promise<Tree>}
 */
export async function startTree(plan) {
  const [program = '', ...args] = [
    // Not `ip netns exec`, which would hide /sys/fs/cgroup behind a fresh /sys.
    ...(plan.networkNamespace === '' ? [] : ['nsenter', `--net=/run/netns/${plan.networkNamespace}`, '--']),
    ...(plan.useNamespace ? unshare : []),
    '/bin/sh',
    supervisor,
    plan.heartbeatFile,
    ...plan.command,
  ];
  const log = openSync(plan.logFile, 'a', 0o600);
  const child = spawn(program, args, {
    detached: true,
    env: { ...plan.environment, ARGOSY_CHASSIS: plan.mark },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  let failure = '';
  child.on('error', (error) => (failure = error.message));
  child.on('exit', (status, signal) => (failure ||= `ended with ${signal ?? `status ${status}`}`));
  child.unref();
  const root = child.pid === undefined ? undefined : nameProcess(child.pid);
  const namespace = root === undefined || !plan.useNamespace ? '' : await namespaceBelow(root, () => failure !== '');
  if (root === undefined || namespace === undefined) {
    throw new Error(`the chassis did not start: ${failure || 'no new PID namespace after 5 s'}; see ${plan.logFile}`);
  }
  return { mark: plan.mark, namespace, root };
}

/**
 * @param {ProcessName} root unshare
 * @param {() => boolean} hasFailed
 * @returns {Promise<string | undefined>} the namespace of the supervisor, once it is there
 */
async function namespaceBelow(root, hasFailed) {
  const outside = processLink(process.pid, 'ns/pid');
  /** @type {string | undefined} */
  let inside;
  await waitUntil(
    () => {
      inside = processLink(root.pid, 'ns/pid_for_children');
      return (inside !== undefined && inside !== outside) || hasFailed();
    },
    { deadlineMs: 5_000, intervalMs: 2 },
  );
  return inside === outside || hasFailed() ? undefined : inside;
}

/**
 * The power cut. A process found once is waited for by its pid even when its environment can no longer be read,
 * since it gives up its memory before its files: an image's lock is free only when the process is gone.
 * @param {Tree} tree
 * @param {{ deadlineMs: number }} limits
 * @returns {Promise<{ confirmed: boolean, killed: number, left: number[] }>}
 */
export async function killTree(tree, { deadlineMs }) {
  const first = supervisorOf(tree);
  const waitingFor = new Map(chassisProcesses(tree).map((name) => [name.pid, name]));
  const known = new Set(waitingFor.keys());
  // The first process of a PID namespace takes all others with it, in one stroke of the kernel.
  if (first !== undefined) sendSignal(first, 'SIGKILL');
  const confirmed = await waitUntil(
    () => {
      const found = chassisProcesses(tree);
      for (const name of found) {
        waitingFor.set(name.pid, name);
        known.add(name.pid);
        sendSignal(name, 'SIGKILL');
      }
      for (const name of waitingFor.values()) if (!isRunning(name)) waitingFor.delete(name.pid);
      return found.length === 0 && waitingFor.size === 0 && !isRunning(tree.root);
    },
    { deadlineMs, intervalMs: 5 },
  );
  return { confirmed, killed: known.size, left: [...waitingFor.keys()] };
}

/**
 * Ends the agent for good while its guests run on: for an ordered stop.
 * @param {Tree} tree
 * @returns {boolean}
 */
export function stopAgent(tree) {
  const name = supervisorOf(tree);
  return name !== undefined && sendSignal(name, 'SIGTERM');
}

/**
 * @param {Pick<Tree, 'mark' | 'namespace'>} tree
 * @returns {ProcessName[]} the guests' VMM processes
 */
export function guestProcesses(tree) {
  return chassisProcesses(tree).filter(({ pid }) => processStat(pid)?.command.startsWith('qemu') === true);
}
