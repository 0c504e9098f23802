import { createHash } from 'node:crypto';
import { readSync, writeSync } from 'node:fs';
import { refuse } from '../../refused';

/** What a disk is an overlay of: another disk of this format, or the plain sectors of an image. */
export interface Backing {
  readonly path: string;
  readonly format: 'layered' | 'raw';
}

/** Who may write to a disk: whoever holds the lock of that file (`disk-hold.ts`). */
export interface Owner {
  readonly token: string;
  readonly holderPath: string;
}

/** Where the map of the disk at some moment lies in the file, by its first cluster. */
export interface SavedMap {
  readonly snapshotId: string;
  readonly mapCluster: number;
}

export interface ImageHeader {
  readonly sizeBytes: number;
  readonly clusterShift: number;
  readonly mapCluster: number;
  readonly backing: Backing | null;
  readonly owner: Owner | null;
  readonly snapshots: readonly SavedMap[];
}

/**
 * The header lies twice in the file and is written to the two places in turn, each time with the next number and a checksum:
 * whenever the writer dies, one of them is whole.
 */
export const magic = 'argosy layered disk 1\n';
export const slotBytes = 64 * 1024;
export const headerBytes = 2 * slotBytes;
const digestCharacters = 16;

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, digestCharacters);
}

interface Slot {
  readonly generation: number;
  readonly header: ImageHeader;
}

/** What a file's header says, and where it stands. */
export interface StoredHeader extends Slot {
  readonly place: number;
}

/** Longer headers are those of disks with many snapshots. */
const usualBytes = 4096;

/** magic, checksum and length in their lines, and then the text. */
function readSlot(file: number, place: number, readBytes: number): StoredHeader | null {
  const bytes = Buffer.alloc(readBytes);
  readSync(file, bytes, 0, readBytes, place);
  if (bytes.toString('latin1', 0, magic.length) !== magic) return null;
  const lineEnd = bytes.indexOf('\n', magic.length);
  const [sum = '', length = ''] = bytes.toString('latin1', magic.length, lineEnd).split(' ');
  const end = lineEnd + 1 + Number(length);
  if (end > readBytes && readBytes < slotBytes) return readSlot(file, place, slotBytes);
  const text = bytes.toString('utf8', lineEnd + 1, end);
  return digest(text) === sum ? { ...(JSON.parse(text) as Slot), place } : null;
}

export function readHeader(file: number, path: string): StoredHeader {
  const [first, second] = [0, slotBytes].map((place) => readSlot(file, place, usualBytes));
  const latest = (first?.generation ?? -1) > (second?.generation ?? -1) ? first : second;
  if (latest) return latest;
  throw refuse(
    'image-corrupt',
    `${path} is no disk of the embedded VMM: it has no header that is whole. A qcow2 disk is QEMU's; import its image as raw.`,
  );
}

/** `before`: what the file says now, as whoever may write there knows; null: nothing yet. */
export function writeHeader(file: number, before: StoredHeader | null, header: ImageHeader): StoredHeader {
  const generation = (before?.generation ?? 0) + 1;
  const text = JSON.stringify({ generation, header });
  const bytes = Buffer.from(`${magic}${digest(text)} ${Buffer.byteLength(text)}\n${text}`);
  if (bytes.length > slotBytes)
    throw refuse('disk-full', 'its disk has as many snapshots as find room in its header; delete some of them');
  const place = before === null ? 0 : slotBytes - before.place;
  writeSync(file, bytes, 0, bytes.length, place);
  return { generation, header, place };
}
