// A guest of QEMU on the lab's switch in user space, as it is where nobody is root: it keeps its network when it moves.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import type { GuestSpecification } from '@argosy/domain/guest-specification';
import type { GuestLine } from '@argosy/domain/guest-console';
import type { VmmInstance } from '@argosy/control/ports/vmm-driver';
import { expectUnbroken, quickPolicy } from '@argosy/vmm/conformance/scenes';
import { HostUnderTest } from '@argosy/vmm/test-bench';
import { EthernetSwitch } from '../../apps/lab/ethernet-switch.mjs';
import { ensureBuilt, root } from '../fleet/build';
import { EmbeddedBench } from './embedded-bench';
import { QemuBench } from './qemu-bench';

const hosts = ['h1', 'h2'] as const;
type Counters = Extract<GuestLine, { kind: 'network' }>;
/** The embedded machine's guest asks for echoes, and Linux's own network answers. */
const everyMs = 10;
const bootMs = 60_000;
const moveMs = 60_000;
/** A whole Linux, on a machine that may be busy. */
const policy = { ...quickPolicy, downtimeLimitMs: 100 };

let fabric: EthernetSwitch;
let servers: Server[];
let qemu: QemuBench;
let embedded: EmbeddedBench;

beforeAll(ensureBuilt, 300_000);
beforeEach(async () => {
  fabric = new EthernetSwitch();
  servers = [];
  const guestLink = (host: string, folder: string) => ({ kind: 'switch', path: join(folder, `${host}.net`) }) as const;
  qemu = new QemuBench({ useGroups: false, guestLink });
  embedded = new EmbeddedBench({ guestLink });
  for (const host of hosts) {
    for (const { folder } of [qemu, embedded]) {
      const server = createServer((socket) => fabric.plug(host, socket));
      await new Promise<void>((resolve) => server.listen(guestLink(host, folder).path, resolve));
      servers.push(server);
    }
  }
});
afterEach(async () => {
  await qemu.dispose();
  await embedded.dispose();
  for (const server of servers) server.close();
});

function linux(): GuestSpecification {
  const folder = join(qemu.folder, 'datastore/images/linux');
  execFileSync(process.execPath, [join(root, 'guests/linux/build.mjs'), '--out', folder], { stdio: 'ignore' });
  const image = JSON.parse(readFileSync(join(folder, 'image.json'), 'utf8')) as Record<string, string>;
  const guest = qemu.guest({ memoryMiB: 128 });
  const files = { kernelPath: join(folder, image['kernel']!), initrdPath: join(folder, image['initrd']!) };
  return { ...guest, boot: { ...guest.boot, ...files, kernelArguments: image['append']! } };
}

test('a Linux guest on the switch answers on, wherever it is, while it moves six times', async () => {
  const under = { h1: new HostUnderTest(qemu, 'h1'), h2: new HostUnderTest(qemu, 'h2') };
  const guest = linux();
  const at = (epoch: number): VmmInstance => ({ guestId: guest.guestId, epoch });
  await under.h1.must({ call: 'start', guest, epoch: 1 });

  const asking = { guest: embedded.guest(), host: new HostUnderTest(embedded, 'h2') };
  const asker = { guestId: asking.guest.guestId, epoch: 1 };
  const say = (text: string) => asking.host.must({ call: 'consoleWrite', instance: asker, text: `${text}\n` });
  await asking.host.must({ call: 'start', guest: asking.guest, epoch: 1 });
  await asking.host.beats(asker);
  const counters = async (): Promise<Counters> => {
    const heard = asking.host.lines.length;
    await say('net');
    const found = () => asking.host.lines.slice(heard).find((line): line is Counters => line.kind === 'network');
    await asking.host.until(() => found() !== undefined, 'its counters');
    return found()!;
  };
  await say(`echo ${guest.network.address} ${everyMs}`);
  for (let waitedMs = 0; (await counters()).answered < 50; waitedMs += 100) {
    if (waitedMs > bootMs) throw new Error('the guest answers no echo');
    await qemu.wait(100);
  }

  const knownAt = () => fabric.hosts.get(fabric.stations.get(guest.network.macAddress.replaceAll(':', ''))!);
  for (let epoch = 1; epoch <= 6; epoch++) {
    const [source, target] = epoch % 2 === 1 ? (['h1', 'h2'] as const) : (['h2', 'h1'] as const);
    const common = { policy, disk: null };
    const before = await counters();
    const { uri } = await under[target].must({ call: 'prepareIncoming', guest, epoch: epoch + 1, ...common });
    await under[source].must({ call: 'migrateOut', instance: at(epoch), targetEpoch: epoch + 1, uri, ...common });
    for (let waitedMs = 0; !under[target].has('incoming-completed', at(epoch + 1)); waitedMs += 5) {
      if (waitedMs > moveMs)
        throw new Error(`it does not come to ${target}: ${JSON.stringify(under[source].events.at(-1))}`);
      await qemu.wait(5);
    }
    await under[target].must({ call: 'resume', instance: at(epoch + 1) });
    await qemu.wait(50);
    expect(knownAt()).toBe(target);
    await under[source].must({ call: 'stop', instance: at(epoch), graceMs: 0 });
    await qemu.wait(300);
    const after = await counters();
    expect(after.answered).toBeGreaterThan(before.answered + 10);
    expect(after.sent - after.answered - (before.sent - before.answered)).toBeLessThan(100);
  }
  expectUnbroken([1, 2, 3, 4, 5, 6, 7].flatMap((epoch) => under[epoch % 2 === 1 ? 'h1' : 'h2'].heartbeats(at(epoch))));
}, 240_000);
