import { access, rename, writeFile } from 'node:fs/promises';
import type { GuestSpecification } from '@argosy/domain/guest-specification';
import type { GuestNetwork } from '@argosy/domain/network';

/**
 * cloud-init's NoCloud source looks for a file system with the label `cidata` that holds `user-data` and `meta-data`
 * (cloudinit.readthedocs.io, "NoCloud"). ISO 9660 (ECMA-119) is the simplest: a few fixed sectors, written here so that a
 * host needs no tool for it.
 */
const sectorBytes = 2048;
const sectors = { descriptor: 16, terminator: 17, littleTable: 18, bigTable: 19, root: 20, firstFile: 21 } as const;

interface SeedFile {
  readonly name: string;
  readonly content: Buffer;
}

/** ECMA-119 7.2.3 and 7.3.3: numbers stand there twice, in both byte orders. */
function both16(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16LE(value, 0);
  bytes.writeUInt16BE(value, 2);
  return bytes;
}

function both32(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(value, 0);
  bytes.writeUInt32BE(value, 4);
  return bytes;
}

/** 9.1. The date is 2000-01-01 always: the same data gives the same image. */
function directoryRecord(identifier: Buffer, sector: number, length: number, isFolder: boolean): Buffer {
  const padding = Buffer.alloc(identifier.length % 2 === 0 ? 1 : 0);
  const size = 33 + identifier.length + padding.length;
  const flags = isFolder ? 2 : 0;
  return Buffer.concat([
    Buffer.from([size, 0]),
    both32(sector),
    both32(length),
    Buffer.from([100, 1, 1, 0, 0, 0, 0, flags, 0, 0]),
    both16(1),
    Buffer.from([identifier.length]),
    identifier,
    padding,
  ]);
}

function rootDirectory(files: readonly (SeedFile & { readonly sector: number })[]): Buffer {
  const self = (name: number) => directoryRecord(Buffer.from([name]), sectors.root, sectorBytes, true);
  // Linux shows "META-DATA.;1" as "meta-data". Records stand in the order of their names.
  const records = files.map(({ name, sector, content }) =>
    directoryRecord(Buffer.from(`${name.toUpperCase()}.;1`), sector, content.length, false),
  );
  return Buffer.concat([self(0), self(1), ...records]);
}

function pathTable(isBigEndian: boolean): Buffer {
  const table = Buffer.alloc(10);
  table.writeUInt8(1, 0);
  if (isBigEndian) table.writeUInt32BE(sectors.root, 2);
  else table.writeUInt32LE(sectors.root, 2);
  if (isBigEndian) table.writeUInt16BE(1, 6);
  else table.writeUInt16LE(1, 6);
  return table;
}

/** 8.4, by its byte positions. */
function primaryDescriptor(totalSectors: number): Buffer {
  const descriptor = Buffer.alloc(sectorBytes);
  const text = (value: string, start: number, length: number) =>
    descriptor.write(value.padEnd(length), start, length, 'latin1');
  descriptor.write('\x01CD001\x01', 0, 'latin1');
  text('LINUX', 8, 32);
  text('cidata', 40, 32);
  both32(totalSectors).copy(descriptor, 80);
  both16(1).copy(descriptor, 120);
  both16(1).copy(descriptor, 124);
  both16(sectorBytes).copy(descriptor, 128);
  both32(10).copy(descriptor, 132);
  descriptor.writeUInt32LE(sectors.littleTable, 140);
  descriptor.writeUInt32BE(sectors.bigTable, 148);
  directoryRecord(Buffer.from([0]), sectors.root, sectorBytes, true).copy(descriptor, 156);
  text('', 190, 623);
  for (const start of [813, 830, 847, 864]) descriptor.write('0000000000000000\0', start, 'latin1');
  descriptor.writeUInt8(1, 881);
  return descriptor;
}

/** An ISO 9660 image with those files in its only folder. */
export function seedImage(files: readonly SeedFile[]): Buffer {
  let nextSector: number = sectors.firstFile;
  const placed = [...files]
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .map((file) => {
      const sector = nextSector;
      nextSector += Math.max(1, Math.ceil(file.content.length / sectorBytes));
      return { ...file, sector };
    });
  const image = Buffer.alloc(nextSector * sectorBytes);
  primaryDescriptor(nextSector).copy(image, sectors.descriptor * sectorBytes);
  image.write('\xffCD001\x01', sectors.terminator * sectorBytes, 'latin1');
  pathTable(false).copy(image, sectors.littleTable * sectorBytes);
  pathTable(true).copy(image, sectors.bigTable * sectorBytes);
  rootDirectory(placed).copy(image, sectors.root * sectorBytes);
  for (const { content, sector } of placed) content.copy(image, sector * sectorBytes);
  return image;
}

/** cloud-init's network configuration, version 2; JSON is YAML. */
function networkConfiguration({ macAddress, address, prefixLength, gateway }: GuestNetwork): object {
  const card = {
    match: { macaddress: macAddress },
    addresses: [`${address}/${prefixLength}`],
    ...(gateway === null ? {} : { routes: [{ to: '0.0.0.0/0', via: gateway }] }),
  };
  return { version: 2, ethernets: { card0: card } };
}

/**
 * The guest's cloud-init data as an image beside its disk: a migration's target opens the same. The user data is written
 * as given, so it may be of any of cloud-init's formats.
 */
export async function ensureSeed(guest: GuestSpecification): Promise<string | null> {
  if (guest.cloudInit === null) return null;
  const path = `${guest.diskPath}.seed.iso`;
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  if (isThere) return path;
  const metaData = `instance-id: ${JSON.stringify(guest.guestId)}\nlocal-hostname: ${JSON.stringify(guest.name)}\n`;
  const image = seedImage([
    { name: 'network-config', content: Buffer.from(JSON.stringify(networkConfiguration(guest.network))) },
    { name: 'meta-data', content: Buffer.from(metaData) },
    { name: 'user-data', content: Buffer.from(guest.cloudInit) },
  ]);
  await writeFile(`${path}.new`, image, { mode: 0o600 });
  await rename(`${path}.new`, path);
  return path;
}
