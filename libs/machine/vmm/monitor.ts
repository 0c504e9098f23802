import { accepted, refused, type Result } from '@argosy/domain/refusal';
import { DiskWindow, sectorBytes, type Console, type NetworkPort, type PowerButton } from '../devices';
import type { Machine } from '../machine';
import { pageBytes } from '../memory';
import { Extents } from './extents';
import { VirtualMachine, type MonitorKind } from './virtual-machine';

export interface MachineRequest {
  readonly memoryBytes: number;
  readonly diskSectors?: number;
  readonly console: Console;
  readonly network?: NetworkPort | undefined;
  readonly power?: PowerButton | undefined;
}

const emptySector = new Uint8Array(sectorBytes);

interface Part {
  readonly firstPage: number;
  readonly pages: number;
  readonly firstSector: number;
  readonly sectors: number;
}

/**
 * The VMM: it is the control program of one machine, and makes machines of the same kind of its parts. This is the
 * allocator, which decides who has which memory and which sectors; the dispatcher and the interpreter routines are the
 * machines' own (`virtual-machine.ts`, `system.ts`).
 */
export class Monitor {
  private readonly pages: Extents;
  private readonly sectors: Extents;
  private readonly parts = new Map<VirtualMachine, Part>();

  constructor(
    private readonly host: Machine,
    private readonly kind: MonitorKind = 'direct',
  ) {
    if (kind === 'hybrid' && host instanceof VirtualMachine && host.isPatched)
      throw new Error('A hybrid monitor cannot be made in a patched machine: guards would stop what it interprets.');
    host.supervisor = 'outside';
    this.pages = new Extents(host.memory.size / pageBytes);
    this.sectors = new Extents(host.devices.disk?.sectors ?? 0);
  }

  get freeBytes(): number {
    return this.pages.freeCount * pageBytes;
  }

  create({ memoryBytes, diskSectors = 0, console, network, power }: MachineRequest): Result<VirtualMachine> {
    const { host } = this;
    const pages = memoryBytes / pageBytes;
    if (!Number.isInteger(pages) || pages < 1)
      return refused(
        'invalid-request',
        `Memory is given in whole pages of ${pageBytes} bytes, not ${memoryBytes} bytes.`,
      );
    if (this.pages.largestFree < pages)
      return refused(
        'not-enough-memory',
        `${memoryBytes} bytes are not free side by side: ${this.pages.largestFree * pageBytes} are.`,
      );
    if (diskSectors > 0 && this.sectors.largestFree < diskSectors)
      return refused('disk-full', `${diskSectors} sectors are not free side by side: ${this.sectors.largestFree} are.`);
    const firstPage = this.pages.take(pages)!;
    const firstSector = diskSectors > 0 ? this.sectors.take(diskSectors)! : 0;
    const disk = diskSectors > 0 ? new DiskWindow(host.devices.disk!, firstSector, diskSectors) : undefined;
    const memory = host.memory.window(firstPage * pageBytes, memoryBytes);
    // What an earlier machine left there is nobody's business.
    memory.write(0, new Uint8Array(memoryBytes));
    for (let sector = 0; sector < diskSectors; sector++) disk!.write(sector, emptySector);
    const devices = { console, disk, network, power, timeScale: host.devices.timeScale };
    const machine = new VirtualMachine({ host, memory, devices, kind: this.kind });
    this.parts.set(machine, { firstPage, pages, firstSector, sectors: diskSectors });
    return accepted(machine);
  }

  /** It must not be run again: its parts may be another's from now on. */
  remove(machine: VirtualMachine): void {
    const part = this.parts.get(machine);
    if (part === undefined) return;
    machine.release();
    this.parts.delete(machine);
    this.pages.give(part.firstPage, part.pages);
    if (part.sectors > 0) this.sectors.give(part.firstSector, part.sectors);
  }
}
