// A drill's hand on the cables of a chassis: cut, or slow and lossy, for a time. What undoes it is started before it is done and
// depends on nobody: not on the controller that asked, nor on this chassis.

import { spawn, spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { impairSwitch } from './ethernet-switch-process.mjs';
import { errorMessage, waitUntil } from './processes.mjs';

/** @typedef {import('./chassis-power.mjs').PowerConfig} PowerConfig */
/** @typedef {{ networks: readonly string[], delayMs: number, lossShare: number, forMs: number }} LinkRequest lossShare 1: cut */

export class CannotImpair extends Error {}

const longestMs = 60_000;
const slowLink = fileURLToPath(new URL('slow-link.mjs', import.meta.url));
/** So much longer is a slow way there than it is needed: until the way around it is back. */
const outlivesMs = 1_000;

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
  if (config.networkNamespace !== undefined) await impairNamespace(config.networkNamespace, config.host, request);
  else await impairGuestsOnly(config, request);
  return { forMs: request.forMs };
}

/**
 * @param {string} namespace
 * @param {string} host
 * @param {LinkRequest} request
 */
async function impairNamespace(namespace, host, request) {
  const fabric = `${namespace.slice(0, -host.length)}fabric`;
  const links = request.networks.map((network) => {
    const port = `${network === 'management' ? 'm' : 'g'}-${host}`;
    return { network, port, between: `s-${port}`, taps: [`s-${port}.1`, `s-${port}.2`] };
  });
  const inFabric = (/** @type {string[]} */ commands) =>
    commands.map((command) => ['ip', '-n', fabric, ...command.split(' ')]);
  if (request.lossShare === 1)
    return actForATime(request.forMs, {
      act: inFabric(links.map(({ port }) => `link set ${port} down`)),
      undo: inFabric(links.map(({ port }) => `link set ${port} up`)),
    });
  await startSlowLinks(fabric, links, request);
  // The host's port goes behind a bridge of its own, from which a slow way leads to the one where it was.
  return actForATime(request.forMs, {
    act: inFabric(
      links.flatMap(({ network, port, between, taps: [near, far] }) => [
        `link add ${between} type bridge mcast_snooping 0`,
        `link set ${between} up`,
        `link set ${near} master ${between} up`,
        `link set ${far} master ${network} up`,
        `link set ${port} master ${between}`,
      ]),
    ),
    undo: inFabric(
      links.flatMap(({ network, port, between }) => [`link set ${port} master ${network}`, `link del ${between}`]),
    ),
  });
}

/**
 * @param {string} fabric
 * @param {readonly { taps: readonly string[] }[]} links
 * @param {LinkRequest} request
 */
async function startSlowLinks(fabric, links, { delayMs, lossShare, forMs }) {
  const how = [delayMs, lossShare, forMs + outlivesMs].map(String);
  const command = [
    'netns',
    'exec',
    fabric,
    process.execPath,
    slowLink,
    ...how,
    ...links.map(({ taps }) => taps.join(':')),
  ];
  const child = spawn('ip', command, { detached: true, stdio: ['ignore', 'pipe', 'pipe'], cwd: '/' });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece) => (said += piece));
  child.on('error', (error) => (said += error.message));
  const isReady = await waitUntil(() => said === 'ready\n' || child.exitCode !== null, { deadlineMs: 5_000 });
  for (const stream of [child.stdout, child.stderr]) stream.destroy();
  child.unref();
  if (isReady && said === 'ready\n') return;
  child.kill('SIGKILL');
  throw new CannotImpair(`no slow link can be made on this machine: ${said.trim() || 'it did not begin within 5 s'}`);
}

/**
 * @param {number} forMs
 * @param {{ act: readonly string[][], undo: readonly string[][] }} commands
 */
function actForATime(forMs, { act, undo }) {
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
