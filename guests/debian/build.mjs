#!/usr/bin/env node
// Makes a Debian disk that boots by its own boot loader: build.mjs --out disk.qcow2 [--cloud-init]. Needs root, mmdebstrap,
// e2fsprogs and qemu-utils, but no loop device. guests/debian/README.md says more.
import { execFileSync, spawnSync } from 'node:child_process';
import { randomInt, randomUUID } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bootSectors, partitionStartSector } from './boot-sectors.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const sectorBytes = 512;
const diskMiB = 2048;
const tools = { mmdebstrap: 'mmdebstrap', mke2fs: 'e2fsprogs', 'qemu-img': 'qemu-utils' };
const packages = [
  'linux-image-cloud-amd64',
  'systemd-sysv',
  'dbus',
  'udev',
  'iproute2',
  'ifupdown',
  'isc-dhcp-client',
  'grub-pc-bin',
];
/** Nobody reads manuals in this guest, and without them it is a good part smaller. */
const leftOut = ['/usr/share/doc/*', '/usr/share/man/*', '/usr/share/locale/*', '/usr/share/info/*'];

const startedAt = performance.now();
const say = (text) => console.error(`${((performance.now() - startedAt) / 1000).toFixed(1).padStart(5)} s  ${text}`);

class Problem extends Error {}

function requireTools() {
  const missing = Object.entries(tools).filter(([tool]) => spawnSync(tool, ['--version']).error);
  if (missing.length > 0) {
    const names = missing.map(([tool]) => tool).join(', ');
    throw new Problem(`missing: ${names}. Install with: apt-get install ${missing.map(([, name]) => name).join(' ')}`);
  }
  if (process.getuid() !== 0)
    throw new Problem('this needs root, for a file system whose files belong to root: run it with sudo');
}

function release() {
  const text = readFileSync('/etc/os-release', 'utf8');
  const suite = /^VERSION_CODENAME=(\S+)/m.exec(text)?.[1];
  if (!/^ID=debian$/m.test(text) || !suite)
    throw new Problem('this makes the Debian release that it runs on, and this is no Debian');
  return suite;
}

/** This machine's own sources, so that a company's mirror is used and nothing else has to be reachable. */
function sources() {
  const folder = '/etc/apt/sources.list.d';
  const files = ['/etc/apt/sources.list', ...readdirSync(folder).map((name) => join(folder, name))];
  return files.filter(
    (file) =>
      existsSync(file) && /\.(list|sources)$/.test(file) && /debian\.org|\/debian/.test(readFileSync(file, 'utf8')),
  );
}

function proxyOptions() {
  const settings = execFileSync('apt-config', ['dump'], { encoding: 'utf8' }).split('\n');
  return settings.filter((line) => /^Acquire::https?::Proxy /.test(line)).map((line) => `--aptopt=${line}`);
}

function run(command, parameters, options = {}) {
  const result = spawnSync(command, parameters, { encoding: 'utf8', maxBuffer: 2 ** 28, ...options });
  if (result.status === 0) return;
  const last = String(result.stderr).trim().split('\n').slice(-15).join('\n');
  throw new Problem(`${command} failed with status ${result.status}:\n${last}`);
}

function installSystem(root, rootUuid, withCloudInit) {
  const names = withCloudInit ? [...packages, 'cloud-init'] : packages;
  const parameters = [
    '--variant=minbase',
    `--include=${names.join(',')}`,
    ...leftOut.map((path) => `--dpkgopt=path-exclude=${path}`),
    ...proxyOptions(),
    `--customize-hook=${join(here, 'customize')}`,
    ...[release(), root],
    ...sources(),
  ];
  run('mmdebstrap', parameters, { env: { ...process.env, ARGOSY_ROOT_UUID: rootUuid } });
}

function writeDisk(raw, root, rootUuid) {
  const partitionSectors = (diskMiB * 2 ** 20) / sectorBytes - partitionStartSector;
  const sectors = bootSectors({
    bootImage: readFileSync(join(root, 'boot/grub/boot.img')),
    coreImage: readFileSync(join(root, 'boot/grub/core.img')),
    partitionSectors,
    diskSignature: randomInt(1, 2 ** 32),
  });
  const file = openSync(raw, 'w');
  writeSync(file, sectors);
  closeSync(file);
  truncateSync(raw, diskMiB * 2 ** 20);
  const offset = `offset=${partitionStartSector * sectorBytes}`;
  // GRUB 2.06 reads neither of the two features left out.
  const features = '^metadata_csum_seed,^orphan_file';
  const size = `${(partitionSectors * sectorBytes) / 1024}k`;
  run('mke2fs', ['-q', '-t', 'ext4', '-O', features, '-U', rootUuid, '-d', root, '-E', offset, raw, size]);
}

function build(out, withCloudInit) {
  requireTools();
  const scratch = mkdtempSync(join(tmpdir(), 'argosy-debian-'));
  try {
    chmodSync(scratch, 0o755); // apt downloads as a user of its own
    const root = join(scratch, 'root');
    const rootUuid = randomUUID();
    say(`installing Debian ${release()}${withCloudInit ? ' with cloud-init' : ''}: a minute or two`);
    installSystem(root, rootUuid, withCloudInit);
    say('writing the disk');
    writeDisk(join(scratch, 'disk.raw'), root, rootUuid);
    run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', join(scratch, 'disk.raw'), `${out}.new`]);
    renameSync(`${out}.new`, out);
    say(out);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
    rmSync(`${out}.new`, { force: true });
  }
}

const parameters = process.argv.slice(2);
const out = parameters[parameters.indexOf('--out') + 1];
if (!parameters.includes('--out') || !out) {
  console.error('usage: build.mjs --out <disk.qcow2> [--cloud-init]');
  process.exit(2);
}
try {
  build(resolve(out), parameters.includes('--cloud-init'));
} catch (error) {
  if (!(error instanceof Problem)) throw error;
  console.error(`build.mjs: ${error.message}`);
  process.exit(1);
}
