import type { Guest, Host, MachineKind } from '@argosy/domain/entities';

/** What a memory that is kept there is of. */
export function machineOf(host: Host | undefined): MachineKind | null {
  const { capabilities = null } = host ?? {};
  if (capabilities === null) return null;
  const { driver, accelerator, machineType, cpuModel } = capabilities;
  return { driver, accelerator, machineType, cpuModel };
}

/** It boots, when it is started. */
export const withoutMemory: Pick<Guest, 'memoryPath' | 'memoryMachine'> = { memoryPath: null, memoryMachine: null };
