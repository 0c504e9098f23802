import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { QemuProgram } from './machine';

export interface AcceleratorVerdict {
  readonly accelerator: 'kvm' | 'tcg';
  readonly reason: string;
}

const heartbeatWithinMs = 2000;
const verdicts = new Map<string, Promise<AcceleratorVerdict>>();

/** Asked once in each process, for each program. */
export function chooseAccelerator(program: QemuProgram): Promise<AcceleratorVerdict> {
  let verdict = verdicts.get(program.binary);
  if (!verdict) {
    verdict = judgeKvm(program);
    verdicts.set(program.binary, verdict);
  }
  return verdict;
}

function translated(reason: string): AcceleratorVerdict {
  return { accelerator: 'tcg', reason: `translated by TCG, because ${reason}` };
}

/**
 * A /dev/kvm that opens proves little: under kvm_pvm, for one, it makes processors that die with their first instructions. So the
 * cheap signs first, and then a guest must really beat.
 */
async function judgeKvm(program: QemuProgram): Promise<AcceleratorVerdict> {
  const hostArchitecture = process.arch === 'x64' ? 'x86_64' : process.arch === 'arm64' ? 'aarch64' : process.arch;
  if (program.architecture !== hostArchitecture)
    return translated(`KVM on a ${hostArchitecture} processor cannot run ${program.architecture} guests`);
  if (!existsSync('/dev/kvm')) return translated('this host has no /dev/kvm');
  if (existsSync('/sys/module/kvm_pvm')) return translated('its KVM is kvm_pvm, which runs no ordinary guests');
  if (hostArchitecture === 'x86_64' && !hardwareVirtualization().found)
    return translated('the processor shows neither VT-x (vmx) nor AMD-V (svm)');
  const kernelPath = findTinyGuest();
  if (hostArchitecture !== 'x86_64' || kernelPath === undefined)
    return translated('there is no tiny guest for this processor to try KVM with');
  const beats = await tryKvm(program, kernelPath);
  if (beats) return { accelerator: 'kvm', reason: 'a guest under KVM gave its heartbeat' };
  return translated(`a guest under KVM gave no heartbeat within ${heartbeatWithinMs / 1000} s`);
}

/** Intel's VT-x is the flag vmx, AMD's AMD-V the flag svm. */
export function hardwareVirtualization(): { readonly found: boolean; readonly vmx: boolean; readonly svm: boolean } {
  const flags = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(' ') ?? [];
  const [vmx, svm] = [flags.includes('vmx'), flags.includes('svm')];
  return { found: vmx || svm, vmx, svm };
}

/** Up from the program's own folder, which is a different one when it is built. */
function findTinyGuest(): string | undefined {
  for (let folder = __dirname; folder !== dirname(folder); folder = dirname(folder)) {
    const path = join(folder, 'guests', 'tiny', 'tiny.elf');
    if (existsSync(path)) return path;
  }
  return undefined;
}

function tryKvm(program: QemuProgram, kernelPath: string): Promise<boolean> {
  const machine = ['-machine', program.machineType, '-accel', 'kvm', '-cpu', 'qemu64', '-m', 'size=32M'];
  const quiet = ['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-serial', 'stdio'];
  const child = spawn(program.binary, [...quiet, ...machine, '-kernel', kernelPath], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return new Promise((resolve) => {
    let text = '';
    const end = (beats: boolean) => {
      clearTimeout(deadline);
      child.kill('SIGKILL');
      resolve(beats);
    };
    const deadline = setTimeout(() => end(false), heartbeatWithinMs);
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (/^hb \d+ \d+/m.test(text)) end(true);
    });
    child.on('error', () => end(false));
    child.on('exit', () => end(false));
  });
}
