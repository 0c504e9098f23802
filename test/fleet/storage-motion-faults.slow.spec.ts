// Each process that takes part in the move of a disk is killed at several moments of it, on a real fleet.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KeptDisk } from './kept-disk';
import { Fleet } from './lab';
import type { LabGuest } from './lab-guest';
import { signal, waitFor } from './lab-processes';

let fleet: Fleet;
/** Another for each cell: one that crashes again and again is given up. */
let guest: LabGuest;
let disk: KeptDisk;
let latest = 0;
beforeAll(async () => {
  fleet = await Fleet.start({
    hosts: 2,
    hostMemoryMiB: 512,
    pool: {
      balance: { automation: 'partial' },
      migration: { bandwidthMiBPerSecond: 8 },
      failure: { guestRestarts: 1000 },
    },
  });
  await fleet.addOwnDatastores();
}, 180_000);
afterAll(() => fleet?.stop(), 60_000);
beforeEach(async () => {
  await fleet.waitForHosts('online');
  const name = `g${++latest}`;
  [guest] = (await fleet.createGuests([{ name, memoryMiB: 64, datastore: 'local-h1' }])) as [LabGuest];
  disk = new KeptDisk(fleet, guest);
  await guest.ask('fill 8 3', 'filled');
  await disk.write();
}, 60_000);
afterEach(() => fleet.removeGuest(guest), 60_000);

const datastores = ['local-h1', 'local-h2', 'datastore'];
const folderOn = (datastore: string): string => join(fleet.folderOf(datastore), 'guests', guest.id);

async function where(): Promise<{ host: string; datastore: string }> {
  const { datastoreId } = await guest.get();
  const { items } = await fleet.api.call('datastore.list');
  return { host: (await guest.host()).name, datastore: items.find(({ id }) => id === datastoreId)?.name ?? 'none' };
}

const victims = {
  'the agent of its host': (host: string) => signal(fleet.host(host).agentPid(), 'SIGKILL'),
  'the agent of the other host': (host: string) =>
    signal(fleet.host(host === 'h1' ? 'h2' : 'h1').agentPid(), 'SIGKILL'),
  'its VMM': (host: string) => {
    const pid = guest.vmmOn(fleet.host(host))?.pid;
    if (pid !== undefined) signal(pid, 'SIGKILL');
  },
  'the VMM at the target': (host: string) => {
    const pid = guest.vmmOn(fleet.host(host === 'h1' ? 'h2' : 'h1'))?.pid;
    if (pid !== undefined) signal(pid, 'SIGKILL');
  },
  'the controller': async () => {
    await fleet.controllers[0]!.kill();
    await fleet.controllers[0]!.start();
  },
} as const;
/** The disk alone takes a sixth of a second here, and with the guest's memory some seconds. */
const delaysMs = { disk: [5, 60, 110, 160], both: [50, 400, 1500, 3300] } as const;
const cells = (Object.keys(victims) as (keyof typeof victims)[]).flatMap((victim) =>
  (['both', 'disk'] as const).flatMap((what) => delaysMs[what].map((delayMs) => [victim, what, delayMs] as const)),
);

test.each(cells)(
  '%s killed while %s moves, after %i ms: it runs once, from its own disk',
  async (victim, what, delayMs) => {
    const { host, datastore } = await where();
    const other = host === 'h1' ? 'h2' : 'h1';
    const alone = datastore === 'datastore' ? `local-${host}` : 'datastore';
    const body = what === 'both' ? { host: other, datastore: `local-${other}` } : { datastore: alone };
    const { id } = await fleet.api.call('guest.migrate', { params: { guest: guest.id }, body });
    await sleep(delayMs);
    await victims[victim](host);
    await guest.waitForEnd(id, 90_000);
    await expectOneDisk();
  },
  200_000,
);

async function expectOneDisk(): Promise<void> {
  await guest.expectRunsOnce(90_000);
  await disk.expectWhole();
  const now = (await where()).datastore;
  const left = (): string[] => datastores.filter((each) => existsSync(folderOn(each)));
  await waitFor('the other disk is gone', () => left().join() === now, { seen: left });
  await waitFor('its disk has one name', () => readdirSync(folderOn(now)).join() === 'disk.qcow2', {
    seen: () => readdirSync(folderOn(now)),
  });
}

describe('a disk that moves alone, and slowly', () => {
  beforeAll(() => fleet.settings({ migration: { bandwidthMiBPerSecond: 1 } }));
  const cancel = (id: string) => fleet.api.call('migration.cancel', { params: { id } });

  /** When the record tells how far it has come: the copy takes two seconds. */
  async function moving(): Promise<{ id: string; host: string }> {
    const { host } = await where();
    await new KeptDisk(fleet, guest, 4096).write();
    await disk.write();
    const { id } = await fleet.api.call('guest.migrate', {
      params: { guest: guest.id },
      body: { datastore: 'datastore' },
    });
    await waitFor(
      'its progress is recorded',
      async () => ((await fleet.api.call('migration.get', { params: { id } })).progress?.transferredBytes ?? 0) > 0,
    );
    return { id, host };
  }

  test('cancelled, it stays, and moves when it is asked again', async () => {
    const { id } = await moving();
    expect(await fleet.api.call('migration.get', { params: { id } })).toMatchObject({
      step: 'copy',
      progress: { totalBytes: expect.any(Number) as number, expectedEndMs: expect.any(Number) as number },
    });
    await cancel(id);
    expect(await guest.waitForEnd(id)).toMatchObject({ step: 'cancelled', failure: null });
    await expectOneDisk();
    expect((await where()).datastore).toBe('local-h1');
    const again = await fleet.api.call('guest.migrate', {
      params: { guest: guest.id },
      body: { datastore: 'datastore' },
    });
    expect(await guest.waitForEnd(again.id)).toMatchObject({ step: 'done' });
    await expectOneDisk();
    expect((await where()).datastore).toBe('datastore');
  }, 60_000);

  const cases = (Object.keys(victims) as (keyof typeof victims)[])
    .filter((victim) => victim !== 'the VMM at the target')
    .flatMap((victim) => ([-300, 0, 30, 150] as const).map((afterMs) => [victim, afterMs] as const));
  test.each(cases)(
    '%s killed %i ms after it was cancelled: the guest runs once, from its own disk',
    async (victim, afterMs) => {
      const { id, host } = await moving();
      if (afterMs < 0) {
        await victims[victim](host);
        await sleep(-afterMs);
      }
      // It may have ended by then: the death of its VMM has ended it.
      await waitFor('a controller takes the cancel', () =>
        cancel(id).then(
          () => true,
          (error: { code?: string }) => error.code === 'already-ended',
        ),
      );
      if (afterMs >= 0) {
        await sleep(afterMs);
        await victims[victim](host);
      }
      // While no controller is there nobody tells its agent.
      const ends = victim === 'the controller' ? /cancelled|failed|done/ : /cancelled|failed/;
      expect((await guest.waitForEnd(id, 90_000)).step).toMatch(ends);
      await expectOneDisk();
    },
    200_000,
  );
});
