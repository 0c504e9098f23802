// A disk moves while its guest writes to it, again and again: QEMU's mirror, asked in another way, loses a few sectors in one move of twenty.
import { execFileSync } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { replayDiskChecksum } from '@argosy/domain/guest-console';
import type { GuestSpecification } from '@argosy/domain/guest-specification';
import { QmpClient } from '@argosy/vmm/qemu/qmp';
import { HostUnderTest } from '@argosy/vmm/test-bench';
import { quickPolicy } from '@argosy/vmm/conformance/scenes';
import { EmbeddedBench } from './embedded-bench';
import { QemuBench } from './qemu-bench';
import type { TwoHostBench } from './two-host-bench';

const sectors = 3_470;
const bandwidthMiBPerSecond = 1_000;
const benches: Readonly<Record<string, () => TwoHostBench>> = {
  qemu: () => new QemuBench({ useGroups: false }),
  embedded: () => new EmbeddedBench(),
};
let bench: TwoHostBench;
let host: HostUnderTest;
let other: HostUnderTest;
afterEach(() => bench.dispose());

function begin(driver: string): void {
  bench = benches[driver]!();
  host = new HostUnderTest(bench, 'h1');
  other = new HostUnderTest(bench, 'h2');
}

const say = async (guestId: string, text: string, answer: 'diskFilled' | 'diskSum') => {
  const heard = host.lines.length;
  await host.must({ call: 'consoleWrite', instance: { guestId, epoch: 1 }, text: `${text}\n` });
  return host.line(answer, heard);
};

/** At any moment of a fill that takes about a third of a second. */
async function moveWhileItWrites({ guestId, diskPath }: GuestSpecification, to: string, seed: number): Promise<void> {
  const written = say(guestId, `disk fill ${sectors} ${seed}`, 'diskFilled');
  await bench.wait(Math.random() * 150);
  const paths = { diskPath, newDiskPath: to, copyPath: `${to}.copy`, backingPath: null };
  mkdirSync(dirname(to), { recursive: true });
  await host.must({ call: 'diskWork', work: { kind: 'relocate', guestId, epoch: 1, ...paths, bandwidthMiBPerSecond } });
  await written;
  const { checksum } = (await say(guestId, `disk sum ${sectors}`, 'diskSum')) as { readonly checksum: string };
  expect({ seed, checksum }).toEqual({ seed, checksum: replayDiskChecksum({ sectors, seed }) });
}

async function expectRoomBack(guestId: string, diskPath: string): Promise<void> {
  const before = statSync(diskPath).blocks;
  bench.driver('h1').detach();
  const qmp = await QmpClient.connect({
    path: () => join(bench.folder, 'h1', `${guestId}.1`, 'qmp'),
    deadlineMs: 5_000,
    alive: () => true,
    onEvent: () => undefined,
    onClose: () => undefined,
  });
  await qmp.call('human-monitor-command', { 'command-line': 'qemu-io -d disk0 "discard 0 1M"' });
  qmp.close();
  expect(before - statSync(diskPath).blocks).toBe(2 * 1_024);
  host.restartAgent();
}

test.each(Object.keys(benches))(
  '%s: a disk that moves 200 times while its guest writes has all that was written',
  async (driver) => {
    begin(driver);
    const guest = bench.guest();
    const { guestId, diskPath } = guest;
    await host.must({ call: 'start', guest, epoch: 1 });
    await say(guestId, `disk fill ${sectors} 1`, 'diskFilled');
    let at = diskPath;
    for (let move = 1; move <= 200; move++) {
      const to = diskPath.replace('/guests/', `/moved${move % 2}/`);
      await moveWhileItWrites({ ...guest, diskPath: at }, to, 1_000 + move);
      execFileSync('rm', ['-f', at, `${to}.copy`]);
      at = to;
    }
  },
  600_000,
);

test('qemu: so has one that leaves its base behind, and what the guest gives up there its file gives back', async () => {
  begin('qemu');
  const base = join(bench.folder, 'datastore', 'images', 'base.qcow2');
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', base, '16M']);
  for (let move = 1; move <= 100; move++) {
    const plain = bench.guest();
    const guest = { ...plain, boot: { ...plain.boot, backingDiskPath: base } };
    const { guestId, diskPath } = guest;
    await host.must({ call: 'start', guest, epoch: 1 });
    await say(guestId, `disk fill ${sectors} 1`, 'diskFilled');
    const moved = diskPath.replace('/guests/', '/moved/');
    await moveWhileItWrites(guest, moved, 1_000 + move);
    if (move === 1) await expectRoomBack(guestId, moved);
    await host.must({ call: 'stop', instance: { guestId, epoch: 1 }, graceMs: 0 });
  }
}, 600_000);

test.each(Object.keys(benches))(
  '%s: and one that moves 100 times with its guest to another host',
  async (driver) => {
    begin(driver);
    let guest = bench.guest();
    const { guestId, diskPath } = guest;
    await host.must({ call: 'start', guest, epoch: 1 });
    const policy = quickPolicy;
    let [from, to] = [host, other];
    for (let epoch = 2; epoch <= 101; epoch++, [from, to] = [to, from]) {
      const [source, target] = [epoch - 1, epoch].map((each) => ({ guestId, epoch: each }));
      const moved = { ...guest, diskMade: true, diskPath: diskPath.replace('/guests/', `/moved${epoch % 2}/`) };
      const copy = { copyPath: `${moved.diskPath}.copy`, backingPath: null };
      await from.must({ call: 'consoleWrite', instance: source!, text: `disk fill ${sectors} ${epoch}\n` });
      await bench.wait(Math.random() * 150);
      const { uri, diskUri } = await to.must({ call: 'prepareIncoming', guest: moved, epoch, policy, disk: copy });
      const disk = { uri: diskUri!, backingPath: null };
      await from.must({ call: 'migrateOut', instance: source!, targetEpoch: epoch, uri, policy, disk });
      await from.event('migration-completed', source!);
      await to.event('incoming-completed', target!);
      await to.must({ call: 'resume', instance: target! });
      await from.must({ call: 'stop', instance: source!, graceMs: 0 });
      const heard = to.lines.length;
      await to.must({ call: 'consoleWrite', instance: target!, text: `disk sum ${sectors}\n` });
      const expected = { checksum: replayDiskChecksum({ sectors, seed: epoch }) };
      expect(await to.line('diskSum', heard)).toMatchObject(expected);
      execFileSync('rm', ['-rf', dirname(guest.diskPath)]);
      guest = moved;
    }
  },
  600_000,
);
