import { execFile } from 'node:child_process';
import { copyFile, link, mkdir, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type DiskWork, type DiskWorkKind, type DiskWorkResult, nothingToTell } from '@argosy/domain/disk-work';
import { cloneDisk, cloneInside } from './clone-disk';
import { exists, imageTool, isSameFile, makeItsOwn } from './guest-disk';
import type { QemuInstance } from './instance';
import { refuse } from './qemu-refusal';
import type { QmpClient } from './qmp';

const run = promisify(execFile);
/** Storage that hangs must not hang whoever asks for it. */
const lookDeadlineMs = 5_000;

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

type Of<Kind extends DiskWorkKind> = Extract<DiskWork, { kind: Kind }>;
/** A disk's move to another datastore can be cancelled, and is another module's. */
type ShortWork = Exclude<DiskWork, { kind: 'relocate' }>;
type Workers = { readonly [Kind in ShortWork['kind']]: (work: Of<Kind>) => Promise<DiskWorkResult | undefined> };

/** With no VMM on this host that has the disk open. Where another host's has, its lock refuses. */
const workers: Workers = {
  remove: async ({ folder, basePaths }) => {
    await removeFolder(folder);
    for (const path of basePaths) await removeBase(path);
    return undefined;
  },
  clone: cloneDisk,
  settle: async ({ copyPath, newDiskPath }) => {
    // Where neither lies nothing can be told: most likely the datastore is not mounted, and the disk is on it.
    if (!(await exists(copyPath)) && !(await exists(newDiskPath)))
      throw refuse(
        'disk-missing',
        `neither ${newDiskPath} nor ${copyPath} is on this host; is the datastore mounted here?`,
      );
    return { ...nothingToTell, moved: await isSameFile(copyPath, newDiskPath) };
  },
  take: async ({ copyPath, newDiskPath }) => {
    await makeItsOwn(copyPath, newDiskPath);
    await rm(copyPath, { force: true });
    return undefined;
  },
  discard: (work) => discardCopy(work),
  snapshot: async ({ diskPath, snapshotId, epoch, guestId }) => {
    if (epoch !== null) throw refuse('guest-not-here', `guest ${guestId} does not run here at epoch ${epoch} any more`);
    await dropSnapshot(diskPath, snapshotId);
    await imageTool(['snapshot', '-c', snapshotId, diskPath]);
    return undefined;
  },
  'delete-snapshot': async ({ diskPath, snapshotId, memoryPath }) => {
    await dropSnapshot(diskPath, snapshotId);
    if (memoryPath !== null) await rm(memoryPath, { force: true });
    return undefined;
  },
  revert: async ({ diskPath, snapshotId, memoryPath, restorePath }) => {
    if (restorePath !== null) await rm(restorePath, { force: true });
    await imageTool(['snapshot', '-a', snapshotId, diskPath]);
    if (memoryPath !== null && restorePath !== null) await linkOrCopy(memoryPath, restorePath);
    return undefined;
  },
  suspend: async ({ memoryPath, guestId, epoch }) => {
    const found = await stat(memoryPath).catch(() => null);
    if (found) return { ...nothingToTell, memoryBytes: found.size };
    throw refuse('guest-not-here', `guest ${guestId} does not run here at epoch ${epoch} any more`);
  },
};

export async function doDiskWork(work: ShortWork): Promise<DiskWorkResult> {
  const worker = workers[work.kind] as (work: ShortWork) => Promise<DiskWorkResult | undefined>;
  return (await worker(work)) ?? nothingToTell;
}

/** A disk that a VMM has open is changed by it alone. One that ends in the middle of that leaves the disk, and the rest, to us. */
export async function byWhoHasTheDisk<Value>(
  vmm: QemuInstance | undefined,
  how: { readonly inside: (vmm: QemuInstance) => Promise<Value>; readonly outside: () => Promise<Value> },
): Promise<Value> {
  if (!vmm?.isAlive()) return how.outside();
  try {
    return await how.inside(vmm);
  } catch (error) {
    if (!(await vmm.hasEndedWith(error))) throw error;
    return how.outside();
  }
}

