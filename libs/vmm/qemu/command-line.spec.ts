import * as fc from 'fast-check';
import type { GuestSpecification } from '@argosy/domain/guest-specification';
import { diskBus, memoryKiB, qemuArguments } from './command-line';
import type { CommandLinePlan } from './command-line';

function aGuest(
  boot: Partial<GuestSpecification['boot']> = {},
  change: Partial<GuestSpecification> = {},
): GuestSpecification {
  return {
    guestId: 'g1',
    name: 'web',
    vcpus: 2,
    memoryMiB: 64,
    architecture: 'x86_64',
    cpuShares: 1000,
    cpuLimitMillicores: null,
    display: 'none',
    boot: {
      format: 'kernel',
      firmware: 'none',
      kernelPath: '/store/kernel',
      initrdPath: null,
      kernelArguments: null,
      backingDiskPath: null,
      datastorePath: '/store',
      ...boot,
    },
    diskPath: '/store/web.qcow2',
    memoryPath: null,
    diskMade: false,
    diskMiB: 8,
    cloudInit: null,
    network: { macAddress: '02:41:0a:00:00:02', address: '10.0.0.2', prefixLength: 8, gateway: null },
    ...change,
  };
}

function aPlan(guest: GuestSpecification, change: Partial<CommandLinePlan> = {}): CommandLinePlan {
  const machine = { machineType: 'pc-i440fx-7.2', accelerator: 'tcg', cpuModel: 'qemu64', quickRom: null } as const;
  return { guest, machine, incoming: false, firmware: null, seedPath: null, plug: { kind: 'none' }, ...change };
}

/** What follows that option, each time it is there. */
function valuesOf(option: string, parameters: readonly string[]): string[] {
  return parameters.flatMap((parameter, index) => (parameter === option ? [parameters[index + 1] ?? ''] : []));
}

it('doubles commas where QEMU would end a value at them', () => {
  const parameters = qemuArguments(aPlan(aGuest({}, { name: 'one,two' })));
  expect(valuesOf('-name', parameters)).toEqual(['guest=one,,two,debug-threads=on']);
});

it('takes any path for a disk', () => {
  const path = '/store/a "b", c=d/disk.qcow2';
  const [disk] = valuesOf('-blockdev', qemuArguments(aPlan(aGuest({}, { diskPath: path }))));
  expect(JSON.parse(disk ?? '')).toMatchObject({ driver: 'qcow2', file: { filename: path, locking: 'on' } });
});

it('starts every guest stopped, and a target waiting', () => {
  expect(qemuArguments(aPlan(aGuest()))).toContain('-S');
  expect(qemuArguments(aPlan(aGuest()))).not.toContain('-incoming');
  const target = qemuArguments(aPlan(aGuest(), { incoming: true }));
  expect(target).toContain('-S');
  expect(valuesOf('-incoming', target)).toEqual(['defer']);
});

it('differs between source and target in the waiting only', () => {
  const source = qemuArguments(aPlan(aGuest()));
  const target = qemuArguments(aPlan(aGuest(), { incoming: true }));
  expect(target.filter((parameter) => parameter !== '-incoming' && parameter !== 'defer')).toEqual(source);
});

it('gives a freestanding kernel an IDE disk, and an operating system a virtio one', () => {
  expect(diskBus(aGuest())).toBe('ide');
  expect(diskBus(aGuest({ initrdPath: '/store/initrd' }))).toBe('virtio');
  expect(diskBus(aGuest({ format: 'qcow2', firmware: 'bios', kernelPath: null }))).toBe('virtio');
  expect(diskBus(aGuest({}, { architecture: 'aarch64' }))).toBe('virtio');
});

it('gives a screen to the guest that is to have one, after its other cards, and boots it by a BIOS that draws', () => {
  const machine = { ...aPlan(aGuest()).machine, quickRom: 'qboot.rom' };
  const [without, screen] = (['none', 'standard'] as const).map((display) =>
    qemuArguments(aPlan(aGuest({}, { display }), { machine })),
  ) as [string[], string[]];
  expect(valuesOf('-vnc', without)).toEqual([]);
  expect(valuesOf('-bios', without)).toEqual(['qboot.rom']);
  expect(valuesOf('-vnc', screen)).toEqual(['unix:screen,share=force-shared']);
  expect(valuesOf('-bios', screen)).toEqual([]);
  const devices = valuesOf('-device', screen);
  expect(devices.slice(0, valuesOf('-device', without).length)).toEqual(valuesOf('-device', without));
  expect(devices.at(-3)).toMatch(/^VGA,/);
});

it('never gives memory of a size that QEMU would scan the fast way', () => {
  for (const memoryMiB of [16, 32, 128, 1024, 4096]) expect(memoryKiB(memoryMiB) % 256).not.toBe(0);
});

