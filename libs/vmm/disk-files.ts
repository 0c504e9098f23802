import { randomUUID } from 'node:crypto';
import { chmod, link, mkdir, open, rm, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type DiskCopy, type DiskWork, type DiskWorkResult, nothingToTell } from '@argosy/domain/disk-work';
import type { MigrationProgress } from '@argosy/domain/entities';
import type { GuestSpecification } from '@argosy/domain/guest-specification';
import { refuse } from './refused';

// What lies where a guest's disk lies, whatever its format is: names and marks tell which disk is the guest's.

type RelocateWork = Extract<DiskWork, { kind: 'relocate' }>;

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** The guest's own folder on its datastore, in which its disk, its firmware's variables and its cloud-init data lie. */
export async function ensureFolder(guest: GuestSpecification): Promise<void> {
  await makePrivateFolder(dirname(guest.diskPath));
}

/** What lies with a guest's disk (its memory, its cloud-init data) is for no other user of the host to read. */
export async function makePrivateFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  await keepPrivate(path);
}

/** Also where an earlier release made the folder; one that is somebody else's is as that one wants it. */
export async function keepPrivate(path: string): Promise<void> {
  await chmod(path, 0o700).catch(() => undefined);
}

/** Beside the place that it takes when it is whole. One that was given up still ends, and may not end another's. */
export function unfinished(path: string): string {
  return `${path}.new-${randomUUID()}`;
}

/** A disk is made whole beside its place and then linked there: an interrupted start leaves no half disk. */
export async function placeWhole(path: string, make: (temporaryPath: string) => Promise<void>): Promise<void> {
  const temporaryPath = unfinished(path);
  try {
    await make(temporaryPath);
    await link(temporaryPath, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  } finally {
    await unlink(temporaryPath).catch(() => undefined);
  }
}

/** The copy and the disk are one file under two names from here on: that is how it is known that the guest ran from it. */
export async function makeItsOwn(copyPath: string, diskPath: string): Promise<void> {
  await unmarkLeaving(diskPath);
  await link(copyPath, diskPath).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST' && (await isSameFile(copyPath, diskPath))) return;
    // It has only the one name already.
    if (error.code === 'ENOENT' && (await exists(diskPath))) return;
    throw error;
  });
  // Before the guest writes there it must be sure that the name outlives a power cut.
  await syncFolder(dirname(diskPath));
}

const leavingMark = (diskPath: string): string => `${diskPath}.leaving`;

/**
 * Beside the disk, before its copy elsewhere gets the guest's name: whoever sees this disk and not the other place, as on a host
 * that has not mounted it yet, knows that the guest may have gone on there. Empty, for a disk often leaves a full datastore.
 */
export async function markLeaving(diskPath: string): Promise<void> {
  const mark = await open(leavingMark(diskPath), 'w');
  await mark.close();
  await syncFolder(dirname(diskPath));
}

export async function unmarkLeaving(diskPath: string): Promise<void> {
  await rm(leavingMark(diskPath), { force: true });
}

export function isLeaving(diskPath: string): Promise<boolean> {
  return exists(leavingMark(diskPath));
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  await folder.sync().finally(() => folder.close());
}

export async function isSameFile(one: string, other: string): Promise<boolean> {
  const look = (path: string) =>
    stat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
  const [first, second] = await Promise.all([look(one), look(other)]);
  return first != null && second != null && first.ino === second.ino && first.dev === second.dev;
}

export async function requireDisk(guest: GuestSpecification): Promise<void> {
  if (await exists(guest.diskPath)) return;
  throw refuse(
    'disk-missing',
    `${guest.name}: its disk ${guest.diskPath} is not on this host; is the datastore mounted here?`,
  );
}

/** Makes a guest's disk at that path, in the driver's format: empty, or an overlay of what is at `backingPath`. */
export type DiskMaker = (guest: GuestSpecification, path: string, backingPath: string | null) => Promise<void>;

/** The guest's own disk: found, or made at its first start. */
export async function ensureDisk(guest: GuestSpecification, isIncoming: boolean, make: DiskMaker): Promise<void> {
  // Before anything is written where a datastore may be missing.
  if (guest.diskMade || isIncoming) {
    await requireDisk(guest);
    return keepPrivate(dirname(guest.diskPath));
  }
  if (await exists(guest.diskPath)) return;
  await ensureFolder(guest);
  await placeWhole(guest.diskPath, (path) => make(guest, path, guest.boot.backingDiskPath));
}

/** For a disk that comes from elsewhere: of the same size, an overlay of the same or of nothing. It has its own name later. */
export async function makeCopy(
  guest: GuestSpecification,
  { copyPath, backingPath }: DiskCopy,
  make: DiskMaker,
): Promise<void> {
  if (await exists(guest.diskPath))
    throw refuse(
      'in-use',
      `${guest.name}: ${guest.diskPath} lies where its disk is to go, and is not known to be its disk; look at it and move it away.`,
    );
  await ensureFolder(guest);
  await rm(copyPath, { force: true });
  await make(guest, copyPath, backingPath);
}

/** What a thin disk really takes. */
export async function allocatedBytes(path: string): Promise<number | null> {
  return stat(path).then(
    ({ blocks }) => blocks * 512,
    () => null,
  );
}

/** A copy without the disk's name has never been it. Where none is seen, it may be that its datastore is not mounted yet. */
export async function requireStayed({ copyPath, diskPath, newDiskPath }: RelocateWork): Promise<void> {
  if (await exists(copyPath)) return;
  if ((await exists(diskPath)) && !(await isLeaving(diskPath))) return;
  throw refuse(
    'disk-missing',
    `neither ${newDiskPath} nor ${copyPath} is on this host, and the disk may have moved there; is the datastore mounted here?`,
  );
}

export async function requireFree(newDiskPath: string): Promise<void> {
  if (!(await exists(newDiskPath))) return;
  throw refuse(
    'in-use',
    `${newDiskPath} lies where the disk is to go, and is not known to be the guest's; look at it and move it away.`,
  );
}

/** Who wants the disk moved. */
export interface RelocationOwner {
  /** Aborted: not wanted any more. Heard until the copy gets the disk's name. */
  readonly signal: AbortSignal;
  progress(progress: MigrationProgress): void;
}

export function requireWanted({ signal }: RelocationOwner): void {
  if (signal.aborted) throw refuse('migration-failed', 'its move was cancelled');
}

/**
 * With no VMM that has the disk open: `copy` makes the copy. Of one that ran and is gone: whether its disk had moved is told by its names, and if it
 * had not, nothing of it stays.
 */
export async function relocateOutside(
  work: RelocateWork,
  owner: RelocationOwner,
  copy: () => Promise<void>,
): Promise<DiskWorkResult> {
  const moved: DiskWorkResult = { ...nothingToTell, moved: true };
  const { copyPath, newDiskPath, epoch, guestId } = work;
  if (await isSameFile(copyPath, newDiskPath)) return moved;
  if (epoch !== null) {
    await requireStayed(work);
    await rm(copyPath, { force: true });
    throw refuse(
      'guest-not-here',
      `guest ${guestId} does not run here at epoch ${epoch} any more; its disk has not moved`,
    );
  }
  await requireFree(newDiskPath);
  await makePrivateFolder(dirname(newDiskPath));
  await rm(copyPath, { force: true });
  try {
    requireWanted(owner);
    await copy();
    requireWanted(owner);
  } catch (error) {
    await rm(copyPath, { force: true });
    requireWanted(owner);
    throw error;
  }
  await makeItsOwn(copyPath, newDiskPath);
  return moved;
}
