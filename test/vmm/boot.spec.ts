import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { GuestSpecification } from '@argosy/domain/guest-specification';
import { HostUnderTest } from '@argosy/vmm/test-bench';
import { seedImage } from '@argosy/vmm/qemu/seed-image';
import { QemuBench } from './qemu-bench';

let bench: QemuBench;
let host: HostUnderTest;
beforeEach(() => {
  bench = new QemuBench({ useGroups: false });
  host = new HostUnderTest(bench, 'h1');
});
afterEach(() => bench.dispose());

const diskBoot = {
  format: 'raw',
  firmware: 'bios',
  kernelPath: null,
  initrdPath: null,
  kernelArguments: null,
} as const;

function guestOf(
  boot: Partial<GuestSpecification['boot']>,
  change: Partial<GuestSpecification> = {},
): GuestSpecification {
  const guest = bench.guest();
  return { ...guest, ...change, boot: { ...guest.boot, ...boot } };
}

/** A boot sector that says one heartbeat on the serial line: mov, loop over the text by lodsb and out, hlt. */
function bootSector(text: string): Buffer {
  const sector = Buffer.alloc(512);
  // cli; xor ax,ax; mov ds,ax; mov si,0x7c20; mov dx,0x3f8; next: lodsb; test al,al; jz stop; out dx,al; jmp next; stop: hlt; jmp stop
  Buffer.from('fa31c08ed8be207cbaf803ac84c07403eeebf8f4ebfd', 'hex').copy(sector);
  sector.write(`${text}\0`, 0x20, 'latin1');
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}

