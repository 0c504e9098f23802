import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GuestSpecification } from '@argosy/domain/guest-specification';
import type { VmmInstance } from '@argosy/control/ports/vmm-driver';
import { ConsoleLog } from '../console-log';
import type { SavePlan } from './memory-save';
import { instanceFiles } from './command-line';
import { bootId, isRunning, nameProcess, workingFolder } from '../process-table';
import type { ProcessName } from '../process-table';

/** The disk of a running guest on its way to another datastore. */
export interface Relocation {
  readonly copyPath: string;
  readonly newDiskPath: string;
  /** The node that the guest's device has when the disk has moved. */
  readonly node: string;
  /** The same of the flash with the variables of its UEFI; none: it has none, or an earlier release wrote this. */
  readonly variablesNode?: string | null;
  /** It stands still for the pivot, and ran before. */
  readonly standsStill: boolean;
}

/** What outlives the agent's process, beside the VMM's own files: enough to find the VMM again and to know its guest. */
export interface InstanceRecord {
  readonly guest: GuestSpecification;
  readonly epoch: number;
  readonly bootId: string;
  /** null: written before the VMM was started. */
  readonly process: ProcessName | null;
  /** Opened for a migration and not yet granted its run. */
  readonly incoming: boolean;
  /** Opened with a copy of its disk, which is not the guest's disk before it is granted its run; null: with the disk itself. */
  readonly copyPath: string | null;
  /** The node that its device has, if not the one that it was started with. */
  readonly diskNode?: string;
  /** The same of its flash. */
  readonly variablesNode?: string;
  /** Its disk is on its way to another datastore; an agent that finds this began it and died. */
  readonly relocating: Relocation | null;
  /** It is being sent with its disk. */
  readonly sendsDisk: boolean;
  /** Its memory is being written to a file; an agent that finds this began it and died. */
  readonly saving: (SavePlan & { readonly wasRunning: boolean }) | null;
  /** How it ended, once that was seen. */
  readonly ended: 'stopped' | 'crashed' | null;
  readonly cpuShares: number;
  readonly cpuLimitMillicores: number | null;
}

/** The folder of one instance: QEMU's working folder, its sockets, pid, log and console, and our record. */
export class InstanceFolder {
  readonly path: string;

  constructor(root: string, instance: VmmInstance) {
    this.path = join(root, `${encodeURIComponent(instance.guestId)}.${instance.epoch}`);
  }

  /** Those under the root, whatever became of their VMMs. */
  static all(root: string): { readonly folder: InstanceFolder; readonly record: InstanceRecord }[] {
    return readdirSync(root).flatMap((name) => {
      const record = readRecord(join(root, name));
      return record
        ? [{ folder: new InstanceFolder(root, { guestId: record.guest.guestId, epoch: record.epoch }), record }]
        : [];
    });
  }

  make(): void {
    rmSync(this.path, { recursive: true, force: true });
    mkdirSync(this.path, { recursive: true, mode: 0o700 });
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  /** Whole or not at all, for the agent may die at any time. */
  write(record: InstanceRecord): void {
    const path = join(this.path, 'instance.json');
    writeFileSync(`${path}.new`, JSON.stringify(record));
    renameSync(`${path}.new`, path);
  }

  /** The VMM's process, if that very process runs: same boot, same start time, same working folder. */
  findProcess(record: InstanceRecord): ProcessName | undefined {
    if (record.bootId !== bootId()) return undefined;
    const process = record.process ?? this.processOfPidFile();
    if (!process || !isRunning(process) || workingFolder(process.pid) !== this.path) return undefined;
    return process;
  }

  /** QEMU writes the file itself: it finds a VMM whose agent died in the instant between the start and our record of it. */
  private processOfPidFile(): ProcessName | undefined {
    const pid = Number(this.read(instanceFiles.pid).trim());
    return pid > 0 ? nameProcess(pid) : undefined;
  }

  /** What QEMU wrote on its standard error. */
  log(): string {
    return this.read(instanceFiles.log);
  }

  private read(name: string): string {
    try {
      return readFileSync(join(this.path, name), 'utf8');
    } catch {
      return '';
    }
  }

  get console(): ConsoleLog {
    return new ConsoleLog(join(this.path, instanceFiles.console));
  }
}

function readRecord(path: string): InstanceRecord | undefined {
  try {
    return JSON.parse(readFileSync(join(path, 'instance.json'), 'utf8')) as InstanceRecord;
  } catch {
    return undefined;
  }
}

/** sockaddr_un holds 108 bytes, with the 0 at the end. */
const longestSocketPath = 107;

export function socketPathFits(path: string): boolean {
  return Buffer.byteLength(path) <= longestSocketPath;
}
