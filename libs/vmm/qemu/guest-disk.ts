import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { GuestSpecification } from '@argosy/domain/guest-specification';
import { mebibyte } from '@argosy/domain/units';
import type { Firmware } from './command-line';
import { exists, placeWhole } from '../disk-files';
import { imageFormat } from '../image-files';
import { refuse } from '../refused';

const run = promisify(execFile);
const imageToolDeadlineMs = 10_000;
/** For a disk of many GiB on a slow datastore. */
export const copyDeadlineMs = 6 * 3_600_000;

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

export async function makeDisk(guest: GuestSpecification, path: string, backing: string | null): Promise<void> {
  const wantedBytes = guest.diskMiB * mebibyte;
  if (backing === null) {
    await imageTool(['create', '-q', '-f', 'qcow2', path, String(wantedBytes)]);
    return;
  }
  const format = await imageFormat(guest, backing);
  const info = JSON.parse(await imageTool(['info', '--output=json', '-f', format, backing])) as Record<string, number>;
  const bytes = Math.max(wantedBytes, info['virtual-size'] ?? 0);
  await imageTool(['create', '-q', '-f', 'qcow2', '-b', backing, '-F', format, path, String(bytes)]);
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
