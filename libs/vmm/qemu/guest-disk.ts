import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { copyFile, link, mkdir, open, rm, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import type { DiskCopy } from '@argosy/domain/disk-work';
import type { GuestSpecification } from '@argosy/domain/guest-specification';
import { mebibyte } from '@argosy/domain/units';
import type { Firmware } from './command-line';
import { refuse } from './qemu-refusal';

const run = promisify(execFile);
const imageToolDeadlineMs = 10_000;
/** For a disk of many GiB on a slow datastore. */
export const copyDeadlineMs = 6 * 3_600_000;

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** The guest's own folder on its datastore, in which its disk, its firmware's variables and its cloud-init data lie. */
export async function ensureFolder(guest: GuestSpecification): Promise<void> {
  await mkdir(dirname(guest.diskPath), { recursive: true });
}

/** A disk is made whole beside its place and then linked there: an interrupted start leaves no half disk. */
export async function placeWhole(path: string, make: (temporaryPath: string) => Promise<void>): Promise<void> {
  const temporaryPath = `${path}.new-${process.pid}`;
  try {
    await make(temporaryPath);
    await link(temporaryPath, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  } finally {
    await unlink(temporaryPath).catch(() => undefined);
  }
}

export interface ImageToolOptions {
  readonly timeout?: number;
  readonly signal?: AbortSignal;
  /** What it prints, as it prints it. */
  readonly hear?: (text: string) => void;
}

export async function imageTool(
  parameters: readonly string[],
  { timeout = imageToolDeadlineMs, signal, hear }: ImageToolOptions = {},
): Promise<string> {
  try {
    const running = run('qemu-img', [...parameters], { timeout, ...(signal ? { signal } : {}) });
    if (hear) running.child.stdout?.on('data', hear);
    return (await running).stdout;
  } catch (error) {
    const { code, stderr } = error as { code?: string; stderr?: string };
    if (code === 'ENOENT') throw refuse('vmm-unsupported', 'qemu-img is not installed; apt-get install qemu-utils');
    throw new Error(stderr || String(error));
  }
}

async function isQcow2(path: string): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.toString('latin1') === 'QFI\xfb';
  } finally {
    await file.close();
  }
}

/** The declared format counts, not the content: a guest could write a qcow2 header, with any backing file, into a raw disk. */
async function backingFormat(guest: GuestSpecification, path: string): Promise<'raw' | 'qcow2'> {
  if (!(await exists(path))) throw refuse('image-missing', `${guest.name}: its image ${path} is not on this host`);
  if (guest.boot.format === 'raw') return 'raw';
  const hasHeader = await isQcow2(path);
  if (guest.boot.format === 'qcow2' && !hasHeader)
    throw refuse('image-corrupt', `${guest.name}: ${path} is not a qcow2 image; import it again, or as raw`);
  return hasHeader ? 'qcow2' : 'raw';
}

async function makeDisk(guest: GuestSpecification, path: string): Promise<void> {
  const backing = guest.boot.backingDiskPath;
  const wantedBytes = guest.diskMiB * mebibyte;
  if (backing === null) {
    await imageTool(['create', '-q', '-f', 'qcow2', path, String(wantedBytes)]);
    return;
  }
  const format = await backingFormat(guest, backing);
  const info = JSON.parse(await imageTool(['info', '--output=json', '-f', format, backing])) as Record<string, number>;
  const bytes = Math.max(wantedBytes, info['virtual-size'] ?? 0);
  await imageTool(['create', '-q', '-f', 'qcow2', '-b', backing, '-F', format, path, String(bytes)]);
}

/** Makes the guest's own disk unless it is there. */
export async function ensureDisk(guest: GuestSpecification): Promise<void> {
  if (await exists(guest.diskPath)) return;
  await placeWhole(guest.diskPath, (path) => makeDisk(guest, path));
}

/** For a disk that comes from elsewhere: of the same size, an overlay of the same or of nothing. It has its own name later. */
export async function makeCopy(guest: GuestSpecification, { copyPath, backingPath }: DiskCopy): Promise<void> {
  if (await exists(guest.diskPath))
    throw refuse(
      'in-use',
      `${guest.name}: ${guest.diskPath} lies where its disk is to go, and is not known to be its disk; look at it and move it away.`,
    );
  await ensureFolder(guest);
  await rm(copyPath, { force: true });
  await makeDisk({ ...guest, boot: { ...guest.boot, backingDiskPath: backingPath } }, copyPath);
}

