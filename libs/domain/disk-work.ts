/**
 * Work on the files of a guest that an agent does when it is told to. Each is idempotent: begun again after it was cut short,
 * it ends in the same state; what is done already is found done.
 */
export type DiskWork =
  /** Deletes the guest's folder on a datastore, with all that lies in it. Refused while a VMM holds the disk. */
  { readonly kind: 'remove'; readonly folder: string };
export type DiskWorkKind = DiskWork['kind'];

export const diskWorkPhases = ['working', 'done', 'failed'] as const;
export type DiskWorkPhase = (typeof diskWorkPhases)[number];
