import type { GuestSpecification } from '@argosy/domain/guest-specification';
import type { GuestNetwork } from '@argosy/domain/network';
import { formatAddress } from '@argosy/domain/network';
import type { GuestPlug } from '../guest-link';

/** The names of the files in an instance's folder, which is QEMU's working folder. */
export const instanceFiles = {
  qmp: 'qmp',
  serial: 'serial',
  screen: 'screen',
  console: 'console.log',
  log: 'vmm.log',
  pid: 'pid',
} as const;

/** What the host's QEMU is and can do; the guest's half of the command line comes from its specification. */
export interface MachineChoice {
  readonly machineType: string;
  readonly accelerator: 'kvm' | 'tcg';
  readonly cpuModel: string;
  /** The name of a boot ROM for programs that ask nothing of a BIOS, or null: QEMU's own. */
  readonly quickRom: string | null;
}

export interface Firmware {
  readonly codePath: string;
  readonly variablesPath: string;
}

export interface CommandLinePlan {
  readonly guest: GuestSpecification;
  readonly machine: MachineChoice;
  readonly incoming: boolean;
  readonly firmware: Firmware | null;
  readonly seedPath: string | null;
  readonly plug: GuestPlug;
  /** Its disk as long as it is on its way here; without it, the guest's own. */
  readonly diskPath?: string;
}

/** In QEMU's `key=value,key=value` options a comma inside a value is written twice. */
export function optionValue(value: string): string {
  return value.replaceAll(',', ',,');
}

/**
 * A kernel with no initrd is a freestanding program, such as guests/tiny: it speaks to the IDE disk, which needs no driver
 * to speak of. All else is an operating system with virtio drivers (of Linux since 2008).
 */
export function diskBus(guest: GuestSpecification): 'ide' | 'virtio' {
  return isFreestanding(guest) ? 'ide' : 'virtio';
}

function isFreestanding({ boot, architecture }: GuestSpecification): boolean {
  return boot.format === 'kernel' && boot.initrdPath === null && architecture === 'x86_64';
}

/** The cache of translated code: for a small guest most of its VMM's memory, for a large one most of its speed. */
export function translationCacheMiB(memoryMiB: number): number {
  if (memoryMiB <= 32) return 8;
  if (memoryMiB <= 128) return 16;
  return memoryMiB <= 512 ? 32 : 128;
}

/**
 * A little less than was asked, and never a multiple of 256 KiB. QEMU before 9.0 loses writes in a live migration under TCG: for
 * memory of such a size it looks for dirty pages in a faster way, which forgets to tell the translated code to mark the next
 * write again ("physmem: Fix migration dirty bitmap coherency with TCG memory access"). With three passes or more, pages
 * arrived old; at this size none did. QEMU rounds to 8 KiB, and both sides of a migration must agree, so it is done always.
 */
export function memoryKiB(memoryMiB: number): number {
  return memoryMiB * 1024 - 8;
}

/** An argument list, never a shell's command line. Block devices are JSON, so a path may hold any character. */
export function qemuArguments(plan: CommandLinePlan): string[] {
  const { guest, machine, incoming } = plan;
  return [
    ...['-nodefaults', '-no-user-config', '-display', 'none'],
    ...['-name', `guest=${optionValue(guest.name)},debug-threads=on`],
    ...(isUuid(guest.guestId) ? ['-uuid', guest.guestId] : []),
    ...[
      '-machine',
      `${machine.machineType},suppress-vmdesc=on`,
      '-cpu',
      machine.cpuModel,
      ...acceleratorArguments(plan),
    ],
    ...['-smp', `cpus=${guest.vcpus}`, '-m', `size=${memoryKiB(guest.memoryMiB)}K`],
    // Always stopped at first: a source until its console is connected, a target until it is granted the run.
    ...['-S', ...(incoming ? ['-incoming', 'defer'] : [])],
    // A guest that has powered off or panicked stays as a stopped process until its driver has seen it, so that an agent
    // which was away can still tell an orderly end from a crash.
    ...['-action', `shutdown=pause,panic=pause,reboot=${guest.boot.format === 'kernel' ? 'shutdown' : 'reset'}`],
    ...['-pidfile', instanceFiles.pid],
    ...['-chardev', `socket,id=qmp,path=${instanceFiles.qmp},server=on,wait=off`, '-mon', 'chardev=qmp,mode=control'],
    ...[
      '-chardev',
      `socket,id=console,path=${instanceFiles.serial},server=on,wait=off,logfile=${instanceFiles.console},logappend=on`,
    ],
    ...['-serial', 'chardev:console'],
    ...['-device', guest.architecture === 'x86_64' ? 'pvpanic' : 'pvpanic-pci'],
    ...bootArguments(plan),
    ...diskArguments(plan),
    ...seedArguments(plan.seedPath),
    ...networkArguments(guest.network, plan.plug),
    ...displayArguments(guest),
  ];
}

function acceleratorArguments({ machine, guest }: CommandLinePlan): string[] {
  if (machine.accelerator === 'kvm') return ['-accel', 'kvm'];
  return ['-accel', `tcg,tb-size=${translationCacheMiB(guest.memoryMiB)}`];
}

