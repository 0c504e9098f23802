// The launcher's command line.

import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { errorMessage } from './processes.mjs';
import { mostGuestsPerHost } from './simulated.mjs';

/** @typedef {{ exit: boolean, fresh: boolean, demo: boolean, help: boolean, hosts: number, guests: number, port: number, folder: string, vmm: Vmm | null, automation: string | null, network: 'auto' | 'namespaces' | 'switch', simulated: import('./simulated.mjs').SimulatedFleet | null }} Options */

/** @typedef {'qemu' | 'embedded'} Vmm */

export const usage = `npm start -- [options]

  --exit            end after the report; status 0 only if every phase met its objective
  --fresh           begin anew: forget the inventory of earlier starts
  --no-demo         start the lab and leave it alone
  --hosts <n>       hosts (1 to 15, default 3; 0 beside simulated ones, and then the default)
  --guests <n>      guests (0 to 200, default 8; of simulated hosts: up to ${mostGuestsPerHost} a host, default 20 a host)
  --simulated-hosts <n>  hosts that one process stands for (1 to 5000), with guests of many sizes: no QEMU, and no demo
  --failure-domains <n>  of the simulated hosts (default one for 200 hosts)
  --seed <n>        of the sizes and the demand of their guests (default 1)
  --folder <path>   where everything is kept (default .argosy)
  --port <n>        of the controller (default 8080; the next free one if it is taken)
  --vmm <name>      what runs the guests: qemu, or embedded, which needs nothing installed (a new lab: qemu)
  --network <x>     namespaces: each host has an address of its own (needs root and iproute2); switch: hosts share this
                    machine's, and guests are joined by a switch in user space; auto (default): namespaces where they can be
  --automation <x>  manual, partial or full: what the pool does by itself (a new pool: full)

REDIS_URL and DATABASE_URL name servers to use instead of private ones.
Status: 0 done, 1 failed or an objective missed, 2 wrong usage, 3 something to install first, 4 already running.`;

export class UsageError extends Error {}

/**
 * @param {string} name
 * @param {string} text
 * @param {number} minimum
 * @param {number} maximum
 * @returns {number}
 */
function wholeNumber(name, text, minimum, maximum) {
  const value = Number(text);
  if (Number.isInteger(value) && value >= minimum && value <= maximum) return value;
  throw new UsageError(`--${name} must be a whole number from ${minimum} to ${maximum}, and is "${text}"`);
}

const definitions = /** @type {const} */ ({
  exit: { type: 'boolean', default: false },
  fresh: { type: 'boolean', default: false },
  'no-demo': { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
  hosts: { type: 'string' },
  guests: { type: 'string' },
  'simulated-hosts': { type: 'string' },
  'failure-domains': { type: 'string' },
  seed: { type: 'string' },
  port: { type: 'string', default: '8080' },
  folder: { type: 'string', default: '.argosy' },
  vmm: { type: 'string' },
  automation: { type: 'string' },
  network: { type: 'string', default: 'auto' },
});

const automationLevels = ['manual', 'partial', 'full'];

/**
 * @param {string | undefined} text
 * @returns {string | null} null: as the pool has it
 */
function automationLevel(text) {
  if (text === undefined || automationLevels.includes(text)) return text ?? null;
  throw new UsageError(`--automation must be one of ${automationLevels.join(', ')}, and is "${text}"`);
}

/**
 * @param {string} text
 * @returns {Options['network']}
 */
function networkKind(text) {
  if (text === 'auto' || text === 'namespaces' || text === 'switch') return text;
  throw new UsageError(`--network must be auto, namespaces or switch, and is "${text}"`);
}

/**
 * @param {string | undefined} text
 * @returns {Vmm | null} null: as the lab has it
 */
function vmmName(text) {
  if (text === undefined || text === 'qemu' || text === 'embedded') return text ?? null;
  throw new UsageError(`--vmm must be qemu or embedded, and is "${text}"`);
}

/** @param {string[]} args */
function parse(args) {
  try {
    return parseArgs({ args, options: definitions, strict: true }).values;
  } catch (error) {
    throw new UsageError(errorMessage(error));
  }
}

/**
 * @param {string[]} args
 * @param {string} root what a relative folder starts from
 * @returns {Options}
 */
export function readOptions(args, root) {
  const values = parse(args);
  const simulated = simulatedFleet(values);
  const demo = !values['no-demo'] && simulated === null;
  const hosts = wholeNumber('hosts', values.hosts ?? (simulated ? '0' : '3'), simulated ? 0 : 1, 15);
  if (demo && hosts < 2) throw new UsageError('the demo needs two hosts: --hosts 2 or more, or --no-demo');
  const realGuests = simulated ? '0' : (values.guests ?? '8');
  return {
    exit: values.exit,
    fresh: values.fresh,
    help: values.help,
    demo,
    hosts,
    guests: wholeNumber('guests', realGuests, demo ? 1 : 0, 200),
    port: wholeNumber('port', values.port, 1, 65535),
    folder: resolve(root, values.folder),
    vmm: vmmName(values.vmm),
    automation: automationLevel(values.automation),
    network: networkKind(values.network),
    simulated,
  };
}

const hostsPerDomain = 200;
const usualGuestsPerHost = 20;

/**
 * @param {ReturnType<typeof parse>} values
 * @returns {Options['simulated']} null: there are none
 */
function simulatedFleet(values) {
  const { 'simulated-hosts': hostCount, 'failure-domains': domains, seed, guests } = values;
  if (hostCount === undefined) {
    const alone = domains !== undefined ? 'failure-domains' : seed !== undefined ? 'seed' : null;
    if (alone !== null) throw new UsageError(`--${alone} goes with --simulated-hosts`);
    return null;
  }
  const hosts = wholeNumber('simulated-hosts', hostCount, 1, 5_000);
  return {
    hosts,
    guests: wholeNumber('guests', guests ?? String(usualGuestsPerHost * hosts), 0, mostGuestsPerHost * hosts),
    failureDomains: wholeNumber('failure-domains', domains ?? String(Math.ceil(hosts / hostsPerDomain)), 1, hosts),
    seed: wholeNumber('seed', seed ?? '1', 0, 2 ** 31),
  };
}
