import type { FleetRequest } from '@argosy/domain/fleet-request';
import type { Result } from '@argosy/domain/refusal';
import { createFleet, stepFleet } from './fleet';
import type { Fleet } from './fleet-types';

let fleet: Fleet;

function ask(request: FleetRequest): Result<unknown> {
  const { effects } = stepFleet(fleet, { kind: 'request', requestId: 'r', actor: 'test', request }, 1);
  const reply = effects.find((effect) => effect.kind === 'reply');
  if (!reply) throw new Error('no reply');
  return reply.result;
}

beforeEach(() => {
  let nextId = 1;
  fleet = createFleet({ newId: () => `id${nextId++}` });
  const nothing = {
    pools: [], hosts: [],
  fenceSecrets: [], guests: [], images: [], datastores: [], diskOperations: [], snapshots: [], rules: [], migrations: [], recommendations: [], drills: [], rolls: [], tasks: [], alarms: [],
  }; // prettier-ignore
  stepFleet(fleet, { kind: 'took-over', term: 1, inventory: nothing }, 0);
  for (const name of ['one', 'two'])
    ask({ kind: 'datastore.create', datastore: { name, path: `/store/${name}`, shared: true } });
});

test.each([
  ['a disk', { format: 'raw', diskPath: '/etc/shadow' }],
  ['a kernel', { format: 'kernel', kernelPath: '/etc/shadow' }],
  ['a RAM disk', { format: 'kernel', kernelPath: '/store/one/k', initrdPath: '/etc/shadow' }],
  ['a disk of another datastore', { format: 'qcow2', diskPath: '/store/two/images/a.qcow2' }],
  ["a guest's disk", { format: 'qcow2', diskPath: '/store/one/guests/7/disk.qcow2' }],
] as const)('%s outside the datastore of its image is no image', (_what, files) => {
  const made = ask({ kind: 'image.create', image: { name: 'tiny', datastore: 'one', ...files } });
  expect(made).toMatchObject({ ok: false, refusal: { code: 'image-outside-datastore' } });
  expect(fleet.images.size).toBe(0);
});

test("what lies in its datastore's folder for images is one", () => {
  const image = { name: 'tiny', datastore: 'two', format: 'kernel', kernelPath: '/store/two/images/tiny.elf' } as const;
  expect(ask({ kind: 'image.create', image })).toMatchObject({ ok: true });
});
