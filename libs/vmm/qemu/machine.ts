import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { refuse } from '../refused';

const run = promisify(execFile);
const queryDeadlineMs = 10_000;

/** One installed QEMU program: what `-version` and `-machine help` say of it. */
export interface QemuProgram {
  readonly binary: string;
  readonly architecture: string;
  readonly version: string;
  /** With its version: unversioned names mean another machine in each QEMU, and those do not migrate to each other. */
  readonly machineType: string;
  /** qboot, where this QEMU has it: a boot ROM for programs that ask nothing of a BIOS. */
  readonly quickRom: string | null;
}

/** Debian's package of each, and its family of machines; the preferred type is the one that most QEMUs of today offer. */
export const architectures: Readonly<
  Record<
    string,
    { readonly binary: string; readonly package: string; readonly family: string; readonly preferred: string }
  >
> = {
  x86_64: { binary: 'qemu-system-x86_64', package: 'qemu-system-x86', family: 'pc-i440fx', preferred: 'pc-i440fx-7.2' },
  aarch64: { binary: 'qemu-system-aarch64', package: 'qemu-system-arm', family: 'virt', preferred: 'virt-7.2' },
};

const programs = new Map<string, Promise<QemuProgram>>();

/** Asked once in each process: a program does not change under it. */
export function qemuProgram(architecture: string, binary?: string): Promise<QemuProgram> {
  const key = `${architecture} ${binary ?? ''}`;
  let program = programs.get(key);
  if (!program) {
    program = inspect(architecture, binary);
    programs.set(key, program);
    // A failure is not kept: the package may be installed meanwhile.
    program.catch(() => programs.delete(key));
  }
  return program;
}

async function inspect(architecture: string, chosen?: string): Promise<QemuProgram> {
  const known = architectures[architecture];
  if (!known)
    throw refuse(
      'vmm-unsupported',
      `no QEMU here runs ${architecture} guests; ${Object.keys(architectures).join(' and ')} can be`,
    );
  const binary = chosen ?? known.binary;
  const ask = async (...parameters: string[]) => (await run(binary, parameters, { timeout: queryDeadlineMs })).stdout;
  try {
    const [version, machines, folders] = await Promise.all([
      ask('-version'),
      ask('-machine', 'help'),
      ask('-L', 'help'),
    ]);
    const machineType = newestMachine(machines, known);
    if (!machineType) throw refuse('vmm-unsupported', `${binary} offers no ${known.family} machine`);
    const quickRom = architecture === 'x86_64' && hasFile(folders, qboot) ? qboot : null;
    return { binary, architecture, version: /version (\S+)/.exec(version)?.[1] ?? 'unknown', machineType, quickRom };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw refuse('vmm-unsupported', `${binary} is not installed; apt-get install ${known.package}`);
  }
}

const qboot = 'qboot.rom';

/** QEMU names the folders in which it looks for its own files, a line each. */
function hasFile(folders: string, name: string): boolean {
  return folders.split('\n').some((folder) => folder !== '' && existsSync(join(folder, name)));
}

function newestMachine(
  help: string,
  known: { readonly family: string; readonly preferred: string },
): string | undefined {
  const names = help.split('\n').map((line) => line.split(' ')[0] ?? '');
  if (names.includes(known.preferred)) return known.preferred;
  const versioned = names.filter((name) => new RegExp(`^${known.family}-\\d+\\.\\d+$`).test(name));
  return versioned.sort((one, other) => versionNumber(other) - versionNumber(one))[0];
}

function versionNumber(machineType: string): number {
  const [major, minor] = (machineType.split('-').pop() ?? '').split('.').map(Number);
  return (major ?? 0) * 1000 + (minor ?? 0);
}
