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

/** magic, checksum and length in their lines, and then the text. */
function parseSlot(bytes: Buffer): Slot | null {
  if (bytes.toString('latin1', 0, magic.length) !== magic) return null;
  const lineEnd = bytes.indexOf('\n', magic.length);
  const [sum = '', length = ''] = bytes.toString('latin1', magic.length, lineEnd).split(' ');
  const text = bytes.toString('utf8', lineEnd + 1, lineEnd + 1 + Number(length));
  return digest(text) === sum ? (JSON.parse(text) as Slot) : null;
}

function readSlots(file: number): (Slot | null)[] {
  const bytes = Buffer.alloc(headerBytes);
  readSync(file, bytes, 0, headerBytes, 0);
  return [parseSlot(bytes.subarray(0, slotBytes)), parseSlot(bytes.subarray(slotBytes))];
}

function latest(slots: readonly (Slot | null)[]): Slot | null {
  return slots.reduce((best, slot) => (slot && slot.generation > (best?.generation ?? -1) ? slot : best), null);
}

export function readHeader(file: number, path: string): ImageHeader {
  const slot = latest(readSlots(file));
  if (slot) return slot.header;
  throw refuse(
    'image-corrupt',
    `${path} is no disk of the embedded VMM: it has no header that is whole. A qcow2 disk is QEMU's; import its image as raw.`,
  );
}

/** Also where another process has written it meanwhile. */
export function writeHeader(file: number, header: ImageHeader): void {
  const slots = readSlots(file);
  const generation = (latest(slots)?.generation ?? 0) + 1;
  const text = JSON.stringify({ generation, header });
  const bytes = Buffer.from(`${magic}${digest(text)} ${Buffer.byteLength(text)}\n${text}`);
  if (bytes.length > slotBytes)
    throw refuse('disk-full', 'its disk has as many snapshots as find room in its header; delete some of them');
  const older = (slots[0]?.generation ?? -1) < (slots[1]?.generation ?? -1) ? 0 : slotBytes;
  // What is no slot yet, or not whole, is the older one.
  const place = slots[0] === null ? 0 : slots[1] === null ? slotBytes : older;
  writeSync(file, bytes, 0, bytes.length, place);
}
