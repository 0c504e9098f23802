import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import type { MigrationPolicy } from '@argosy/domain/policies';
import { HostUnderTest } from '@argosy/vmm/test-bench';
import { QemuBench } from './qemu-bench';
import { crossing } from './two-host-bench';

const policy: MigrationPolicy = {
  autoConverge: false,
  postCopy: false,
  encrypted: true,
  bandwidthMiBPerSecond: 1024,
  downtimeLimitMs: 20,
  copyDeadlineMs: 20_000,
  concurrentPerHost: 2,
};
/** What a guest was once told stays somewhere in its memory. */
const secret = 'correct-horse-battery-staple';

/** Somebody on the wire, who passes everything on and keeps it. */
class Wiretap {
  readonly heard: Buffer[] = [];
  private server: Server | null = null;

  listen(path: string, target: string): Promise<string> {
    this.server = createServer((source) => {
      const sink = connect(target.replace('unix:', ''));
      source.on('data', (data: Buffer) => this.heard.push(data));
      source.pipe(sink).pipe(source);
      for (const socket of [source, sink]) socket.on('error', () => socket.destroy());
    });
    return new Promise((resolve) => this.server!.listen(path, () => resolve(`unix:${path}`)));
  }

  close(): void {
    this.server?.close();
  }
}

interface Scene {
  readonly bench: QemuBench;
  readonly h1: HostUnderTest;
  readonly h2: HostUnderTest;
  readonly tap: Wiretap;
}

async function scene(run: (scene: Scene) => Promise<void>): Promise<void> {
  const bench = new QemuBench({ useGroups: false });
  const tap = new Wiretap();
  try {
    await run({ bench, h1: new HostUnderTest(bench, 'h1'), h2: new HostUnderTest(bench, 'h2'), tap });
  } finally {
    tap.close();
    await bench.dispose();
  }
}

/** A guest that knows the secret, on its way through the tap. */
async function send({ bench, h1, h2, tap }: Scene, encrypted: boolean) {
  const guest = bench.guest();
  const source = { guestId: guest.guestId, epoch: 1 };
  await h1.must({ call: 'start', guest, epoch: 1 });
  await h1.beats(source);
  await h1.must({ call: 'consoleWrite', instance: source, text: `ping ${secret}\n` });
  await h1.line('pong');
  const how = { ...policy, encrypted };
  const { uri } = await h2.must({ call: 'prepareIncoming', guest, epoch: 2, policy: how, disk: null });
  const tapped = await tap.listen(join(bench.folder, 'tap'), uri);
  const begun = await h1.ask({
    call: 'migrateOut',
    instance: source,
    targetEpoch: 2,
    uri: tapped,
    policy: how,
    disk: null,
  });
  return { source, target: { guestId: guest.guestId, epoch: 2 }, begun };
}

test.each([
  [true, false],
  [false, true],
])('with encryption %s the guest arrives, and that its memory can be read on the wire is %s', (encrypted, readable) =>
  scene(async (each) => {
    const { source, target, begun } = await send(each, encrypted);
    expect(begun.ok).toBe(true);
    await each.h1.event('migration-completed', source);
    await each.h2.event('incoming-completed', target);
    await each.h2.must({ call: 'resume', instance: target });
    await each.h2.beats(target, 2);
    const heard = Buffer.concat(each.tap.heard);
    expect(heard.length).toBeGreaterThan(100_000);
    expect(heard.includes(secret)).toBe(readable);
  }),
);

test('a source with another key brings nothing over, and its guest runs on', () =>
  scene(async (each) => {
    each.bench.keys.h1 = '77'.repeat(32);
    const { source, target, begun } = await send(each, true);
    if (begun.ok) await each.h1.event('migration-failed', source);
    await each.h1.beats(source, 2);
    expect(await each.h1.stateOf(source)).toBe('running');
    expect(await each.h2.stateOf(target)).not.toBe('received');
    expect(Buffer.concat(each.tap.heard).includes(secret)).toBe(false);
  }));

test('without its key a host refuses, and does not send in plain', () =>
  scene(async (each) => {
    each.bench.keys.h1 = null;
    const { source, begun } = await send(each, true);
    expect(begun).toMatchObject({ ok: false, refusal: { code: 'vmm-unsupported' } });
    expect(each.tap.heard).toEqual([]);
    await each.h1.beats(source, 2);
  }));

