import { readFile } from 'node:fs/promises';
import type { GuestSpecification } from '@argosy/domain/guest-specification';
import { loadElf, parseElf } from '@argosy/machine/elf';
import { refuse } from '../refused';
import type { GuestMachine } from './guest-machine';

/** What `image create --architecture` and a host's list of architectures call the machine of libs/machine. */
export const machineArchitecture = 'argosy32';
const largestMemoryMiB = 1024;

/** Before anything is made for it. */
export function requireRunnable({ name, architecture, vcpus, memoryMiB, boot }: GuestSpecification): void {
  const problem =
    architecture !== machineArchitecture
      ? `it is for ${architecture}, and the embedded VMM runs ${machineArchitecture}`
      : vcpus !== 1
        ? `it has ${vcpus} processors, and the embedded machine has one`
        : memoryMiB > largestMemoryMiB
          ? `it has ${memoryMiB} MiB, and the embedded machine at most ${largestMemoryMiB}`
          : boot.kernelPath === null
            ? 'its image has no kernel: give one, an ELF program of 32 bits for RISC-V'
            : boot.firmware !== 'none'
              ? `it boots by ${boot.firmware}, and the embedded machine has no firmware: --firmware none`
              : null;
  if (problem !== null) throw refuse('vmm-unsupported', `${name} cannot run here: ${problem}`);
}

export async function bootProgram(machine: GuestMachine, { name, boot }: GuestSpecification): Promise<void> {
  const path = boot.kernelPath!;
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw refuse(
      'image-missing',
      `${name}: its kernel ${path} cannot be read here (${error.code}); is the datastore mounted?`,
    );
  });
  const program = parseElf(bytes);
  if (!program.ok) throw refuse(program.refusal.code, `${name}: ${path}: ${program.refusal.message}`);
  const loaded = loadElf(machine.memory, program.value);
  if (!loaded.ok) throw refuse(loaded.refusal.code, `${name}: ${path}: ${loaded.refusal.message}`);
  machine.boot(program.value.entry);
}
