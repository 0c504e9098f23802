import { dirname } from 'node:path';
import type { DiskWork } from '@argosy/domain/disk-work';
import { replayDiskChecksum } from '@argosy/domain/guest-console';
import type { VmmInstance } from '@argosy/control/ports/vmm-driver';
import type { HostUnderTest } from '../test-bench';
import { expectUnbroken, running } from './scenes';
import type { TestTable } from './scenes';

const sectors = 64;

/** Of more sectors, the first are the same. */
export async function fillDisk(
  host: HostUnderTest,
  instance: VmmInstance,
  seed: number,
  count = sectors,
): Promise<void> {
  const heard = host.lines.length;
  await host.must({ call: 'consoleWrite', instance, text: `disk fill ${count} ${seed}\n` });
  await host.line('diskFilled', heard);
}

export async function expectDisk(host: HostUnderTest, instance: VmmInstance, seed: number): Promise<void> {
  const heard = host.lines.length;
  await host.must({ call: 'consoleWrite', instance, text: `disk sum ${sectors}\n` });
  expect(await host.line('diskSum', heard)).toMatchObject({ checksum: replayDiskChecksum({ sectors, seed }) });
}

async function expectMemory(host: HostUnderTest, instance: VmmInstance, checksum: string): Promise<void> {
  const heard = host.lines.length;
  await host.must({ call: 'consoleWrite', instance, text: 'sum\n' });
  expect((await host.line('sum', heard)).checksum).toBe(checksum);
}

async function fillMemory(host: HostUnderTest, instance: VmmInstance): Promise<string> {
  await host.must({ call: 'consoleWrite', instance, text: 'fill 8 3\nsum\n' });
  return (await host.line('sum')).checksum;
}

