import { execFile } from 'node:child_process';
import { rm, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { type DiskWork, type DiskWorkResult, nothingToTell } from '@argosy/domain/disk-work';
import { fileWorkers, linkOrCopy, lookDeadlineMs, type WorkOf } from '../file-work';
import { refuse } from '../refused';
import { cloneDisk, cloneInside } from './clone-disk';
import { imageTool } from './guest-disk';
import type { QemuInstance } from './instance';
import type { QmpClient } from './qmp';

const run = promisify(execFile);

/** A disk's move to another datastore can be cancelled, and is another module's. */
type ShortWork = Exclude<DiskWork, { kind: 'relocate' }>;
type Workers = { readonly [Kind in ShortWork['kind']]: (work: WorkOf<Kind>) => Promise<DiskWorkResult | undefined> };

/** With no VMM on this host that has the disk open. Where another host's has, its lock refuses. */
const workers: Workers = {
  ...fileWorkers(requireUnheld),
  clone: cloneDisk,
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

async function snapshotInside(work: WorkOf<'snapshot'>, vmm: QemuInstance): Promise<DiskWorkResult> {
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

/** qemu-img asks for the same lock that a VMM holds while it has the disk open. */
async function requireUnheld(path: string): Promise<void> {
  await run('qemu-img', ['info', path], { timeout: lookDeadlineMs }).catch((error: { stderr?: string }) => {
    if (!/ lock/.test(error.stderr ?? '')) return; // a damaged disk may go
    throw refuse('image-locked', `${path} is held by a VMM: the guest runs somewhere`);
  });
}
