import type { UploadFormat } from '@argosy/domain/image-upload';

/** As much of a disk's beginning as tells what it is. */
export const headerBytes = 1024;
const sectorBytes = 512;

/** What somebody might send in place of a disk, by its first bytes. */
const others: readonly (readonly [magic: string, name: string, advice: string])[] = [
  ['fd377a585a00', 'compressed with xz', 'unpack it first'],
  ['1f8b', 'compressed with gzip', 'unpack it first'],
  ['28b52ffd', 'compressed with zstd', 'unpack it first'],
  ['425a68', 'compressed with bzip2', 'unpack it first'],
  ['504b0304', 'a zip archive', 'unpack it first'],
  ['4b444d', 'a VMDK disk', 'convert it: qemu-img convert -O qcow2'],
  ['636f6e6563746978', 'a VHD disk', 'convert it: qemu-img convert -O qcow2'],
  ['7668647866696c65', 'a VHDX disk', 'convert it: qemu-img convert -O qcow2'],
  ['3c3c3c20', 'a VDI disk', 'convert it: qemu-img convert -O qcow2'],
  ['7f454c46', 'a program or a kernel', 'a kernel is put on the datastore, and made an image with its path'],
];

const qcow2Magic = '514649fb';
const incompatible = { dirty: 1n, corrupt: 2n, dataFile: 4n, compression: 8n, extendedL2: 16n };
const knownIncompatible = incompatible.dirty | incompatible.compression | incompatible.extendedL2;

/** Why these are not the first bytes of such a disk, and what to do; null: they may be. `sizeBytes`: how long the file is. */
export function faultOfHeader(header: Buffer, format: UploadFormat, sizeBytes: number): string | null {
  const start = header.subarray(0, 8).toString('hex');
  const isQcow2 = start.startsWith(qcow2Magic);
  if (!isQcow2) {
    const other = others.find(([magic]) => start.startsWith(magic));
    if (other) return `this is ${other[1]}; ${other[2]}`;
  }
  if (format === 'qcow2') return isQcow2 ? faultOfQcow2(header, sizeBytes) : 'it does not begin like a qcow2 disk';
  if (isQcow2) return 'this is a qcow2 disk; send it as that';
  return sizeBytes % sectorBytes === 0
    ? null
    : `a raw disk is a multiple of ${sectorBytes} bytes long, and this has ${sizeBytes}; was it cut off?`;
}

/** By QEMU's docs/interop/qcow2.txt. What a disk refers to outside of itself would be read with QEMU's rights. */
function faultOfQcow2(header: Buffer, sizeBytes: number): string | null {
  if (header.length < 104) return 'it ends within its header';
  const version = header.readUInt32BE(4);
  if (version !== 2 && version !== 3) return `it is of version ${version} of qcow2, and 2 and 3 are taken`;
  if (header.readBigUInt64BE(8) !== 0n)
    return 'it is not whole: it needs another disk below it. Make it whole: qemu-img convert -O qcow2';
  const clusterBits = header.readUInt32BE(20);
  if (clusterBits < 9 || clusterBits > 21) return 'its clusters are of an impossible size';
  if (header.readUInt32BE(32) !== 0) return 'it is encrypted, and no host has its key';
  const features = version === 3 ? header.readBigUInt64BE(72) : 0n;
  if ((features & incompatible.dataFile) !== 0n)
    return 'it is not whole: its data are in another file. Make it whole: qemu-img convert -O qcow2';
  if ((features & incompatible.corrupt) !== 0n) return 'it is marked as corrupt';
  if ((features & ~knownIncompatible) !== 0n) return 'it has features that QEMU does not know';
  const tables = [header.readBigUInt64BE(40), header.readBigUInt64BE(48)];
  const tableBytes = [BigInt(header.readUInt32BE(36)) * 8n, BigInt(header.readUInt32BE(56)) << BigInt(clusterBits)];
  const isOutside = tables.some((offset, index) => offset + tableBytes[index]! > BigInt(sizeBytes));
  return isOutside ? 'its tables lie behind its end; was it cut off?' : null;
}
