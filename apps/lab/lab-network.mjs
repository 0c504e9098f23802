// The lab's network. As root each host is a network namespace with an address of its own: a management network, by which
// agents reach each other and the servers, and beside it the guests' network, with a bridge on each host. Both meet in a
// namespace of the lab's own, its fabric. The machine's own network has two interfaces more: one for the servers, and one
// by which the controller reaches guests that it probes.
//
// Without root all hosts share the machine's addresses, and guests are plugged into a switch in user space.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { startSwitch, stopSwitch, switchSocket } from './ethernet-switch-process.mjs';
import { readJson, writeJson } from './private-files.mjs';
import { say } from './progress.mjs';

/**
 * @typedef {object} LabNetwork
 * @property {'namespaces' | 'switch'} kind
 * @property {string} reason why not namespaces, or ''
 * @property {string} serverAddress where hosts reach controller and Redis
 * @property {string} fabric the name of the namespace in the middle, or ''
 * @property {(host: string) => HostNetwork} host
 */
/**
 * @typedef {object} HostNetwork
 * @property {string} address
 * @property {string} guestNetwork as the agent takes it
 * @property {string} namespace the name of the host's network namespace, or ''
 */
/** @typedef {{ id: string, prefix: string, made: string[] }} Names made: the namespaces that are whole */

const namespaceFolder = '/run/netns';
/** RFC 2544: for benchmarks of networks, and so in no network that a machine could be in. */
const managementRange = [198, 18];
const serverNumber = 1;
const firstHostNumber = 11;
const bridges = /** @type {const} */ (['management', 'guests']);

export class NoNamespaces extends Error {}

/** @param {string} folder */
function labId(folder) {
  return createHash('sha256').update(folder).digest('hex').slice(0, 8);
}

/**
 * @param {string} id
 * @param {string} part
 */
const namespaceName = (id, part) => `argosy-${id}-${part}`;
/** @param {string} id */
const serverInterface = (id) => `ag-${id}`;
/** @param {string} id */
const guestInterface = (id) => `ag-${id}-g`;

/**
 * Runs lines of `ip`, all or the first that fails.
 * @param {readonly string[]} lines
 * @param {string} [namespace]
 */
function ip(lines, namespace) {
  const args = [...(namespace === undefined ? [] : ['-n', namespace]), '-batch', '-'];
  const { status, error, stderr } = spawnSync('ip', args, {
    input: `${lines.join('\n')}\n`,
    encoding: 'utf8',
    timeout: 10_000,
  });
  if (status === 0) return;
  throw new NoNamespaces(error === undefined ? stderr.trim().split('\n')[0] : error.message);
}

/** @param {string} namespace */
const hasNamespace = (namespace) => existsSync(join(namespaceFolder, namespace));

/**
 * The first of 256 networks that no interface of this machine is in, beginning with one that the folder's name chooses.
 * @param {string} id
 */
function freePrefix(id) {
  const taken = Object.values(networkInterfaces()).flatMap((each) => (each ?? []).map(({ address }) => address));
  const wanted = parseInt(id.slice(0, 2), 16);
  for (let step = 0; step < 256; step += 1) {
    const prefix = [...managementRange, (wanted + step) % 256].join('.');
    if (!taken.some((address) => address.startsWith(`${prefix}.`))) return prefix;
  }
  throw new NoNamespaces('every network from 198.18.0.0 to 198.18.255.0 is in use on this machine');
}

/**
 * @param {Names} names
 * @param {string} folder
 */
function makeFabric({ id, prefix }, folder) {
  const fabric = namespaceName(id, 'fabric');
  const server = serverInterface(id);
  ip([`netns add ${fabric}`]);
  ip(
    [
      'link set lo up',
      ...bridges.flatMap((bridge) => [`link add ${bridge} type bridge mcast_snooping 0`, `link set ${bridge} up`]),
    ],
    fabric,
  );
  ip([
    `link add ${server} type veth peer name servers netns ${fabric}`,
    // Whose it is, so that what a lost lab left can be told from what another one uses.
    `link set ${server} alias ${folder}`,
    `addr add ${prefix}.${serverNumber}/24 dev ${server}`,
    `link set ${server} up`,
  ]);
  ip(['link set servers master management up'], fabric);
}

