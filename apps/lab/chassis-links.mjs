// A drill's hand on the cables of a chassis: cut, or slow and lossy, for a time. What undoes it is started before it is done and
// depends on nobody: not on the controller that asked, nor on this chassis.

import { spawn, spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import { impairSwitch } from './ethernet-switch-process.mjs';
import { errorMessage } from './processes.mjs';

/** @typedef {import('./chassis-power.mjs').PowerConfig} PowerConfig */
/** @typedef {{ networks: readonly string[], delayMs: number, lossShare: number, forMs: number }} LinkRequest lossShare 1: cut */

export class CannotImpair extends Error {}

const longestMs = 60_000;

/**
 * @param {Record<string, unknown>} request
 * @returns {LinkRequest}
 */
function readRequest({ networks, delayMs, lossShare, forMs }) {
  const isList =
    Array.isArray(networks) &&
    networks.length > 0 &&
    networks.every((each) => each === 'management' || each === 'guests');
  const isShare = typeof lossShare === 'number' && lossShare >= 0 && lossShare <= 1;
  if (!isList || !isShare || !(Number(delayMs) >= 0) || !(Number(forMs) >= 1 && Number(forMs) <= longestMs))
    throw new CannotImpair(
      'impair needs networks (management, guests), delayMs, lossShare (0 to 1) and forMs (1 to 60000)',
    );
  return { networks: [...new Set(networks)], lossShare, delayMs: Number(delayMs), forMs: Number(forMs) };
}

/**
 * @param {PowerConfig} config
 * @param {Record<string, unknown>} asked
 * @returns {Promise<{ forMs: number }>}
 */
export async function impairLinks(config, asked) {
  const request = readRequest(asked);
  if (config.networkNamespace !== undefined) impairNamespace(config.networkNamespace, config.host, request);
  else await impairGuestsOnly(config, request);
  return { forMs: request.forMs };
}

/**
 * @param {string} namespace
 * @param {string} host
 * @param {LinkRequest} request
 */
function impairNamespace(namespace, host, { networks, delayMs, lossShare, forMs }) {
  const fabric = `${namespace.slice(0, -host.length)}fabric`;
  const ends = networks.map((network) => ({
    port: `${network === 'management' ? 'm' : 'g'}-${host}`,
    card: network === 'management' ? 'management' : 'uplink',
  }));
  const netem = ['root', 'netem', 'delay', `${delayMs}ms`, 'loss', `${lossShare * 100}%`];
  const isCut = lossShare === 1;
  const act = isCut
    ? ends.map(({ port }) => ['ip', '-n', fabric, 'link', 'set', port, 'down'])
    : ends.flatMap(({ port, card }) => [
        ['tc', '-n', fabric, 'qdisc', 'replace', 'dev', port, ...netem],
        ['tc', '-n', namespace, 'qdisc', 'replace', 'dev', card, ...netem],
      ]);
  const undo = isCut
    ? ends.map(({ port }) => ['ip', '-n', fabric, 'link', 'set', port, 'up'])
    : ends.flatMap(({ port, card }) => [
        ['tc', '-n', fabric, 'qdisc', 'del', 'dev', port, 'root'],
        ['tc', '-n', namespace, 'qdisc', 'del', 'dev', card, 'root'],
      ]);
  undoLater(undo, forMs);
  for (const command of act) {
    const failure = run(command);
    if (failure === '') continue;
    undo.forEach(run);
    throw new CannotImpair(`"${command.join(' ')}": ${failure}`);
  }
}

/**
 * @param {readonly string[]} command
 * @returns {string} what it said when it failed, or ''
 */
function run([program = '', ...args]) {
  const { status, error, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: 5_000 });
  return status === 0 ? '' : (error?.message ?? stderr.trim());
}

/**
 * @param {readonly (readonly string[])[]} commands none of which has a word that a shell would take apart
 * @param {number} afterMs
 */
function undoLater(commands, afterMs) {
  const script = [`sleep ${afterMs / 1000}`, ...commands.map((command) => `${command.join(' ')} 2>/dev/null`)].join(
    '; ',
  );
  spawn('/bin/sh', ['-c', script], { detached: true, stdio: 'ignore' }).unref();
}

/**
 * @param {PowerConfig} config
 * @param {LinkRequest} request
 */
async function impairGuestsOnly(config, { networks, delayMs, lossShare, forMs }) {
  if (networks.includes('management') || !config.environment['ARGOSY_GUEST_NETWORK']?.startsWith('switch:'))
    throw new CannotImpair(
      `${config.host} shares the network of its machine, and only its guests' network can be broken; start the lab as root for hosts with networks of their own`,
    );
  const how = { cut: lossShare === 1, delayMs, lossShare, forMs };
  await impairSwitch(dirname(dirname(config.folder)), { host: config.host, ...how }).catch((error) => {
    throw new CannotImpair(errorMessage(error));
  });
}
