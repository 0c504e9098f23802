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
  /** Deletes the guest's folder on a datastore, with all that lies in it. Refused while a VMM holds the disk. */
  | { readonly kind: 'remove'; readonly folder: string }
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
}
export const nothingToTell: DiskWorkResult = { pauseMs: null, memoryBytes: null };

export const diskWorkPhases = ['working', 'done', 'failed'] as const;
export type DiskWorkPhase = (typeof diskWorkPhases)[number];
