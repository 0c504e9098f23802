import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom } from '@argosy/simulator/random';
import { DiskHold, requireUnheld, withDisk } from './disk-hold';
import { magic, slotBytes } from './image-header';
import { LayeredDisk } from './layered-disk';

const folder = mkdtempSync(join(tmpdir(), 'argosy-disk-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const sizeBytes = 256 * 1024;
let nextDisk = 1;
const pathOfNext = () => join(folder, `disk-${nextDisk++}.qcow2`);

function made(backing: { path: string; format: 'layered' | 'raw' } | null = null): {
  path: string;
  disk: LayeredDisk;
} {
  const path = pathOfNext();
  LayeredDisk.create(path, { sizeBytes, backing });
  return { path, disk: LayeredDisk.open(path, { writable: true }) };
}

function contentOf(disk: LayeredDisk): Buffer {
  const content = Buffer.alloc(sizeBytes);
  disk.readAt(0, content);
  return content;
}

const sectorOf = (value: number) => new Uint8Array(512).fill(value);

test('a disk, its snapshots and what it goes back to are what a plain copy of the sectors says, also when it is opened anew', () => {
  const chance = createRandom(11);
  const image = join(folder, 'image.raw');
  writeFileSync(
    image,
    Buffer.from(Array.from({ length: 5 }, (_, index) => sectorOf(0xa0 + index)).flatMap((each) => [...each])),
  );
  const { path, disk: first } = made({ path: image, format: 'raw' });
  let disk = first;
  const expected = Buffer.alloc(sizeBytes);
  readFileSync(image).copy(expected);
  const saved = new Map<string, Buffer>();
  const acts: Record<string, () => void> = {
    write: () => {
      const sector = chance.below(disk.sectors);
      const value = 1 + chance.below(255);
      disk.write(sector, sectorOf(value));
      expected.fill(value, sector * 512, (sector + 1) * 512);
    },
    snapshot: () => {
      const name = `s${chance.below(4)}`;
      disk.snapshot(name);
      saved.set(name, Buffer.from(expected));
    },
    drop: () => {
      const name = `s${chance.below(4)}`;
      disk.deleteSnapshot(name);
      saved.delete(name);
    },
    revert: () => {
      const [name, content] = [...saved][chance.below(saved.size || 1)] ?? [];
      if (name === undefined) return;
      disk.revert(name);
      content!.copy(expected);
    },
    reopen: () => {
      disk.close();
      disk = LayeredDisk.open(path, { writable: true });
    },
  };
  const names = ['write', 'write', 'write', 'write', 'write', 'write', 'snapshot', 'drop', 'revert', 'reopen'];
  for (let step = 0; step < 600; step++) acts[names[chance.below(names.length)]!]!();
  expect(contentOf(disk).equals(expected)).toBe(true);
  for (const [name, content] of saved) {
    disk.revert(name);
    expect(contentOf(disk).equals(content)).toBe(true);
  }
  disk.close();
});

test('what is frozen for a copy stays as it was, and its room is used again afterwards', () => {
  const { disk } = made();
  disk.write(0, sectorOf(1));
  const frozen = disk.freeze();
  disk.write(0, sectorOf(2));
  const seen = new Uint8Array(512);
  frozen.readAt(0, seen);
  expect([...seen]).toEqual([...sectorOf(1)]);
  frozen.release();
  disk.readAt(0, seen);
  expect([...seen]).toEqual([...sectorOf(2)]);
  disk.close();
});

test('overlays of one base do not see each other, and the base is not written to', () => {
  const { path, disk: base } = made();
  base.write(3, sectorOf(7));
  base.close();
  const before = readFileSync(path);
  const [one, other] = [made({ path, format: 'layered' }).disk, made({ path, format: 'layered' }).disk];
  one.write(3, sectorOf(8));
  one.write(4, sectorOf(9));
  expect([...contentOf(other).subarray(3 * 512, 5 * 512)]).toEqual([...sectorOf(7), ...sectorOf(0)]);
  expect(readFileSync(path).equals(before)).toBe(true);
  one.close();
  other.close();
});

test('a header that was cut short leaves the one before it, and a file without one is refused by name', () => {
  const { path, disk } = made();
  disk.write(1, sectorOf(5));
  disk.snapshot('kept');
  disk.setOwner({ token: 'half', holderPath: 'nowhere' });
  disk.close();
  const bytes = readFileSync(path);
  // The last of the two that were written: which, the generation says.
  const last = [0, slotBytes].find((at) => bytes.toString('latin1', at, at + slotBytes).includes('half'))!;
  bytes.fill(0, last + magic.length + 60, last + magic.length + 80);
  writeFileSync(path, bytes);
  const again = LayeredDisk.open(path, { writable: false });
  expect([again.owner, again.snapshotIds]).toEqual([null, ['kept']]);
  again.close();
  writeFileSync(path, 'QFI and so on');
  expect(() => LayeredDisk.open(path, { writable: false })).toThrow(`${path} is no disk of the embedded VMM`);
});

test('one owns a disk: another is refused while that one lives, and has it when that one is gone', async () => {
  const { path, disk } = made();
  const [one, other] = [await DiskHold.prepare(path), await DiskHold.prepare(path)];
  await one.take(disk, path);
  await expect(other.take(disk, path)).rejects.toMatchObject({ refusal: { code: 'image-locked' } });
  await expect(requireUnheld(path)).rejects.toMatchObject({ refusal: { code: 'image-locked' } });
  // The hand-over: the owner says who owns it next, and cannot take it back from a living one.
  disk.setOwner(other.owner);
  expect([one.owns(disk), other.owns(disk)]).toEqual([false, true]);
  await expect(one.take(disk, path)).rejects.toMatchObject({ refusal: { code: 'image-locked' } });
  other.release();
  await one.take(disk, path);
  expect(one.owns(disk)).toBe(true);
  one.release();
  await requireUnheld(path);
  disk.close();
});

test('of many that try to take a free disk at once, one has it', async () => {
  const { path, disk } = made();
  const holds = await Promise.all(Array.from({ length: 5 }, () => DiskHold.prepare(path)));
  const tried = await Promise.allSettled(
    holds.map(async (hold) => {
      const own = LayeredDisk.open(path, { writable: true });
      await hold.take(own, path).finally(() => own.close());
    }),
  );
  expect(tried.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(holds.filter((hold) => hold.owns(disk))).toHaveLength(1);
  for (const hold of holds) hold.release();
  await withDisk(path, async (mine) => expect(mine.owner).not.toBeNull());
  disk.close();
});
