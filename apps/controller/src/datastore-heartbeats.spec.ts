import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Fleet, FleetEvent } from '@argosy/control/fleet-types';
import * as fc from 'fast-check';
import { DatastoreHeartbeats } from './datastore-heartbeats';

// Every host writes on the datastore, and so may anything else there. Whatever it is, the leader goes on looking: while it
// does not, a host that lives cannot be told from one that is dead.

let folder: string;
let heard: FleetEvent[];
let looks: DatastoreHeartbeats;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'argosy-datastore-'));
  for (const name of ['heartbeats', 'leases', 'isolated']) mkdirSync(join(folder, name));
  heard = [];
  const fleet = {
    leading: true,
    term: 1,
    datastores: new Map([['d', { shared: true, path: folder }]]),
    hosts: new Map(['h1', 'h2'].map((name) => [name, { id: name, name, state: 'disconnected' }])),
  };
  looks = new DatastoreHeartbeats(fleet as unknown as Fleet, 'me', (event) => heard.push(event));
});
afterEach(async () => {
  await looks.stop();
  rmSync(folder, { recursive: true, force: true });
});

const kinds = (): string[] => heard.map(({ kind }) => kind).sort();
const lease = { incarnation: 1, armed: true, leaseMs: 10_000, sequence: 'a' };

test('a heartbeat that changes, a lease and a word of isolation are heard, beside the own heartbeat', async () => {
  writeFileSync(join(folder, 'heartbeats', 'h1'), '');
  writeFileSync(join(folder, 'leases', 'h1'), JSON.stringify(lease));
  writeFileSync(join(folder, 'isolated', 'h2'), JSON.stringify({ ended: [{ guestId: 'g', epoch: 2 }] }));
  await looks.look();
  utimesSync(join(folder, 'heartbeats', 'h1'), 5, 5);
  await looks.look();
  expect(kinds()).toEqual([
    'datastore-heartbeat',
    'isolation',
    'isolation',
    'own-datastore-heartbeat',
    'own-datastore-heartbeat',
    'watchdog-lease',
  ]);
});

test.each([
  ['a pipe that nobody writes to', (path: string) => void execFileSync('mkfifo', [path])],
  ['a folder', (path: string) => void mkdirSync(path)],
  ['a link to a device without end', (path: string) => symlinkSync('/dev/zero', path)],
  ['a file of a gigabyte', (path: string) => (writeFileSync(path, ''), truncateSync(path, 2 ** 30))],
])('%s in the place of a file says nothing, and holds nobody up', async (_what, make) => {
  for (const [place, name] of [['leases', 'h1'], ['isolated', 'h1']] as const) make(join(folder, place, name)); // prettier-ignore
  writeFileSync(join(folder, 'leases', 'h2'), JSON.stringify(lease));
  await looks.look();
  expect(kinds()).toEqual(['own-datastore-heartbeat', 'watchdog-lease']);
});

test('no bytes in a file are taken for what they are not', async () => {
  const value = fc.oneof(fc.jsonValue(), fc.integer(), fc.string(), fc.boolean());
  const likeLease = fc.record({ incarnation: value, armed: value, leaseMs: value, sequence: value });
  const likeWord = fc.record({ ended: fc.oneof(value, fc.array(fc.record({ guestId: value, epoch: value }))) });
  const json = fc.oneof(likeLease, likeWord, fc.jsonValue()).map((each) => JSON.stringify(each));
  const bytes = fc.oneof(json, fc.string(), fc.uint8Array({ maxLength: 300 }));
  await fc.assert(
    fc.asyncProperty(bytes, bytes, async (first, second) => {
      heard = [];
      writeFileSync(join(folder, 'leases', 'h1'), first);
      writeFileSync(join(folder, 'isolated', 'h2'), second);
      await looks.look();
      expect(kinds()).toContain('own-datastore-heartbeat');
      for (const event of heard) {
        if (event.kind === 'watchdog-lease')
          expect([typeof event.armed, Number.isFinite(event.leaseMs), Number.isInteger(event.incarnation)]).toEqual([
            'boolean',
            true,
            true,
          ]);
        if (event.kind === 'isolation')
          for (const { guestId, epoch } of event.ended)
            expect([typeof guestId, Number.isInteger(epoch)]).toEqual(['string', true]);
      }
    }),
    { numRuns: 100 },
  );
});
