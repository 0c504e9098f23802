// The disk of a guest with UEFI moves under it: the firmware's variables go along, while the firmware writes them.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DiskWork } from '@argosy/domain/disk-work';
import type { GuestSpecification } from '@argosy/domain/guest-specification';
import { quickPolicy } from '@argosy/vmm/conformance/scenes';
import { HostUnderTest } from '@argosy/vmm/test-bench';
import { QemuBench } from './qemu-bench';

let bench: QemuBench;
let [h1, h2] = [] as unknown as [HostUnderTest, HostUnderTest];
beforeEach(() => {
  bench = new QemuBench({ useGroups: false });
  [h1, h2] = [new HostUnderTest(bench, 'h1'), new HostUnderTest(bench, 'h2')];
});
afterEach(() => bench.dispose());

const variablesOf = ({ diskPath }: GuestSpecification): Buffer => readFileSync(`${diskPath}.uefi-variables`);

/** It has gone on from there, and has written all that it writes while it boots. */
async function writtenAfter(left: Buffer, guest: GuestSpecification): Promise<Buffer> {
  for (let [before, quiet] = [left, 0]; ;) {
    await bench.wait(500);
    const now = variablesOf(guest);
    quiet = now.equals(before) && !now.equals(left) ? quiet + 1 : 0;
    if (quiet >= 10) return now;
    before = now;
  }
}

function uefiGuest(): { guest: GuestSpecification; moved: GuestSpecification; work: DiskWork & { kind: 'relocate' } } {
  if (!existsSync('/usr/share/OVMF')) throw new Error('UEFI firmware is not installed: apt-get install ovmf');
  const plain = bench.guest();
  const boot = { ...plain.boot, format: 'raw', firmware: 'uefi', kernelPath: null, initrdPath: null } as const;
  const guest: GuestSpecification = { ...plain, memoryMiB: 128, boot: { ...boot, kernelArguments: null } };
  const moved = { ...guest, diskPath: guest.diskPath.replace('/datastore/', '/elsewhere/') };
  const { guestId, diskPath } = guest;
  const paths = { diskPath, newDiskPath: moved.diskPath, copyPath: `${moved.diskPath}.copy`, backingPath: null };
  return { guest, moved, work: { kind: 'relocate', guestId, epoch: 1, ...paths, bandwidthMiBPerSecond: 1000 } };
}

it('what the firmware writes after the move is beside the disk in its new place, and nowhere else', async () => {
  const { guest, moved, work } = uefiGuest();
  const source = { guestId: guest.guestId, epoch: 1 };
  await h1.must({ call: 'start', guest, epoch: 1 });
  expect(await h1.must({ call: 'diskWork', work })).toMatchObject({ moved: true });
  const left = variablesOf(guest);
  rmSync(dirname(guest.diskPath), { recursive: true });
  const written = await writtenAfter(left, moved);
  // A migration writes all of the flash's memory into the file at its target: it must be what the file had.
  const { uri } = await h2.must({ call: 'prepareIncoming', guest: moved, epoch: 2, policy: quickPolicy, disk: null });
  await h1.must({ call: 'migrateOut', instance: source, targetEpoch: 2, uri, policy: quickPolicy, disk: null });
  const target = { guestId: guest.guestId, epoch: 2 };
  await h2.event('incoming-completed', target);
  await h2.must({ call: 'resume', instance: target });
  await bench.wait(500);
  expect(variablesOf(moved).equals(written)).toBe(true);
}, 120_000);

it('an agent that dies in the middle of it harms nothing, and the next takes disk and variables there', async () => {
  const { guest, moved, work } = uefiGuest();
  const source = { guestId: guest.guestId, epoch: 1 };
  await h1.must({ call: 'start', guest, epoch: 1 });
  for (const afterMs of [10, 40, 60, 80, 100, 150, 200]) {
    void h1.ask({ call: 'diskWork', work }).catch(() => undefined);
    await bench.wait(afterMs);
    h1.restartAgent();
    expect(await h1.stateOf(source)).toBe('running');
  }
  expect(await h1.must({ call: 'diskWork', work })).toMatchObject({ moved: true });
  const left = variablesOf(guest);
  await writtenAfter(left, moved);
  expect(variablesOf(guest).equals(left)).toBe(true);
}, 120_000);

it('cancelled, the variables stay with the disk', async () => {
  const { guest, moved, work } = uefiGuest();
  await h1.must({ call: 'start', guest, epoch: 1 });
  const asked = h1.refusal({ call: 'diskWork', work });
  await h1.must({ call: 'cancelRelocation', copyPath: work.copyPath });
  expect(await asked).toMatchObject({ code: 'migration-failed' });
  await writtenAfter(variablesOf(guest), guest);
  expect(existsSync(`${moved.diskPath}.uefi-variables`)).toBe(false);
}, 120_000);
