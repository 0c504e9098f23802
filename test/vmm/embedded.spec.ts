import { writeFileSync } from 'node:fs';
import { HostUnderTest } from '@argosy/vmm/test-bench';
import { describeVmmDriver } from '@argosy/vmm/conformance';
import { quickPolicy } from '@argosy/vmm/conformance/scenes';
import { ensureBuilt } from '../fleet/build';
import { EmbeddedBench } from './embedded-bench';
import { crossing } from './two-host-bench';

beforeAll(ensureBuilt, 300_000);

/** All of it is in `embedded.slow.spec.ts`. */
describeVmmDriver('embedded', async () => new EmbeddedBench(), {
  only: ['crash', 'adopt', 'image-lock', 'migrate', 'source-dies', 'suspend'],
});

describe('what is the embedded driver’s alone', () => {
  let bench: EmbeddedBench;
  beforeEach(() => (bench = new EmbeddedBench({ cpuMillicores: 2000 })));
  afterEach(() => bench.dispose());

  test('a host of two processors has two processes for its guests, and the end of one is not the end of the other’s', async () => {
    const h1 = new HostUnderTest(bench, 'h1');
    const guests = [bench.guest(), bench.guest()];
    for (const guest of guests) await h1.must({ call: 'start', guest, epoch: 1 });
    const [one, other] = guests.map(({ guestId }) => ({ guestId, epoch: 1 }));
    await h1.beats(one!);
    await h1.beats(other!);
    expect(bench.runners('h1')).toHaveLength(2);
    process.kill(bench.runners('h1')[0]!.pid, 'SIGKILL');
    expect(await h1.event('exited', one!)).toMatchObject({ how: 'crashed' });
    await h1.beats(other!, 2);
    expect(h1.has('exited', other!)).toBe(false);
  });

  test('what it cannot run is refused with what to do instead', async () => {
    const h1 = new HostUnderTest(bench, 'h1');
    const guest = bench.guest();
    const refusal = (change: object) =>
      h1.refusal({ call: 'start', guest: { ...guest, ...change }, epoch: 1 }).then(({ message }) => message);
    expect(await refusal({ architecture: 'x86_64' })).toMatch('it is for x86_64, and the embedded VMM runs argosy32');
    expect(await refusal({ vcpus: 2 })).toMatch('it has 2 processors, and the embedded machine has one');
    expect(await refusal({ memoryMiB: 2048 })).toMatch('at most 1024');
    const text = `${bench.kernelPath}.txt`;
    writeFileSync(text, 'no program');
    expect(await refusal({ boot: { ...guest.boot, kernelPath: text } })).toMatch('it is no ELF file');
    expect(await refusal({ boot: { ...guest.boot, kernelPath: __filename } })).toMatch('is no file for images');
    expect(await refusal({ boot: { ...guest.boot, kernelPath: null } })).toMatch('its image has no kernel');
    expect(await h1.must({ call: 'list' })).toEqual([]);
  });

  test('a copy whose two hosts have not the same key never begins, and the guest runs on', async () => {
    const { h1, h2, guest, source } = crossing(bench);
    await h1.must({ call: 'start', guest, epoch: 1 });
    expect(await h1.refusal({ call: 'screen', instance: source })).toMatchObject({ code: 'no-screen' });
    bench.keys.h2 = '6e'.repeat(32);
    const policy = quickPolicy;
    const { uri } = await h2.must({ call: 'prepareIncoming', guest, epoch: 2, policy, disk: null });
    await h1.must({ call: 'migrateOut', instance: source, targetEpoch: 2, uri, policy, disk: null });
    await h1.event('migration-failed', source);
    await h1.beats(source, 2);
    expect(await h2.stateOf({ ...source, epoch: 2 })).toBe('incoming');
    bench.keys.h1 = null;
    const asked = { call: 'migrateOut', instance: source, targetEpoch: 2, uri, policy, disk: null } as const;
    expect(await h1.refusal(asked)).toMatchObject({ code: 'vmm-unsupported' });
  });
});
