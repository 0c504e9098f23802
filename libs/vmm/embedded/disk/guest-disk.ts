import { closeSync, openSync, readSync } from 'node:fs';
import { sectorBytes, type Disk } from '@argosy/machine/devices';
import type { GuestSpecification } from '@argosy/domain/guest-specification';
import { mebibyte } from '@argosy/domain/units';
import { exists } from '../../disk-files';
import { imageFormat } from '../../image-files';
import { refuse } from '../../refused';
import { magic, type Backing } from './image-header';
import { LayeredDisk } from './layered-disk';

function isLayered(path: string): boolean {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(magic.length);
    readSync(file, bytes, 0, bytes.length, 0);
    return bytes.toString('latin1') === magic;
  } finally {
    closeSync(file);
  }
}

/** The declared format counts, not the content: a guest could write a header, with any backing file, into a raw disk. */
async function backingOf(guest: GuestSpecification, path: string | null): Promise<Backing | null> {
  if (path === null) return null;
  if (!(await exists(path))) throw refuse('image-missing', `${guest.name}: its image ${path} is not on this host`);
  const isBase = guest.boot.format !== 'raw' && isLayered(path);
  // A base of linked guests is Argosy's own file; what an administrator named is a file of the image's datastore.
  if (!isBase) await imageFormat(guest, path);
  if (guest.boot.format === 'qcow2')
    throw refuse(
      'vmm-unsupported',
      `${guest.name}: its image is qcow2, which is QEMU's; the embedded VMM takes raw images and kernels`,
    );
  return { path, format: isBase ? 'layered' : 'raw' };
}

export async function makeDisk(guest: GuestSpecification, path: string, backingPath: string | null): Promise<void> {
  const backing = await backingOf(guest, backingPath);
  let sizeBytes = guest.diskMiB * mebibyte;
  LayeredDisk.create(path, { sizeBytes, backing });
  if (backing === null) return;
  const disk = LayeredDisk.open(path, { writable: false });
  const below = disk.layerBytes;
  disk.close();
  if (below <= sizeBytes) return;
  sizeBytes = Math.ceil(below / sectorBytes) * sectorBytes;
  LayeredDisk.create(path, { sizeBytes, backing });
}

/** What the machine sees as its disk: which file that is may change while it runs. */
export class GuestDisk implements Disk {
  constructor(public image: LayeredDisk) {}

  get sectors(): number {
    return this.image.sectors;
  }

  read(sector: number, into: Uint8Array): void {
    this.image.read(sector, into);
  }

  write(sector: number, from: Uint8Array): void {
    this.image.write(sector, from);
  }
}
