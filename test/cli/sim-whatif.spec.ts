// argosy sim whatif and sim soak, as an administrator types them.
import { FleetServer, token } from './fleet-server';
import { type Ran, runInProcess } from './in-process';
import { handlersOf, pool, sampleFleet } from './sample-fleet';

let server: FleetServer;
beforeAll(async () => {
  server = await FleetServer.start({});
  const fleet = sampleFleet();
  const { datastoreId } = [...fleet.guests.values()][0]!;
  fleet.datastores.push({
    id: datastoreId,
    name: 'shared',
    path: '/datastore',
    shared: true,
    hostId: null,
    alarmUsedShare: 0.85,
    use: null,
    createdAt: 0,
  });
  server.handlers = handlersOf(fleet);
});
afterAll(() => server.stop());

const argosy = (...args: string[]): Promise<Ran> =>
  runInProcess(args, { environment: { ARGOSY_URL: server.url, ARGOSY_TOKEN: token } });

test('a host that would be lost: whose guests come back where, with the loads that were heard', async () => {
  const { out, status } = await argosy('sim', 'whatif', '--lose', 'h1', '-o', 'json');
  const { before, after, guests } = JSON.parse(out);
  expect(before.find(({ host }: { host: string }) => host === 'h1')).toMatchObject({ cpuDemandMillicores: 480 });
  expect(after.find(({ host }: { host: string }) => host === 'h1')).toMatchObject({ state: 'fenced', guests: 0 });
  expect(guests).toContainEqual(expect.objectContaining({ guest: 'web', from: 'h1', to: 'h2', fate: 'restarted' }));
  expect(status).toBe(0);
});

test('a moment of the past: places, sizes and loads of then, and what is not of then is said', async () => {
  const { guests, hosts } = sampleFleet();
  const rows = [...guests.values()].map(({ cloudInitBytes: _, ...guest }) => guest);
  const web = rows.find(({ name }) => name === 'web')!;
  const heardAt = Date.now() - 120_000;
  const moment = {
    at: heardAt,
    keptSince: Date.now() - 30_000,
    pools: [pool],
    hosts: [...hosts.values()].map((host) => ({ ...host, capacity: { ...host.capacity, cpuMillicores: 8000 } })),
    guests: [{ ...web, memoryMiB: 200 }],
    rules: [],
    demand: { at: heardAt, guests: [{ guestId: web.id, cpuMillicores: 120, dirtyBytesPerSecond: 0 }] },
  };
  server.handlers = { ...server.handlers, 'moment.get': () => moment };
  const { out } = await argosy('sim', 'whatif', '--lose', 'h2', '--at', '-1m', '-o', 'json');
  const { before, notes } = JSON.parse(out);
  expect(before.find(({ host }: { host: string }) => host === 'h1')).toMatchObject({
    guests: 1,
    cpuDemandMillicores: 120,
    cpuMillicores: 8000,
    memoryUsedMiB: 200,
  });
  expect(notes).toEqual([
    expect.stringMatching(/^what was changed before .* was not kept/),
    expect.stringMatching(/^loads are those of /),
    'images and datastores are of now',
  ]);
  server.handlers = { ...server.handlers, 'moment.get': () => ({ ...moment, guests: [], demand: null }) };
  const told = (await argosy('sim', 'whatif', '--lose', 'h2', '--at', '-1m')).out;
  expect(told).toContain('note: guests that ran then, are not known any more and are left out: 1');
  expect(told).toContain('note: no loads were kept of that time: guests ask for nothing');
  server.handlers = { ...server.handlers, 'moment.get': () => ({ ...moment, pools: [] }) };
  expect(await argosy('sim', 'whatif', '--lose', 'h2', '--at', '-1m')).toMatchObject({
    err: expect.stringContaining('Give a later --at.'),
  });
});

test('what is missing, unknown or cannot be read is said', async () => {
  expect(await argosy('sim', 'whatif')).toMatchObject({ status: 2, err: expect.stringContaining('--lose h2') });
  expect(await argosy('sim', 'whatif', '--lose', 'h77')).toMatchObject({ err: expect.stringContaining('h77') });
  const added = await argosy('sim', 'whatif', '--add', 'h9:many');
  expect(added).toMatchObject({ status: 2, err: expect.stringContaining('like h9:4:16G, and not "h9:many"') });
});
