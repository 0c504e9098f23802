// Work on a disk whose VMM ends in the middle of it: what the VMM had begun is done without it.
import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DiskWork } from '@argosy/domain/disk-work';
import type { GuestSpecification } from '@argosy/domain/guest-specification';
import { HostUnderTest } from '@argosy/vmm/test-bench';
import { QemuBench } from './qemu-bench';

let bench: QemuBench;
let host: HostUnderTest;
beforeEach(() => {
  bench = new QemuBench({ useGroups: false });
  host = new HostUnderTest(bench, 'h1');
});
afterEach(() => bench.dispose(), 30_000);

const snapshotsOf = (path: string): unknown[] =>
  (
    JSON.parse(execFileSync('qemu-img', ['info', '-U', '--output=json', path], { encoding: 'utf8' })) as {
      snapshots?: unknown[];
    }
  ).snapshots ?? [];

test.each(['is killed', 'is stopped by force'])(
  'a snapshot is removed though its VMM %s in the middle',
  async (how) => {
    const guest = bench.guest();
    const instance = { guestId: guest.guestId, epoch: 1 };
    await host.must({ call: 'start', guest, epoch: 1 });
    const about = {
      guestId: guest.guestId,
      epoch: 1,
      diskPath: guest.diskPath,
      snapshotId: 'before',
      memoryPath: null,
    };
    await host.must({ call: 'diskWork', work: { kind: 'snapshot', ...about } });
    expect(snapshotsOf(guest.diskPath)).toHaveLength(1);
    bench.freezeVmm('h1', instance);
    const removed = host.must({ call: 'diskWork', work: { kind: 'delete-snapshot', ...about } });
    await sleep(100);
    if (how === 'is killed') bench.killVmm('h1', instance);
    else await host.must({ call: 'stop', instance, graceMs: 0 });
    await removed;
    expect(snapshotsOf(guest.diskPath)).toEqual([]);
  },
  60_000,
);

const relocation = (guest: GuestSpecification, place: string): DiskWork => ({
  kind: 'relocate',
  guestId: guest.guestId,
  epoch: 1,
  diskPath: guest.diskPath,
  copyPath: join(place, 'guests', guest.guestId, 'disk-2.qcow2'),
  newDiskPath: join(place, 'guests', guest.guestId, 'disk.qcow2'),
  backingPath: null,
  bandwidthMiBPerSecond: 1000,
});

test('a disk that moved alone is not taken for unmoved where its new place is not mounted', async () => {
  const guest = bench.guest();
  const instance = { guestId: guest.guestId, epoch: 1 };
  const place = join(bench.folder, 'other');
  const work = relocation(guest, place);
  await host.must({ call: 'start', guest, epoch: 1 });
  expect(await host.must({ call: 'diskWork', work })).toMatchObject({ moved: true });
  bench.killVmm('h1', instance);
  await host.event('exited', instance);
  renameSync(place, `${place}-elsewhere`);
  mkdirSync(place);
  expect(await host.refusal({ call: 'diskWork', work })).toMatchObject({ code: 'disk-missing' });
  rmSync(place, { recursive: true });
  renameSync(`${place}-elsewhere`, place);
  expect(await host.must({ call: 'diskWork', work })).toMatchObject({ moved: true });
}, 60_000);

test('a disk whose copy was never made has not moved, whether or not the other place is mounted', async () => {
  const guest = bench.guest();
  const instance = { guestId: guest.guestId, epoch: 1 };
  await host.must({ call: 'start', guest, epoch: 1 });
  bench.killVmm('h1', instance);
  await host.event('exited', instance);
  const place = join(bench.folder, 'other');
  const work = relocation(guest, place);
  expect(await host.refusal({ call: 'diskWork', work })).toMatchObject({ code: 'guest-not-here' });
}, 60_000);
