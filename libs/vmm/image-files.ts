import { open, realpath, stat } from 'node:fs/promises';
import type { GuestSpecification } from '@argosy/domain/guest-specification';
import { isImagePath, isInitrdPath, outsideDatastore } from '@argosy/domain/image-files';
import { refuse, Refused } from './refused';

// A host opens what its orders name as an image. A guest reads all of it, and who makes images may be allowed no more than
// that: so it is a file of the image's datastore, with all links followed, and it leads to no other file.

/** The kernel and its initial RAM disk: read anew at each start, so looked at before each. */
export async function requireKernel({ name, boot }: GuestSpecification): Promise<void> {
  if (boot.initrdPath !== null && !isInitrdPath(boot.initrdPath))
    throw refuse(
      'invalid-request',
      `${name}: QEMU would end the path ${boot.initrdPath} at its comma or space; rename the file, or its folder`,
    );
  for (const path of [boot.kernelPath, boot.initrdPath])
    if (path !== null) await requireImageFile(name, path, boot.datastorePath);
}

/** The declared format counts, not the content: a guest could write a qcow2 header, with any backing file, into a raw disk. */
export async function imageFormat({ name, boot }: GuestSpecification, path: string): Promise<'raw' | 'qcow2'> {
  await requireImageFile(name, path, boot.datastorePath);
  if (boot.format === 'raw') return 'raw';
  const header = await readHeader(path);
  if (header === null) {
    if (boot.format !== 'qcow2') return 'raw';
    throw refuse('image-corrupt', `${name}: ${path} is not a qcow2 image; import it again, or as raw`);
  }
  if (header.leadsElsewhere)
    throw refuse(
      'image-outside-datastore',
      `${name}: ${path} leads to another file (its backing or its data file), which nobody has looked at; make it whole: qemu-img convert -O qcow2`,
    );
  return 'qcow2';
}

async function requireImageFile(guestName: string, path: string, datastorePath: string): Promise<void> {
  const [file, folder] = await Promise.all([
    realpath(path).catch(() => null),
    realpath(datastorePath).catch(() => datastorePath),
  ]);
  if (file === null) throw refuse('image-missing', `${guestName}: its image ${path} is not on this host`);
  if (isImagePath(file, folder) && (await stat(file)).isFile()) return;
  const what = file === path ? path : `${path}, which is ${file},`;
  const outside = outsideDatastore(`${guestName}: ${what}`, datastorePath);
  if (!outside.ok) throw new Refused(outside.refusal);
}

const headerBytes = 80;
const hasDataFile = 4n;

/** By the qcow2 specification: magic, version, the backing file's place at 8, and from version 3 incompatible features at 72. */
async function readHeader(path: string): Promise<{ readonly leadsElsewhere: boolean } | null> {
  const file = await open(path, 'r');
  try {
    const { buffer } = await file.read(Buffer.alloc(headerBytes), 0, headerBytes, 0);
    const version = buffer.readUInt32BE(4);
    if (buffer.toString('latin1', 0, 4) !== 'QFI\xfb' || (version !== 2 && version !== 3)) return null;
    const features = version === 3 ? buffer.readBigUInt64BE(72) : 0n;
    return { leadsElsewhere: buffer.readBigUInt64BE(8) !== 0n || (features & hasDataFile) !== 0n };
  } finally {
    await file.close();
  }
}
