// npm start: everything, from a clean clone to guests that move and come back.

import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createApi } from './api.mjs';
import { startController, stopLeftOverController } from './controller-process.mjs';
import { runDemo } from './demo.mjs';
import { ensureGuests, ensurePool, poolName, stopGuests } from './inventory.mjs';
import { joinGuestNetwork, removeNetwork, startNetwork } from './lab-network.mjs';
import {
  hostNames,
  keptVmm,
  restoreHost,
  startHosts,
  stopHosts,
  waitForHostsOnline,
  writeLabFile,
} from './lab-hosts.mjs';
import { showLiveView } from './live-view.mjs';
import { readOptions, usage, UsageError } from './options.mjs';
import { readJson, writeJson } from './private-files.mjs';
import { errorMessage, isRunning, nameProcess, waitUntil } from './processes.mjs';
import { say, step } from './progress.mjs';
import { meetRequirements, MissingRequirement, missingRequirementStatus } from './requirements.mjs';
import {
  ensureSimulatedGuests,
  ensureSimulatedPool,
  joinSimulatedHosts,
  simulatedLabHosts,
  startSimulatedHosts,
  stopLeftOverSimulated,
} from './simulated.mjs';
import { freePort, removePostgres, removeRedis, startServers } from './servers.mjs';

/** @typedef {import('./options.mjs').Options} Options */
/** @typedef {import('./processes.mjs').ProcessName} ProcessName */
/** @typedef {import('./api.mjs').Api} Api */
/** @typedef {{ title: string, stop: () => Promise<void> }} Closer */
/** @typedef {{ options: Options & { vmm: import('./options.mjs').Vmm }, closers: Closer[], signal: AbortSignal, isUp: boolean }} Lab */

const root = fileURLToPath(new URL('../..', import.meta.url));
const controllerProgram = join(root, 'dist/apps/controller/src/main.js');
const agentProgram = join(root, 'dist/apps/agent/src/main.js');
const simulatedProgram = join(root, 'dist/apps/agent/src/simulated/main.js');
const alreadyRunningStatus = 4;

class AlreadyRunning extends Error {}

/**
 * One launcher a folder: two would switch each other's hosts.
 * @param {string} folder
 */
function claimFolder(folder) {
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  const file = join(folder, 'launcher.json');
  const other = /** @type {(ProcessName & { url?: string }) | undefined} */ (readJson(file));
  if (other !== undefined && isRunning(other)) {
    const where = other.url === undefined ? '' : ` at ${other.url}`;
    throw new AlreadyRunning(
      `Argosy already runs here${where} (pid ${other.pid}, ${folder}). Stop it there with Ctrl-C, or choose another --folder.`,
    );
  }
  writeJson(file, nameProcess(process.pid));
}

/**
 * Ends what an earlier launcher left running, and forgets all that it kept. Nothing here needs the old data to be
 * whole: --fresh is also the way out when they are not.
 * @param {string} folder
 */
async function clearFolder(folder) {
  const hostsFolder = join(folder, 'hosts');
  await stopHosts(folder, existsSync(hostsFolder) ? readdirSync(hostsFolder) : []);
  await stopLeftOverSimulated(folder);
  await removeNetwork(folder);
  await stopLeftOverController({ folder: join(folder, 'controller'), program: controllerProgram });
  await removeRedis(join(folder, 'redis'));
  await removePostgres(join(folder, 'postgres'));
  for (const name of ['controller', 'hosts', 'simulated', 'datastore', 'running.json', 'lab.json']) {
    rmSync(join(folder, name), { recursive: true, force: true });
  }
}

/**
 * @param {Lab} lab
 * @param {{ redisUrl: string, databaseUrl: string, serverAddress: string }} servers
 * @returns {Promise<{ url: string }>}
 */
async function bringUpController({ options, closers }, servers) {
  const { folder } = options;
  const port = await freePort(options.port);
  if (port !== options.port) say(`  port ${options.port} is taken; the controller takes ${port}`);
  const stateFolder = join(folder, 'controller');
  const others = options.simulated ? simulatedLabHosts(folder, options.simulated) : [];
  writeLabFile(folder, options.hosts, { others, vmm: options.vmm });
  const controller = await step('controller', () =>
    startController({
      program: controllerProgram,
      folder: stateFolder,
      port,
      environment: {
        ARGOSY_PORT: String(port),
        ARGOSY_LISTEN_ADDRESS: [...new Set(['127.0.0.1', servers.serverAddress])].join(),
        DATABASE_URL: servers.databaseUrl,
        REDIS_URL: servers.redisUrl,
        ARGOSY_STATE_FOLDER: stateFolder,
        ARGOSY_LAB_FOLDER: folder,
      },
    }),
  );
  closers.push({ title: 'controller', stop: controller.stop });
  const url = `http://127.0.0.1:${port}`;
  writeJson(join(folder, 'launcher.json'), { ...nameProcess(process.pid), url });
  return { url };
}