/** The copy and the disk are one file under two names from here on: that is how it is known that the guest ran from it. */
export async function makeItsOwn(copyPath: string, diskPath: string): Promise<void> {
  await unmarkLeaving(diskPath);
  await link(copyPath, diskPath).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST' && (await isSameFile(copyPath, diskPath))) return;
    // It has only the one name already.
    if (error.code === 'ENOENT' && (await exists(diskPath))) return;
    throw error;
  });
  // Before the guest writes there it must be sure that the name outlives a power cut.
  await syncFolder(dirname(diskPath));
}

const leavingMark = (diskPath: string): string => `${diskPath}.leaving`;

/**
 * Beside the disk, before its copy elsewhere gets the guest's name: whoever sees this disk and not the other place, as on a host
 * that has not mounted it yet, knows that the guest may have gone on there. Empty, for a disk often leaves a full datastore.
 */
export async function markLeaving(diskPath: string): Promise<void> {
  const mark = await open(leavingMark(diskPath), 'w');
  await mark.close();
  await syncFolder(dirname(diskPath));
}

export async function unmarkLeaving(diskPath: string): Promise<void> {
  await rm(leavingMark(diskPath), { force: true });
}

export function isLeaving(diskPath: string): Promise<boolean> {
  return exists(leavingMark(diskPath));
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  await folder.sync().finally(() => folder.close());
}

export async function isSameFile(one: string, other: string): Promise<boolean> {
  const look = (path: string) =>
    stat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
  const [first, second] = await Promise.all([look(one), look(other)]);
  return first != null && second != null && first.ino === second.ino && first.dev === second.dev;
}

export async function requireDisk(guest: GuestSpecification): Promise<void> {
  if (await exists(guest.diskPath)) return;
  throw refuse(
    'disk-missing',
    `${guest.name}: its disk ${guest.diskPath} is not on this host; is the datastore mounted here?`,
  );
}

interface FirmwareFiles {
  readonly package: string;
  readonly code: readonly string[];
  readonly variables: readonly string[];
}

const firmwareFiles: Readonly<Record<string, FirmwareFiles>> = {
  x86_64: {
    package: 'ovmf',
    code: ['/usr/share/OVMF/OVMF_CODE_4M.fd', '/usr/share/OVMF/OVMF_CODE.fd'],
    variables: ['/usr/share/OVMF/OVMF_VARS_4M.fd', '/usr/share/OVMF/OVMF_VARS.fd'],
  },
  aarch64: {
    package: 'qemu-efi-aarch64',
    code: ['/usr/share/AAVMF/AAVMF_CODE.fd'],
    variables: ['/usr/share/AAVMF/AAVMF_VARS.fd'],
  },
};

/** So that they go where it goes. */
export function variablesBeside(diskPath: string): string {
  return `${diskPath}.uefi-variables`;
}

/** The guest's UEFI variables lie beside its disk. */
export async function ensureFirmware(guest: GuestSpecification): Promise<Firmware | null> {
  if (guest.boot.firmware !== 'uefi') return null;
  const files = firmwareFiles[guest.architecture];
  const known = files?.code.map((codePath, index) => ({ codePath, template: files.variables[index] ?? '' })) ?? [];
  for (const { codePath, template } of known) {
    if (!(await exists(codePath)) || !(await exists(template))) continue;
    const variablesPath = variablesBeside(guest.diskPath);
    if (!(await exists(variablesPath)))
      await placeWhole(variablesPath, (path) => copyFile(template, path, constants.COPYFILE_FICLONE));
    return { codePath, variablesPath };
  }
  const advice = files ? `apt-get install ${files.package}` : 'only x86_64 and aarch64 have one';
  throw refuse('vmm-unsupported', `${guest.name} boots by UEFI, and this host has no UEFI firmware; ${advice}`);
}

/** What a thin disk really takes. */
export async function allocatedBytes(path: string): Promise<number | null> {
  return stat(path).then(
    ({ blocks }) => blocks * 512,
    () => null,
  );
}
