import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, rmSync } from 'node:fs';
import { refuse } from '../../refused';
import { LayeredDisk } from './layered-disk';
import type { Owner } from './image-header';

const settleWithinSeconds = 10;

/**
 * Asks the kernel for a lock of an open file (flock). The program that asks is given the file and ends at once; the lock is the
 * open file's, which is this process' alone from then on, and ends with it whatever ends it.
 */
function lockFile(file: number, waitSeconds = 0): Promise<boolean> {
  const wait = waitSeconds > 0 ? ['-w', String(waitSeconds)] : ['-n'];
  return new Promise((resolve, reject) => {
    const asking = spawn('flock', ['-x', ...wait, '3'], { cwd: '/', stdio: ['ignore', 'ignore', 'ignore', file] });
    asking.on('error', () => reject(refuse('vmm-unsupported', 'flock is not installed; apt-get install util-linux')));
    asking.on('exit', (status) => resolve(status === 0));
  });
}

/** Whether the process that made that file lives: it keeps the file's lock until it ends. */
async function isHeldBy({ holderPath }: Owner): Promise<boolean> {
  let file: number;
  try {
    file = openSync(holderPath, 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
  try {
    return !(await lockFile(file));
  } finally {
    closeSync(file);
  }
}

export function lockedRefusal(path: string): Error {
  return refuse('image-locked', `${path} is held by a VMM: the guest runs somewhere`);
}

/** Refuses while a VMM of whatever host holds the disk. What is not there, or is no disk, nobody holds. */
export async function requireUnheld(path: string): Promise<void> {
  const owner = ownerOf(path);
  if (owner && (await isHeldBy(owner))) throw lockedRefusal(path);
}

function ownerOf(path: string): Owner | null {
  try {
    return LayeredDisk.ownerOf(path);
  } catch {
    return null;
  }
}

/**
 * One who may come to own a disk: a file of its own beside the disk, whose lock it holds as long as it lives. The disk's header
 * names its owner, and only the owner writes to the disk. So a hand-over is one write of the owner's, with no lock on its way;
 * and whoever finds an owner whose file nobody has locked has the proof that it is dead.
 */
export class DiskHold {
  private constructor(
    private readonly file: number,
    readonly owner: Owner,
  ) {}

  static async prepare(diskPath: string): Promise<DiskHold> {
    const token = randomBytes(8).toString('hex');
    const holderPath = `${diskPath}.holder-${token}`;
    const file = openSync(holderPath, 'wx');
    const hold = new DiskHold(file, { token, holderPath });
    if (await lockFile(file)) return hold;
    hold.release();
    throw refuse('vmm-failed', `the file system of ${diskPath} does not give locks`);
  }

  /** Makes the disk this one's, unless a living one owns it. Of two that try at once one is refused. */
  async take(disk: LayeredDisk, diskPath: string): Promise<void> {
    const settling = openSync(diskPath, 'r+');
    try {
      if (!(await lockFile(settling, settleWithinSeconds))) throw lockedRefusal(diskPath);
      const { owner } = disk;
      if (owner && owner.token !== this.owner.token && (await isHeldBy(owner))) throw lockedRefusal(diskPath);
      disk.reload();
      disk.setOwner(this.owner);
      // It ended without taking its own away.
      if (owner && owner.token !== this.owner.token) rmSync(owner.holderPath, { force: true });
    } finally {
      closeSync(settling);
    }
  }

  owns(disk: LayeredDisk): boolean {
    return disk.owner?.token === this.owner.token;
  }

  /** Its lock ends; a disk that names it as its owner is anybody's. */
  release(): void {
    rmSync(this.owner.holderPath, { force: true });
    closeSync(this.file);
  }
}

/** With the disk of a guest that does not run, which nobody starts meanwhile. */
export async function withDisk<Value>(path: string, use: (disk: LayeredDisk) => Promise<Value>): Promise<Value> {
  const disk = LayeredDisk.open(path, { writable: true });
  try {
    const hold = await DiskHold.prepare(path);
    try {
      await hold.take(disk, path);
      return await use(disk);
    } finally {
      hold.release();
    }
  } finally {
    disk.close();
  }
}
