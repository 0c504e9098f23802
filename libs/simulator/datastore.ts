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
}

export type DiskContent = Pick<ModelDisk, 'bootCount' | 'dataVersion' | 'dataSectors' | 'dataSeed'>;

export interface ModelLease {
  readonly incarnation: number;
  readonly armed: boolean;
  readonly leaseMs: number;
  readonly sequence: number;
}

/** The datastore that every host reaches: disks with locks, and the hosts' heartbeats, which are the second channel. */
export class ModelDatastore {
  readonly disks = new Map<string, ModelDisk>();
  /** Paths of images that cannot be used, and how a start from them is refused. */
  readonly brokenImages = new Map<string, RefusalCode>();
  readonly heartbeats = new Map<string, Instant>();
  /** What the hosts' watchdogs write there, by host. */
  readonly leases = new Map<string, ModelLease>();
  /** What isolated hosts say has ended on them, by host. */
  readonly ended = new Map<string, readonly EndedCopy[]>();
  /** Hosts that cannot reach it. */
  readonly unreachable = new Set<string>();
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
    if (sizeMiB > this.freeMiB)
      return refused('disk-full', `the datastore has ${this.freeMiB} MiB left and ${path} needs ${sizeMiB} MiB`);
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
    };
    this.disks.set(path, disk);
    return accepted(disk);
  }

  /** Memories of suspended guests and of snapshots, by the path of their file. */
  readonly memories = new Map<string, GuestMemory>();

  /** Everything below the folder. */
  remove(folder: string): Result<null> {
    const inside = [...this.disks.values()].filter((disk) => disk.path.startsWith(`${folder}/`));
    if (inside.some((disk) => disk.holder !== null))
      return refused('image-locked', `a process holds a disk below ${folder}`);
    for (const disk of inside) this.delete(disk);
    return accepted(null);
  }

  delete(disk: ModelDisk): void {
    this.disks.delete(disk.path);
    this.freeMiB += disk.sizeMiB;
  }

  lock(disk: ModelDisk, holder: object): Result<null> {
    if (disk.holder !== null && disk.holder !== holder)
      return refused('image-locked', `another process holds the lock of ${disk.path}`);
    disk.holder = holder;
    return accepted(null);
  }

  unlock(disk: ModelDisk, holder: object): void {
    if (disk.holder === holder) disk.holder = null;
  }
}
