import { copyFile, link, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type DiskWork, type DiskWorkKind, type DiskWorkResult, nothingToTell } from '@argosy/domain/disk-work';
import { exists, isSameFile, makeItsOwn, makePrivateFolder } from './disk-files';
import { refuse } from './refused';

export type WorkOf<Kind extends DiskWorkKind> = Extract<DiskWork, { kind: Kind }>;

/** Storage that hangs must not hang whoever asks for it. */
export const lookDeadlineMs = 5_000;

export async function measureDatastore(path: string): Promise<{ totalBytes: number; freeBytes: number }> {
  const deadline = sleep(lookDeadlineMs, null, { ref: false });
  const found = await Promise.race([statfs(path), deadline]).catch((error: NodeJS.ErrnoException) => {
    throw refuse('datastore-not-reached', `${path} is not on this host (${error.code}); is it mounted?`);
  });
  if (found === null)
    throw refuse(
      'datastore-not-reached',
      `${path} did not answer within ${lookDeadlineMs / 1000} s; its storage hangs`,
    );
  // What is kept back for the system's administrator is no room for guests.
  const { bsize, blocks, bfree, bavail } = found;
  return { totalBytes: (blocks - bfree + bavail) * bsize, freeBytes: bavail * bsize };
}

/**
 * Work that is about files and their names alone, for disks of whatever format. `requireUnheld` refuses while a VMM, of
 * whatever host, holds the disk.
 */
export function fileWorkers(requireUnheld: (path: string) => Promise<void>) {
  return {
    remove: async ({ folder, basePaths }: WorkOf<'remove'>): Promise<undefined> => {
      await removeFolder(folder, requireUnheld);
      for (const path of basePaths) await removeBase(path);
      return undefined;
    },
    settle: async ({ copyPath, newDiskPath }: WorkOf<'settle'>): Promise<DiskWorkResult> => {
      // Where neither lies nothing can be told: most likely the datastore is not mounted, and the disk is on it.
      if (!(await exists(copyPath)) && !(await exists(newDiskPath)))
        throw refuse(
          'disk-missing',
          `neither ${newDiskPath} nor ${copyPath} is on this host; is the datastore mounted here?`,
        );
      return { ...nothingToTell, moved: await isSameFile(copyPath, newDiskPath) };
    },
    take: async ({ copyPath, newDiskPath }: WorkOf<'take'>): Promise<undefined> => {
      await makeItsOwn(copyPath, newDiskPath);
      await rm(copyPath, { force: true });
      return undefined;
    },
    /** What lies in the folder besides the copy belongs to the guest's disk, if there is one. */
    discard: async ({ folder, copyPath, newDiskPath }: WorkOf<'discard'>): Promise<undefined> => {
      if (await isSameFile(copyPath, newDiskPath))
        throw refuse('in-use', `${copyPath} is the guest's disk ${newDiskPath}, and is kept`);
      await requireUnheld(copyPath);
      await rm(copyPath, { force: true });
      const disk = await stat(newDiskPath).catch(() => null);
      return disk ? undefined : removeFolder(folder, requireUnheld);
    },
    /** Its VMM is gone: either it has done it, and told nobody, or it will not any more. */
    suspend: async ({ memoryPath, guestId, epoch }: WorkOf<'suspend'>): Promise<DiskWorkResult> => {
      const found = await stat(memoryPath).catch(() => null);
      if (found) return { ...nothingToTell, memoryBytes: found.size };
      throw refuse('guest-not-here', `guest ${guestId} does not run here at epoch ${epoch} any more`);
    },
  };
}

/** A guest's folder, and nothing else: what is above it belongs to others. */
async function removeFolder(folder: string, requireUnheld: (path: string) => Promise<void>): Promise<undefined> {
  if (!/\/guests\/[^/]+$/.test(folder) || folder.includes('/../'))
    throw refuse('invalid-request', `${folder} is no folder of a guest`);
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return [];
  });
  for (const name of names) if (name.endsWith('.qcow2')) await requireUnheld(join(folder, name));
  await rm(folder, { recursive: true, force: true });
  return undefined;
}

async function removeBase(path: string): Promise<void> {
  if (!/\/bases\/[^/]+\.qcow2$/.test(path) || path.includes('/../'))
    throw refuse('invalid-request', `${path} is no base of guests' disks`);
  await rm(path, { force: true });
}

/** A snapshot's memory made ready for a start: a second name for it, or where names cannot be, a copy. */
export async function linkOrCopy(from: string, to: string): Promise<void> {
  await makePrivateFolder(dirname(to));
  await link(from, to).catch(async () => {
    await copyFile(from, `${to}.new`);
    await rename(`${to}.new`, to);
  });
}
