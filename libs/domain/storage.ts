import type { DiskWork } from './disk-work';
import type { Display, MachineKind } from './entities';
import type { SnapshotState } from './lifecycle';
import type { Instant } from './units';

export const imageFormats = ['kernel', 'qcow2', 'raw'] as const;
export type ImageFormat = (typeof imageFormats)[number];
export const firmwares = ['none', 'bios', 'uefi'] as const;
export type Firmware = (typeof firmwares)[number];

export interface Image {
  readonly id: string;
  readonly name: string;
  readonly format: ImageFormat;
  readonly architecture: string;
  readonly firmware: Firmware;
  /** Paths on the datastore. A kernel image has a kernel and perhaps an initrd; a disk image has a disk. */
  readonly kernelPath: string | null;
  readonly initrdPath: string | null;
  readonly kernelArguments: string | null;
  readonly diskPath: string | null;
  readonly datastoreId: string;
  readonly minimumMemoryMiB: number;
  readonly createdAt: Instant;
}

/** What a host last measured of a datastore. */
export interface DatastoreUse {
  readonly totalBytes: number;
  readonly freeBytes: number;
  /** How fast it fills, smoothed over some minutes; below 0: it empties. null: measured once only. */
  readonly growthBytesPerSecond: number | null;
  readonly at: Instant;
}

/** A folder for disks and images: shared, and then under the same path on every host, or of one host alone. */
export interface Datastore {
  readonly id: string;
  readonly name: string;
  readonly path: string;
  readonly shared: boolean;
  /** The one host that reaches it; null: it is shared. */
  readonly hostId: string | null;
  /** An alarm is raised when more of it than this is used. */
  readonly alarmUsedShare: number;
  /** null: no host has measured it yet. */
  readonly use: DatastoreUse | null;
  readonly createdAt: Instant;
}

/** A guest's disk as it was, and perhaps its memory of the same moment. They lie beside the disk, and in it. */
export interface Snapshot {
  readonly id: string;
  readonly guestId: string;
  /** Unique among the guest's. */
  readonly name: string;
  readonly state: SnapshotState;
  /** null: of the disk alone. */
  readonly memoryPath: string | null;
  /** What the memory was of; null: not known, or there is none. */
  readonly memoryMachine: MachineKind | null;
  /** What the guest had then: its memory fits no other machine. */
  readonly memoryMiB: number;
  readonly vcpus: number;
  readonly display: Display;
  /** How long the guest stood still for it. */
  readonly pauseMs: number | null;
  readonly memoryBytes: number | null;
  readonly createdAt: Instant;
}

/** Work on a guest's files that a host was told to do: kept until it is seen done, whatever dies meanwhile. */
export interface DiskOperation {
  readonly id: string;
  readonly guestId: string;
  readonly guestName: string;
  readonly datastoreId: string;
  /** Who was asked; null: nobody yet. */
  readonly hostId: string | null;
  readonly work: DiskWork;
  readonly requestedBy: string;
  readonly createdAt: Instant;
}
