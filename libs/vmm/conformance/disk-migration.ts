import { dirname } from 'node:path';
import type { MigrationPolicy } from '@argosy/domain/policies';
import type { GuestSpecification } from '@argosy/domain/guest-specification';
import { expectDisk, fillDisk } from './disks';
import { expectUnbroken, quickPolicy, running, slowPolicy, type Copy, type Hosts, type TestTable } from './scenes';

/** The same guest with its disk on a datastore that the other host has for itself. */
export function elsewhere(guest: GuestSpecification): GuestSpecification {
  return { ...guest, diskPath: guest.diskPath.replace('/datastore/', '/elsewhere/') };
}

interface DiskMigration extends Copy {
  readonly moved: GuestSpecification;
}

const targetEpoch = 2;

/** A guest with data on its disk, on its way from h1 to h2 together with the disk. */
async function movingWithDisk(hosts: Hosts, policy: MigrationPolicy = quickPolicy): Promise<DiskMigration> {
  const { h1, h2 } = hosts;
  const { guest, source } = await running(hosts);
  await fillDisk(h1, source, 5, policy === quickPolicy ? undefined : manySectors);
  const moved = elsewhere(guest);
  const disk = { copyPath: `${moved.diskPath}.copy`, backingPath: null };
  const { uri, diskUri } = await h2.must({ call: 'prepareIncoming', guest: moved, epoch: targetEpoch, policy, disk });
  if (diskUri === null) throw new Error('the target does not say where it takes the disk');
  await h1.must({
    call: 'migrateOut',
    instance: source,
    targetEpoch,
    uri,
    policy,
    disk: { uri: diskUri, backingPath: null },
  });
  return { guest, moved, source, target: { guestId: guest.guestId, epoch: targetEpoch } };
}

async function movedWithDisk(hosts: Hosts): Promise<DiskMigration> {
  const copy = await movingWithDisk(hosts);
  await hosts.h1.event('migration-completed', copy.source);
  await hosts.h2.event('incoming-completed', copy.target);
  return copy;
}

/** So slow that a disk with so many sectors is not over for a long time: what a guest never wrote is not sent. */
const crawling: MigrationPolicy = { ...slowPolicy, bandwidthMiBPerSecond: 2 };
const manySectors = 4096;

/** What is counted while no agent listens is heard by nobody; but nothing is counted twice. */
function expectOnce(counts: readonly number[]): void {
  const steps = counts.slice(1).map((count, index) => count - counts[index]!);
  expect(Math.min(...steps)).toBeGreaterThanOrEqual(1);
}

