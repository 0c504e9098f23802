// What goes from one embedded host to the other, heard by somebody on the wire: with encryption nothing of it can be read.
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { filledWords } from '@argosy/domain/guest-console';
import type { MigrationPolicy } from '@argosy/domain/policies';
import { elsewhere } from '@argosy/vmm/conformance/disk-migration';
import { fillDisk } from '@argosy/vmm/conformance/disks';
import { quickPolicy, running } from '@argosy/vmm/conformance/scenes';
import { HostUnderTest } from '@argosy/vmm/test-bench';
import { ensureBuilt } from '../fleet/build';
import { EmbeddedBench } from './embedded-bench';

beforeAll(ensureBuilt, 300_000);

/** Passes everything on, and keeps what goes to the target. */
class Wiretap {
  private readonly pieces: Buffer[] = [];
  private readonly sockets: Socket[] = [];
  private server: Server | null = null;

  /** Value: the same address through the tap. */
  async through(uri: string): Promise<string> {
    const [, port = ''] = /:(\d+)$/.exec(uri) ?? [];
    const server = (this.server = createServer((source) => {
      const target = connect(Number(port), '127.0.0.1');
      this.sockets.push(source, target);
      for (const socket of [source, target]) socket.on('error', () => socket.destroy());
      source.on('data', (piece: Buffer) => this.pieces.push(piece));
      source.pipe(target).pipe(source);
    }));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return uri.replace(port, String((server.address() as AddressInfo).port));
  }

  get heard(): Buffer {
    return Buffer.concat(this.pieces);
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server?.close();
  }
}

interface Scene {
  readonly bench: EmbeddedBench;
  readonly h1: HostUnderTest;
  readonly h2: HostUnderTest;
  readonly tap: Wiretap;
}

async function scene(run: (scene: Scene) => Promise<void>): Promise<void> {
  const bench = new EmbeddedBench();
  const tap = new Wiretap();
  try {
    await run({ bench, h1: new HostUnderTest(bench, 'h1'), h2: new HostUnderTest(bench, 'h2'), tap });
  } finally {
    tap.close();
    await bench.dispose();
  }
}

/** What a guest was once told stays somewhere in its memory. */
const secret = Buffer.from('correct-horse-battery-staple');
const seed = 7;
const wordsPerMiB = 2 ** 18;
const wordsPerSector = 128;
const sectors = 64;

/** Pieces of what a fill left, so long that nothing else is like one. */
function piecesOf(wordCount: number): Buffer[] {
  const bytes = Buffer.from(filledWords(wordCount, seed).buffer);
  return Array.from({ length: 64 }, (_, index) => {
    const at = Math.floor(((index + 0.5) * bytes.length) / 64) & ~63;
    return bytes.subarray(at, at + 64);
  });
}

/** A guest that was told the secret, on its way through the tap. */
async function moving({ bench, h1, h2, tap }: Scene, policy: MigrationPolicy, { withDisk = false, areaMiB = 0 } = {}) {
  const { guest, source } = await running({ bench, h1, h2 });
  await h1.must({ call: 'consoleWrite', instance: source, text: `ping ${secret.toString()}\n` });
  await h1.line('pong');
  if (withDisk) await fillDisk(h1, source, seed, sectors);
  if (areaMiB > 0) await h1.must({ call: 'consoleWrite', instance: source, text: `fill ${areaMiB} 1\n` });
  if (areaMiB > 0) await h1.line('filled');
  const moved = withDisk ? elsewhere(guest) : guest;
  const copy = withDisk ? { copyPath: `${moved.diskPath}.copy`, backingPath: null } : null;
  const prepared = await h2.must({ call: 'prepareIncoming', guest: moved, epoch: 2, policy, disk: copy });
  const uri = await tap.through(prepared.uri);
  const disk = withDisk ? { uri, backingPath: null } : null;
  const begun = await h1.ask({ call: 'migrateOut', instance: source, targetEpoch: 2, uri, policy, disk });
  return { source, target: { ...source, epoch: 2 }, begun };
}

/** Value: what was heard after the source's last word. */
async function arrived({ h1, h2, tap }: Scene, { source, target, begun }: Awaited<ReturnType<typeof moving>>) {
  expect(begun.ok).toBe(true);
  await h1.event('migration-completed', source);
  const before = tap.heard.length;
  await h2.event('incoming-completed', target);
  await h2.must({ call: 'resume', instance: target });
  await h2.beats(target, 2);
  return () => tap.heard.subarray(before);
}

describe.each([
  [true, false],
  [false, true],
])('with encryption %s, that it can be read on the wire is %s', (encrypted, isReadable) => {
  const policy: MigrationPolicy = { ...quickPolicy, encrypted };

  test('of memory', () =>
    scene(async (each) => {
      await arrived(each, await moving(each, policy));
      const { heard } = each.tap;
      expect(heard.length).toBeGreaterThan(32_768);
      expect(heard.includes(secret)).toBe(isReadable);
    }));

  test('of a disk', () =>
    scene(async (each) => {
      await arrived(each, await moving(each, policy, { withDisk: true }));
      const { heard } = each.tap;
      expect(heard.length).toBeGreaterThan(32_768);
      expect(piecesOf(sectors * wordsPerSector).some((piece) => heard.includes(piece))).toBe(isReadable);
    }));

  test('of memory that comes after the guest', () =>
    scene(async (each) => {
      const { bench, h1, h2, tap } = each;
      const move = await moving(each, { ...policy, postCopy: true, bandwidthMiBPerSecond: 1 }, { areaMiB: 2 });
      // It is filled again while the first pass goes over, and takes some seconds of the network.
      await h1.must({ call: 'consoleWrite', instance: move.source, text: `fill 4 ${seed}\n` });
      const heardAfter = await arrived(each, move);
      await bench.wait(3000);
      expect(heardAfter().length).toBeGreaterThan(1_000_000);
      expect(piecesOf(4 * wordsPerMiB).some((piece) => heardAfter().includes(piece))).toBe(isReadable);
      expect(tap.heard.includes(secret)).toBe(isReadable);
      await h2.beats(move.target, 2);
    }));
});

test('a source with another key brings nothing over, and its guest runs on', () =>
  scene(async (each) => {
    const { bench, h1, h2, tap } = each;
    bench.keys.h1 = '77'.repeat(32);
    const { source, target, begun } = await moving(each, quickPolicy);
    if (begun.ok) await h1.event('migration-failed', source);
    await h1.beats(source, 2);
    expect(await h1.stateOf(source)).toBe('running');
    expect(await h2.stateOf(target)).not.toBe('received');
    expect(tap.heard.includes(secret)).toBe(false);
  }));
