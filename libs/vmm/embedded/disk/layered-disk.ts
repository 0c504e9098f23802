import { closeSync, fdatasync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { sectorBytes, type Disk } from '@argosy/machine/devices';
import { refuse } from '../../refused';
import {
  headerBytes,
  readHeader,
  writeHeader,
  type Backing,
  type ImageHeader,
  type Owner,
  type SavedMap,
  type StoredHeader,
} from './image-header';

const smallClusterShift = 12;
const largeClusterShift = 16;
/** A map of a small disk is small, and so are its copies when a cluster is written for the first time. */
const smallDiskBytes = 2 ** 32;
const entryBytes = 4;

/** What is read below a disk: sectors that nobody writes to. */
export interface Layer {
  readonly sizeBytes: number;
  readAt(offset: number, into: Uint8Array): void;
  close(): void;
}

/** A file's bytes as they are; beyond their end are zeros. */
class RawLayer implements Layer {
  private readonly file: number;
  readonly sizeBytes: number;

  constructor(path: string) {
    this.file = openSync(path, 'r');
    this.sizeBytes = fstatSync(this.file).size;
  }

  readAt(offset: number, into: Uint8Array): void {
    const read = offset < this.sizeBytes ? readSync(this.file, into, 0, into.length, offset) : 0;
    into.fill(0, read);
  }

  close(): void {
    closeSync(this.file);
  }
}

function openLayer(backing: Backing | null): Layer | null {
  if (backing === null) return null;
  try {
    return backing.format === 'raw' ? new RawLayer(backing.path) : LayeredDisk.open(backing.path, { writable: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw refuse('image-missing', `${backing.path}, which the disk is an overlay of, is not on this host`);
  }
}

/**
 * A disk in one file: clusters at their places in the file by a map, over a layer below. What the map does not name is the
 * layer's. A snapshot is a second map: clusters that it names are not written to again, and the disk gets new ones for them.
 * A write goes to the file before the map names it, so that a death at any moment leaves each sector old or new.
 */
export class LayeredDisk implements Disk, Layer {
  private stored: StoredHeader;
  private map!: Uint32Array;
  /** By cluster: how many snapshots, and copies that are being made, need it as it is. */
  private pins!: Uint16Array;
  private free: number[] = [];
  private end = 0;
  private readonly frozen = new Set<Uint32Array>();
  private layer: Layer | null;
  private isDirty = false;
  private isFlushing = false;
  /** Called before a part of the disk is written, for whoever copies it. */
  onWrite: ((cluster: number) => void) | null = null;

  private constructor(
    private readonly file: number,
    private readonly path: string,
  ) {
    this.stored = readHeader(file, path);
    this.layer = openLayer(this.header.backing);
    this.load();
  }

  static create(path: string, { sizeBytes, backing }: { sizeBytes: number; backing: Backing | null }): void {
    const clusterShift = sizeBytes > smallDiskBytes ? largeClusterShift : smallClusterShift;
    const file = openSync(path, 'w+');
    try {
      const mapCluster = headerBytes >>> clusterShift;
      // Room for both headers is taken now: the owner changes in the middle of a migration.
      writeWhole(file, new Uint8Array(headerBytes), 0);
      writeHeader(file, null, { sizeBytes, clusterShift, mapCluster, backing, owner: null, snapshots: [] });
      const mapClusters = Math.ceil((Math.ceil(sizeBytes / 2 ** clusterShift) * entryBytes) / 2 ** clusterShift);
      ftruncateSync(file, headerBytes + mapClusters * 2 ** clusterShift);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  }

  static open(path: string, { writable }: { writable: boolean }): LayeredDisk {
    const file = openSync(path, writable ? 'r+' : 'r');
    try {
      return new LayeredDisk(file, path);
    } catch (error) {
      closeSync(file);
      throw error;
    }
  }

  /** Who may write there now, as the file says. */
  static ownerOf(path: string): Owner | null {
    const file = openSync(path, 'r');
    try {
      return readHeader(file, path).header.owner;
    } finally {
      closeSync(file);
    }
  }

  private get header(): ImageHeader {
    return this.stored.header;
  }

  get sizeBytes(): number {
    return this.header.sizeBytes;
  }

  get sectors(): number {
    return Math.floor(this.sizeBytes / sectorBytes);
  }

  get backing(): Backing | null {
    return this.header.backing;
  }

  /** Of what lies below; 0: nothing. */
  get layerBytes(): number {
    return this.layer?.sizeBytes ?? 0;
  }

  get clusterBytes(): number {
    return 2 ** this.header.clusterShift;
  }

  get clusters(): number {
    return Math.ceil(this.sizeBytes / this.clusterBytes);
  }

  get owner(): Owner | null {
    return readHeader(this.file, this.path).header.owner;
  }

  setOwner(owner: Owner | null): void {
    this.change({ owner });
  }

  /** What somebody else wrote since, who owned it. */
  reload(): void {
    this.stored = readHeader(this.file, this.path);
    this.load();
  }

  /** What was written so far outlives a power cut once this is done. */
  async flush(): Promise<void> {
    if (!this.isDirty || this.isFlushing) return;
    this.isDirty = false;
    this.isFlushing = true;
    // One that could not be flushed is tried again with the next write.
    await promisify(fdatasync)(this.file).catch(() => undefined);
    this.isFlushing = false;
  }

  sync(): void {
    fsyncSync(this.file);
  }

  close(): void {
    closeSync(this.file);
    this.layer?.close();
  }

  // ---- Sectors ----

  read(sector: number, into: Uint8Array): void {
    this.readAt(sector * sectorBytes, into);
  }

  readAt(offset: number, into: Uint8Array): void {
    this.readBy(this.map, offset, into);
  }

  private readBy(map: Uint32Array, offset: number, into: Uint8Array): void {
    for (let done = 0; done < into.length;) {
      const cluster = Math.floor((offset + done) / this.clusterBytes);
      const within = offset + done - cluster * this.clusterBytes;
      const part = into.subarray(done, done + Math.min(into.length - done, this.clusterBytes - within));
      const place = map[cluster] ?? 0;
      if (place !== 0) this.readFile(place, within, part);
      else if (this.layer) this.layer.readAt(offset + done, part);
      else part.fill(0);
      done += part.length;
    }
  }

  private readFile(place: number, within: number, into: Uint8Array): void {
    const read = readSync(this.file, into, 0, into.length, place * this.clusterBytes + within);
    into.fill(0, read);
  }

  /** A sector, or any part of one cluster. Throws what the file system says, as of a datastore that is full, and has done nothing then. */
  write(sector: number, from: Uint8Array): void {
    this.writeAt(sector * sectorBytes, from);
  }

  writeAt(offset: number, from: Uint8Array): void {
    const cluster = Math.floor(offset / this.clusterBytes);
    const within = offset - cluster * this.clusterBytes;
    const place = this.map[cluster]!;
    this.onWrite?.(cluster);
    this.isDirty = true;
    if (place !== 0 && this.pins[place] === 0) {
      writeWhole(this.file, from, place * this.clusterBytes + within);
      return;
    }
    const content = new Uint8Array(this.clusterBytes);
    if (from.length < content.length) this.readAt(cluster * this.clusterBytes, content);
    content.set(from, within);
    const next = this.free.at(-1) ?? this.end;
    writeWhole(this.file, content, next * this.clusterBytes);
    const entry = new Uint8Array(Uint32Array.of(next).buffer);
    writeWhole(this.file, entry, this.header.mapCluster * this.clusterBytes + cluster * entryBytes);
    // Only now: a datastore that is full has refused by here, and nothing has changed.
    if (this.free.pop() === undefined) this.growTo(next + 1);
    this.map[cluster] = next;
  }

  private growTo(end: number): void {
    this.end = end;
    if (this.pins.length >= end) return;
    const pins = new Uint16Array(Math.max(end, 2 * this.pins.length));
    pins.set(this.pins);
    this.pins = pins;
  }

  /** Those that a disk which is an overlay of that one must be told, to be the same as this: null: of nothing. */
  clustersAbove(backingPath: string | null): number[] {
    const isSame = backingPath !== null && this.backing?.path === backingPath;
    const all = Array.from(this.map.keys());
    return isSame || this.layer === null ? all.filter((cluster) => this.map[cluster] !== 0) : all;
  }

  // ---- Moments ----

  get snapshotIds(): readonly string[] {
    return this.header.snapshots.map(({ snapshotId }) => snapshotId);
  }

  /** As the disk is now; one of that name is replaced. */
  snapshot(snapshotId: string): void {
    this.deleteSnapshot(snapshotId);
    const mapCluster = this.writeMap(this.map);
    fsyncSync(this.file);
    this.change({ snapshots: [...this.header.snapshots, { snapshotId, mapCluster }] });
    this.load();
  }

  deleteSnapshot(snapshotId: string): void {
    if (!this.snapshotIds.includes(snapshotId)) return;
    this.change({ snapshots: this.header.snapshots.filter((each) => each.snapshotId !== snapshotId) });
    this.load();
  }

  revert(snapshotId: string): void {
    const mapCluster = this.writeMap(this.mapOf(snapshotId));
    fsyncSync(this.file);
    this.change({ mapCluster });
    this.load();
  }

  private mapOf(snapshotId: string): Uint32Array {
    const saved = this.header.snapshots.find((each) => each.snapshotId === snapshotId);
    if (!saved) throw refuse('invalid-request', `${this.path} has no snapshot ${snapshotId}`);
    return this.readMap(saved.mapCluster);
  }

  /** The disk as it is now, or was at a snapshot, for as long as it takes to copy it. */
  freeze(snapshotId: string | null = null): FrozenDisk {
    const map = snapshotId === null ? this.map.slice() : this.mapOf(snapshotId);
    this.frozen.add(map);
    this.pin(map, 1);
    return {
      map,
      readAt: (offset, into) => this.readBy(map, offset, into),
      release: () => {
        if (this.frozen.delete(map)) this.load();
      },
    };
  }

  // ---- The map and the room ----

  private load(): void {
    this.map = this.readMap(this.header.mapCluster);
    const saved = this.header.snapshots.map(({ mapCluster }) => this.readMap(mapCluster));
    const clusters = Math.max(Math.ceil(fstatSync(this.file).size / this.clusterBytes), this.end);
    const used = new Uint8Array(clusters);
    used.fill(1, 0, Math.ceil(headerBytes / this.clusterBytes));
    const mapClusters = this.mapClusters;
    for (const first of [this.header.mapCluster, ...this.header.snapshots.map((each: SavedMap) => each.mapCluster)])
      used.fill(1, first, first + mapClusters);
    this.pins = new Uint16Array(Math.max(clusters, 64));
    this.end = clusters;
    for (const map of [...saved, ...this.frozen]) this.pin(map, 1);
    for (const map of [this.map, ...saved, ...this.frozen]) for (const place of map) used[place] = 1;
    this.free = [];
    for (let cluster = clusters - 1; cluster > 0; cluster--) if (used[cluster] === 0) this.free.push(cluster);
  }

  private pin(map: Uint32Array, by: number): void {
    for (const place of map) if (place !== 0) this.pins[place]! += by;
  }

  private get mapClusters(): number {
    return Math.ceil((this.clusters * entryBytes) / this.clusterBytes);
  }

  private readMap(first: number): Uint32Array {
    const map = new Uint32Array(this.clusters);
    const bytes = new Uint8Array(map.buffer);
    readSync(this.file, bytes, 0, bytes.length, first * this.clusterBytes);
    return map;
  }

  /** At the end, where its clusters lie side by side. */
  private writeMap(map: Uint32Array): number {
    const first = this.end;
    const bytes = new Uint8Array(this.mapClusters * this.clusterBytes);
    bytes.set(new Uint8Array(map.buffer, map.byteOffset, map.byteLength));
    writeWhole(this.file, bytes, first * this.clusterBytes);
    this.growTo(first + this.mapClusters);
    return first;
  }

  private change(change: Partial<ImageHeader>): void {
    this.stored = writeHeader(this.file, this.stored, { ...this.header, ...change });
  }
}

export interface FrozenDisk {
  /** By cluster: 0 where the layer below has it. */
  readonly map: Uint32Array;
  readAt(offset: number, into: Uint8Array): void;
  release(): void;
}

/** A write that is cut short by a full file system is none. */
function writeWhole(file: number, bytes: Uint8Array, offset: number): void {
  for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done, bytes.length - done, offset + done);
}
