// Where a guest of the embedded VMM is awaited in plain, anybody may come in and say anything.
import { connect, type Socket } from 'node:net';
import { messageFrame } from '@argosy/vmm/embedded/transfer/frames';
import { quickPolicy } from '@argosy/vmm/conformance/scenes';
import * as fc from 'fast-check';
import { ensureBuilt } from '../fleet/build';
import { EmbeddedBench } from './embedded-bench';
import { crossing } from './two-host-bench';

beforeAll(ensureBuilt, 300_000);

const policy = { ...quickPolicy, encrypted: false };
/** Any bytes; any bytes that claim to be a frame; any JSON as a message; and what is nearly right. */
const anything = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc
    .tuple(fc.nat(5), fc.nat(80), fc.uint8Array({ maxLength: 80 }))
    .map(([kind, length, bytes]) => Buffer.concat([Buffer.from(Uint32Array.of(kind, length).buffer), bytes])),
  fc.jsonValue().map((value) => messageFrame(value as object)),
  fc
    .record({
      say: fc.constantFrom('hello', 'state', 'yours', 'reach', 'ready', 'loaded', 'whole', 'toString', null),
      state: fc.oneof(fc.jsonValue(), fc.record({ unfinishedLine: fc.string(), machine: fc.jsonValue() })),
      protocol: fc.integer(),
      guestId: fc.jsonValue(),
      epoch: fc.jsonValue(),
    })
    .map((message) => messageFrame(message)),
);

/** Also where it is reset on the way, which is an answer as good as another. */
const closed = (socket: Socket): Promise<unknown> => new Promise((resolve) => socket.once('close', resolve));

async function connected(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await Promise.race([new Promise((resolve) => socket.once('connect', resolve)), closed(socket)]);
  return socket;
}

test('whoever comes in where a guest is awaited and says anything at all changes nothing, and who is in when nobody is awaited any more is sent away', async () => {
  const bench = new EmbeddedBench();
  try {
    const { h1, h2, guest, source, target } = crossing(bench);
    await h1.must({ call: 'start', guest, epoch: 1 });
    await h1.beats(source);
    const { uri } = await h2.must({ call: 'prepareIncoming', guest, epoch: 2, policy, disk: null });
    const port = Number(/\d+$/.exec(uri)![0]);
    await fc.assert(
      fc.asyncProperty(fc.array(anything, { minLength: 1, maxLength: 4 }), async (pieces) => {
        const socket = await connected(port);
        socket.resume();
        socket.end(Buffer.concat(pieces));
        if (!socket.destroyed) await closed(socket);
      }),
      { numRuns: 60 },
    );
    const silent = await Promise.all(Array.from({ length: 5 }, () => connected(port)));
    expect(await h2.stateOf(target)).toBe('incoming');
    await h1.must({ call: 'migrateOut', instance: source, targetEpoch: 2, uri, policy, disk: null });
    await h2.event('incoming-completed', target);
    await h2.must({ call: 'resume', instance: target });
    await h2.beats(target, 2);
    await h2.must({ call: 'stop', instance: target, graceMs: 0 });
    for (const socket of silent) socket.destroy();

    const other = bench.guest();
    const awaited = { guestId: other.guestId, epoch: 2 };
    await h1.must({ call: 'start', guest: other, epoch: 1 });
    const { uri: door } = await h2.must({ call: 'prepareIncoming', guest: other, epoch: 2, policy, disk: null });
    const stranger = await connected(Number(/\d+$/.exec(door)![0]));
    const left = closed(stranger).then(() => true);
    stranger.resume();
    await h2.must({ call: 'stop', instance: awaited, graceMs: 0 });
    expect(await Promise.race([left, bench.wait(2_000)])).toBe(true);
  } finally {
    await bench.dispose();
  }
}, 30_000);
