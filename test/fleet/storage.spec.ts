// What is done to a guest's disk and memory on a real fleet: nothing that it knew may differ afterwards.
import { existsSync, readdirSync, readFileSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import { expectApart, KeptDisk } from './kept-disk';
import { Fleet } from './lab';
import type { LabGuest } from './lab-guest';
import { signal, waitFor } from './lab-processes';

let fleet: Fleet;
let guest: LabGuest;
let disk: KeptDisk;
beforeAll(async () => {
  fleet = await Fleet.start({ hosts: 2, hostMemoryMiB: 512, pool: { balance: { automation: 'partial' } } });
  [guest] = (await fleet.createGuests([{ name: 'g', memoryMiB: 64 }])) as [LabGuest];
  disk = new KeptDisk(fleet, guest);
}, 180_000);
afterAll(() => fleet?.stop(), 60_000);

/** Whoever works on the guest's files, and whoever asked for that. */
async function killAgentAndController(): Promise<void> {
  const host = await fleet.hostNamed((await guest.get()).hostId);
  signal(host.agentPid(), 'SIGKILL');
  await fleet.controllers[0]!.kill();
  await fleet.controllers[0]!.start();
}

test('a suspended guest frees its host, and goes on elsewhere with its memory', async () => {
  await disk.write();
  await guest.ask('fill 8 3', 'filled');
  const { checksum } = await guest.ask('sum', 'sum');
  const { boot } = await guest.ask('stats', 'stats');
  const before = (await guest.get()).hostId;
  await disk.suspend();
  expect((await guest.get()).hostId).toBeNull();
  await fleet.api.call('host.enter-maintenance', { params: { host: before! } });
  await disk.start();
  expect((await guest.get()).hostId).not.toBe(before);
  expect(await guest.ask('sum', 'sum')).toMatchObject({ checksum });
  expect(await guest.ask('stats', 'stats')).toMatchObject({ boot });
  await disk.expectWhole();
  await fleet.api.call('host.exit-maintenance', { params: { host: before! } });
}, 120_000);

test('a snapshot is taken although agent and controller die in the middle, and the guest goes back to it', async () => {
  const { boot } = await guest.ask('stats', 'stats');
  const { id } = await fleet.api.call('snapshot.take', { params: { guest: 'g' }, body: { name: 's1' } });
  const then = disk.seed;
  await killAgentAndController();
  await waitFor('it is taken', async () => {
    const { items } = await fleet.api.call('snapshot.list', { params: { guest: 'g' } });
    return items.some((each) => each.id === id && each.state === 'ready');
  });
  expect(await guest.ask('stats', 'stats')).toMatchObject({ boot });
  await disk.write();
  await disk.expectWhole();
  await disk.stop();
  await fleet.api.call('snapshot.revert', { params: { guest: 'g', snapshot: 's1' } });
  await disk.inState('suspended');
  await disk.start();
  expect(await guest.ask('stats', 'stats')).toMatchObject({ boot });
  await disk.expectWhole(then);
  disk.seed = then;
}, 180_000);

test('a running guest is cloned although agent and controller die in the middle: the clone is whole, and each its own', async () => {
  const { boot } = await guest.ask('stats', 'stats');
  await fleet.api.call('guest.clone', { params: { guest: 'g' }, body: { name: 'copy', start: true } });
  await killAgentAndController();
  const copy = await disk.opened('copy');
  await expectApart(disk, copy);
  expect(await guest.ask('stats', 'stats')).toMatchObject({ boot });
  const [one, other] = [await guest.get(), await copy.guest.get()];
  expect(new Set([one.address, other.address, one.macAddress, other.macAddress]).size).toBe(4);
  const folder = join(fleet.datastore, 'guests', copy.guest.id);
  expect(readdirSync(folder).filter((name) => name.includes('.new'))).toEqual([]);
  await copy.remove();
}, 120_000);

test('a linked clone and its source share what was there and no more, and the base goes with the last', async () => {
  await fleet.api.call('snapshot.remove', { params: { guest: 'g', snapshot: 's1' } });
  await disk.stop();
  await waitFor('its files are left alone', async () => {
    const { items } = await fleet.api.call('snapshot.list', { params: { guest: 'g' } });
    return items.length === 0;
  });
  const linked = await disk.clone('linked', { linked: true });
  await disk.start();
  await expectApart(disk, linked);
  const bases = join(fleet.datastore, 'bases');
  await linked.remove();
  expect(readdirSync(bases)).toHaveLength(1);
}, 120_000);

test('its files are deleted with it', async () => {
  const folder = join(fleet.datastore, 'guests', guest.id);
  expect(existsSync(folder)).toBe(true);
  await fleet.removeGuest(guest);
  await waitFor('they are gone', () => !existsSync(folder));
  await waitFor('the base that nobody needs is gone', () => readdirSync(join(fleet.datastore, 'bases')).length === 0);
}, 60_000);

/** What nobody but its owner is to know, of everybody here. */
function secretsOfFleet(cloudInit: string): Map<string, string> {
  const secrets = new Map([
    ["the administrator's token", readFileSync(join(fleet.controllers[0]!.folder, 'token'), 'utf8').trim()],
    ["a guest's cloud-init data", cloudInit],
  ]);
  for (const host of fleet.hosts) {
    const identity = JSON.parse(readFileSync(join(host.stateFolder, 'peer.json'), 'utf8')) as Record<string, unknown>;
    const environment = readFileSync(`/proc/${host.agentPid()}/environ`, 'utf8').split('\0');
    secrets.set(`the key of ${host.name}`, String(identity['key']));
    secrets.set('the secret of migrations', String(identity['migrationSecret']));
    secrets.set(`the credential of ${host.name}`, readFileSync(join(host.stateFolder, 'credential'), 'utf8').trim());
    secrets.set('the join token', environment.find((each) => each.startsWith('ARGOSY_JOIN_TOKEN='))!.split('=')[1]!);
  }
  return secrets;
}

const longestTextBytes = 1024 * 1024;

/** What was read, or nothing where the file or the process ended meanwhile: leases are renewed and processes end while this looks. */
function unlessGone<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/** The files below a folder, and whether any user of the machine may read them; the servers' own folders are theirs. */
function filesBelow(folder: string, isOpen = true): { readonly path: string; readonly isOpen: boolean }[] {
  return (unlessGone(() => readdirSync(folder)) ?? []).flatMap((name) => {
    const path = join(folder, name);
    const stat = unlessGone(() => lstatSync(path));
    if (stat === undefined) return [];
    if (stat.isDirectory()) return filesBelow(path, isOpen && (stat.mode & 0o011) !== 0);
    if (!stat.isFile() || stat.size > longestTextBytes) return [];
    return [{ path, isOpen: isOpen && (stat.mode & 0o044) !== 0 }];
  });
}

test('no secret is on a command line, in a log, or in a file that others may read', async () => {
  const password = 'hunter2-of-the-guest';
  const cloudInit = `#cloud-config\npassword: ${password}\n`;
  await fleet.api.call('guest.create', {
    body: { name: 'secretive', pool: 'pool', image: 'tiny', memoryMiB: 32, cloudInit, start: true },
  });
  await waitFor('it runs', async () => {
    const { state } = await fleet.api.call('guest.get', { params: { guest: 'secretive' } });
    return state === 'running';
  });
  const secrets = secretsOfFleet(password);
  for (const [what, secret] of secrets) expect([what, secret.length > 8]).toEqual([what, true]);
  const expectNone = (where: string, text: string): void => {
    for (const [what, secret] of secrets) if (text.includes(secret)) throw new Error(`${where} has ${what}`);
  };
  const expectNoneIn = (path: string): void => expectNone(path, unlessGone(() => readFileSync(path, 'latin1')) ?? '');
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) expectNoneIn(`/proc/${pid}/cmdline`);
  const files = ['controllers', 'hosts', 'datastore'].flatMap((name) => filesBelow(join(fleet.folder, name)));
  expect(files.some(({ path }) => path.endsWith('.seed.iso'))).toBe(true);
  expect(files.filter(({ path }) => path.endsWith('.log')).length).toBeGreaterThan(fleet.hosts.length);
  for (const { path, isOpen } of files) if (isOpen || path.endsWith('.log')) expectNoneIn(path);
}, 60_000);
