// Known data on a guest's disk, through everything that is done to disks, one after the other on one real fleet.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './build';
import { expectApart, KeptDisk } from './kept-disk';
import { Fleet } from './lab';
import { signal, waitFor } from './lab-processes';

/** A datastore that can be filled up is a mount of its own. */
const canMount = process.getuid?.() === 0;
const store = (): string => join(fleet.datastore, 'small');
/** Of the guest's memory, and known as its disk is. */
const areaMiB = 8;

let fleet: Fleet;
let disk: KeptDisk;
beforeAll(async () => {
  fleet = await Fleet.start({
    hosts: 3,
    hostMemoryMiB: 512,
    pool: { balance: { automation: 'partial' }, failure: { hostFailures: 0 } },
    prepareDatastore: (datastore) => {
      mkdirSync(join(datastore, 'small'));
      if (canMount) execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=96m', 'tmpfs', join(datastore, 'small')]);
    },
  });
  copyFileSync(join(root, 'guests/tiny/tiny.elf'), join(store(), 'tiny.elf'));
  await fleet.api.call('datastore.create', { body: { name: 'small', path: store(), shared: true } });
  await fleet.addOwnDatastores();
  const [guest] = await fleet.createGuests([{ name: 'web', datastore: 'small' }]);
  disk = new KeptDisk(fleet, guest!);
}, 180_000);
afterAll(async () => {
  if (fleet && canMount) execFileSync('umount', ['-l', store()]);
  await fleet?.stop();
}, 60_000);

const snapshot = (name: string) => ({ guest: 'web', snapshot: name });
const eventSince = (since: number, code: string) =>
  waitFor(code, async () => (await fleet.events({ since, code })).length > 0);

async function takeSnapshot(name: string, memory: boolean): Promise<void> {
  await fleet.api.call('snapshot.take', { params: { guest: 'web' }, body: { name, memory } });
  await waitFor(`${name} is taken`, async () => {
    const { items } = await fleet.api.call('snapshot.list', { params: { guest: 'web' } });
    return items.some((each) => each.name === name && each.state === 'ready');
  });
}

async function crash(): Promise<void> {
  const since = fleet.now();
  signal(disk.guest.vmms()[0]?.pid, 'SIGKILL');
  await eventSince(since, 'guest-crashed');
  await disk.guest.expectRunsOnce();
}

/** So slowly that it takes seconds. Value: how often the guest wrote all of its data meanwhile. */
async function moveWhileWriting(body: { host?: string; datastore?: string }, slowMiBPerSecond = 2): Promise<number> {
  const { bandwidthMiBPerSecond } = (await fleet.api.call('pool.get', { params: { pool: 'pool' } })).migration;
  await fleet.settings({ migration: { bandwidthMiBPerSecond: slowMiBPerSecond } });
  const written = new KeptDisk(fleet, disk.guest, 4096);
  await written.write();
  const count = await written.writeDuring(async () => {
    const { id } = await fleet.api.call('guest.migrate', { params: { guest: 'web' }, body });
    expect(await disk.guest.waitForEnd(id)).toMatchObject({ step: 'done', failure: null });
  });
  await written.expectWhole();
  await fleet.settings({ migration: { bandwidthMiBPerSecond } });
  await disk.write();
  return count;
}

interface Operation {
  readonly what: string;
  readonly run: () => Promise<void>;
  readonly onlyIf?: boolean;
}

