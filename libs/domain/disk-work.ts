import type { Instant } from './units';

/** A guest's disk on its way to another datastore, as the target makes it. */
export interface DiskCopy {
  /** It has this name until it is the guest's disk; then its own name is linked to it, and both names are one file. */
  readonly copyPath: string;
  /** What the copy is an overlay of, as the disk itself is; null: it holds all. */
  readonly backingPath: string | null;
}

/** The same as the source sees it. */
export interface OutgoingDisk {
  readonly uri: string;
  /** What the copy is an overlay of: if the disk is one of the same, only what itself holds is sent. */
  readonly backingPath: string | null;
}

interface OnGuest {
  readonly guestId: string;
  /** Of the VMM that has the disk open, on the host that is asked; null: none has. */
  readonly epoch: number | null;
  readonly diskPath: string;
}

/**
 * Work on the files of a guest that an agent does when it is told to. Each is idempotent: begun again after it was cut short,
 * it ends in the same state; what is done already is found done. A memory's file appears whole or not at all, and last.
 */
export type DiskWork =
  /** Deletes the guest's folder on a datastore, with all that lies in it, and bases that nobody needs any more. Refused while a VMM holds the disk. */
  | { readonly kind: 'remove'; readonly folder: string; readonly basePaths: readonly string[] }
  /**
   * A disk for another guest, from the disk of this one as it is now or as it was at a snapshot. It is whole at `clonePath`,
   * or not there.
   */
  | (OnGuest & {
      readonly kind: 'clone';
      readonly snapshotId: string | null;
      readonly clonePath: string;
      /** The image that the copy may stay an overlay of: nobody writes there. null: all of it is copied. */
      readonly imagePath: string | null;
      /**
       * Linked: the disk becomes this file, in which nobody writes any more, and both guests go on in overlays of it. The
       * disk of a template is one already, and stays where it is. null: a copy.
       */
      readonly basePath: string | null;
    })
  /**
   * The disk goes to another datastore, and the guest runs on if it runs; it stands still for a moment, in which the copy gets
   * the disk's name. Of a VMM that is gone it is told whether that had happened; if not, nothing of it stays.
   */
  | (OnGuest & {
      readonly kind: 'relocate';
      readonly copyPath: string;
      readonly newDiskPath: string;
      /** What the copy may be an overlay of, if the disk is one of it; null: it holds all. */
      readonly backingPath: string | null;
      readonly bandwidthMiBPerSecond: number;
    })
  /** Tells whether the copy has become the guest's disk: then both names are one file. With no VMM that has it open. */
  | {
      readonly kind: 'settle';
      readonly copyPath: string;
      readonly newDiskPath: string;
      /** From when on the guest may have written to the copy, for whoever must decide without its word. */
      readonly mayWriteSince: Instant | null;
    }
  /** The copy is the guest's disk, whether or not its VMM has lived to give it its name: with that alone from here on. */
  | { readonly kind: 'take'; readonly copyPath: string; readonly newDiskPath: string }
  /** Deletes a copy that has not, and the folder if no disk lies in it. Begun when the VMM of that epoch is gone. */
  | {
      readonly kind: 'discard';
      readonly folder: string;
      readonly copyPath: string;
      readonly newDiskPath: string;
      readonly copyEpoch: number;
    }
  /** The disk as it is now and, with `memoryPath`, the memory of that same moment. A running guest runs on. */
  | (OnGuest & { readonly kind: 'snapshot'; readonly snapshotId: string; readonly memoryPath: string | null })
  | (OnGuest & { readonly kind: 'delete-snapshot'; readonly snapshotId: string; readonly memoryPath: string | null })
  /** The disk as it was; with `restorePath`, its memory ready to be started from there. */
  | {
      readonly kind: 'revert';
      readonly diskPath: string;
      readonly snapshotId: string;
      readonly memoryPath: string | null;
      readonly restorePath: string | null;
    }
  /** The memory into a file, and the VMM ended. From there the guest goes on, on any host that reaches the file. */
  | {
      readonly kind: 'suspend';
      readonly guestId: string;
      readonly epoch: number;
      readonly diskPath: string;
      readonly memoryPath: string;
    };
export type DiskWorkKind = DiskWork['kind'];

export interface DiskWorkResult {
  /** How long a running guest stood still. */
  readonly pauseMs: number | null;
  /** What was written for its memory. */
  readonly memoryBytes: number | null;
  /** Whether the guest's disk is the copy now. */
  readonly moved: boolean | null;
}
export const nothingToTell: DiskWorkResult = { pauseMs: null, memoryBytes: null, moved: null };

export const diskWorkPhases = ['working', 'done', 'failed'] as const;
export type DiskWorkPhase = (typeof diskWorkPhases)[number];

/** The guest whose disk is read for another's. */
export function sourceOf(work: DiskWork): string | null {
  return work.kind === 'clone' ? work.guestId : null;
}
