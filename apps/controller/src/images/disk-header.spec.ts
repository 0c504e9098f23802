import { faultOfHeader } from './disk-header';

/** A header as qemu-img 7.2 writes it, of a disk of 64 MiB. */
function qcow2(change: (header: Buffer) => void = () => undefined): Buffer {
  const header = Buffer.alloc(1024);
  header.write('514649fb', 0, 'hex');
  header.writeUInt32BE(3, 4);
  header.writeUInt32BE(16, 20);
  header.writeBigUInt64BE(BigInt(64 * 1024 ** 2), 24);
  header.writeUInt32BE(1, 36);
  header.writeBigUInt64BE(0x30000n, 40);
  header.writeBigUInt64BE(0x10000n, 48);
  header.writeUInt32BE(1, 56);
  header.writeUInt32BE(104, 100);
  change(header);
  return header;
}
const size = 0x40000;
const raw = Buffer.alloc(1024);

test('a whole qcow2 disk and a raw one are taken', () => {
  expect(faultOfHeader(qcow2(), 'qcow2', size)).toBeNull();
  expect(
    faultOfHeader(
      qcow2((header) => header.writeUInt32BE(2, 4)),
      'qcow2',
      size,
    ),
  ).toBeNull();
  expect(faultOfHeader(raw, 'raw', 4096)).toBeNull();
});

test.each<[string, (header: Buffer) => void, RegExp]>([
  ['has a disk below it', (header) => header.writeBigUInt64BE(512n, 8), /needs another disk/],
  ['has its data in another file', (header) => header.writeBigUInt64BE(4n, 72), /another file/],
  ['is marked as corrupt', (header) => header.writeBigUInt64BE(2n, 72), /corrupt/],
  ['is encrypted', (header) => header.writeUInt32BE(2, 32), /encrypted/],
  ['has features of another time', (header) => header.writeBigUInt64BE(1n << 40n, 72), /does not know/],
  ['has a table behind its end', (header) => header.writeBigUInt64BE(BigInt(size), 40), /cut off/],
  ['is of another version', (header) => header.writeUInt32BE(7, 4), /version 7/],
])('a qcow2 disk that %s is not', (_what, change, why) => {
  expect(faultOfHeader(qcow2(change), 'qcow2', size)).toMatch(why);
});

test('what is no disk, or another than it was called, is named', () => {
  const named = (magic: string) => faultOfHeader(Buffer.from(magic.padEnd(2048, '0'), 'hex'), 'raw', 4096);
  expect(named('fd377a585a00')).toBe('this is compressed with xz; unpack it first');
  expect(named('4b444d56')).toMatch(/VMDK.*qemu-img convert/);
  expect(faultOfHeader(qcow2(), 'raw', size)).toMatch(/send it as that/);
  expect(faultOfHeader(raw, 'qcow2', size)).toMatch(/does not begin like/);
  expect(faultOfHeader(raw, 'raw', 4097)).toMatch(/multiple of 512.*4097/);
});
