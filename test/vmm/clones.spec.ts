// A disk above an image: the copy stays above the image and holds all that the guest wrote, and no more.
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import type { DiskWork } from '@argosy/domain/disk-work';
import type { GuestSpecification } from '@argosy/domain/guest-specification';
import { HostUnderTest } from '@argosy/vmm/test-bench';
import { QemuBench } from './qemu-bench';

const qemuImg = (...parameters: string[]) => execFileSync('qemu-img', parameters, { encoding: 'utf8' });
const backingOf = (path: string): string | undefined =>
  (JSON.parse(qemuImg('info', '-U', '--output=json', path)) as { 'full-backing-filename'?: string })[
    'full-backing-filename'
  ];
const isSame = (one: string, other: string): boolean => qemuImg('compare', '-U', one, other).includes('identical');

let bench: QemuBench;
let host: HostUnderTest;
let imagePath: string;
beforeEach(() => {
  bench = new QemuBench({ useGroups: false });
  host = new HostUnderTest(bench, 'h1');
  imagePath = join(bench.folder, 'datastore', 'images', 'image.qcow2');
  qemuImg('create', '-q', '-f', 'qcow2', imagePath, '8M');
  execFileSync('qemu-io', ['-c', 'write -P 7 4M 1M', imagePath]);
});
afterEach(() => bench.dispose(), 30_000);

async function written(): Promise<GuestSpecification> {
  const plain = bench.guest();
  const guest = { ...plain, boot: { ...plain.boot, backingDiskPath: imagePath } };
  await host.must({ call: 'start', guest, epoch: 1 });
  const instance = { guestId: guest.guestId, epoch: 1 };
  await host.beats(instance);
  const heard = host.lines.length;
  await host.must({ call: 'consoleWrite', instance, text: 'disk fill 64 5\n' });
  await host.line('diskFilled', heard);
  return guest;
}

const work = (guest: GuestSpecification, clonePath: string, how: Partial<DiskWork> = {}): DiskWork =>
  ({
    kind: 'clone',
    guestId: guest.guestId,
    epoch: null,
    diskPath: guest.diskPath,
    snapshotId: null,
    clonePath,
    imagePath,
    basePath: null,
    ...how,
  }) as DiskWork;

test('copies of a running and of a stopped guest stay above the image, and one of a linked guest is whole by itself', async () => {
  const guest = await written();
  const instance = { guestId: guest.guestId, epoch: 1 };
  const [running, stopped, linked, ofLinked] = [1, 2, 3, 4].map(() => bench.guest().diskPath) as [
    string,
    string,
    string,
    string,
  ];
  await host.must({ call: 'diskWork', work: work(guest, running, { epoch: 1 }) });
  await host.must({ call: 'stop', instance, graceMs: 0 });
  await host.must({ call: 'diskWork', work: work(guest, stopped) });
  for (const path of [running, stopped]) {
    expect(backingOf(path)).toBe(imagePath);
    expect(isSame(path, guest.diskPath)).toBe(true);
  }
  const basePath = join(dirname(dirname(dirname(guest.diskPath))), 'bases', 'one-1.qcow2');
  await host.must({ call: 'diskWork', work: work(guest, linked, { basePath }) });
  expect([backingOf(linked), backingOf(guest.diskPath)]).toEqual([basePath, basePath]);
  await host.must({ call: 'diskWork', work: work({ ...guest, diskPath: linked }, ofLinked, { imagePath: null }) });
  expect(backingOf(ofLinked)).toBeUndefined();
  for (const path of [linked, ofLinked, guest.diskPath]) expect(isSame(path, running)).toBe(true);
}, 60_000);

test('a copy that cannot be written leaves its guest as it was', async () => {
  const guest = await written();
  const instance = { guestId: guest.guestId, epoch: 1 };
  const clonePath = join('/dev/full', 'guests', 'x', 'disk.qcow2');
  expect(await host.refusal({ call: 'diskWork', work: work(guest, clonePath, { epoch: 1 }) })).toHaveProperty('code');
  await host.beats(instance, 2);
}, 60_000);
