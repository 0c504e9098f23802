import * as fc from 'fast-check';
import { checkImageFiles, isImagePath, isInitrdPath } from './image-files';

const store = '/srv/argosy';

test.each([
  ['/srv/argosy/images/debian.qcow2', true],
  ['/srv/argosy/tiny.elf', true],
  ['/srv//argosy/./images/a', true],
  ['/srv/argosy', false],
  ['/srv/argosy2/a', false],
  ['/etc/shadow', false],
  ['/dev/sda', false],
  ['/srv/argosy/../../etc/shadow', false],
  ['/srv/argosy/guests/7/disk.qcow2', false],
  ['/srv/argosy//guests/7/disk.qcow2', false],
  ['/srv/argosy/bases/7-1.qcow2', false],
  ['/srv/argosy/leases/h1', false],
  ['srv/argosy/a', false],
])('of a datastore at /srv/argosy, %s may be an image: %s', (path, expected) => {
  expect(isImagePath(path, store)).toBe(expected);
  expect(isImagePath(path, `${store}/`)).toBe(expected);
});

test('each file of an image is looked at, and the refusal names the one that is wrong', () => {
  const inside = { kernelPath: `${store}/kernel`, initrdPath: `${store}/initrd`, diskPath: null };
  expect(checkImageFiles(inside, store)).toEqual({ ok: true, value: null });
  for (const key of ['kernelPath', 'initrdPath', 'diskPath']) {
    const checked = checkImageFiles({ ...inside, [key]: '/etc/shadow' }, store);
    expect(checked).toMatchObject({
      ok: false,
      refusal: { code: 'image-outside-datastore', message: expect.stringMatching(`^${key} /etc/shadow is no file`) },
    });
  }
});

test('what may be an image lies below the datastore, however it is written', () => {
  const step = fc.constantFrom('srv', 'argosy', '..', '.', '', 'guests', 'etc', 'images', 'a b');
  fc.assert(
    fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
      const path = `/${steps.join('/')}`;
      if (!isImagePath(path, store)) return;
      const resolved = new URL(`file://${path}`).pathname.replaceAll(/\/+/g, '/');
      expect(resolved.startsWith(`${store}/`)).toBe(true);
      expect(resolved.startsWith(`${store}/guests`)).toBe(false);
    }),
  );
});

test('where QEMU ends a path of -initrd, nothing is told it', () => {
  for (const path of ['/a,b', '/a b', '/a\tb', '/a\nb']) expect(isInitrdPath(path)).toBe(false);
  expect(isInitrdPath('/srv/argosy/images/initrd-6.1_é.gz')).toBe(true);
});
