import { BareMachine } from '../bare-machine';
import { MemoryDisk, sectorBytes, type Console, type Devices, type NetworkPort } from '../devices';
import type { EngineChoice } from '../engine';
import type { Machine } from '../machine';
import { pageBytes } from '../memory';
import type { Variant } from '../variants';
import { Monitor } from './monitor';
import type { MonitorKind, VirtualMachine } from './virtual-machine';

/** Of every monitor of a chain, or of each, from the lowest on. */
export type ChainKind = MonitorKind | readonly MonitorKind[];

export interface ChainOptions {
  readonly variant: Variant;
  /** 0: the bare machine. 1: a machine that a VMM made of it. 2: one of that one, and so on. */
  readonly depth: number;
  readonly memoryBytes: number;
  readonly console: Console;
  readonly diskSectors?: number;
  readonly network?: NetworkPort | undefined;
  readonly kind?: ChainKind;
  /** Of the bare machine; the others run on the one below. */
  readonly engine?: EngineChoice;
}

/** A machine at a depth, with the bare one first and it last. What each VMM keeps for itself is a page below its machine's. */
export function chainOfMachines(options: ChainOptions): { readonly top: Machine; readonly chain: readonly Machine[] } {
  const { depth, memoryBytes, console, diskSectors = 0, network, variant, kind = 'direct', engine } = options;
  const bytesAt = (level: number) => memoryBytes + (depth - level) * pageBytes;
  const sectorsAt = (level: number) => (diskSectors === 0 ? 0 : diskSectors + (depth - level));
  const disk = diskSectors === 0 ? undefined : new MemoryDisk(new Uint8Array(sectorsAt(0) * sectorBytes));
  const devices: Devices = { console, disk, network };
  const chain: Machine[] = [new BareMachine(variant, bytesAt(0), devices, engine)];
  for (let level = 1; level <= depth; level++) {
    const monitor = new Monitor(chain.at(-1)!, typeof kind === 'string' ? kind : kind[level - 1]);
    chain.push(machineOf(monitor, bytesAt(level), sectorsAt(level), { console, network }));
  }
  return { top: chain.at(-1)!, chain };
}

/** Something of each kind is taken first, so that the machine's parts do not lie where the bare machine's do. */
function machineOf(
  monitor: Monitor,
  memoryBytes: number,
  diskSectors: number,
  { console, network }: Devices,
): VirtualMachine {
  const own = monitor.create({ memoryBytes: pageBytes, diskSectors: diskSectors === 0 ? 0 : 1, console });
  const made = monitor.create({ memoryBytes, diskSectors, console, network });
  if (!own.ok || !made.ok) throw new Error('A chain has room for what it makes.');
  return made.value;
}