export const diskMigrationTests: TestTable = {
  'migrate-disk': [
    {
      says: 'a guest moves with its disk, which goes on where it was; the disk that it left is not touched any more',
      run: async (hosts) => {
        const { h1, h2 } = hosts;
        const { guest, moved, source, target } = await movedWithDisk(hosts);
        expect(h1.has('disk-mirrored', source)).toBe(true);
        expect(await h2.stateOf(target)).toBe('received');
        await h2.must({ call: 'resume', instance: target });
        await h1.must({ call: 'stop', instance: source, graceMs: 0 });
        await h2.beats(target, 2);
        expectUnbroken([...h1.heartbeats(source), ...h2.heartbeats(target)]);
        await expectDisk(h2, target, 5);
        await fillDisk(h2, target, 6);
        await h2.must({ call: 'stop', instance: target, graceMs: 0 });
        // Each from its own place: what was written last is where the guest ran last.
        await h2.must({ call: 'start', guest: moved, epoch: 3 });
        await h2.beats({ guestId: guest.guestId, epoch: 3 });
        await expectDisk(h2, { guestId: guest.guestId, epoch: 3 }, 6);
        await h2.must({ call: 'stop', instance: { guestId: guest.guestId, epoch: 3 }, graceMs: 0 });
        await h1.must({ call: 'start', guest, epoch: 4 });
        await h1.beats({ guestId: guest.guestId, epoch: 4 });
        await expectDisk(h1, { guestId: guest.guestId, epoch: 4 }, 5);
      },
    },
    {
      says: 'what a guest writes while its disk is on its way is at the target too',
      run: async (hosts) => {
        const { h1, h2 } = hosts;
        const { source, target } = await movingWithDisk(hosts, { ...quickPolicy, bandwidthMiBPerSecond: 4 });
        await fillDisk(h1, source, 9);
        await h1.event('migration-completed', source);
        await h2.event('incoming-completed', target);
        await h2.must({ call: 'resume', instance: target });
        await h2.beats(target);
        await expectDisk(h2, target, 9);
      },
    },
    {
      says: 'a cancelled one leaves the guest running at the source with its disk, and another works',
      run: async (hosts) => {
        const { h1, h2 } = hosts;
        const { guest, moved, source, target } = await movingWithDisk(hosts, crawling);
        expect(await h1.must({ call: 'cancelMigration', instance: source })).toEqual({ cancelled: true });
        expect(await h1.stateOf(source)).toBe('running');
        await h2.must({ call: 'stop', instance: target, graceMs: 0 });
        await fillDisk(h1, source, 7);
        const disk = { copyPath: `${moved.diskPath}.copy3`, backingPath: null };
        const policy = quickPolicy;
        const { uri, diskUri } = await h2.must({ call: 'prepareIncoming', guest: moved, epoch: 3, policy, disk });
        const outgoing = { uri: diskUri!, backingPath: null };
        await h1.must({ call: 'migrateOut', instance: source, targetEpoch: 3, uri, policy, disk: outgoing });
        await h1.event('migration-completed', source);
        const again = { guestId: guest.guestId, epoch: 3 };
        await h2.event('incoming-completed', again);
        await h2.must({ call: 'resume', instance: again });
        await h2.beats(again);
        await expectDisk(h2, again, 7);
      },
    },
    {
      says: 'when the target dies, before or after the last of its disk has come, the source runs on with its own',
      run: async (hosts) => {
        const { h1, h2, bench } = hosts;
        const early = await movingWithDisk(hosts, crawling);
        bench.killVmm('h2', early.target);
        await h2.event('exited', early.target);
        await h1.event('migration-failed', early.source);
        await h1.beats(early.source, 2);
        await fillDisk(h1, early.source, 8);
        await h1.must({ call: 'stop', instance: early.source, graceMs: 0 });
        const late = await movedWithDisk(hosts);
        bench.killVmm('h2', late.target);
        await h2.event('exited', late.target);
        await h1.must({ call: 'resume', instance: late.source });
        await h1.beats(late.source, 2);
        expectUnbroken(h1.heartbeats(late.source));
        await expectDisk(h1, late.source, 5);
        await fillDisk(h1, late.source, 8);
      },
    },
    {
      says: 'when the target does nothing any more it can be cancelled, and the guest can write again',
      run: async (hosts) => {
        const { h1, h2, bench } = hosts;
        const { source, target } = await movingWithDisk(hosts, crawling);
        await bench.wait(50);
        bench.freezeVmm('h2', target);
        await h1.must({ call: 'consoleWrite', instance: source, text: `disk fill 64 8\n` });
        await bench.wait(500);
        expect(await h1.must({ call: 'cancelMigration', instance: source })).toEqual({ cancelled: true });
        await h1.beats(source, 2);
        await expectDisk(h1, source, 8);
        await h2.must({ call: 'stop', instance: target, graceMs: 0 });
      },
    },
    {
      says: 'when the source dies after the switch-over the target is complete, its disk too',
      run: async (hosts) => {
        const { h1, h2, bench } = hosts;
        const { source, target } = await movedWithDisk(hosts);
        bench.killVmm('h1', source);
        await h1.event('exited', source);
        await h2.must({ call: 'resume', instance: target });
        await h2.beats(target, 2);
        await expectDisk(h2, target, 5);
      },
    },
    {
      says: 'an agent that dies while the disk goes over harms no guest, and its next one sends it anew',
      run: async (hosts) => {
        const { h1, h2 } = hosts;
        const { guest, moved, source, target } = await movingWithDisk(hosts, crawling);
        h1.restartAgent();
        expect(await h1.stateOf(source)).toBe('running');
        await h1.beats(source, 2);
        await h2.must({ call: 'stop', instance: target, graceMs: 0 });
        const disk = { copyPath: `${moved.diskPath}.copy3`, backingPath: null };
        const policy = quickPolicy;
        const { uri, diskUri } = await h2.must({ call: 'prepareIncoming', guest: moved, epoch: 3, policy, disk });
        const outgoing = { uri: diskUri!, backingPath: null };
        await h1.must({ call: 'migrateOut', instance: source, targetEpoch: 3, uri, policy, disk: outgoing });
        await h1.event('migration-completed', source);
        await h2.event('incoming-completed', { guestId: guest.guestId, epoch: 3 });
        expectOnce(h1.heartbeats(source));
      },
    },
    {
      says: 'a disk that lies at its place already is not written over',
      run: async (hosts) => {
        const { guest } = await running(hosts);
        const moved = elsewhere(guest);
        const other = { ...moved, guestId: `${guest.guestId}-other` };
        await hosts.h2.must({ call: 'start', guest: other, epoch: 1 });
        const disk = { copyPath: `${moved.diskPath}.copy`, backingPath: null };
        const policy = quickPolicy;
        expect(await hosts.h2.refusal({ call: 'prepareIncoming', guest: moved, epoch: 2, policy, disk })).toMatchObject(
          { code: 'in-use' },
        );
      },
    },
  ],
  relocate: [
    {
      says: 'the disk of a running guest moves: it runs on, and the next time it starts from there; asked again, it is found done',
      run: async (hosts) => {
        const { h1 } = hosts;
        const { guest, source } = await running(hosts);
        await fillDisk(h1, source, 5);
        const work = relocation(guest, source.epoch);
        expect(await h1.must({ call: 'diskWork', work })).toMatchObject({ moved: true });
        expect(await h1.stateOf(source)).toBe('running');
        expect(h1.has('paused', source)).toBe(false);
        await expectDisk(h1, source, 5);
        await fillDisk(h1, source, 6);
        await h1.beats(source, 2);
        expectUnbroken(h1.heartbeats(source));
        expect(await h1.must({ call: 'diskWork', work })).toMatchObject({ moved: true });
        // What it left is its own no more, and may go.
        await h1.must({
          call: 'diskWork',
          work: { kind: 'take', copyPath: work.copyPath, newDiskPath: work.newDiskPath },
        });
        await h1.must({ call: 'diskWork', work: { kind: 'remove', folder: dirname(guest.diskPath), basePaths: [] } });
        await expectDisk(h1, source, 6);
        hosts.bench.killVmm('h1', source);
        await h1.event('exited', source);
        const again = { ...source, epoch: 2 };
        await h1.must({ call: 'start', guest: elsewhere(guest), epoch: 2 });
        await h1.beats(again);
        await expectDisk(h1, again, 6);
        // And back again.
        const back = {
          ...relocation(elsewhere(guest), 2),
          newDiskPath: guest.diskPath,
          copyPath: `${guest.diskPath}.2`,
        };
        expect(await h1.must({ call: 'diskWork', work: back })).toMatchObject({ moved: true });
        await expectDisk(h1, again, 6);
      },
    },
    {
      says: 'a disk that has moved is snapshotted, moves on to another host, and is the same there',
      run: async (hosts) => {
        const { h1, h2 } = hosts;
        const { guest, source } = await running(hosts);
        await fillDisk(h1, source, 5);
        await h1.must({ call: 'diskWork', work: relocation(guest, source.epoch) });
        const moved = elsewhere(guest);
        const disk = { guestId: guest.guestId, epoch: 1, diskPath: moved.diskPath };
        const snapshot = { ...disk, snapshotId: 's1', memoryPath: null };
        await h1.must({ call: 'diskWork', work: { kind: 'snapshot', ...snapshot } });
        await h1.must({ call: 'diskWork', work: { kind: 'delete-snapshot', ...snapshot } });
        const policy = quickPolicy;
        const { uri } = await h2.must({ call: 'prepareIncoming', guest: moved, epoch: 2, policy, disk: null });
        await h1.must({ call: 'migrateOut', instance: source, targetEpoch: 2, uri, policy, disk: null });
        const target = { guestId: guest.guestId, epoch: 2 };
        await h2.event('incoming-completed', target);
        await h2.must({ call: 'resume', instance: target });
        await expectDisk(h2, target, 5);
      },
    },
    {
      says: 'it tells how far it has come; cancelled, the guest runs on with the disk that it has, and another move works',
      run: async (hosts) => {
        const { h1 } = hosts;
        const { guest, source } = await running(hosts);
        await h1.must({ call: 'consoleWrite', instance: source, text: 'disk fill 4096 5\n' });
        await h1.line('diskFilled');
        const slow = { ...relocation(guest, source.epoch), bandwidthMiBPerSecond: 1 };
        const { copyPath, newDiskPath } = slow;
        const asked = h1.refusal({ call: 'diskWork', work: slow });
        const { progress } = await h1.relocationProgress(copyPath);
        expect(progress.transferredBytes + progress.remainingBytes).toBe(progress.totalBytes);
        expect(progress.bytesPerSecond).toBeGreaterThan(0);
        await h1.must({ call: 'cancelRelocation', copyPath });
        expect(await asked).toMatchObject({ code: 'migration-failed' });
        expect(await h1.stateOf(source)).toBe('running');
        // Of what lies at neither place nothing can be told: it may be that the datastore is not there.
        const settle = { kind: 'settle', copyPath, newDiskPath, mayWriteSince: null } as const;
        expect(await h1.refusal({ call: 'diskWork', work: settle })).toMatchObject({ code: 'disk-missing' });
        await fillDisk(h1, source, 6);
        // What is not under way is left alone, and what has moved is told as moved.
        await h1.must({ call: 'cancelRelocation', copyPath });
        const work = relocation(guest, source.epoch);
        expect(await h1.must({ call: 'diskWork', work })).toMatchObject({ moved: true });
        const again = h1.must({ call: 'diskWork', work });
        await h1.must({ call: 'cancelRelocation', copyPath });
        expect(await again).toMatchObject({ moved: true });
        await expectDisk(h1, source, 6);
        await h1.beats(source, 2);
        expectUnbroken(h1.heartbeats(source));
      },
    },
    {
      says: 'an agent that dies in the middle harms no guest, and the disk moves when it is asked for again',
      run: async (hosts) => {
        const { h1, bench } = hosts;
        const { guest, source } = await running(hosts);
        await fillDisk(h1, source, 5);
        for (const [attempt, afterMs] of [4, 30, 60].entries()) {
          const work = { ...relocation(guest, source.epoch), bandwidthMiBPerSecond: attempt === 0 ? 1 : 1000 };
          void h1.ask({ call: 'diskWork', work }).catch(() => undefined);
          await bench.wait(afterMs);
          h1.restartAgent();
          expect(await h1.stateOf(source)).toBe('running');
        }
        expect(await h1.must({ call: 'diskWork', work: relocation(guest, source.epoch) })).toMatchObject({
          moved: true,
        });
        await h1.beats(source, 2);
        expectOnce(h1.heartbeats(source));
        await expectDisk(h1, source, 5);
      },
    },
    {
      says: 'when the VMM dies in the middle it is told which disk is the guest’s, and the other is gone',
      run: async (hosts) => {
        const { h1, bench } = hosts;
        const { guest, source } = await running(hosts);
        await fillDisk(h1, source, 5);
        const work = { ...relocation(guest, source.epoch), bandwidthMiBPerSecond: 1 };
        const asked = h1.ask({ call: 'diskWork', work });
        await bench.wait(10);
        bench.killVmm('h1', source);
        const told = await asked;
        const isMoved = told.ok && (told.value as { moved: boolean }).moved;
        const { copyPath, newDiskPath } = work;
        const settle = { kind: 'settle', copyPath, newDiskPath, mayWriteSince: null } as const;
        const settled = await h1.ask({ call: 'diskWork', work: settle });
        expect(settled.ok && (settled.value as { moved: boolean }).moved).toBe(isMoved);
        await h1.must({ call: 'start', guest: isMoved ? elsewhere(guest) : guest, epoch: 2 });
        await h1.beats({ ...source, epoch: 2 });
        await expectDisk(h1, { ...source, epoch: 2 }, 5);
      },
    },
    {
      says: 'the disk of a stopped guest moves, and not while a VMM holds it',
      run: async (hosts) => {
        const { h1, h2 } = hosts;
        const { guest, source } = await running(hosts);
        await fillDisk(h1, source, 5);
        const work = { ...relocation(guest, 1), epoch: null };
        expect(await h2.refusal({ call: 'diskWork', work })).toMatchObject({ code: 'image-locked' });
        await h1.must({ call: 'stop', instance: source, graceMs: 0 });
        expect(await h2.must({ call: 'diskWork', work })).toMatchObject({ moved: true });
        await h2.must({ call: 'start', guest: elsewhere(guest), epoch: 2 });
        await h2.beats({ ...source, epoch: 2 });
        await expectDisk(h2, { ...source, epoch: 2 }, 5);
      },
    },
    {
      says: 'of a stopped guest’s disk too it is told how far it has come; cancelled, it stays, and another move works',
      run: async (hosts) => {
        const { h1 } = hosts;
        const { guest, source } = await running(hosts);
        await h1.must({ call: 'consoleWrite', instance: source, text: 'disk fill 4096 5\n' });
        await h1.line('diskFilled');
        await h1.must({ call: 'stop', instance: source, graceMs: 0 });
        const slow = { ...relocation(guest, 1), epoch: null, bandwidthMiBPerSecond: 1 };
        const asked = h1.refusal({ call: 'diskWork', work: slow });
        const { progress } = await h1.relocationProgress(slow.copyPath);
        expect(progress.transferredBytes + progress.remainingBytes).toBe(progress.totalBytes);
        await h1.must({ call: 'cancelRelocation', copyPath: slow.copyPath });
        expect(await asked).toMatchObject({ code: 'migration-failed' });
        expect(await h1.must({ call: 'diskWork', work: { ...slow, bandwidthMiBPerSecond: 1000 } })).toMatchObject({
          moved: true,
        });
        await h1.must({ call: 'start', guest: elsewhere(guest), epoch: 2 });
        await h1.beats({ ...source, epoch: 2 });
        await expectDisk(h1, { ...source, epoch: 2 }, 5);
      },
    },
  ],
};

function relocation(guest: GuestSpecification, epoch: number) {
  const { diskPath, guestId } = guest;
  const newDiskPath = elsewhere(guest).diskPath;
  const rest = { copyPath: `${newDiskPath}.copy`, backingPath: null, bandwidthMiBPerSecond: 1000 };
  return { kind: 'relocate', guestId, epoch, diskPath, newDiskPath, ...rest } as const;
}
