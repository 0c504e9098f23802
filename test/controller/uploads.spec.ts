import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeLab, startEdge, type Edge } from './edge';

// Disks that are sent in parts over HTTP, onto a real datastore.

let edge: Edge;
let folder: string;
let disk: Buffer;
const images = () => join(folder, 'images');

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'argosy-uploads-'));
  const file = join(folder, 'made.qcow2');
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', file, '16M']);
  execFileSync('qemu-io', ['-c', 'write -q -P 7 0 2M', file]);
  disk = readFileSync(file);
  edge = await startEdge();
  await makeLab(edge);
  await edge.call('datastore.create', { body: { name: 'disks', path: folder, shared: true } });
}, 60_000);
afterAll(async () => {
  await edge?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const begin = (name: string, more: object = {}) =>
  edge.call('image.upload', {
    body: { name, format: 'qcow2', sizeBytes: disk.length, datastore: 'disks', ...more },
  });

async function sendPart(id: string, offset: number, bytes: Uint8Array, token = edge.tokens.operator) {
  const response = await fetch(`${edge.url}/api/v1/image-uploads/${encodeURIComponent(id)}?offset=${offset}`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' },
    body: new Uint8Array(bytes),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
const finish = (upload: string) => edge.send('POST', `/api/v1/image-uploads/${upload}/finish`);

test('a disk arrives in parts, as it was sent, and is an image', async () => {
  const { id, receivedBytes } = await begin('debian', { firmware: 'uefi', minimumMemoryMiB: 256 });
  expect(receivedBytes).toBe(0);
  const third = Math.ceil(disk.length / 3);
  for (let offset = 0; offset < disk.length; offset += third) {
    const { status, body } = await sendPart(id, offset, disk.subarray(offset, offset + third));
    expect({ status, received: body['receivedBytes'] }).toEqual({
      status: 200,
      received: Math.min(disk.length, offset + third),
    });
  }
  const image = await edge.call('image.upload-finish', { params: { upload: id } });
  expect(image).toMatchObject({ name: 'debian', format: 'qcow2', firmware: 'uefi', minimumMemoryMiB: 256 });
  expect(readFileSync(image.diskPath!).equals(disk)).toBe(true);
  expect(readdirSync(images())).toEqual(['debian.qcow2']);
  expect((await edge.send('GET', `/api/v1/image-uploads/${id}`)).body.code).toBe('unknown-upload');
});

test('one that broke off goes on where it stopped; bytes out of turn are refused, and it is said where to go on', async () => {
  const { id } = await begin('resumed');
  await sendPart(id, 0, disk.subarray(0, 100_000));
  expect(await sendPart(id, 50_000, disk.subarray(50_000))).toMatchObject({
    status: 400,
    body: { details: { receivedBytes: 100_000 } },
  });
  expect((await finish(id)).body).toMatchObject({ code: 'invalid-request', details: { receivedBytes: 100_000 } });
  const { receivedBytes } = await edge.call('image.upload-get', { params: { upload: id } });
  await sendPart(id, receivedBytes, disk.subarray(receivedBytes));
  const { diskPath } = await edge.call('image.upload-finish', { params: { upload: id } });
  expect(readFileSync(diskPath!).equals(disk)).toBe(true);
});

test('what is no such disk is refused with its first bytes', async () => {
  const wrong = await begin('wrong');
  expect(await sendPart(wrong.id, 0, Buffer.alloc(4096))).toMatchObject({
    status: 422,
    body: { code: 'image-corrupt', message: 'wrong is no image to boot from: it does not begin like a qcow2 disk.' },
  });
  const backed = Buffer.from(disk);
  backed.writeBigUInt64BE(512n, 8);
  expect((await sendPart(wrong.id, 0, backed)).body['message']).toMatch(/needs another disk below it/);
  await edge.call('image.upload-abort', { params: { upload: wrong.id } });
  expect(readdirSync(images()).filter((name) => name.includes(wrong.id))).toEqual([]);
});

test('a name that is taken, a host’s own datastore and more than there is room for are refused before anything is sent', async () => {
  const ask = (more: object) =>
    edge.send('POST', '/api/v1/image-uploads', {
      body: { name: 'other', format: 'raw', sizeBytes: 4096, datastore: 'disks', ...more },
    });
  expect((await ask({ name: 'debian' })).body.code).toBe('name-taken');
  await edge.call('datastore.create', { body: { name: 'own', path: '/own', shared: false, host: 'h1' } });
  expect((await ask({ datastore: 'own' })).body).toMatchObject({
    code: 'datastore-not-reached',
    message: expect.stringMatching(/argosy image import/),
  });
  expect((await ask({ sizeBytes: 16 * 1024 ** 4 })).body.code).toBe('disk-full');
  expect((await ask({ datastore: undefined })).body.message).toBe('Name the datastore: there are 2 (disks, shared).');
  expect((await ask({ sizeBytes: 3 })).body.message).toMatch(/^sizeBytes must be a whole number from 512/);
});

test('only who may make images sends parts, of no other type, and of bounded size', async () => {
  const { id } = await begin('bounded');
  expect((await sendPart(id, 0, disk, edge.tokens.viewer)).status).toBe(403);
  const json = await edge.send('PATCH', `/api/v1/image-uploads/${id}?offset=0`, { body: { a: 1 } });
  expect(json).toMatchObject({ status: 415, body: { message: expect.stringMatching(/octet-stream/) } });
  expect(await sendPart(id, 0, Buffer.alloc(8 * 1024 * 1024 + 1))).toMatchObject({
    status: 413,
    body: { code: 'too-large' },
  });
  expect((await sendPart('../../etc/passwd', 0, disk)).body['code']).toBe('unknown-upload');
  expect((await sendPart(id, 0, Buffer.concat([disk, Buffer.alloc(1)]))).body['message']).toMatch(/beyond the/);
});

test('the parts that arrive are not in the audit trail, their beginning and end are', async () => {
  const { items } = await edge.call('audit.list', { query: 'limit=200' });
  const done = new Set(items.filter(({ outcome }) => outcome === 'done').map(({ route }) => route));
  expect(done).toContain('image.upload');
  expect(done).toContain('image.upload-finish');
  expect(done).not.toContain('image.upload-part');
  expect(items.some(({ route, outcome }) => route === 'image.upload-part' && outcome === 'denied')).toBe(true);
});

test('what nobody went on with for a day is deleted when another is begun', async () => {
  const { id } = await begin('forgotten');
  const old = (Date.now() - 25 * 3_600_000) / 1000;
  for (const name of readdirSync(images())) if (name.includes(id)) utimesSync(join(images(), name), old, old);
  await begin('newer');
  expect(readdirSync(images()).some((name) => name.includes(id))).toBe(false);
});
