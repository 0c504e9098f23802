#!/usr/bin/env node
// Makes the small Linux guest: build.mjs --out <folder> gives vmlinuz, initrd and image.json. Needs no root; takes the packages
// through apt from the mirror that this machine uses. guests/linux/README.md says more.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { initramfs } from './initramfs.mjs';
import { bareKernelOf, withoutSections } from './kernel.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const kernelPackage = 'linux-image-cloud-amd64';

/** Module files by their name, in the folders of the kernel's package. */
const modules = {
  failover: 'net/core',
  net_failover: 'drivers/net',
  virtio_ring: 'drivers/virtio',
  virtio: 'drivers/virtio',
  virtio_pci_legacy_dev: 'drivers/virtio',
  virtio_pci_modern_dev: 'drivers/virtio',
  virtio_pci: 'drivers/virtio',
  virtio_blk: 'drivers/block',
  virtio_net: 'drivers/net',
  virtio_balloon: 'drivers/virtio',
  button: 'drivers/acpi',
  evdev: 'drivers/input',
};

/**
 * @hostKHz@ is for the driver to fill in with the host's time-stamp counter frequency in kHz; left alone, the kernel ignores it
 * and calibrates, which a busy host can spoil. `no_timer_check`: the same for the interrupt controller's timer. Under translation
 * each path of the kernel costs time when it is taken first, as after a migration: what a measuring guest needs not is left out.
 */
const append =
  'console=ttyS0 panic=-1 loglevel=1 no_timer_check tsc_early_khz=@hostKHz@ tsc=reliable ipv6.disable=1 mitigations=off init_on_alloc=0 psi=0 lsm= hardened_usercopy=off cgroup_disable=memory nowatchdog';

const startedAt = performance.now();
const say = (text) => console.error(`${((performance.now() - startedAt) / 1000).toFixed(1).padStart(5)} s  ${text}`);

class Problem extends Error {}

function run(command, parameters, folder, remedy) {
  try {
    return execFileSync(command, parameters, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const said = error.code === 'ENOENT' ? `${command} is not installed` : String(error.stderr || error.message).trim();
    throw new Problem(`${said}\n${remedy}`);
  }
}

function unpackPackage(name, scratch) {
  const folder = join(scratch, name);
  mkdirSync(folder);
  const remedy = `The package ${name} comes through apt: run apt-get update, and check that the mirror in /etc/apt can be reached.`;
  run('apt-get', ['download', name], folder, remedy);
  const file = readdirSync(folder).find((entry) => entry.endsWith('.deb'));
  run('dpkg', ['-x', file, '.'], folder, 'Is there room on the disk?');
  return folder;
}

/** The package that holds the kernel: the other one only depends on the newest. */
function newestKernelPackage() {
  const remedy = `This builder needs Debian's package lists with ${kernelPackage}: run apt-get update.`;
  const depends = run('apt-cache', ['depends', kernelPackage], here, remedy);
  const found = /Depends: (linux-image-\S+)/.exec(depends);
  if (!found) throw new Problem(`${kernelPackage} depends on no kernel here.\n${remedy}`);
  return found[1];
}

function busybox(scratch) {
  const installed = '/bin/busybox';
  // Only the static build runs in an initramfs by itself; a program interpreter in the file tells the other one.
  if (existsSync(installed) && !readFileSync(installed).includes('/ld-linux')) return readFileSync(installed);
  say('downloading busybox-static');
  return readFileSync(join(unpackPackage('busybox-static', scratch), 'bin/busybox'));
}

function initramfsEntries(packageFolder, scratch) {
  const root = join(packageFolder, 'lib/modules');
  const kernelModules = join(root, readdirSync(root)[0], 'kernel');
  const folders = ['bin', 'dev', 'proc', 'sys', 'modules'].map((path) => ({ path, kind: 'folder' }));
  return [
    ...folders,
    { path: 'init', kind: 'program', content: readFileSync(join(here, 'init')) },
    { path: 'bin/busybox', kind: 'program', content: busybox(scratch) },
    ...['argosy-guest', 'argosy-http'].map((name) => ({
      path: `bin/${name}`,
      kind: 'program',
      content: readFileSync(join(here, name)),
    })),
    ...Object.entries(modules).map(([name, folder]) => ({
      path: `modules/${name}.ko`,
      kind: 'file',
      content: readFileSync(join(kernelModules, folder, `${name}.ko`)),
    })),
  ];
}

function kernelFile(packageFolder) {
  const name = readdirSync(join(packageFolder, 'boot')).find((entry) => entry.startsWith('vmlinuz-'));
  const bzImage = readFileSync(join(packageFolder, 'boot', name));
  const bare = bareKernelOf(bzImage);
  if (!bare) say('this kernel is not compressed by LZ4: it stays as it is, and will start more slowly');
  return bare ? withoutSections(bare) : bzImage;
}

/** Written beside and renamed, so that an image is either whole or not there. */
function write(folder, name, content) {
  writeFileSync(join(folder, `${name}.new`), content);
  renameSync(join(folder, `${name}.new`), join(folder, name));
  say(`${join(folder, name)}: ${Math.ceil(content.length / 1024)} KiB`);
}

function build(out) {
  const scratch = mkdtempSync(join(tmpdir(), 'argosy-linux-'));
  try {
    const name = newestKernelPackage();
    say(`downloading ${name}`);
    const packageFolder = unpackPackage(name, scratch);
    say('taking the kernel out of its package');
    mkdirSync(out, { recursive: true });
    write(out, 'vmlinuz', kernelFile(packageFolder));
    write(out, 'initrd', initramfs(initramfsEntries(packageFolder, scratch)));
    const image = { name: 'linux', kernel: 'vmlinuz', initrd: 'initrd', append, memoryMiB: 128 };
    write(out, 'image.json', `${JSON.stringify(image, null, 2)}\n`);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

const [option, folder] = process.argv.slice(2);
if (option !== '--out' || !folder) {
  console.error('usage: build.mjs --out <folder>');
  process.exit(2);
}
try {
  build(resolve(folder));
} catch (error) {
  if (!(error instanceof Problem)) throw error;
  console.error(`build.mjs: ${error.message}`);
  process.exit(1);
}