/** With the VMM that has the disk open: only it may change what is in it. */
export async function doDiskWorkInside(work: ShortWork, vmm: QemuInstance): Promise<DiskWorkResult> {
  if (work.kind === 'clone') return cloneInside(work, vmm);
  if (work.kind === 'snapshot') return snapshotInside(work, vmm);
  if (work.kind === 'suspend') {
    await vmm.save({ memoryPath: work.memoryPath, andEnd: true });
    return doDiskWork(work);
  }
  if (work.kind !== 'delete-snapshot') throw refuse('guest-busy', `${vmm.guest.name} runs; stop it first`);
  await dropInside(vmm.requireQmp(), vmm.diskNode, work.snapshotId);
  if (work.memoryPath !== null) await rm(work.memoryPath, { force: true });
  return nothingToTell;
}

async function snapshotInside(work: Of<'snapshot'>, vmm: QemuInstance): Promise<DiskWorkResult> {
  const { snapshotId, memoryPath } = work;
  const take = async (qmp: QmpClient): Promise<void> => {
    await dropInside(qmp, vmm.diskNode, snapshotId);
    await qmp.call('blockdev-snapshot-internal-sync', { device: vmm.diskNode, name: snapshotId }, snapshotDeadlineMs);
  };
  if (memoryPath === null) {
    await take(vmm.requireQmp());
    return nothingToTell;
  }
  // The file appears last: with it all was done, by an agent that did not live to tell.
  const done = await stat(memoryPath).catch(() => null);
  if (done) return { ...nothingToTell, memoryBytes: done.size };
  const pauseMs = await vmm.save({ memoryPath, andEnd: false }, take);
  return { ...nothingToTell, pauseMs: Math.round(pauseMs * 10) / 10, memoryBytes: (await stat(memoryPath)).size };
}

const snapshotDeadlineMs = 60_000;

async function dropInside(qmp: QmpClient, device: string, snapshotId: string): Promise<void> {
  await qmp
    .call('blockdev-snapshot-delete-internal-sync', { device, name: snapshotId }, snapshotDeadlineMs)
    .catch((error: Error) => {
      if (!/does not exist|not found|Can't find/i.test(error.message)) throw error;
    });
}

async function dropSnapshot(diskPath: string, snapshotId: string): Promise<void> {
  const known = JSON.parse(await imageTool(['info', '--output=json', diskPath])) as {
    snapshots?: readonly { readonly name: string }[];
  };
  if (known.snapshots?.some(({ name }) => name === snapshotId))
    await imageTool(['snapshot', '-d', snapshotId, diskPath]);
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await link(from, to).catch(async () => {
    await copyFile(from, `${to}.new`);
    await rename(`${to}.new`, to);
  });
}

/** What lies in the folder besides the copy belongs to the guest's disk, if there is one. */
async function discardCopy({ folder, copyPath, newDiskPath }: Of<'discard'>): Promise<undefined> {
  if (await isSameFile(copyPath, newDiskPath))
    throw refuse('in-use', `${copyPath} is the guest's disk ${newDiskPath}, and is kept`);
  await requireUnheld(copyPath);
  await rm(copyPath, { force: true });
  const disk = await stat(newDiskPath).catch(() => null);
  return disk ? undefined : removeFolder(folder);
}

/** A guest's folder, and nothing else: what is above it belongs to others. */
async function removeFolder(folder: string): Promise<undefined> {
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

/** qemu-img asks for the same lock that a VMM holds while it has the disk open. */
async function requireUnheld(path: string): Promise<void> {
  await run('qemu-img', ['info', path], { timeout: lookDeadlineMs }).catch((error: { stderr?: string }) => {
    if (!/ lock/.test(error.stderr ?? '')) return; // a damaged disk may go
    throw refuse('image-locked', `${path} is held by a VMM: the guest runs somewhere`);
  });
}
