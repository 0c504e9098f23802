import type { DriverCapabilities } from '@argosy/domain/entities';
import { machineArchitecture } from './programs';
import { runnerProtocol } from './runner-protocol';

/** What `argosy host capabilities` shows of this driver. */
export function embeddedCapabilities(processes: number): DriverCapabilities {
  return {
    driver: 'embedded',
    version: String(runnerProtocol),
    accelerator: 'translator',
    acceleratorReason:
      'hot code of a guest is translated to WebAssembly, and the rest interpreted: it needs nothing of the processor and nothing installed',
    machineType: machineArchitecture,
    cpuModel: 'rv32im, virtualizable',
    guestArchitectures: [machineArchitecture],
    liveMigration: true,
    postCopy: true,
    facts: [
      {
        name: 'runs on',
        value: 'a host operating system (Linux)',
        reason: 'guests are machines in processes of Node: a hosted VMM, type 2 in Goldberg’s terms',
      },
      { name: 'needs an operating system', value: 'yes', reason: 'for files, connections and the processor’s time' },
      {
        name: 'guests',
        value: 'programs for the Popek–Goldberg machine',
        reason: 'a static ELF of 32 bits for RISC-V (rv32im), with up to 1 GiB and one processor; no firmware',
      },
      {
        name: 'VT-x, AMD-V, IOMMU',
        value: 'not used',
        reason: 'a guest’s instructions are the engine’s, and none is the processor’s own',
      },
      {
        name: 'nesting',
        value: 'yes',
        reason: 'the machine is virtualizable (theorem 1) and so are its machines (theorem 2)',
      },
      {
        name: 'sharing and limits',
        value: 'by its own scheduler',
        reason: `slices of a millisecond by shares, limits and the host’s own; ${processes} process${processes === 1 ? '' : 'es'} for the guests`,
      },
      {
        name: 'memory',
        value: 'taken as it is touched',
        reason: 'a page of a guest’s takes room when it is first written to',
      },
      {
        name: 'network',
        value: 'one card',
        reason: 'on the host’s bridge by a tap, or on a switch that speaks as QEMU’s stream does',
      },
      {
        name: 'management',
        value: 'Argosy’s agent, by a unix socket',
        reason: 'in a folder that only the agent’s user may read',
      },
    ],
  };
}
