// argosy sim whatif and sim soak, as an administrator types them.
import { FleetServer, token } from './fleet-server';
import { type Ran, runInProcess } from './in-process';
import { handlersOf, sampleFleet } from './sample-fleet';

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

test('what is missing, unknown or cannot be read is said', async () => {
  expect(await argosy('sim', 'whatif')).toMatchObject({ status: 2, err: expect.stringContaining('--lose h2') });
  expect(await argosy('sim', 'whatif', '--lose', 'h77')).toMatchObject({ err: expect.stringContaining('h77') });
  const added = await argosy('sim', 'whatif', '--add', 'h9:many');
  expect(added).toMatchObject({ status: 2, err: expect.stringContaining('like h9:4:16G, and not "h9:many"') });
});
