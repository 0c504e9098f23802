import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type DiskWorkResult, nothingToTell } from '@argosy/domain/disk-work';
import {
  makeItsOwn,
  makePrivateFolder,
  markLeaving,
  requireFree,
  requireWanted,
  unmarkLeaving,
  type RelocationOwner,
} from '../disk-files';
import type { WorkOf } from '../file-work';
import { refuse } from '../refused';
import { DiskHold } from './disk/disk-hold';
import { LayeredDisk } from './disk/layered-disk';
import type { EmbeddedGuest } from './guest';
import { DiskSweep } from './transfer/disk-copy';
import { Pace } from './transfer/memory-copy';

const progressEveryMs = 200;

/**
 * Under a running guest: what it writes meanwhile is copied again, then it stands still for a moment, in which the rest follows,
 * the copy gets the disk's name and the machine the copy. Until that name both disks are the same or the copy is nobody's.
 */
export async function relocateInside(
  work: WorkOf<'relocate'>,
  vmm: EmbeddedGuest,
  owner: RelocationOwner,
): Promise<DiskWorkResult> {
  const moved: DiskWorkResult = { ...nothingToTell, moved: true };
  const { copyPath, newDiskPath, diskPath } = work;
  if (vmm.guest.diskPath === newDiskPath) return moved;
  await requireFree(newDiskPath);
  requireWanted(owner);
  await makePrivateFolder(dirname(copyPath));
  await rm(copyPath, { force: true });
  await unmarkLeaving(diskPath);
  const copy = new RunningCopy(work, vmm, owner);
  try {
    await copy.untilSame();
    requireWanted(owner);
    await markLeaving(diskPath);
    // Other calls need not wait for the copy, only for the pivot.
    const pauseMs = await vmm.inOrder(async () => {
      requireWanted(owner);
      return copy.pivot();
    });
    return { ...moved, pauseMs };
  } catch (error) {
    copy.drop();
    await unmarkLeaving(diskPath);
    await rm(copyPath, { force: true });
    requireWanted(owner);
    throw error;
  } finally {
    copy.end();
  }
}

/** A disk that becomes the same as that of a running guest, and then its disk. */
class RunningCopy {
  private readonly made: LayeredDisk;
  private readonly sweep: DiskSweep;
  private readonly timer: NodeJS.Timeout;
  private hold: DiskHold | null = null;

  constructor(
    private readonly work: WorkOf<'relocate'>,
    private readonly vmm: EmbeddedGuest,
    owner: RelocationOwner,
  ) {
    const { copyPath, backingPath, bandwidthMiBPerSecond } = work;
    const { image } = vmm.disk;
    const backing = backingPath !== null && image.backing?.path === backingPath ? image.backing : null;
    LayeredDisk.create(copyPath, { sizeBytes: image.sizeBytes, backing });
    this.made = LayeredDisk.open(copyPath, { writable: true });
    const pace = new Pace(bandwidthMiBPerSecond);
    this.sweep = new DiskSweep(image, backingPath, owner.signal, async (cluster, content) => {
      const offset = cluster * this.made.clusterBytes;
      this.made.writeAt(offset, content.subarray(0, this.made.sizeBytes - offset));
      await pace.spend(content.length);
    });
    this.timer = setInterval(() => owner.progress(this.sweep.progress()), progressEveryMs);
  }

  async untilSame(): Promise<void> {
    await this.sweep.untilFewAreLeft();
    this.made.sync();
    this.hold = await DiskHold.prepare(this.work.copyPath);
    await this.hold.take(this.made, this.work.copyPath);
  }

  /** How long the guest stood still. */
  async pivot(): Promise<number> {
    const { vmm, made, hold } = this;
    const { copyPath, newDiskPath } = this.work;
    const { state } = vmm;
    if (state !== 'running' && state !== 'paused')
      throw refuse('guest-not-running', `the disk of ${vmm.guest.name} cannot move now: it is ${state}`);
    const begun = performance.now();
    // Nobody is told of a pause that nobody asked for and that is over in a moment.
    vmm.halt();
    vmm.state = 'sending';
    try {
      await this.sweep.rest();
      made.sync();
      await makeItsOwn(copyPath, newDiskPath);
      this.sweep.end();
      vmm.useDisk({ image: made, hold: hold!, imagePath: newDiskPath, diskPath: newDiskPath });
      this.hold = null;
    } finally {
      if (vmm.isAlive) vmm.state = state;
      if (vmm.isAlive && state === 'running') vmm.go();
    }
    return Math.round((performance.now() - begun) * 10) / 10;
  }

  drop(): void {
    this.hold?.release();
    this.hold = null;
    this.made.close();
  }

  end(): void {
    clearInterval(this.timer);
    this.sweep.end();
  }
}