/** Before each the guest writes data of its own; after each it must be there, unless the operation says what is. */
const operations: readonly Operation[] = [
  { what: 'a snapshot with memory', run: () => takeSnapshot('one', true) },
  { what: 'a snapshot of the disk alone', run: () => takeSnapshot('two', false) },
  {
    what: 'going back to the first snapshot, which has its own data',
    run: async () => {
      const then = disk.seed - 2;
      await disk.stop();
      await fleet.api.call('snapshot.revert', { params: snapshot('one') });
      await disk.inState('suspended');
      await disk.start();
      disk.seed = then;
    },
  },
  {
    what: 'the removal of both snapshots',
    run: async () => {
      for (const name of ['one', 'two']) {
        await fleet.api.call('snapshot.remove', { params: snapshot(name) });
        await waitFor(`${name} is gone`, async () => {
          const { items } = await fleet.api.call('snapshot.list', { params: { guest: 'web' } });
          return items.every((each) => each.name !== name);
        });
      }
    },
  },
  {
    what: 'suspending, and going on on another host',
    run: async () => {
      await disk.suspend();
      const [taken] = (await disk.guest.placements()).slice(-1);
      const params = { host: taken!.hostId };
      await fleet.api.call('host.enter-maintenance', { params });
      await disk.start();
      expect((await disk.guest.get()).hostId).not.toBe(taken!.hostId);
      await fleet.api.call('host.exit-maintenance', { params });
    },
  },
  {
    what: 'migrations of the memory alone, under the running guest that writes all the while, and a crash thereafter',
    run: async () => {
      // Something to copy: else its memory is mostly zeroes, and gone in an instant.
      const seed = disk.seed + 1;
      await disk.guest.ask(`fill ${areaMiB} ${seed}`, 'filled');
      for (const isPostCopy of [false, true]) {
        await fleet.settings({ migration: { postCopy: isPostCopy } });
        const from = await disk.guest.host();
        const { name } = fleet.hosts.find((host) => host !== from)!;
        expect(await moveWhileWriting({ host: name })).toBeGreaterThan(1);
        expect((await disk.guest.host()).name).toBe(name);
        await disk.guest.expectMemory({ areaMiB, seed });
      }
      await fleet.settings({ migration: { postCopy: false } });
      await crash();
    },
  },
  {
    what: 'a move of the disk alone, under the running guest that writes all the while, and a crash thereafter',
    run: async () => {
      expect(await moveWhileWriting({ datastore: 'datastore' })).toBeGreaterThan(1);
      await crash();
    },
  },
  {
    what: 'moves with memory and disk between hosts that do not reach the datastore of the other, while it writes',
    run: async () => {
      const [one, other] = fleet.hosts.filter((host) => host.name !== 'h1').map(({ name }) => name);
      for (const host of ['h1', one!, other!]) {
        const from = await disk.guest.host();
        if (from.name === host) continue;
        const seed = disk.seed + 1;
        await disk.guest.ask(`fill ${areaMiB} ${seed}`, 'filled');
        await disk.guest.say(`dirty 2 ${areaMiB} ${seed}`);
        expect(await moveWhileWriting({ host, datastore: `local-${host}` }, 8)).toBeGreaterThan(1);
        await disk.guest.expectMemory({ areaMiB, seed });
        await disk.guest.say(`dirty 0 ${areaMiB} ${seed}`);
      }
      await crash();
      await moveWhileWriting({ datastore: 'small' });
    },
  },
  {
    what: 'a crash of its VMM',
    run: crash,
  },
  {
    what: 'the loss of its host',
    run: async () => {
      const host = await disk.guest.host();
      const since = fleet.now();
      await host.power('off');
      await eventSince(since, 'guest-lost');
      await disk.guest.expectRunsOnce();
      await host.power('on');
      await fleet.waitForHosts('online');
    },
  },
  {
    what: 'a full datastore, and room again',
    onlyIf: canMount,
    run: async () => {
      const filler = join(store(), 'filler');
      const isStalled = async () => (await disk.guest.get()).stateReason.includes('the datastore is full');
      execFileSync('/bin/sh', ['-c', `cat /dev/zero > '${filler}' 2>/dev/null || true`]);
      const writeBeyond = disk.guest.ask('disk fill 30000 99', 'diskFilled');
      await waitFor('it stands still', isStalled, { seen: () => disk.guest.get() });
      rmSync(filler);
      await writeBeyond;
      await disk.write();
    },
  },
  {
    what: 'a full clone while it runs',
    run: async () => {
      const clone = await disk.clone('full');
      await expectApart(disk, clone);
      await clone.remove();
    },
  },
  {
    what: 'a full clone of a snapshot, which has the data of then',
    run: async () => {
      await takeSnapshot('three', false);
      const then = disk.seed;
      await disk.write();
      const clone = await disk.clone('then', { snapshot: 'three' });
      clone.seed = then;
      await expectApart(disk, clone);
      await clone.remove();
      await fleet.api.call('snapshot.remove', { params: snapshot('three') });
    },
  },
  {
    what: 'a linked clone',
    run: async () => {
      await waitFor('the snapshot is gone', async () => {
        const { items } = await fleet.api.call('snapshot.list', { params: { guest: 'web' } });
        return items.length === 0;
      });
      await disk.stop();
      const clone = await disk.clone('linked', { linked: true });
      await disk.start();
      await expectApart(disk, clone);
      await takeSnapshot('of-overlay', true);
      await clone.remove();
      await fleet.api.call('snapshot.remove', { params: snapshot('of-overlay') });
      await waitFor('the snapshot is gone', async () => {
        const { items } = await fleet.api.call('snapshot.list', { params: { guest: 'web' } });
        return items.length === 0;
      });
    },
  },
  {
    what: 'guests that are made from it as a template, linked and full',
    run: async () => {
      await disk.stop();
      const params = { guest: 'web' };
      await fleet.api.call('guest.make-template', { params });
      const made: KeptDisk[] = [];
      for (const [name, full] of [
        ['from-one', false],
        ['from-two', false],
        ['from-three', true],
      ] as const) {
        const body = { name, pool: 'pool', template: 'web', full, start: true };
        await fleet.api.call('guest.create', { body });
        made.push(await disk.opened(name));
      }
      await expectApart(made[0]!, made[1]!);
      await expectApart(made[1]!, made[2]!);
      for (const each of made) await each.remove();
      await fleet.api.call('guest.undo-template', { params });
      await disk.start();
    },
  },
];

test.each(operations.filter(({ onlyIf = true }) => onlyIf))(
  'the data outlives $what',
  async ({ run }) => {
    await disk.write();
    await run();
    await disk.expectWhole();
    await disk.guest.expectRunsOnce();
  },
  180_000,
);

test('all that was made for it goes with it', async () => {
  await disk.remove();
  for (const folder of ['guests', 'bases'])
    await waitFor(
      `${folder} are gone`,
      () => !existsSync(join(store(), folder)) || readdirSync(join(store(), folder)).length === 0,
    );
}, 60_000);