function bootArguments({ guest, firmware, machine }: CommandLinePlan): string[] {
  const { kernelPath, initrdPath } = guest.boot;
  const kernelArguments = withAddress(guest);
  const kernel = [
    // Half of the time from start to first heartbeat of a freestanding guest is the BIOS of a whole PC (measured: 100 to 55 ms).
    ...(machine.quickRom !== null && isFreestanding(guest) && !hasScreen(guest) ? ['-bios', machine.quickRom] : []),
    ...(kernelPath !== null ? ['-kernel', kernelPath] : []),
    ...(initrdPath !== null ? ['-initrd', initrdPath] : []),
    ...(kernelPath !== null && kernelArguments !== null ? ['-append', kernelArguments] : []),
  ];
  if (!firmware) return kernel;
  return [
    ...kernel,
    ...['-blockdev', JSON.stringify(flashNode('firmware', firmware.codePath, true))],
    ...['-blockdev', JSON.stringify(flashNode(firmwareVariablesNode, firmware.variablesPath))],
    ...['-machine', `pflash0=firmware,pflash1=${firmwareVariablesNode}`],
  ];
}

export const firmwareVariablesNode = 'firmware-variables';

export function flashNode(name: string, filename: string, isReadOnly = false): Readonly<Record<string, unknown>> {
  return { driver: 'raw', 'node-name': name, 'read-only': isReadOnly, file: { driver: 'file', filename } };
}

export interface DiskNode extends Readonly<Record<string, unknown>> {
  readonly driver: string;
  readonly 'node-name': string;
  readonly discard: string;
  readonly file: Readonly<Record<string, unknown>>;
}

/** locking=on rather than auto: the lock is what keeps a guest from running twice, so a file system without one is refused. */
export function diskNode(name: string, filename: string): DiskNode {
  return { driver: 'qcow2', 'node-name': name, discard: 'unmap', file: { driver: 'file', filename, locking: 'on' } };
}

/**
 * A write that the storage does not take stops the guest at it, and is tried again when the guest goes on. QEMU by itself does
 * that for a full file system alone; a quota, or storage that fails for a while, would give the guest's file system errors.
 */
const onError = 'werror=stop,rerror=report';

function diskArguments({ guest, diskPath }: CommandLinePlan): string[] {
  const node = diskNode('disk', diskPath ?? guest.diskPath);
  // Without a place QEMU puts the disk on the second channel, where a small program does not look.
  const device = diskBus(guest) === 'ide' ? 'ide-hd,bus=ide.0,unit=0' : 'virtio-blk-pci';
  const order = guest.boot.kernelPath === null ? ',bootindex=0' : '';
  return ['-blockdev', JSON.stringify(node), '-device', `${device},id=disk0,drive=disk,${onError}${order}`];
}

function seedArguments(seedPath: string | null): string[] {
  if (seedPath === null) return [];
  const node = { driver: 'raw', 'node-name': 'seed', 'read-only': true, file: { driver: 'file', filename: seedPath } };
  return ['-blockdev', JSON.stringify(node), '-device', 'virtio-blk-pci,id=seed0,drive=seed'];
}

export function hasScreen({ display }: GuestSpecification): boolean {
  return display === 'standard';
}

/**
 * What every firmware draws on, and a keyboard and a pointer that says where it is rather than how far it went, so that it
 * is where the browser's is. Last, so that the cards before it keep their places. Whoever reaches the socket sees and
 * types: it lies in the instance's folder, which is the agent's alone. One more who looks shuts nobody out.
 */
function displayArguments(guest: GuestSpecification): string[] {
  if (!hasScreen(guest)) return [];
  const isPc = guest.architecture === 'x86_64';
  return [
    ...['-vnc', `unix:${instanceFiles.screen},share=force-shared`],
    ...['-device', isPc ? 'VGA,id=video0' : 'virtio-gpu-pci,id=video0'],
    ...['-device', 'qemu-xhci,id=usb0', '-device', 'usb-tablet,id=pointer0'],
    ...(isPc ? [] : ['-device', 'usb-kbd,id=keyboard0']),
  ];
}

/** The card is the same on every host; only the cable is each host's own, and so no part of what migrates. */
function networkArguments({ macAddress }: GuestNetwork, plug: GuestPlug): string[] {
  // No boot from the network, and so no program for it in the card. After a migration the VMM tells the switches; that the guest does
  // so too would keep it from its work just when what waits in the card is to be answered (decision 0039).
  return [
    '-netdev',
    `${cableOf(plug)},id=net0`,
    '-device',
    `virtio-net-pci,id=card0,netdev=net0,mac=${macAddress},guest_announce=off,romfile=`,
  ];
}

function cableOf(plug: GuestPlug): string {
  switch (plug.kind) {
    case 'tap':
      return `tap,ifname=${plug.name},script=no,downscript=no`;
    case 'stream':
      return `stream,server=off,addr.type=unix,addr.path=${optionValue(plug.path)}`;
    case 'none':
      return 'hubport,hubid=0';
  }
}

/**
 * An operating system that is booted by its kernel is told its address as Linux has it ("ip=" in its nfsroot documentation:
 * client, server, gateway, mask, name, device, no configuration by other means), unless its image says something itself.
 */
function withAddress(guest: GuestSpecification): string | null {
  const { kernelArguments } = guest.boot;
  if (guest.boot.kernelPath === null || isFreestanding(guest) || /(^| )ip=/.test(kernelArguments ?? ''))
    return kernelArguments;
  const { address, prefixLength, gateway } = guest.network;
  const mask = formatAddress(2 ** 32 - 2 ** (32 - prefixLength));
  const hostName = guest.name.replaceAll(/[^\w.-]/g, '-');
  const told = `ip=${address}::${gateway ?? ''}:${mask}:${hostName}:eth0:off`;
  return kernelArguments === null ? told : `${kernelArguments} ${told}`;
}

function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}
