import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { Capability, DriverCapabilities } from '@argosy/domain/entities';
import { chooseAccelerator, hardwareVirtualization } from './accelerator';
import { architectures, qemuProgram } from './machine';
import type { ProcessorLimits } from './processor-limits';

/** What `argosy host capabilities` shows of this driver, found out on this very host. */
export async function qemuCapabilities(
  options: { readonly binary?: string },
  limits: ProcessorLimits,
): Promise<DriverCapabilities> {
  const program = await qemuProgram('x86_64', options.binary);
  const verdict = await chooseAccelerator(program);
  const foreign = await installedArchitectures();
  return {
    driver: 'qemu',
    version: program.version,
    accelerator: verdict.accelerator,
    acceleratorReason: verdict.reason,
    // Both sides of a migration must have the same boot ROM: it is a part of the machine.
    machineType: program.quickRom === null ? program.machineType : `${program.machineType} with ${program.quickRom}`,
    cpuModel: 'qemu64',
    guestArchitectures: foreign.map(({ architecture }) => architecture),
    liveMigration: true,
    postCopy: mayFaultInUserSpace(),
    facts: [
      ...placeFacts(),
      ...hardwareFacts(verdict.accelerator, verdict.reason),
      {
        name: 'foreign instruction sets',
        value:
          foreign
            .filter(({ architecture }) => architecture !== 'x86_64')
            .map(({ architecture }) => architecture)
            .join(', ') || 'none',
        reason: foreign.map(({ binary, version }) => `${binary} ${version}`).join(', '),
      },
      ...resourceFacts(limits),
    ],
  };
}

async function installedArchitectures() {
  const asked = await Promise.all(Object.keys(architectures).map((name) => qemuProgram(name).catch(() => null)));
  return asked.filter((program) => program !== null);
}

function placeFacts(): Capability[] {
  return [
    {
      name: 'runs on',
      value: 'a host operating system (Linux)',
      reason: 'each guest is a process of QEMU: a hosted VMM, type 2 in Goldberg’s terms',
    },
    {
      name: 'needs an operating system',
      value: 'yes',
      reason: 'the host’s kernel schedules the guests’ processors and holds their memory, disks and connections',
    },
    {
      name: 'guests',
      value: 'unmodified operating systems and freestanding programs',
      reason: 'a whole PC (or arm64 virt machine) with BIOS or UEFI, or a kernel started directly',
    },
  ];
}

function hardwareFacts(accelerator: string, reason: string): Capability[] {
  const { vmx, svm } = hardwareVirtualization();
  const shown = (flag: boolean, name: string) => (flag ? `/proc/cpuinfo shows ${name}` : `no ${name} in /proc/cpuinfo`);
  const groups = existsSync('/sys/kernel/iommu_groups') ? readdirSync('/sys/kernel/iommu_groups').length : 0;
  return [
    { name: 'VT-x', value: vmx ? 'yes' : 'no', reason: shown(vmx, 'vmx') },
    { name: 'AMD-V', value: svm ? 'yes' : 'no', reason: shown(svm, 'svm') },
    { name: 'KVM', value: accelerator === 'kvm' ? 'usable' : 'not used', reason },
    {
      name: 'IOMMU',
      value: groups > 0 ? 'yes' : 'no',
      reason:
        groups > 0
          ? `${groups} groups in /sys/kernel/iommu_groups`
          : 'no groups in /sys/kernel/iommu_groups: no devices can be given to guests',
    },
    nesting(accelerator),
  ];
}

function nesting(accelerator: string): Capability {
  if (accelerator !== 'kvm')
    return {
      name: 'nesting',
      value: 'translated',
      reason: 'a guest can run QEMU itself, translated twice; it sees no VT-x or AMD-V',
    };
  const isOn = ['kvm_intel', 'kvm_amd'].some((name) => /^[Y1]/.test(read(`/sys/module/${name}/parameters/nested`)));
  return { name: 'nesting', value: isOn ? 'yes' : 'no', reason: 'the parameter `nested` of kvm_intel or kvm_amd' };
}

function resourceFacts(limits: ProcessorLimits): Capability[] {
  return [
    { name: 'sharing and limits', value: limits.mechanism, reason: limits.reason },
    {
      name: 'memory',
      value: 'taken as it is touched',
      reason: 'a guest’s memory is its process’ own; the host’s kernel gives a page at its first use',
    },
    {
      name: 'management',
      value: 'Argosy’s agent, by QMP',
      reason: 'over a unix socket for each guest, in a folder that only the agent’s user may read',
    },
  ];
}

/** Post-copy fetches pages on demand by userfaultfd, from kernel mode as well. */
function mayFaultInUserSpace(): boolean {
  if (process.getuid?.() === 0) return true;
  return read('/proc/sys/vm/unprivileged_userfaultfd').trim() === '1';
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