/**
 * @param {Lab} lab
 * @returns {Promise<{ api: Api, names: string[] }>}
 */
async function bringUp(lab) {
  const { options, closers, signal } = lab;
  const { folder } = options;
  const given = { REDIS_URL: process.env['REDIS_URL'], DATABASE_URL: process.env['DATABASE_URL'], vmm: options.vmm };
  await meetRequirements(root, given);
  if (options.fresh) await step('clearing earlier starts', () => clearFolder(folder));
  const hosts = hostNames(options.hosts);
  const network = await step('network', () =>
    startNetwork({ folder, hosts, wanted: options.network, redisUrl: given.REDIS_URL }),
  );
  closers.push({ title: 'network', stop: () => removeNetwork(folder) });
  if (network.kind === 'switch') say(`  hosts share this machine's network: ${network.reason}`);
  const { serverAddress } = network;
  const servers = await step('Redis and PostgreSQL', () => startServers(folder, given, serverAddress));
  closers.push({ title: 'Redis and PostgreSQL', stop: servers.stop });
  signal.throwIfAborted();
  const { url } = await bringUpController(lab, { ...servers, serverAddress });

  signal.throwIfAborted();
  const tokenFile = join(folder, 'controller/token');
  await waitUntil(() => existsSync(tokenFile), { deadlineMs: 10_000 });
  const api = createApi({ url, token: readFileSync(tokenFile, 'utf8').trim() });
  const names = options.hosts > 0 ? await bringUpHosts(lab, { api, url, redisUrl: servers.redisUrl, network }) : [];
  if (options.simulated) await bringUpSimulated(lab, options.simulated, { api, url, redisUrl: servers.redisUrl });
  return { api, names };
}

/**
 * @param {Lab} lab
 * @param {{ api: Api, url: string, redisUrl: string, network: import('./lab-network.mjs').LabNetwork }} reached
 * @returns {Promise<string[]>} the guests' names
 */
async function bringUpHosts({ options, closers, signal }, { api, url, redisUrl, network }) {
  const { folder } = options;
  const hosts = hostNames(options.hosts);
  const { joinToken, subnet } = await ensurePool(api, options);
  joinGuestNetwork(network, subnet);

  closers.push({ title: 'agents and chassis', stop: () => stopHosts(folder, hosts) });
  await step(`${hosts.length} hosts`, async (note) => {
    await startHosts({
      folder,
      hostCount: options.hosts,
      agentProgram,
      controllerUrl: url,
      redisUrl,
      joinToken,
      pool: poolName,
      vmm: options.vmm,
      network,
    });
    await waitForHostsOnline(api, { folder, names: hosts, deadlineMs: 60_000 }, note);
  });
  signal.throwIfAborted();
  closers.push({ title: 'guests', stop: () => stopGuests(api, folder) });
  return step(`${options.guests} guests`, () =>
    ensureGuests(api, { folder, root, guestCount: options.guests, vmm: options.vmm }),
  );
}

/**
 * Guests of simulated hosts are not stopped at the end: they go with their hosts, and come back with them.
 * @param {Lab} lab
 * @param {import('./simulated.mjs').SimulatedFleet} fleet
 * @param {{ api: Api, url: string, redisUrl: string }} reached
 */
async function bringUpSimulated({ options, closers, signal }, fleet, { api, url, redisUrl }) {
  const { folder, automation } = options;
  const joinToken = await ensureSimulatedPool(api, { folder, automation });
  const program = simulatedProgram;
  await step(`${fleet.hosts} simulated hosts`, async (note) => {
    const hosts = await startSimulatedHosts({ folder, program, controllerUrl: url, redisUrl, joinToken, fleet });
    closers.push({ title: 'simulated hosts', stop: hosts.stop });
    await joinSimulatedHosts(api, fleet, { note, signal });
  });
  await step(`${fleet.guests} guests`, (note) => ensureSimulatedGuests(api, fleet, { note, signal }));
}

/**
 * @param {string} url
 * @param {string} folder
 * @returns {string}
 */
function nextCommands(url, folder) {
  const tokenFile = join(folder, 'controller/token');
  const token = readFileSync(tokenFile, 'utf8').trim();
  return [
    `Argosy runs at ${url}   (token: ${tokenFile})`,
    `  ${url}/#token=${token}   the console, signed in`,
    '  npx argosy top                                   the fleet, live',
    '  npx argosy guest list                            where every guest is',
    '  npx argosy drill run host-loss --host h2         lose another host',
    'Ctrl-C stops everything in order; the inventory stays.',
  ].join('\n');
}

/**
 * @param {string} url
 * @param {string} folder
 * @param {import('./simulated.mjs').SimulatedFleet} fleet
 * @returns {string}
 */