it('boots a kernel with what belongs to it', () => {
  const parameters = qemuArguments(
    aPlan(aGuest({ initrdPath: '/store/initrd', kernelArguments: 'console=ttyS0 quiet' })),
  );
  expect(valuesOf('-kernel', parameters)).toEqual(['/store/kernel']);
  expect(valuesOf('-initrd', parameters)).toEqual(['/store/initrd']);
  expect(valuesOf('-append', parameters)).toEqual(['console=ttyS0 quiet ip=10.0.0.2:::255.0.0.0:web:eth0:off']);
});

it('tells a kernel its address, but not a freestanding one, and not against the word of the image', () => {
  const network = { ...aGuest().network, prefixLength: 16, gateway: '10.0.0.1' };
  const append = (boot: Partial<GuestSpecification['boot']>) =>
    valuesOf('-append', qemuArguments(aPlan(aGuest(boot, { network }))));
  expect(append({ initrdPath: '/store/initrd' })).toEqual(['ip=10.0.0.2::10.0.0.1:255.255.0.0:web:eth0:off']);
  expect(append({ initrdPath: '/store/initrd', kernelArguments: 'ip=dhcp' })).toEqual(['ip=dhcp']);
  expect(append({ kernelArguments: 'quiet' })).toEqual(['quiet']);
});

it('gives every guest the same card, whatever its host plugs it into', () => {
  const plugs = [
    { kind: 'tap', name: 'ag0123' },
    { kind: 'stream', path: '/run/a,b/net.sock' },
    { kind: 'none' },
  ] as const;
  const all = plugs.map((plug) => qemuArguments(aPlan(aGuest(), { plug })));
  for (const parameters of all)
    expect(valuesOf('-device', parameters)).toContain(
      'virtio-net-pci,id=card0,netdev=net0,mac=02:41:0a:00:00:02,guest_announce=off,romfile=',
    );
  expect(all.flatMap((parameters) => valuesOf('-netdev', parameters))).toEqual([
    'tap,ifname=ag0123,script=no,downscript=no,id=net0',
    'stream,server=off,addr.type=unix,addr.path=/run/a,,b/net.sock,id=net0',
    'hubport,hubid=0,id=net0',
  ]);
});

it('calls a reset of a kernel guest its end, and lets a disk guest reboot', () => {
  expect(valuesOf('-action', qemuArguments(aPlan(aGuest())))[0]).toContain('reboot=shutdown');
  const disk = aGuest({ format: 'raw', firmware: 'bios', kernelPath: null });
  expect(valuesOf('-action', qemuArguments(aPlan(disk)))[0]).toContain('reboot=reset');
});

/** As QEMU reads `key=value,key=value`: two commas are one in a value. */
function readOptions(text: string): Map<string, string> {
  const pieces = text.replaceAll(',,', '\0').split(',');
  return new Map(
    pieces.map((piece) => {
      const [key = '', ...value] = piece.replaceAll('\0', ',').split('=');
      return [key, value.join('=')];
    }),
  );
}

describe('whatever a user writes', () => {
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: fc.constantFrom(',', '=', '-', '"', "'", ' ', '\n', 'a', '/') }),
  );
  const words = (change: (written: string) => CommandLinePlan, written: string) => qemuArguments(change(written));
  const count = words(() => aPlan(aGuest({ kernelArguments: 'x' })), '').length;

  it('as a name stays one name', () => {
    fc.assert(
      fc.property(text, (name) => {
        const parameters = words((written) => aPlan(aGuest({ kernelArguments: 'x' }, { name: written })), name);
        const options = readOptions(valuesOf('-name', parameters)[0] ?? '');
        expect([...options.keys()]).toEqual(['guest', 'debug-threads']);
        expect(options.get('guest')).toBe(name);
        expect(parameters).toHaveLength(count);
      }),
    );
  });

  it('as a path or as kernel arguments stays one argument, after its own option', () => {
    fc.assert(
      fc.property(text, text, (path, kernelArguments) => {
        const boot = { kernelPath: `/${path}`, kernelArguments };
        const parameters = words(() => aPlan(aGuest(boot, { diskPath: `/${path}` })), path);
        expect(valuesOf('-kernel', parameters)).toContain(`/${path}`);
        expect(valuesOf('-append', parameters)).toContain(kernelArguments);
        const disk: unknown = JSON.parse(valuesOf('-blockdev', parameters)[0] ?? '');
        expect(disk).toMatchObject({ driver: 'qcow2', file: { driver: 'file', filename: `/${path}` } });
        expect(parameters).toHaveLength(count);
      }),
    );
  });
});
