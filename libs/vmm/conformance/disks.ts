import { dirname } from 'node:path';
import { running } from './scenes';
import type { TestTable } from './scenes';

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
        const work = { kind: 'remove', folder: dirname(guest.diskPath) } as const;
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
};
