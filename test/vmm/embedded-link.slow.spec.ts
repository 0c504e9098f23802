// The connection of a migration breaks after so many bytes, from its first to its last: the guest is never lost and never twice.
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { expectUnbroken, quickPolicy } from '@argosy/vmm/conformance/scenes';
import { ensureBuilt } from '../fleet/build';
import { EmbeddedBench } from './embedded-bench';
import { crossing } from './two-host-bench';

beforeAll(ensureBuilt, 300_000);

/** A link that carries so many bytes in that direction, and then breaks. */
class Link {
  carried = { toTarget: 0, toSource: 0 };
  /** How long so many bytes take to the target; others wait behind them. */
  delayMs: (bytes: number) => number = () => 0;
  private readonly sockets: Socket[] = [];
  private server: Server | null = null;

  constructor(
    private readonly direction: 'toTarget' | 'toSource',
    private readonly breaksAfter: number,
  ) {}

  /** Value: the same address through the link. */
  async through(uri: string): Promise<string> {
    const [, port = ''] = /:(\d+)$/.exec(uri) ?? [];
    const server = (this.server = createServer((source) => {
      const target = connect(Number(port), '127.0.0.1');
      this.sockets.push(source, target);
      for (const socket of [source, target]) socket.on('error', () => undefined).setNoDelay(true);
      source.on('data', (piece: Buffer) => {
        const delayMs = this.delayMs(piece.length);
        if (delayMs > 0) source.pause();
        if (delayMs > 0) setTimeout(() => source.resume(), delayMs);
        this.carry('toTarget', piece, target);
      });
      target.on('data', (piece: Buffer) => this.carry('toSource', piece, source));
      source.on('close', () => target.destroy());
      target.on('close', () => source.destroy());
    }));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return uri.replace(port, String((server.address() as AddressInfo).port));
  }

  private carry(direction: 'toTarget' | 'toSource', piece: Buffer, to: Socket): void {
    const room = direction === this.direction ? this.breaksAfter - this.carried[direction] : Infinity;
    const part = piece.subarray(0, Math.min(piece.length, room));
    this.carried[direction] += part.length;
    to.write(part, () => {
      if (part.length === room) this.close();
    });
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server?.close();
  }
}

/** A guest moves over that link, and whoever may run it runs it. Value: where it ended. */
async function moveOver(link: Link): Promise<'source' | 'target'> {
  const bench = new EmbeddedBench();
  try {
    const { h1, h2, guest, source, target } = crossing(bench);
    await h1.must({ call: 'start', guest, epoch: 1 });
    await h1.beats(source);
    const { uri } = await h2.must({ call: 'prepareIncoming', guest, epoch: 2, policy: quickPolicy, disk: null });
    const over = await link.through(uri);
    await h1.must({ call: 'migrateOut', instance: source, targetEpoch: 2, uri: over, policy: quickPolicy, disk: null });
    const hasEnded = () => h1.has('migration-failed', source) || h1.has('migration-completed', source);
    for (let waitedMs = 0; !hasEnded() && waitedMs < 10_000; waitedMs += 10) await bench.wait(10);
    await bench.wait(200);
    const states = [await h1.stateOf(source), await h2.stateOf(target)];
    if (states[1] === 'received') {
      expect(states[0]).toBe('sent');
      expect(await h1.refusal({ call: 'resume', instance: source })).toMatchObject({ code: 'image-locked' });
      await h2.must({ call: 'resume', instance: target });
      await h2.beats(target, 2);
      expectUnbroken([...h1.heartbeats(source), ...h2.heartbeats(target)]);
      return 'target';
    }
    // What had not been given it runs on with; what had been given to a target that is gone, it can take back.
    if (states[0] === 'sent') await h1.must({ call: 'resume', instance: source });
    await h1.beats(source, 2);
    expectUnbroken(h1.heartbeats(source));
    expect(h2.heartbeats(target)).toEqual([]);
    if (states[1] !== 'incoming') expect(['gone', 'crashed']).toContain(states[1]);
    return 'source';
  } finally {
    link.close();
    await bench.dispose();
  }
}

/** A link that carries so much in a second, and has room for what waits. */
function slowLink(bytesPerMs: number): Link {
  const link = new Link('toTarget', Infinity);
  link.delayMs = (bytes) => bytes / bytesPerMs;
  return link;
}

test('over a slow link a guest stands still for what it wrote last, and not for what waits on the way', async () => {
  const bench = new EmbeddedBench();
  const link = slowLink(20_000);
  try {
    const { h1, h2, guest, source } = crossing(bench);
    await h1.must({ call: 'start', guest, epoch: 1 });
    await h1.must({ call: 'consoleWrite', instance: source, text: 'dirty 2 16 7\n' });
    await h1.line('filled');
    const { uri } = await h2.must({ call: 'prepareIncoming', guest, epoch: 2, policy: quickPolicy, disk: null });
    const over = await link.through(uri);
    await h1.must({ call: 'migrateOut', instance: source, targetEpoch: 2, uri: over, policy: quickPolicy, disk: null });
    const { downtimeMs } = await h1.event('migration-completed', source);
    // Megabytes wait in the buffers of such a link at the end of each pass, which it carries in some hundred milliseconds.
    expect(downtimeMs).toBeLessThan(60);
    await h2.event('incoming-completed', { ...source, epoch: 2 });
    await h2.must({ call: 'resume', instance: { ...source, epoch: 2 } });
    await h2.beats({ ...source, epoch: 2 }, 2);
  } finally {
    link.close();
    await bench.dispose();
  }
}, 60_000);

test('a link that breaks at whatever byte leaves one guest, with its memory', async () => {
  const whole = new Link('toTarget', Infinity);
  expect(await moveOver(whole)).toBe('target');
  const ends: string[] = [];
  for (const direction of ['toTarget', 'toSource'] as const) {
    const all = whole.carried[direction];
    const places = [0.02, 0.3, 0.7].map((part) => Math.ceil(all * part));
    for (const bytes of [1, ...places, all - 400, all - 120, all - 60, all - 20, all - 1])
      ends.push(`${direction} ${await moveOver(new Link(direction, Math.max(1, bytes)))}`);
  }
  // Early it stays, and there is a last moment from which on it has gone.
  expect(new Set(ends)).toContain('toTarget source');
  expect(ends[0]).toBe('toTarget source');
}, 180_000);