export const diskTests: TestTable = {
  datastore: [
    {
      says: 'a datastore has a size and some room, and a running guest tells what its disk takes',
      run: async (hosts) => {
        const { guest } = await running(hosts);
        const path = dirname(dirname(dirname(guest.diskPath)));
        const { totalBytes, freeBytes } = await hosts.h1.must({ call: 'measureDatastore', path });
        expect(freeBytes).toBeGreaterThan(0);
        expect(totalBytes).toBeGreaterThanOrEqual(freeBytes);
        await hosts.h1.must({ call: 'usage' });
        await hosts.bench.wait(100);
        const [sample] = await hosts.h1.must({ call: 'usage' });
        expect(sample?.diskBytes).toBeGreaterThanOrEqual(0);
      },
    },
  ],
  'remove-disk': [
    {
      says: 'the files of a guest are deleted, and not while a VMM holds its disk',
      run: async (hosts) => {
        const { guest, source } = await running(hosts);
        const first = await hosts.h1.line('ready');
        const work: DiskWork = { kind: 'remove', folder: dirname(guest.diskPath), basePaths: [] };
        expect(await hosts.h2.refusal({ call: 'diskWork', work })).toMatchObject({ code: 'image-locked' });
        await hosts.h1.must({ call: 'stop', instance: source, graceMs: 0 });
        await hosts.h2.must({ call: 'diskWork', work });
        await hosts.h2.must({ call: 'diskWork', work });
        // What starts afterwards has a new disk.
        const heard = hosts.h1.lines.length;
        await hosts.h1.must({ call: 'start', guest, epoch: 2 });
        expect((await hosts.h1.line('ready', heard)).boot).toBe(first.boot);
      },
    },
  ],
  suspend: [
    {
      says: 'a suspended guest goes on from there on another host, with its memory, its counter and its disk',
      run: async (hosts) => {
        const { h1, h2 } = hosts;
        const { guest, source } = await running(hosts);
        await fillDisk(h1, source, 5);
        const checksum = await fillMemory(h1, source);
        const memoryPath = `${dirname(guest.diskPath)}/memory/one`;
        const work = { kind: 'suspend', ...source, diskPath: guest.diskPath, memoryPath } as const;
        await h1.must({ call: 'diskWork', work });
        expect(await h1.event('exited', source)).toMatchObject({ how: 'stopped' });
        // Asked again, it is found done.
        await h1.must({ call: 'diskWork', work });
        const woken = { ...source, epoch: 2 };
        await h2.must({ call: 'start', guest: { ...guest, memoryPath }, epoch: 2 });
        await h2.beats(woken, 2);
        expectUnbroken([...h1.heartbeats(source), ...h2.heartbeats(woken)]);
        await expectMemory(h2, woken, checksum);
        await expectDisk(h2, woken, 5);
      },
    },
    {
      says: 'what was typed before it was suspended is heard once and in order, then or when it goes on',
      run: async (hosts) => {
        const { h1, h2 } = hosts;
        const { guest, source } = await running(hosts);
        const memoryPath = `${dirname(guest.diskPath)}/memory/one`;
        const typed = Array.from({ length: 12 }, (_, index) => `line-${index}`);
        for (const token of typed) await h1.must({ call: 'consoleWrite', instance: source, text: `ping ${token}\n` });
        await h1.must({ call: 'diskWork', work: { kind: 'suspend', ...source, diskPath: guest.diskPath, memoryPath } });
        const woken = { ...source, epoch: 2 };
        await h2.must({ call: 'start', guest: { ...guest, memoryPath }, epoch: 2 });
        await h2.beats(woken);
        await h2.must({ call: 'consoleWrite', instance: woken, text: 'ping last\n' });
        const heard = () =>
          [...(h1.said(source) + h2.said(woken)).matchAll(/^pong (.*?)\r?$/gm)].map(([, token]) => token);
        await h2.until(() => heard().includes('last'), 'the answer to the last line');
        expect(heard()).toEqual([...typed, 'last']);
      },
    },
    {
      says: 'a memory is good for one run: a second start from it is refused',
      run: async (hosts) => {
        const { guest, source } = await running(hosts);
        const memoryPath = `${dirname(guest.diskPath)}/memory/one`;
        await hosts.h1.must({
          call: 'diskWork',
          work: { kind: 'suspend', ...source, diskPath: guest.diskPath, memoryPath },
        });
        await hosts.h2.must({ call: 'start', guest: { ...guest, memoryPath }, epoch: 2 });
        hosts.bench.killVmm('h2', { ...source, epoch: 2 });
        await hosts.h2.event('exited', { ...source, epoch: 2 });
        expect(await hosts.h1.refusal({ call: 'start', guest: { ...guest, memoryPath }, epoch: 3 })).toMatchObject({
          code: 'memory-missing',
        });
      },
    },
  ],
  snapshot: [
    {
      says: 'a running guest runs on, and goes back to its memory and its disk of then; the snapshot can be used again',
      run: async (hosts) => {
        const { h1, h2 } = hosts;
        const { guest, source } = await running(hosts);
        const { guestId } = guest;
        await fillDisk(h1, source, 5);
        const checksum = await fillMemory(h1, source);
        const [snapshotId, folder] = ['s1', dirname(guest.diskPath)];
        const memoryPath = `${folder}/snapshots/s1.memory`;
        const disk = { guestId, epoch: 1, diskPath: guest.diskPath };
        const taken = await h1.must({ call: 'diskWork', work: { kind: 'snapshot', ...disk, snapshotId, memoryPath } });
        expect(taken.pauseMs).toBeLessThan(1000);
        expect(await h1.stateOf(source)).toBe('running');
        await h1.beats(source, 2);
        expectUnbroken(h1.heartbeats(source));
        await fillDisk(h1, source, 6);
        await h1.must({ call: 'stop', instance: source, graceMs: 0 });
        for (const epoch of [2, 3]) {
          const restorePath = `${folder}/memory/${epoch}`;
          const work = { kind: 'revert', diskPath: guest.diskPath, snapshotId, memoryPath, restorePath } as const;
          await h2.must({ call: 'diskWork', work });
          const back = { guestId, epoch };
          await h2.must({ call: 'start', guest: { ...guest, memoryPath: restorePath }, epoch });
          await h2.beats(back);
          await expectMemory(h2, back, checksum);
          await expectDisk(h2, back, 5);
          await fillDisk(h2, back, 6 + epoch);
          await h2.must({ call: 'stop', instance: back, graceMs: 0 });
        }
        const stopped = { ...disk, epoch: null };
        await h1.must({ call: 'diskWork', work: { kind: 'delete-snapshot', ...stopped, snapshotId, memoryPath } });
      },
    },
    {
      says: 'an agent that dies in the middle harms no guest, and the snapshot is taken when it is asked for again',
      run: async (hosts) => {
        const { h1 } = hosts;
        const { guest, source } = await running(hosts);
        const memoryPath = `${dirname(guest.diskPath)}/snapshots/s1.memory`;
        const disk = { guestId: guest.guestId, epoch: 1, diskPath: guest.diskPath };
        const work = { kind: 'snapshot', ...disk, snapshotId: 's1', memoryPath } as const;
        void h1.ask({ call: 'diskWork', work }).catch(() => undefined);
        await hosts.bench.wait(12);
        h1.restartAgent();
        expect(await h1.stateOf(source)).toBe('running');
        await h1.beats(source, 2);
        expectUnbroken(h1.heartbeats(source));
        await h1.must({ call: 'diskWork', work });
        await h1.beats(source, 2);
        expectUnbroken(h1.heartbeats(source));
      },
    },
  ],
};
