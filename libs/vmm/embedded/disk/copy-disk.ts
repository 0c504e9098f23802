import type { MigrationProgress } from '@argosy/domain/entities';
import { CopyCancelled, Pace } from '../transfer/memory-copy';
import { Turns } from '../turns';
import { LayeredDisk } from './layered-disk';

export interface DiskCopying {
  readonly snapshotId: string | null;
  /** The image that the copy may stay an overlay of, if the disk is one of it: then only what itself holds is copied. */
  readonly imagePath: string | null;
  readonly signal: AbortSignal;
  readonly bandwidthMiBPerSecond?: number;
  readonly progress?: (progress: MigrationProgress) => void;
}

const progressEveryMs = 200;
const unlimitedMiBPerSecond = 2 ** 20;

/** The disk as it is at this moment, or was at a snapshot, into a new file; whoever writes to it may go on. */
export async function copyDisk(disk: LayeredDisk, path: string, copying: DiskCopying): Promise<void> {
  const { snapshotId, imagePath, signal, bandwidthMiBPerSecond = unlimitedMiBPerSecond } = copying;
  const keepsImage = imagePath !== null && disk.backing?.path === imagePath;
  const frozen = disk.freeze(snapshotId);
  try {
    LayeredDisk.create(path, { sizeBytes: disk.sizeBytes, backing: keepsImage ? disk.backing : null });
    const made = LayeredDisk.open(path, { writable: true });
    try {
      const pace = new Pace(bandwidthMiBPerSecond);
      const turns = new Turns();
      const tell = telling(disk, copying);
      const content = new Uint8Array(disk.clusterBytes);
      const wanted = Array.from(frozen.map.keys()).filter(
        (cluster) => frozen.map[cluster] !== 0 || (!keepsImage && disk.backing !== null),
      );
      for (const [index, cluster] of wanted.entries()) {
        if (signal.aborted) throw new CopyCancelled('it is not wanted any more');
        const offset = cluster * disk.clusterBytes;
        frozen.readAt(offset, content);
        // A cluster of zeros that hides the image's must be there; where nothing lies below it need not.
        if (keepsImage || content.some((byte) => byte !== 0))
          made.writeAt(offset, content.subarray(0, disk.sizeBytes - offset));
        await pace.spend(content.length);
        await turns.yieldIfDue();
        tell(index + 1, wanted.length);
      }
      made.sync();
    } finally {
      made.close();
    }
  } finally {
    frozen.release();
  }
}

function telling({ clusterBytes }: LayeredDisk, { progress }: DiskCopying): (done: number, of: number) => void {
  const begunAt = performance.now();
  let toldAt = begunAt;
  return (done, of) => {
    const now = performance.now();
    if (!progress || now - toldAt < progressEveryMs) return;
    toldAt = now;
    const [transferredBytes, totalBytes] = [done * clusterBytes, of * clusterBytes];
    const bytesPerSecond = Math.round((transferredBytes * 1000) / (now - begunAt));
    const remainingBytes = totalBytes - transferredBytes;
    const expectedEndMs = Math.ceil((remainingBytes * 1000) / bytesPerSecond);
    const rest = { dirtyBytesPerSecond: 0, iteration: 0, expectedEndMs };
    progress({ transferredBytes, remainingBytes, totalBytes, bytesPerSecond, ...rest });
  };
}
