import type { EndedCopy } from '@argosy/domain/host-report';
import { accepted, refused } from '@argosy/domain/refusal';
import type { RefusalCode, Result } from '@argosy/domain/refusal';
import type { GuestMemory } from './model-guest';
import type { Instant } from '@argosy/domain/units';

/** A guest's disk. `holder` is the process that has QEMU's image lock on it: any object that stands for one. */
export interface ModelDisk {
  readonly path: string;
  readonly sizeMiB: number;
  holder: object | null;
  /** What is on it: how often a guest booted from it, and the version of its data with the pattern it was filled by. */
  bootCount: number;
  dataVersion: number;
  dataSectors: number;
  dataSeed: number;
  readonly snapshots: Map<string, DiskContent>;
  /** Frozen disks that this one is an overlay of: without any of them it is lost. */
  basePaths: readonly string[];
  /** How often another guest had booted from what this one was made of. */
  readonly inheritedBoots: number;
  /** What every write goes to as well. */
  mirror: ModelDisk | null;
}

export type DiskContent = Pick<ModelDisk, 'bootCount' | 'dataVersion' | 'dataSectors' | 'dataSeed'>;

export function contentOf({ bootCount, dataVersion, dataSectors, dataSeed }: ModelDisk): DiskContent {
  return { bootCount, dataVersion, dataSectors, dataSeed };
}

export interface ModelLease {
  readonly incarnation: number;
  readonly armed: boolean;
  readonly leaseMs: number;
  readonly sequence: number;
  readonly renewedAt: Instant;
}

/** The datastore that every host reaches: disks with locks, and the hosts' heartbeats, which are the second channel. */
export class ModelDatastore {
  readonly disks = new Map<string, ModelDisk>();
  /** By holder: a process that ends lets go of its own, and does not go through those of a whole fleet. */
  private readonly held = new WeakMap<object, Set<ModelDisk>>();
  /** Paths of images that cannot be used, and how a start from them is refused. */
  readonly brokenImages = new Map<string, RefusalCode>();
  readonly heartbeats = new Map<string, Instant>();
  /** What the hosts' watchdogs write there, by host. */
  readonly leases = new Map<string, ModelLease>();
  /** What isolated hosts say has ended on them, by host. */
  readonly ended = new Map<string, readonly EndedCopy[]>();
  /** When a host last looked at how full a datastore is, by `host:path`. */
  readonly looks = new Map<string, Instant>();
  /** Hosts that cannot reach it. */
  readonly unreachable = new Set<string>();
  /** Folders that one machine alone reaches, and its name. */
  readonly owners = new Map<string, string>();
  /** Folders that a machine alone reaches and has not mounted: what lies there it takes for missing. */
  readonly unmounted = new Set<string>();
  /** Disks with a mark beside them: their guests may have gone on from a copy elsewhere. */
  readonly leaving = new Set<string>();
  /** A fault: what guests write finds no room. */
  full = false;
  /** Where folders are real ones: their figures in place of the model's. */
  measure: ((path: string) => Result<{ readonly totalBytes: number; readonly freeBytes: number }>) | null = null;
  /** Where folders are real ones: whether there are real files in one, which are nobody's here. */
  isReal: (folder: string) => boolean = () => false;
  totalMiB = 1024 * 1024;
  freeMiB = 1024 * 1024;

  /** Opens a guest's disk, and makes it at the first start. It is not locked by that. */
  open(path: string, sizeMiB: number): Result<ModelDisk> {
    const known = this.disks.get(path);
    if (!known) return this.make(path, sizeMiB);
    const missing = this.missingBase(known);
    return missing === undefined
      ? accepted(known)
      : refused('image-missing', `${path} lies on ${missing}, which is gone`);
  }

  missingBase({ basePaths }: ModelDisk): string | undefined {
    return basePaths.find((path) => !this.disks.has(path));
  }

  make(path: string, sizeMiB: number, from?: DiskContent, basePaths: readonly string[] = []): Result<ModelDisk> {
    if (this.full || sizeMiB > this.freeMiB)
      return refused(
        'disk-full',
        `the datastore has ${this.full ? 0 : this.freeMiB} MiB left and ${path} needs ${sizeMiB} MiB`,
      );
    this.freeMiB -= sizeMiB;
    const disk = {
      path,
      sizeMiB,
      holder: null,
      bootCount: 0,
      dataVersion: 0,
      dataSectors: 0,
      dataSeed: 0,
      ...from,
      snapshots: new Map(),
      basePaths,
      inheritedBoots: from?.bootCount ?? 0,
      mirror: null,
    };
    this.disks.set(path, disk);
    return accepted(disk);
  }

  /** Memories of suspended guests and of snapshots, by the path of their file. */
  readonly memories = new Map<string, GuestMemory>();

  reaches(machineName: string, path: string): boolean {
    for (const [folder, owner] of this.owners)
      if (path.startsWith(`${folder}/`)) return owner === machineName && !this.unmounted.has(folder);
    return true;
  }

  sees(machineName: string, path: string): boolean {
    return this.disks.has(path) && this.reaches(machineName, path);
  }

  /** Another name for the same disk. */
  link(path: string, newPath: string): Result<null> {
    const disk = this.disks.get(path);
    if (!disk) return refused('image-missing', `there is no disk ${path}`);
    const there = this.disks.get(newPath);
    if (there && there !== disk) return refused('in-use', `${newPath} is another disk`);
    this.disks.set(newPath, disk);
    return accepted(null);
  }

  /** The same when the first name is gone already. */
  take(path: string, newPath: string): Result<null> {
    return !this.disks.has(path) && this.disks.has(newPath) ? accepted(null) : this.link(path, newPath);
  }

  isSame(path: string, other: string): boolean {
    return this.disks.has(path) && this.disks.get(path) === this.disks.get(other);
  }

  /** Everything below the folder. */
  remove(folder: string): Result<null> {
    const paths = [...this.disks.keys()].filter((path) => path.startsWith(`${folder}/`));
    if (paths.some((path) => this.disks.get(path)!.holder !== null))
      return refused('image-locked', `a process holds a disk below ${folder}`);
    for (const path of paths) this.delete(path);
    return accepted(null);
  }

  delete(path: string): void {
    const disk = this.disks.get(path);
    this.disks.delete(path);
    this.leaving.delete(path);
    if (disk && ![...this.disks.values()].includes(disk)) this.freeMiB += disk.sizeMiB;
  }

  /** A copy that is kept the same from here on. */
  mirrorTo(disk: ModelDisk, copy: ModelDisk): void {
    Object.assign(copy, contentOf(disk), { inheritedBoots: disk.inheritedBoots });
    disk.mirror = copy;
  }

  /** What a guest has written is at the copy of its disk too. */
  written(disk: ModelDisk): void {
    if (disk.mirror) Object.assign(disk.mirror, contentOf(disk));
  }

  lock(disk: ModelDisk, holder: object): Result<null> {
    if (disk.holder !== null && disk.holder !== holder)
      return refused('image-locked', `another process holds the lock of ${disk.path}`);
    disk.holder = holder;
    const held = this.held.get(holder);
    if (held) held.add(disk);
    else this.held.set(holder, new Set([disk]));
    return accepted(null);
  }

  /** All that a process holds, at its end. */
  release(holder: object): void {
    for (const disk of this.held.get(holder) ?? []) this.unlock(disk, holder);
    this.held.delete(holder);
  }

  unlock(disk: ModelDisk, holder: object): void {
    if (disk.holder === holder) disk.holder = null;
    this.held.get(holder)?.delete(disk);
  }
}
