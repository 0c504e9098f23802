import type { VmmInstance } from '@argosy/control/ports/vmm-driver';
import type { DiskWork } from '@argosy/domain/disk-work';
import type { GuestSpecification } from '@argosy/domain/guest-specification';
import type { HostUnderTest } from '../test-bench';
import { expectDisk, fillDisk } from './disks';
import type { Hosts, TestTable } from './scenes';
import { expectUnbroken, running } from './scenes';

type CloneWork = Extract<DiskWork, { kind: 'clone' }>;

/** The guest that is made, and what makes its disk: a copy of a stopped guest's, unless said otherwise. */
function cloneOf(
  { bench }: Hosts,
  source: GuestSpecification,
  how: Partial<CloneWork> = {},
): { clone: GuestSpecification; work: CloneWork } {
  const clone = bench.guest();
  const { guestId, diskPath } = source;
  const from = { kind: 'clone', guestId, epoch: null, diskPath, snapshotId: null, imagePath: null } as const;
  return { clone, work: { ...from, clonePath: clone.diskPath, basePath: null, ...how } };
}

async function start(host: HostUnderTest, guest: GuestSpecification, epoch = 1): Promise<VmmInstance> {
  const instance = { guestId: guest.guestId, epoch };
  await host.must({ call: 'start', guest, epoch });
  await host.beats(instance);
  return instance;
}

const stop = (host: HostUnderTest, instance: VmmInstance) => host.must({ call: 'stop', instance, graceMs: 0 });

/** Each writes, and reads its own. The source is on h1, and the clone on h2. */
async function expectApart({ h1, h2 }: Hosts, source: VmmInstance, clone: VmmInstance): Promise<void> {
  await fillDisk(h1, source, 61);
  await fillDisk(h2, clone, 71);
  await expectDisk(h1, source, 61);
  await expectDisk(h2, clone, 71);
}

export const cloneTests: TestTable = {
  clone: [
    {
      says: 'a copy of a running guest is of one moment; the guest runs on, and neither sees what the other writes',
      run: async (hosts) => {
        const { h1, h2 } = hosts;
        const { guest, source } = await running(hosts);
        await fillDisk(h1, source, 5);
        const { clone, work } = cloneOf(hosts, guest, { epoch: 1 });
        await h1.must({ call: 'diskWork', work });
        // Asked again, it is found done: the disk stays of that moment.
        await fillDisk(h1, source, 6);
        await h1.must({ call: 'diskWork', work });
        await h1.beats(source, 2);
        expectUnbroken(h1.heartbeats(source));
        const made = await start(h2, clone);
        await expectDisk(h2, made, 5);
        await expectDisk(h1, source, 6);
        await expectApart(hosts, source, made);
      },
    },
    {
      says: 'a running guest is copied as it was at a snapshot',
      run: async (hosts) => {
        const { h1, h2 } = hosts;
        const { guest, source } = await running(hosts);
        await fillDisk(h1, source, 5);
        const disk = { guestId: guest.guestId, epoch: 1, diskPath: guest.diskPath };
        await h1.must({
          call: 'diskWork',
          work: { kind: 'snapshot', ...disk, snapshotId: 's1', memoryPath: null },
        });
        await fillDisk(h1, source, 6);
        const { clone, work } = cloneOf(hosts, guest, { snapshotId: 's1' });
        await h2.must({ call: 'diskWork', work });
        const made = await start(h2, clone);
        await expectDisk(h2, made, 5);
        await expectDisk(h1, source, 6);
        await expectApart(hosts, source, made);
      },
    },
    {
      says: 'what a VMM writes to is not copied behind its back',
      run: async (hosts) => {
        const { guest } = await running(hosts);
        const { work } = cloneOf(hosts, guest);
        expect(await hosts.h2.refusal({ call: 'diskWork', work })).toMatchObject({ code: 'image-locked' });
        const { work: linked } = cloneOf(hosts, guest, { basePath: basePathOf(guest) });
        expect(await hosts.h2.refusal({ call: 'diskWork', work: linked })).toMatchObject({ code: 'image-locked' });
      },
    },
    {
      says: 'linked guests share what was there, and neither sees what the other writes; the base goes with the last',
      run: async (hosts) => {
        const { h1, h2 } = hosts;
        const { guest, source } = await running(hosts);
        await fillDisk(h1, source, 5);
        await stop(h1, source);
        const basePath = basePathOf(guest);
        const [one, other] = [cloneOf(hosts, guest, { basePath }), cloneOf(hosts, guest, { basePath })];
        for (const { work } of [one, one, other]) await h2.must({ call: 'diskWork', work });
        const [again, made] = [await start(h1, guest, 2), await start(h2, one.clone)];
        await expectDisk(h1, again, 5);
        await expectDisk(h2, made, 5);
        await expectApart(hosts, again, made);
        await stop(h1, again);
        await stop(h2, made);
        await h1.must({ call: 'diskWork', work: removal(guest, []) });
        await h1.must({ call: 'diskWork', work: removal(one.clone, []) });
        // What nobody wrote to since is as it was.
        const last = await start(h2, other.clone);
        await expectDisk(h2, last, 5);
        await stop(h2, last);
        await h1.must({ call: 'diskWork', work: removal(other.clone, [basePath]) });
      },
    },
    {
      says: 'an agent that dies in the middle harms no guest, and the copy is whole when it is asked for again',
      run: async (hosts) => {
        const { h1, h2 } = hosts;
        const { guest, source } = await running(hosts);
        await fillDisk(h1, source, 5);
        const { clone, work } = cloneOf(hosts, guest, { epoch: 1 });
        void h1.ask({ call: 'diskWork', work }).catch(() => undefined);
        await hosts.bench.wait(25);
        h1.restartAgent();
        await h1.must({ call: 'diskWork', work });
        await h1.beats(source, 2);
        expectUnbroken(h1.heartbeats(source));
        await expectDisk(h2, await start(h2, clone), 5);
      },
    },
  ],
};

function basePathOf({ guestId, diskPath }: GuestSpecification): string {
  return `${diskPath.split('/guests/')[0]}/bases/${guestId}-1.qcow2`;
}

function removal({ diskPath }: GuestSpecification, basePaths: readonly string[]): DiskWork {
  return { kind: 'remove', folder: diskPath.slice(0, diskPath.lastIndexOf('/')), basePaths };
}
