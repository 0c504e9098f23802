// guest clone, guest template, guest create --template and guest recover, as an administrator types them.
import { FleetServer, token } from './fleet-server';
import { type Ran, runInProcess } from './in-process';
import { aGuest, handlersOf, sampleFleet, type SampleFleet } from './sample-fleet';

let server: FleetServer;
let fleet: SampleFleet;
beforeAll(async () => {
  server = await FleetServer.start({});
});
beforeEach(() => {
  fleet = sampleFleet();
  server.asked.length = 0;
  server.handlers = {
    ...handlersOf(fleet),
    'guest.clone': ({ body }) => {
      const state = { desired: body.start ? 'running' : 'stopped', state: 'cloning', clonedFrom: 'web' } as const;
      const row = aGuest(body.name, { ...state, hostId: null });
      fleet.guests.set(row.name, row);
      setTimeout(() => {
        if (row.name === 'unlucky') fleet.guests.delete(row.name);
        else fleet.guests.set(row.name, { ...row, state: row.desired });
      }, 200);
      return row;
    },
    'guest.recover': ({ params }) => ({
      guestId: params.guest,
      datastoreId: 'd1',
      abandonedDatastoreId: 'd2',
      since: 1_000,
      until: 4_000,
      loses: 'If the disk had moved, 3 s of its work are lost.',
    }),
    'guest.make-template': ({ params }) => ({ ...aGuest(params.guest), isTemplate: true }),
    'guest.undo-template': ({ params }) => aGuest(params.guest),
  };
});
afterAll(() => server.stop());

const argosy = (...args: string[]): Promise<Ran> =>
  runInProcess(args, { environment: { ARGOSY_URL: server.url, ARGOSY_TOKEN: token } });
const bodiesOf = (name: string) => server.asked.filter((call) => call.name === name).map(({ body }) => body);

test('a clone is asked for with what was said, and waited for', async () => {
  const ran = await argosy('guest', 'clone', 'web', 'web2', '--memory', '96M', '--start', '--wait');
  expect(ran).toMatchObject({ status: 0, out: 'Guest web2 is running.\n' });
  expect(await argosy('guest', 'clone', 'web', 'web3', '--linked')).toMatchObject({
    out: 'Guest web3 is being made.\n',
  });
  expect((await argosy('guest', 'clone', 'web', 'web4', '--snapshot', 's1', '--datastore', 'fast')).status).toBe(0);
  expect(bodiesOf('guest.clone')).toEqual([
    { name: 'web2', start: true, memoryMiB: 96 },
    { name: 'web3', start: false, linked: true },
    { name: 'web4', start: false, snapshot: 's1', datastore: 'fast' },
  ]);
});

test('one that could not be made is said to have failed', async () => {
  const { status, err } = await argosy('guest', 'clone', 'web', 'unlucky', '--wait');
  expect(status).toBe(8);
  expect(err).toContain('Guest unlucky was not made; see argosy event list --subject web.');
});

test('a template is made and undone, and guests are created from it in its pool', async () => {
  expect((await argosy('guest', 'template', 'db')).out).toBe('db is a template.\n');
  expect((await argosy('guest', 'template', 'db', '--undo')).out).toBe('db is a guest again.\n');
  expect((await argosy('guest', 'create', 'web3', '--template', 'db', '--full')).status).toBe(0);
  expect(bodiesOf('guest.create')).toEqual([
    { name: 'web3', pool: aGuest('db').poolId, template: 'db', full: true, start: false },
  ]);
  fleet.guests.set('t', aGuest('t', { state: 'stopped', desired: 'stopped', hostId: null, isTemplate: true }));
  expect((await argosy('guest', 'list')).out).toMatch(/^t +template /m);
});

test.each([[['guest', 'create', 'x']], [['guest', 'create', 'x', '--image', 'tiny', '--template', 'web']]])(
  '%j needs an image or a template',
  async (args) => {
    const { status, err } = await argosy(...args);
    expect({ status, err }).toMatchObject({ status: 2, err: expect.stringContaining('Give --image, or --template.') });
  },
);

test('a guest goes on from the disk that it left when its cost was said and it was meant', async () => {
  expect(await argosy('guest', 'recover', 'web')).toMatchObject({
    status: 2,
    err: expect.stringContaining('argosy guest recover web --from-source') as string,
  });
  const unmeant = await argosy('guest', 'recover', 'web', '--from-source');
  expect(unmeant).toMatchObject({ status: 2, err: expect.stringContaining('3 s of its work are lost') as string });
  expect(bodiesOf('guest.recover')).toEqual([{ from: 'source', planOnly: true }]);
  expect(await argosy('guest', 'recover', 'web', '--from-source', '--yes')).toMatchObject({
    status: 0,
    out: expect.stringContaining('Guest web goes on from the disk that it left. If the disk had moved') as string,
  });
  expect(bodiesOf('guest.recover').slice(1)).toEqual([
    { from: 'source', planOnly: true },
    { from: 'source', planOnly: false },
  ]);
});