/**
 * @param {Names} names
 * @param {string} host
 * @param {number} number
 */
function makeHost({ id, prefix }, host, number) {
  const [fabric, namespace] = [namespaceName(id, 'fabric'), namespaceName(id, host)];
  const address = `${prefix}.${number}`;
  ip([`netns add ${namespace}`]);
  ip(
    [
      'link set lo up',
      `link add management type veth peer name m-${host} netns ${fabric}`,
      `addr add ${address}/24 dev management`,
      'link set management up',
      // The last small segments of a migration wait for each other's delayed acknowledgement: 40 ms of downtime.
      `route change ${prefix}.0/24 dev management proto kernel scope link src ${address} quickack 1`,
      'link add guests type bridge mcast_snooping 0',
      `link add uplink type veth peer name g-${host} netns ${fabric}`,
      'link set uplink master guests up',
      'link set guests up',
    ],
    namespace,
  );
  ip([`link set m-${host} master management up`, `link set g-${host} master guests up`], fabric);
}

/**
 * What is there is kept: hosts that an earlier launcher left on use it.
 * @param {string} folder
 * @param {readonly string[]} hosts
 * @returns {LabNetwork}
 */
function makeNamespaces(folder, hosts) {
  const id = labId(folder);
  const file = join(folder, 'network.json');
  if (/[\s"'\\]/.test(folder) || folder.length > 200)
    throw new NoNamespaces(
      `${folder} cannot be written on a network interface: it is long, or has spaces or quotation marks`,
    );
  const saved = /** @type {Names | undefined} */ (readJson(file));
  const fabric = namespaceName(id, 'fabric');
  const isWhole = saved?.id === id && saved.made.includes('fabric') && hasNamespace(fabric);
  if (!isWhole) removeNamespacesOf(id);
  const names = isWhole ? saved : { id, prefix: freePrefix(id), made: [] };
  const numbers = new Map(hosts.map((host, index) => [host, firstHostNumber + index]));
  const make = (/** @type {string} */ part, /** @type {() => void} */ build) => {
    const namespace = namespaceName(id, part);
    if (names.made.includes(part) && hasNamespace(namespace)) return;
    if (hasNamespace(namespace)) ip([`netns del ${namespace}`]);
    build();
    names.made = [...names.made.filter((each) => each !== part), part];
    writeJson(file, names);
  };
  make('fabric', () => makeFabric(names, folder));
  for (const [host, number] of numbers) make(host, () => makeHost(names, host, number));
  return {
    kind: 'namespaces',
    reason: '',
    serverAddress: `${names.prefix}.${serverNumber}`,
    fabric,
    host: (host) => ({
      address: `${names.prefix}.${numbers.get(host)}`,
      guestNetwork: 'bridge:guests',
      namespace: namespaceName(id, host),
    }),
  };
}

/**
 * @param {{ folder: string, hosts: readonly string[], wanted: 'auto' | 'namespaces' | 'switch', redisUrl?: string | undefined }} plan
 *   redisUrl: a server that the lab is given and has not started
 * @returns {Promise<LabNetwork>}
 */
export async function startNetwork({ folder: given, hosts, wanted, redisUrl }) {
  mkdirSync(given, { recursive: true, mode: 0o711 });
  const folder = realpathSync(given);
  removeAbandoned();
  let reason = 'as was asked';
  try {
    if (wanted !== 'switch') {
      if (process.getuid?.() !== 0) throw new NoNamespaces('only root may make network namespaces');
      if (redisUrl)
        throw new NoNamespaces('REDIS_URL names a server that hosts with networks of their own may not reach');
      const network = makeNamespaces(folder, hosts);
      await stopSwitch(folder);
      return network;
    }
  } catch (error) {
    if (!(error instanceof NoNamespaces)) throw error;
    removeNamespaces(folder);
    if (wanted === 'namespaces') throw error;
    reason = error.message;
  }
  await startSwitch(folder, hosts);
  return {
    kind: 'switch',
    reason,
    serverAddress: '127.0.0.1',
    fabric: '',
    host: (host) => ({ address: '127.0.0.1', guestNetwork: `switch:${switchSocket(folder, host)}`, namespace: '' }),
  };
}

/**
 * The places of whoever looks on from the lab's machine: in the fabric the first address of the guests' subnet, and on the
 * machine itself, where the controller runs, the last.
 * @param {LabNetwork} network
 * @param {string} subnet
 */
export function joinGuestNetwork({ fabric }, subnet) {
  if (fabric === '') return;
  const { from, to, prefixLength } = rangeOf(subnet);
  ip([`addr replace ${addressAt(from + 1)}/${prefixLength} dev guests`], fabric);
  const card = guestInterface(fabric.split('-')[1] ?? '');
  if (card in networkInterfaces()) return;
  const other = routes().find((route) => rangeOf(route).from <= to && rangeOf(route).to >= from);
  if (other !== undefined)
    return say(`  the controller cannot probe guests: of ${subnet} this machine has another way to ${other}`);
  ip([
    `link add ${card} type veth peer name machine netns ${fabric}`,
    `addr add ${addressAt(to - 1)}/${prefixLength} dev ${card}`,
    `link set ${card} up`,
  ]);
  ip(['link set machine master guests up'], fabric);
}

/** @param {string} subnet or an address */
function rangeOf(subnet) {
  const [address = '', prefixLength = '32'] = subnet.split('/');
  const from = address.split('.').reduce((number, part) => number * 256 + Number(part), 0);
  return { from, to: from + 2 ** (32 - Number(prefixLength)) - 1, prefixLength };
}

/** @param {number} number */
const addressAt = (number) => [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.');

/** What the machine reaches otherwise than by its default route. */
function routes() {
  const { stdout } = spawnSync('ip', ['-json', '-4', 'route', 'show'], { encoding: 'utf8', timeout: 10_000 });
  const all = /** @type {{ dst: string }[]} */ (JSON.parse(stdout || '[]'));
  return all.map(({ dst }) => dst).filter((dst) => dst !== 'default');
}

/** @param {string} folder */
export async function removeNetwork(folder) {
  if (!existsSync(folder)) return;
  await stopSwitch(realpathSync(folder));
  removeNamespaces(realpathSync(folder));
}

/** @param {string} folder */
function removeNamespaces(folder) {
  removeNamespacesOf(labId(folder));
  rmSync(join(folder, 'network.json'), { force: true });
}

/** @param {string} id */
function removeNamespacesOf(id) {
  if (!existsSync(namespaceFolder)) return;
  // First, and by itself: what a namespace takes with it goes when the kernel comes to it, and its name is in use till then.
  for (const card of [serverInterface(id), guestInterface(id)]) removeInterface(card);
  const ours = readdirSync(namespaceFolder).filter((name) => name.startsWith(namespaceName(id, '')));
  if (ours.length > 0) ip(ours.map((name) => `netns del ${name}`));
}

/** @param {string} name */
function removeInterface(name) {
  const { status, stderr } = spawnSync('ip', ['link', 'del', name], { encoding: 'utf8', timeout: 10_000 });
  if (status !== 0 && !/Cannot find device|No such device/.test(stderr)) throw new NoNamespaces(stderr.trim());
}

/** Of labs whose folder is gone: nobody will come back to them. */
function removeAbandoned() {
  if (process.getuid?.() !== 0) return;
  const { status, stdout } = spawnSync('ip', ['-json', 'link', 'show', 'type', 'veth'], { encoding: 'utf8' });
  if (status !== 0) return;
  for (const { ifname, ifalias } of /** @type {{ ifname: string, ifalias?: string }[]} */ (
    JSON.parse(stdout || '[]')
  )) {
    const id = /^ag-([0-9a-f]{8})$/.exec(ifname)?.[1];
    if (id === undefined || ifalias === undefined || labId(ifalias) !== id || existsSync(ifalias)) continue;
    say(`  removing the network of a lab that is gone (${ifalias})`);
    removeNamespacesOf(id);
  }
}