function image(name: string, content: Buffer): string {
  const path = join(bench.folder, 'datastore', name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

describe('what boots', () => {
  it('a raw disk by its own boot sector, as an overlay that leaves the image alone', async () => {
    const content = Buffer.concat([bootSector('hb 7 9\n'), Buffer.alloc(1024 * 1024 - 512)]);
    const backingDiskPath = image('boot.raw', content);
    const guest = guestOf({ ...diskBoot, backingDiskPath });
    await host.must({ call: 'start', guest, epoch: 1 });
    expect(await host.event('heartbeat', { guestId: guest.guestId, epoch: 1 })).toMatchObject({ count: 7, work: 9 });
    const disk = JSON.parse(
      execFileSync('qemu-img', ['info', '-U', '--output=json', guest.diskPath], { encoding: 'utf8' }),
    );
    expect(disk).toMatchObject({
      format: 'qcow2',
      'backing-filename': backingDiskPath,
      'virtual-size': 8 * 1024 * 1024,
    });
    expect(readFileSync(backingDiskPath).equals(content)).toBe(true);
  });

  it('UEFI firmware, whose variables lie beside the disk', async () => {
    const guest = guestOf({ ...diskBoot, firmware: 'uefi' }, { memoryMiB: 128 });
    const started = await host.ask({ call: 'start', guest, epoch: 1 });
    if (!existsSync('/usr/share/OVMF')) {
      expect(started).toMatchObject({ ok: false, refusal: { code: 'vmm-unsupported' } });
      return;
    }
    expect(started).toEqual({ ok: true, value: null });
    expect(existsSync(`${guest.diskPath}.uefi-variables`)).toBe(true);
  });

  it('an arm64 machine where QEMU has one, else a refusal that names the package', async () => {
    const guest = guestOf({ ...diskBoot, firmware: 'none' }, { architecture: 'aarch64' });
    const started = await host.ask({ call: 'start', guest, epoch: 1 });
    const isInstalled = spawnSync('qemu-system-aarch64', ['-version']).status === 0;
    if (isInstalled) expect(started).toMatchObject({ ok: true });
    else expect(started).toMatchObject({ ok: false, refusal: { message: expect.stringContaining('qemu-system-arm') } });
  });
});

describe('what is refused', () => {
  it('a disk image that is not there', async () => {
    const guest = guestOf({ ...diskBoot, backingDiskPath: '/nowhere/image.raw' });
    expect(await host.refusal({ call: 'start', guest, epoch: 1 })).toMatchObject({ code: 'image-missing' });
  });

  it('a kernel that is not there', async () => {
    const guest = guestOf({ kernelPath: '/nowhere/kernel' });
    expect(await host.refusal({ call: 'start', guest, epoch: 1 })).toMatchObject({ code: 'image-missing' });
    expect(await host.must({ call: 'list' })).toEqual([]);
  });

  it('a qcow2 image that is none', async () => {
    const guest = guestOf({
      ...diskBoot,
      format: 'qcow2',
      backingDiskPath: image('broken.qcow2', Buffer.alloc(65536, 1)),
    });
    expect(await host.refusal({ call: 'start', guest, epoch: 1 })).toMatchObject({ code: 'image-corrupt' });
  });

  describe('an image that is', () => {
    const secret = 'root:$6$of-this-host';
    const secretPath = (): string => join(bench.folder, 'shadow');
    const outside = async (boot: Partial<GuestSpecification['boot']>): Promise<void> => {
      const guest = guestOf(boot);
      const code = 'image-outside-datastore';
      expect(await host.refusal({ call: 'start', guest, epoch: 1 })).toMatchObject({ code });
      expect(await host.must({ call: 'list' })).toEqual([]);
      expect(existsSync(guest.diskPath)).toBe(false);
    };
    const link = (name: string, to: string): string => {
      symlinkSync(to, join(bench.folder, 'datastore', name));
      return join(bench.folder, 'datastore', name);
    };
    beforeEach(() => writeFileSync(secretPath(), secret.padEnd(512, 'x')));

    it('some file of the host, as a disk, a kernel or a RAM disk', async () => {
      await outside({ ...diskBoot, backingDiskPath: secretPath() });
      await outside({ kernelPath: secretPath() });
      await outside({ initrdPath: secretPath() });
    });

    it('such a file behind a link on the datastore', async () => {
      await outside({ ...diskBoot, backingDiskPath: link('disk.raw', secretPath()) });
      await outside({ initrdPath: link('initrd', secretPath()) });
      mkdirSync(join(bench.folder, 'datastore', 'guests', 'other'), { recursive: true });
      writeFileSync(join(bench.folder, 'datastore', 'guests', 'other', 'disk.qcow2'), secret);
      await outside({ ...diskBoot, backingDiskPath: link('other.raw', join('guests', 'other', 'disk.qcow2')) });
    });

    it('a device', () => outside({ ...diskBoot, backingDiskPath: link('device', '/dev/zero') }));

    it('a qcow2 file above another, or with its data in another', async () => {
      const [above, data] = ['above', 'data'].map((name) => join(bench.folder, 'datastore', 'images', `${name}.qcow2`));
      execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', secretPath(), '-F', 'raw', above!]);
      const options = `data_file=${join(bench.folder, 'data.raw')},data_file_raw=on`;
      execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-o', options, data!, '1M']);
      await outside({ ...diskBoot, format: 'qcow2', backingDiskPath: above! });
      await outside({ ...diskBoot, format: 'qcow2', backingDiskPath: data! });
    });
  });

  it('a RAM disk at whose comma QEMU would begin another path', async () => {
    const initrdPath = image('images/initrd,/etc/hostname', Buffer.from('x'));
    const refusal = await host.refusal({ call: 'start', guest: guestOf({ initrdPath }), epoch: 1 });
    expect(refusal).toMatchObject({ code: 'invalid-request', message: expect.stringMatching(/comma/) });
  });

  it('a guest disk that is damaged', async () => {
    const guest = bench.guest();
    mkdirSync(dirname(guest.diskPath), { recursive: true });
    writeFileSync(guest.diskPath, Buffer.alloc(65536, 1));
    expect(await host.refusal({ call: 'start', guest, epoch: 1 })).toMatchObject({ code: 'image-corrupt' });
  });

  it('a migration target without its disk: no empty one is made for it', async () => {
    const guest = bench.guest();
    const policy = {
      autoConverge: false,
      postCopy: false,
      encrypted: true,
      bandwidthMiBPerSecond: 100,
      downtimeLimitMs: 10,
      copyDeadlineMs: 1000,
      concurrentPerHost: 1,
    };
    expect(await host.refusal({ call: 'prepareIncoming', guest, epoch: 2, policy, disk: null })).toMatchObject({
      code: 'disk-missing',
    });
    expect(existsSync(guest.diskPath)).toBe(false);
  });

  it('an instruction set that no QEMU here has', async () => {
    const guest = guestOf({}, { architecture: 's390x' });
    expect(await host.refusal({ call: 'start', guest, epoch: 1 })).toMatchObject({ code: 'vmm-unsupported' });
  });
});

it('cloud-init data go to the guest as an image that other tools can read', () => {
  const userData = `#cloud-config\n# ${'x'.repeat(3000)}\n`;
  const path = image(
    'seed.iso',
    seedImage([
      { name: 'user-data', content: Buffer.from(userData) },
      { name: 'meta-data', content: Buffer.from('instance-id: a\n') },
    ]),
  );
  const bytes = readFileSync(path);
  expect(bytes.toString('latin1', 0x8001, 0x8006)).toBe('CD001');
  expect(bytes.toString('latin1', 0x8028, 0x802e)).toBe('cidata');
  expect(bytes.includes(userData)).toBe(true);
  const reader = spawnSync('isoinfo', ['-i', path, '-x', '/USER-DATA.;1'], { encoding: 'utf8' });
  // isoinfo belongs to genisoimage, which is not a need of ours.
  if (reader.error === undefined) expect(reader.stdout).toBe(userData);
});
