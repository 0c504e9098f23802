// What the lab needs on this machine: what is missing, and how it comes here.

import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { postgresFolder } from './postgres.mjs';
import { readJson } from './private-files.mjs';
import { say, step } from './progress.mjs';

/** Somebody has to type a command before the lab can start. */
export const missingRequirementStatus = 3;

export class MissingRequirement extends Error {}

/**
 * @param {string} program
 * @returns {boolean}
 */
function isOnPath(program) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));
}

/** @returns {boolean} */
function mayMakeNetworks() {
  return (
    process.getuid?.() === 0 &&
    spawnSync('unshare', ['--net', 'true'], { stdio: 'ignore', timeout: 5_000 }).status === 0
  );
}

/** @typedef {{ name: string, package: string, isThere: () => boolean, isWished?: boolean, neededBy?: 'tests' | 'slow tests', isQemu?: boolean }} SystemRequirement isWished: it works without, and less well. neededBy: only by those */
/** @type {readonly SystemRequirement[]} */
const systemRequirements = [
  { name: 'QEMU', package: 'qemu-system-x86', isThere: () => isOnPath('qemu-system-x86_64'), isQemu: true },
  { name: 'qemu-img', package: 'qemu-utils', isThere: () => isOnPath('qemu-img'), isQemu: true },
  { name: 'Redis', package: 'redis-server', isThere: () => isOnPath('redis-server') },
  // With it, and with the right to make network namespaces, each host has an address of its own.
  { name: 'iproute2', package: 'iproute2', isThere: () => isOnPath('ip') || !mayMakeNetworks(), isWished: true },
  { name: 'PostgreSQL', package: 'postgresql', isThere: () => postgresFolder() !== undefined },
  // The console is tested in it.
  { name: 'Chromium', package: 'chromium', isThere: () => isOnPath('chromium'), neededBy: 'tests' },
  // The machine of libs/machine is compared with its riscv32.
  {
    name: 'QEMU for RISC-V',
    package: 'qemu-system-misc',
    isThere: () => isOnPath('qemu-system-riscv32'),
    isWished: true,
    neededBy: 'slow tests',
  },
];

/** @typedef {{ REDIS_URL?: string | undefined, DATABASE_URL?: string | undefined, forTests?: 'tests' | 'slow tests', vmm?: import('./options.mjs').Vmm }} Given a server that is given need not be installed, and QEMU only where it runs the guests */

/**
 * @param {Given} given
 * @returns {SystemRequirement[]}
 */
export function missingPrograms(given) {
  return systemRequirements.filter(({ name, isThere, neededBy, isQemu }) => {
    if (isQemu && given.vmm === 'embedded') return false;
    if (neededBy === 'tests' && given.forTests === undefined) return false;
    if (neededBy === 'slow tests' && given.forTests !== 'slow tests') return false;
    if (name === 'Redis' && given.REDIS_URL) return false;
    if (name === 'PostgreSQL' && given.DATABASE_URL) return false;
    return !isThere();
  });
}

/**
 * @param {string} version like v20.19.0
 * @returns {boolean}
 */
export function isNodeNewEnough(version) {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  return major > 20 || (major === 20 && minor >= 19);
}

/** @returns {boolean} Debian, Ubuntu, or made of one of them */
function isDebian() {
  const text = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(text) && isOnPath('apt-get');
}

/**
 * Runs a program to its end; its output goes to a tail that is shown only when it fails.
 * @param {string[]} command
 * @param {{ cwd?: string, note?: (text: string) => void }} options
 */
