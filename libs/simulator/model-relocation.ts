import { type DiskWorkResult, nothingToTell } from '@argosy/domain/disk-work';
import { accepted, refused, type Result } from '@argosy/domain/refusal';
import { mebibyte } from '@argosy/domain/units';
import type { ModelInstance, RelocateWork } from './model-instance';
import type { ModelMachine } from './model-machine';

/** What a guest stands still for the pivot: measured of QEMU. */
const pauseMs = 4;

function instanceOf(machine: ModelMachine, { guestId, epoch }: RelocateWork): ModelInstance | undefined {
  const instance = epoch === null ? undefined : machine.find({ guestId, epoch });
  return instance?.memory ? instance : undefined;
}

/** Under a running guest: from here on both disks are kept the same. */
export function beginModelRelocation(machine: ModelMachine, work: RelocateWork): Result<null> {
  const { datastore } = machine.site;
  const instance = instanceOf(machine, work);
  const disk = datastore.disks.get(work.diskPath);
  if (work.epoch === null && disk?.holder === null) tellHalf(machine, work, disk.sizeMiB);
  if (!instance || instance.guest.diskPath === work.newDiskPath) return accepted(null);
  if (datastore.disks.has(work.newDiskPath)) return refused('in-use', `${work.newDiskPath} is another disk`);
  datastore.delete(work.copyPath);
  datastore.leaving.delete(work.diskPath);
  const copy = datastore.make(work.copyPath, instance.disk.sizeMiB);
  if (!copy.ok) return copy;
  datastore.lock(copy.value, instance);
  datastore.mirrorTo(instance.disk, copy.value);
  instance.relocation = work;
  tellHalf(machine, work, instance.disk.sizeMiB);
  machine.site.onRelocation?.('mirrored');
  return accepted(null);
}

function tellHalf(machine: ModelMachine, work: RelocateWork, sizeMiB: number): void {
  const [totalBytes, transferredBytes] = [sizeMiB * mebibyte, (sizeMiB * mebibyte) / 2];
  const progress = {
    totalBytes,
    transferredBytes,
    remainingBytes: totalBytes - transferredBytes,
    bytesPerSecond: work.bandwidthMiBPerSecond * mebibyte,
    dirtyBytesPerSecond: 0,
    iteration: 0,
    expectedEndMs: null,
  };
  const { guestId, epoch, copyPath } = work;
  const instance = epoch === null ? null : { guestId, epoch };
  machine.tell({ kind: 'relocation-progress', instance, copyPath, progress });
}

/** The copy gets the disk's name, and then the guest the copy; both while it stands still. */
export function endModelRelocation(
  machine: ModelMachine,
  work: RelocateWork,
  { isAttended, isCancelled }: { readonly isAttended: () => boolean; readonly isCancelled: () => boolean },
): Result<DiskWorkResult> | null {
  const { datastore } = machine.site;
  const instance = instanceOf(machine, work);
  if (instance?.relocation) {
    datastore.leaving.add(work.diskPath);
    const named = datastore.link(work.copyPath, work.newDiskPath);
    if (!named.ok) return named;
    machine.site.onRelocation?.('named');
    if (!isAttended()) return null;
    if (instance.alive()) {
      pivot(instance, work);
      machine.site.onRelocation?.('pivoted');
      if (!isAttended()) return null;
    }
    return accepted({ ...nothingToTell, moved: true, pauseMs });
  }
  const isNamed = datastore.sees(machine.name, work.newDiskPath) && datastore.isSame(work.copyPath, work.newDiskPath);
  if (isNamed || instance?.guest.diskPath === work.newDiskPath) return accepted({ ...nothingToTell, moved: true });
  if (isCancelled()) {
    datastore.delete(work.copyPath);
    return refused('migration-failed', 'it was cancelled');
  }
  return work.epoch === null ? copyOutside(machine, work) : notMoved(machine, work);
}

/** Not wanted any more: of what has no name of the guest's yet nothing stays. */
export function cancelModelRelocation(machine: ModelMachine, copyPath: string): void {
  for (const instance of machine.instances.values()) {
    if (instance.relocation?.copyPath !== copyPath) continue;
    instance.disk.mirror = null;
    instance.relocation = null;
    machine.site.datastore.delete(copyPath);
    machine.site.onRelocation?.('undone');
  }
}

function pivot(instance: ModelInstance, { newDiskPath }: RelocateWork): void {
  const { datastore } = instance.machine.site;
  instance.disk.mirror = null;
  datastore.unlock(instance.disk, instance);
  instance.disk = datastore.disks.get(newDiskPath)!;
  instance.guest = { ...instance.guest, diskPath: newDiskPath };
  instance.relocation = null;
}

/** Its agent died in the middle and has returned. */
export function resumeRelocation(instance: ModelInstance): void {
  const work = instance.relocation;
  if (!work) return;
  const { datastore } = instance.machine.site;
  if (datastore.isSame(work.copyPath, work.newDiskPath)) return pivot(instance, work);
  instance.disk.mirror = null;
  instance.relocation = null;
  datastore.delete(work.copyPath);
}

function notMoved(machine: ModelMachine, work: RelocateWork): Result<DiskWorkResult> {
  const { copyPath, guestId, diskPath, newDiskPath } = work;
  const { datastore } = machine.site;
  const hasStayed = datastore.sees(machine.name, diskPath) && !datastore.leaving.has(diskPath);
  if (!hasStayed && !datastore.sees(machine.name, copyPath))
    return refused('disk-missing', `neither ${newDiskPath} nor ${copyPath} is on ${machine.name}; is it mounted?`);
  datastore.delete(copyPath);
  return refused('guest-not-here', `guest ${guestId} does not run here any more; its disk has not moved`);
}

function copyOutside(machine: ModelMachine, work: RelocateWork): Result<DiskWorkResult> {
  const { datastore } = machine.site;
  const disk = datastore.disks.get(work.diskPath);
  if (!disk || !datastore.reaches(machine.name, work.diskPath))
    return refused('image-missing', `there is no disk ${work.diskPath}`);
  if (disk.holder !== null) return refused('image-locked', `a process holds ${work.diskPath}`);
  const copy = datastore.make(work.copyPath, disk.sizeMiB);
  if (!copy.ok) return copy;
  datastore.mirrorTo(disk, copy.value);
  disk.mirror = null;
  const named = datastore.link(work.copyPath, work.newDiskPath);
  return named.ok ? accepted({ ...nothingToTell, moved: true }) : named;
}