function nextSimulatedCommands(url, folder, { hosts, failureDomains }) {
  const isDivided = failureDomains > 1;
  return [
    `Argosy runs ${hosts} simulated hosts at ${url}   (token: ${join(folder, 'controller/token')})`,
    '  npx argosy host list --pool simulated            the hosts, and their failure domains',
    '  npx argosy drill run host-loss --host sim-0001   lose one of them, and see how soon its guests are back',
    ...(isDivided
      ? ['  npx argosy lab power off --failure-domain domain-1 --yes     lose a fifth of them, or so']
      : []),
    ...(isDivided ? ['  npx argosy lab power on --failure-domain domain-1            and have them back'] : []),
    '  npx argosy migration list                        what balancing moved, as the guests’ demand went up and down',
    'Ctrl-C, or argosy lab down, stops everything in order; the inventory stays.',
  ].join('\n');
}

/** @param {AbortSignal} signal */
function interruption(signal) {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else {
      const keepAlive = setInterval(() => {}, 60_000);
      signal.addEventListener('abort', () => (clearInterval(keepAlive), resolve(undefined)));
    }
  });
}

/**
 * @param {Lab} lab
 * @returns {Promise<number>} the exit status
 */
async function run(lab) {
  const { options, signal } = lab;
  const { api, names } = await bringUp(lab);
  lab.isUp = true;
  writeJson(join(options.folder, 'launcher.json'), { ...nameProcess(process.pid), url: api.url, isUp: true });
  let met = true;
  if (options.demo) {
    const { folder } = options;
    met = await runDemo(api, { names, restoreHost: (host) => restoreHost(folder, host) });
    say(met ? 'Every phase met its objective.' : 'NOT every phase met its objective.');
  }
  if (options.exit) return met ? 0 : 1;
  if (options.simulated) {
    say(nextSimulatedCommands(api.url, options.folder, options.simulated));
    await interruption(signal);
    return 0;
  }
  await showLiveView(api, { footer: nextCommands(api.url, options.folder), signal });
  return 0;
}

/**
 * In the opposite order of starting: guests, agents and chassis, controller, servers. One that fails does not keep
 * the others from being stopped.
 * @param {Closer[]} closers
 * @returns {Promise<boolean>} whether all went well
 */
async function stopAll(closers) {
  let well = true;
  for (const { title, stop } of closers.splice(0).reverse()) {
    await step(`stopping ${title}`, stop).catch((error) => {
      well = false;
      say(`  ${errorMessage(error)}`);
    });
  }
  return well;
}

/**
 * @param {unknown} error
 * @returns {number}
 */
function statusOf(error) {
  if (error instanceof UsageError) return 2;
  if (error instanceof MissingRequirement) return missingRequirementStatus;
  if (error instanceof AlreadyRunning) return alreadyRunningStatus;
  return 1;
}

/**
 * A guest's image and disk are of one VMM, and no host of the other takes it.
 * @param {Options} options
 */
function vmmOf({ vmm, folder, fresh }) {
  const kept = fresh ? undefined : keptVmm(folder);
  if (kept === undefined || vmm === null || vmm === kept) return vmm ?? kept ?? 'qemu';
  throw new UsageError(
    `the guests of the lab in ${folder} are of --vmm ${kept}: go on with it, or begin anew with --fresh, or choose another --folder`,
  );
}

/** @param {Options} asked */
async function launch(asked) {
  claimFolder(asked.folder);
  const options = { ...asked, vmm: vmmOf(asked) };
  if (asked.vmm === null && options.vmm !== 'qemu') say(`The lab goes on with --vmm ${options.vmm}`);
  const abort = new AbortController();
  /** @type {Lab} */
  const lab = { options, closers: [], signal: abort.signal, isUp: false };
  const interrupted = new Promise((resolve) => abort.signal.addEventListener('abort', () => resolve(130)));
  const interrupt = () => {
    if (abort.signal.aborted) say('\nstopping already; to leave everything running as it is, kill this process');
    else say('\nstopping in order');
    abort.abort();
  };
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, interrupt);
  // Nobody reads any more (a closed pipe or terminal): the same as a hang-up, and no reason to leave the lab behind.
  process.stdout.on('error', () => abort.abort());
  const work = run(lab).catch((error) => {
    if (!abort.signal.aborted) say(`\n${errorMessage(error)}`);
    return statusOf(error);
  });
  const status = Number(await Promise.race([work, interrupted]));
  // While it comes up, the step at hand ends first, so that what it starts is in the list of what to stop.
  if (!lab.isUp) await work;
  const well = await stopAll(lab.closers);
  rmSync(join(options.folder, 'launcher.json'), { force: true });
  // A lab that was only watched when it was interrupted ended as it should.
  const watched = status === 130 && !options.exit;
  process.exit(!well ? 1 : watched ? 0 : status);
}

try {
  const options = readOptions(process.argv.slice(2), root);
  if (options.help) say(usage);
  else await launch(options);
} catch (error) {
  say(errorMessage(error));
  if (error instanceof UsageError) say(`\n${usage}`);
  process.exit(statusOf(error));
}
