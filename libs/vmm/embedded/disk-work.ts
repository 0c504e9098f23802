import { chmod, link, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type DiskWork, type DiskWorkResult, nothingToTell } from '@argosy/domain/disk-work';
import { exists, makePrivateFolder, placeWhole, unfinished } from '../disk-files';
import { fileWorkers, linkOrCopy, type WorkOf } from '../file-work';
import { refuse } from '../refused';
import { copyDisk } from './disk/copy-disk';
import { requireUnheld, withDisk } from './disk/disk-hold';
import { LayeredDisk } from './disk/layered-disk';
import type { EmbeddedGuest } from './guest';
import { saveMemory } from './transfer/memory-file';

/** A disk's move to another datastore is another module's. */
export type ShortWork = Exclude<DiskWork, { kind: 'relocate' }>;
type Workers = {
  readonly [Kind in ShortWork['kind']]: (
    work: WorkOf<Kind>,
    signal: AbortSignal,
  ) => Promise<DiskWorkResult | undefined>;
};

/** With no VMM on this host that has the disk open. Where another host's has, its lock refuses. */
const workers: Workers = {
  ...fileWorkers(requireUnheld),
  clone: (work, signal) =>
    makeClone(work, async (path) => {
      const { epoch, guestId } = work;
      if (epoch !== null)
        throw refuse('guest-not-here', `guest ${guestId} does not run here at epoch ${epoch} any more`);
      await cloneStopped(work, path, signal);
    }),
  snapshot: async ({ diskPath, snapshotId, epoch, guestId }) => {
    if (epoch !== null) throw refuse('guest-not-here', `guest ${guestId} does not run here at epoch ${epoch} any more`);
    await withDisk(diskPath, async (disk) => disk.snapshot(snapshotId));
    return undefined;
  },
  'delete-snapshot': async ({ diskPath, snapshotId, memoryPath }) => {
    await withDisk(diskPath, async (disk) => disk.deleteSnapshot(snapshotId));
    if (memoryPath !== null) await rm(memoryPath, { force: true });
    return undefined;
  },
  revert: async ({ diskPath, snapshotId, memoryPath, restorePath }) => {
    if (restorePath !== null) await rm(restorePath, { force: true });
    await withDisk(diskPath, async (disk) => disk.revert(snapshotId));
    if (memoryPath !== null && restorePath !== null) await linkOrCopy(memoryPath, restorePath);
    return undefined;
  },
};

export async function doDiskWork(work: ShortWork, signal: AbortSignal): Promise<DiskWorkResult> {
  const worker = workers[work.kind] as (work: ShortWork, signal: AbortSignal) => Promise<DiskWorkResult | undefined>;
  return (await worker(work, signal)) ?? nothingToTell;
}

/** With the guest that has the disk open: only its process may change what is in it. */
export async function doDiskWorkInside(
  work: ShortWork,
  vmm: EmbeddedGuest,
  signal: AbortSignal,
): Promise<DiskWorkResult> {
  const { image } = vmm.disk;
  switch (work.kind) {
    case 'clone': {
      if (work.basePath !== null) throw refuse('guest-busy', `${vmm.guest.name} runs; stop it first`);
      const { snapshotId, imagePath } = work;
      await makeClone(work, (path) => copyDisk(image, path, { snapshotId, imagePath, signal }));
      return nothingToTell;
    }
    case 'snapshot':
      return snapshotInside(work, vmm, signal);
    case 'suspend':
      await saveMemory(vmm, { path: work.memoryPath, andEnd: true, signal });
      vmm.end('stopped', 'suspended, as was asked');
      return doDiskWork(work, signal);
    case 'delete-snapshot':
      image.deleteSnapshot(work.snapshotId);
      if (work.memoryPath !== null) await rm(work.memoryPath, { force: true });
      return nothingToTell;
    default:
      throw refuse('guest-busy', `${vmm.guest.name} runs; stop it first`);
  }
}

async function snapshotInside(
  { snapshotId, memoryPath }: WorkOf<'snapshot'>,
  vmm: EmbeddedGuest,
  signal: AbortSignal,
): Promise<DiskWorkResult> {
  const { image } = vmm.disk;
  if (memoryPath === null) {
    image.snapshot(snapshotId);
    return nothingToTell;
  }
  // The file appears last: with it all was done, for an agent that did not live to hear of it.
  const done = await stat(memoryPath).catch(() => null);
  if (done) return { ...nothingToTell, memoryBytes: done.size };
  const pauseMs = await saveMemory(vmm, { path: memoryPath, andEnd: false, signal }, () => image.snapshot(snapshotId));
  return { ...nothingToTell, pauseMs: Math.round(pauseMs * 10) / 10, memoryBytes: (await stat(memoryPath)).size };
}

/** The disk appears whole and last; with it all was done, for an agent that did not live to hear of it. */
async function makeClone({ clonePath }: WorkOf<'clone'>, make: (path: string) => Promise<void>): Promise<undefined> {
  if (await exists(clonePath)) return;
  const folder = dirname(clonePath);
  await rm(folder, { recursive: true, force: true });
  try {
    await makePrivateFolder(folder);
    await placeWhole(clonePath, make);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function cloneStopped(work: WorkOf<'clone'>, path: string, signal: AbortSignal): Promise<void> {
  const { diskPath, basePath, snapshotId, imagePath } = work;
  if (basePath !== null) {
    if (basePath !== diskPath) await freeze(diskPath, basePath);
    makeOverlay(path, basePath);
    return;
  }
  // Nobody writes to what a snapshot holds, also where a VMM writes to the disk.
  if (snapshotId === null) return withDisk(diskPath, (disk) => copyDisk(disk, path, { snapshotId, imagePath, signal }));
  const disk = LayeredDisk.open(diskPath, { writable: false });
  await copyDisk(disk, path, { snapshotId, imagePath, signal }).finally(() => disk.close());
}

function makeOverlay(path: string, basePath: string): void {
  const base = LayeredDisk.open(basePath, { writable: false });
  const { sizeBytes } = base;
  base.close();
  LayeredDisk.create(path, { sizeBytes, backing: { path: basePath, format: 'layered' } });
}

/** The disk gets a second name, as a base, and an empty overlay takes its first. Each step is seen done when it is. */
async function freeze(diskPath: string, basePath: string): Promise<void> {
  const [disk, base] = await Promise.all([stat(diskPath), stat(basePath).catch(() => null)]);
  if (base && base.ino !== disk.ino) return;
  await withDisk(diskPath, async () => {
    await makePrivateFolder(dirname(basePath));
    if (!base) await link(diskPath, basePath);
    const next = unfinished(diskPath);
    makeOverlay(next, basePath);
    await rename(next, diskPath);
  });
  await chmod(basePath, 0o444);
}
