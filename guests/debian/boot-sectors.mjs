// Puts GRUB and a partition table in front of a file system, without a loop device and without installing anything here.

const sectorBytes = 512;
/** Where the only partition starts; the sectors before it hold GRUB's core image, as grub-install would place it. */
export const partitionStartSector = 2048;
const bootCodeBytes = 440;
const linuxPartition = 0x83;
/** A partition beyond 8 GB of old geometry is addressed by its sector number alone; this is what such entries carry. */
const noGeometry = [0xfe, 0xff, 0xff];

/** The first MiB of the disk: GRUB's boot sector with the partition table, then its core image. */
export function bootSectors({ bootImage, coreImage, partitionSectors, diskSignature }) {
  const room = (partitionStartSector - 1) * sectorBytes;
  if (coreImage.length > room)
    throw new Error(`GRUB's core image has ${coreImage.length} bytes, and only ${room} fit before the partition`);
  const sectors = Buffer.alloc(partitionStartSector * sectorBytes);
  bootImage.copy(sectors, 0, 0, bootCodeBytes);
  sectors.writeUInt32LE(diskSignature, bootCodeBytes);
  const active = 0x80;
  Buffer.from([active, ...noGeometry, linuxPartition, ...noGeometry]).copy(sectors, 446);
  sectors.writeUInt32LE(partitionStartSector, 454);
  sectors.writeUInt32LE(partitionSectors, 458);
  sectors.writeUInt16LE(0xaa55, 510);
  // Both images expect this place already: the boot sector loads sector 1, and that one loads the rest from sector 2 on.
  coreImage.copy(sectors, sectorBytes);
  return sectors;
}