function run(command, { cwd, note }) {
  const [program = '', ...args] = command;
  return new Promise((resolve, reject) => {
    const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const child = spawn(program, args, {
      ...(cwd === undefined ? {} : { cwd }),
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let tail = '';
    const collect = (/** @type {Buffer} */ data) => {
      tail = (tail + data.toString('utf8')).slice(-4000);
      note?.(tail.trim().split('\n').at(-1)?.slice(0, 60) ?? '');
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', reject);
    child.on('close', (status) => {
      if (status === 0) resolve(undefined);
      else reject(new Error(`"${command.join(' ')}" ended with status ${status}:\n${tail.trim()}`));
    });
  });
}

/** @returns {string[] | undefined} what stands before apt-get, or undefined where we may not */
function administratorCommand() {
  if (process.getuid?.() === 0) return [];
  const mayUseSudo = isOnPath('sudo') && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0;
  return mayUseSudo ? ['sudo', '-n'] : undefined;
}

/** @param {readonly SystemRequirement[]} missing */
async function installPrograms(missing) {
  const names = missing.map(({ name }) => name).join(', ');
  const packages = missing.map((requirement) => requirement.package);
  if (!isDebian()) {
    throw new MissingRequirement(
      `${names} missing. This is neither Debian nor Ubuntu: install them with your system's packages, then start again.`,
    );
  }
  const install = ['apt-get', 'install', '-y', '--no-install-recommends', ...packages];
  const before = administratorCommand();
  if (before === undefined) {
    throw new MissingRequirement(
      `${names} missing, and installing needs an administrator. Type this, then start again:\n\n  sudo ${install.join(' ')}\n`,
    );
  }
  say(`${names} missing; installing ${packages.join(' ')}`);
  await step('package lists', (note) => run([...before, 'apt-get', 'update'], { note }));
  await step(`installing ${packages.join(' ')}`, (note) => run([...before, ...install], { note }));
  const still = missing.filter(({ isThere }) => !isThere()).map(({ name }) => name);
  if (still.length > 0) throw new MissingRequirement(`installed, but still not found: ${still.join(', ')}`);
}

/** @typedef {{ packages?: Record<string, { version?: string, optional?: boolean, devOptional?: boolean }> }} LockFile */

/**
 * Compares what the lock file asks for with npm's own record of what it installed. Packages for other platforms are
 * optional, and are not there.
 * @param {string} root
 * @returns {boolean}
 */
export function hasNodePackages(root) {
  const wanted = /** @type {LockFile} */ (readJson(join(root, 'package-lock.json')) ?? {}).packages ?? {};
  const installed = /** @type {LockFile} */ (readJson(join(root, 'node_modules/.package-lock.json')) ?? {}).packages;
  if (installed === undefined) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '' || entry.optional === true || entry.devOptional === true) return true;
    return installed[path]?.version === entry.version;
  });
}

const sourceFolders = ['apps', 'libs', 'prisma'];
const sourceFiles = ['package-lock.json', 'nest-cli.json', 'tsconfig.json', '.swcrc'];

/**
 * A hash of everything that the build reads: contents, because git gives files new times.
 * @param {string} root
 * @returns {string}
 */
export function sourceStamp(root) {
  const hash = createHash('sha256');
  const add = (/** @type {string} */ path) =>
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(root, path)))
      .update('\0');
  const walk = (/** @type {string} */ folder) => {
    const entries = readdirSync(join(root, folder), { withFileTypes: true });
    for (const entry of entries.sort((left, right) => (left.name < right.name ? -1 : 1))) {
      const path = join(folder, entry.name);
      // Generated from what is hashed already.
      if (entry.name === 'generated' || entry.name === 'dist' || entry.name === 'node_modules') continue;
      if (entry.isDirectory()) walk(path);
      else if (/\.(ts|tsx|js|mjs|cjs|json|prisma|sql|css|html)$/.test(entry.name)) add(path);
    }
  };
  for (const folder of sourceFolders) if (existsSync(join(root, folder))) walk(folder);
  for (const file of sourceFiles) if (existsSync(join(root, file))) add(file);
  return hash.digest('hex');
}

/** @param {string} root */
async function buildIfOlder(root) {
  const stampFile = join(root, 'dist/.source-stamp');
  const stamp = sourceStamp(root);
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return;
  await step('building', (note) => run(['npm', 'run', '--silent', 'build'], { cwd: root, note }));
  writeFileSync(stampFile, stamp);
}

/**
 * @param {string} root the repository
 * @param {Given} given
 */
export async function meetRequirements(root, given) {
  if (process.platform !== 'linux')
    throw new MissingRequirement('The lab needs Linux: it starts its hosts from /proc, namespaces and QEMU.');
  if (!isNodeNewEnough(process.version)) {
    throw new MissingRequirement(
      `Node ${process.version} is too old: Argosy needs 20.19 or newer (https://nodejs.org).`,
    );
  }
  const missing = missingPrograms(given).filter(({ isWished }) => isWished !== true || isDebian());
  if (missing.length > 0) await installPrograms(missing);
  if (!hasNodePackages(root) && lstatSync(join(root, 'node_modules'), { throwIfNoEntry: false })?.isSymbolicLink())
    throw new MissingRequirement(
      'node_modules is a link, and npm ci would empty what it points to: install the packages there, or remove the link.',
    );
  if (!hasNodePackages(root))
    await step('node packages (npm ci)', (note) => run(['npm', 'ci', '--no-audit', '--no-fund'], { cwd: root, note }));
  await buildIfOlder(root);
}