/** What the guest has on its disk, as bytes of the disk: so much of it that nothing else is like it. */
function sectorOf(path: string): Buffer {
  const raw = `${path}.raw`;
  execFileSync('qemu-img', ['convert', '-U', '-O', 'raw', path, raw]);
  return readFileSync(raw).subarray(0, 64);
}

test.each([
  [true, false],
  [false, true],
])(
  'with encryption %s a disk arrives with its guest, and that it can be read on the wire is %s',
  (encrypted, readable) =>
    scene(async ({ bench, h1, h2, tap }) => {
      const guest = bench.guest();
      const source = { guestId: guest.guestId, epoch: 1 };
      await h1.must({ call: 'start', guest, epoch: 1 });
      await h1.beats(source);
      await h1.must({ call: 'consoleWrite', instance: source, text: 'disk fill 64 5\n' });
      await h1.line('diskFilled');
      const how = { ...policy, encrypted };
      const moved = { ...guest, diskPath: guest.diskPath.replace('/datastore/', '/elsewhere/') };
      const disk = { copyPath: `${moved.diskPath}.copy`, backingPath: null };
      const { uri, diskUri } = await h2.must({ call: 'prepareIncoming', guest: moved, epoch: 2, policy: how, disk });
      const tapped = { uri: await tap.listen(join(bench.folder, 'tap'), diskUri!), backingPath: null };
      await h1.must({ call: 'migrateOut', instance: source, targetEpoch: 2, uri, policy: how, disk: tapped });
      const target = { guestId: guest.guestId, epoch: 2 };
      await h2.event('incoming-completed', target);
      await h2.must({ call: 'resume', instance: target });
      await h2.beats(target, 2);
      const heard = Buffer.concat(tap.heard);
      expect(heard.length).toBeGreaterThan(32_768);
      expect(heard.includes(sectorOf(guest.diskPath))).toBe(readable);
    }),
);

test('a source with another key brings no disk over, and its guest runs on', () =>
  scene(async ({ bench, h1, h2 }) => {
    bench.keys.h1 = '77'.repeat(32);
    const guest = bench.guest();
    const source = { guestId: guest.guestId, epoch: 1 };
    await h1.must({ call: 'start', guest, epoch: 1 });
    await h1.beats(source);
    const moved = { ...guest, diskPath: guest.diskPath.replace('/datastore/', '/elsewhere/') };
    const disk = { copyPath: `${moved.diskPath}.copy`, backingPath: null };
    const { uri, diskUri } = await h2.must({ call: 'prepareIncoming', guest: moved, epoch: 2, policy, disk });
    const outgoing = { uri: diskUri!, backingPath: null };
    const begun = await h1.ask({ call: 'migrateOut', instance: source, targetEpoch: 2, uri, policy, disk: outgoing });
    expect(begun.ok).toBe(false);
    await h1.beats(source, 2);
    expect(await h1.stateOf(source)).toBe('running');
  }));

test('between hosts with addresses of their own memory and disk go over TCP', async () => {
  const bench = new QemuBench({ useGroups: false, listenAddress: '0.0.0.0' });
  try {
    const { h1, h2, guest, source } = crossing(bench);
    await h1.must({ call: 'start', guest, epoch: 1 });
    await h1.beats(source);
    const moved = { ...guest, diskPath: guest.diskPath.replace('/datastore/', '/elsewhere/') };
    const disk = { copyPath: `${moved.diskPath}.copy`, backingPath: null };
    const { uri, diskUri } = await h2.must({ call: 'prepareIncoming', guest: moved, epoch: 2, policy, disk });
    expect([uri, diskUri]).toEqual([expect.stringMatching(/^tcp:/), expect.stringMatching(/^tcp:/)]);
    const outgoing = { uri: diskUri!, backingPath: null };
    await h1.must({ call: 'migrateOut', instance: source, targetEpoch: 2, uri, policy, disk: outgoing });
    const target = { guestId: guest.guestId, epoch: 2 };
    await h2.event('incoming-completed', target);
    await h2.must({ call: 'resume', instance: target });
    await h2.beats(target, 2);
  } finally {
    await bench.dispose();
  }
});
