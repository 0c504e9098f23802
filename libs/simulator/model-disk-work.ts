import { type DiskWork, type DiskWorkResult, nothingToTell } from '@argosy/domain/disk-work';
import { accepted, refused, type Result } from '@argosy/domain/refusal';
import { contentOf, type ModelDatastore, type ModelDisk } from './datastore';
import type { ModelInstance } from './model-instance';
import type { ModelMachine } from './model-machine';

/** What a guest stands still for its snapshot: measured of QEMU. */
const pauseMs = 15;

/** All in one instant: what an agent's death cuts short has not happened, or has. */
export function doModelDiskWork(
  machine: ModelMachine,
  work: Exclude<DiskWork, { kind: 'relocate' }>,
): Result<DiskWorkResult> {
  const { datastore } = machine.site;
  for (const path of Object.values(work))
    if (typeof path === 'string' && !datastore.reaches(machine.name, path))
      return refused('datastore-not-reached', `${path} is not on ${machine.name}`);
  if (work.kind === 'remove') {
    const removed = datastore.remove(work.folder);
    if (!removed.ok) return removed;
    for (const path of work.basePaths) {
      datastore.delete(path);
    }
    return accepted(nothingToTell);
  }
  if (work.kind === 'settle' && (datastore.unreachable.has(machine.name) || !isThere(datastore, work)))
    return refused('disk-missing', `neither disk is on ${machine.name}; is the datastore mounted?`);
  if (work.kind === 'settle')
    return accepted({ ...nothingToTell, moved: datastore.isSame(work.copyPath, work.newDiskPath) });
  if (work.kind === 'take') {
    const taken = datastore.take(work.copyPath, work.newDiskPath);
    if (!taken.ok) return taken;
    datastore.delete(work.copyPath);
    return accepted(nothingToTell);
  }
  if (work.kind === 'discard') {
    if (datastore.isSame(work.copyPath, work.newDiskPath)) return refused('in-use', `${work.copyPath} is the disk`);
    if (datastore.disks.get(work.copyPath)?.holder) return refused('image-locked', `a process holds ${work.copyPath}`);
    datastore.delete(work.copyPath);
    return accepted(nothingToTell);
  }
  const disk = datastore.disks.get(work.diskPath);
  if (!disk) return refused('image-missing', `there is no disk ${work.diskPath}`);
  const epoch = 'epoch' in work ? work.epoch : null;
  const instance = epoch === null || !('guestId' in work) ? undefined : machine.find({ guestId: work.guestId, epoch });
  const memory = instance?.memory;
  if (work.kind === 'suspend') return suspend(machine, instance, work.memoryPath);
  if (work.kind !== 'delete-snapshot' && epoch !== null && !memory)
    return refused('guest-not-here', 'the guest does not run here any more');
  if (work.kind === 'clone') return clone(datastore, disk, work);
  if (!memory && disk.holder !== null) return refused('image-locked', `a process holds ${work.diskPath}`);
  if (work.kind === 'delete-snapshot') {
    disk.snapshots.delete(work.snapshotId);
    if (work.memoryPath !== null) datastore.memories.delete(work.memoryPath);
    return accepted(nothingToTell);
  }
  if (work.kind === 'snapshot') {
    instance?.bookTime();
    disk.snapshots.set(work.snapshotId, contentOf(disk));
    if (work.memoryPath === null || !memory) return accepted(nothingToTell);
    datastore.memories.set(work.memoryPath, { ...memory });
    return accepted({ ...nothingToTell, pauseMs, memoryBytes: memory.areaMiB * 2 ** 20 });
  }
  const content = disk.snapshots.get(work.snapshotId);
  if (!content) return refused('image-missing', `${work.diskPath} has no snapshot ${work.snapshotId}`);
  Object.assign(disk, content);
  machine.site.onRevert?.(disk.path);
  const kept = work.memoryPath === null ? undefined : datastore.memories.get(work.memoryPath);
  if (kept && work.restorePath !== null) datastore.memories.set(work.restorePath, { ...kept });
  return accepted(nothingToTell);
}

function isThere(
  { disks }: ModelDatastore,
  paths: { readonly copyPath: string; readonly newDiskPath: string },
): boolean {
  return disks.has(paths.copyPath) || disks.has(paths.newDiskPath);
}

function suspend(machine: ModelMachine, instance: ModelInstance | undefined, path: string): Result<DiskWorkResult> {
  const { memories } = machine.site.datastore;
  if (instance?.memory) {
    instance.bookTime();
    instance.stopRunning('sent');
    memories.set(path, { ...instance.memory });
    instance.die('stopped', 'suspended');
  }
  return memories.has(path)
    ? accepted({ ...nothingToTell, memoryBytes: 0 })
    : refused('guest-not-here', 'the guest does not run here any more');
}

function clone(
  datastore: ModelDatastore,
  disk: ModelDisk,
  work: Extract<DiskWork, { kind: 'clone' }>,
): Result<DiskWorkResult> {
  const { clonePath, basePath, snapshotId, epoch } = work;
  if (datastore.disks.has(clonePath)) return accepted(nothingToTell);
  if (snapshotId === null && epoch === null && disk.holder !== null)
    return refused('image-locked', `a process holds ${disk.path}`);
  const content = snapshotId === null ? contentOf(disk) : disk.snapshots.get(snapshotId);
  if (!content) return refused('image-missing', `${disk.path} has no snapshot ${snapshotId}`);
  if (basePath !== null && basePath !== disk.path && !datastore.disks.has(basePath)) {
    const frozen = datastore.make(basePath, disk.sizeMiB, content, disk.basePaths);
    if (!frozen.ok) return frozen;
    disk.basePaths = [basePath, ...disk.basePaths];
  }
  const below = basePath === null ? [] : [basePath, ...datastore.disks.get(basePath)!.basePaths];
  const made = datastore.make(clonePath, disk.sizeMiB, content, below);
  return made.ok ? accepted(nothingToTell) : made;
}
