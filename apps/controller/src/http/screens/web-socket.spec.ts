import * as fc from 'fast-check';
import { Duplex } from 'node:stream';
import { acceptOf, WebSocketBytes } from './web-socket';

/** The connection below: what is written to it is kept, and what is pushed arrives from the browser. */
class Wire extends Duplex {
  readonly written: Buffer[] = [];
  override _read(): void {}
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.written.push(chunk);
    done();
  }
  get bytes(): Buffer {
    return Buffer.concat(this.written);
  }
}

const mask = Buffer.from([1, 2, 3, 250]);

/** As a browser sends it. */
function frame(opcode: number, body: Buffer, { final = true, masked = true } = {}): Buffer {
  const head = [(final ? 0x80 : 0) | opcode];
  const bit = masked ? 0x80 : 0;
  if (body.length < 126) head.push(bit | body.length);
  else if (body.length < 65_536) head.push(bit | 126, body.length >> 8, body.length & 255);
  else
    head.push(
      bit | 127,
      0,
      0,
      0,
      0,
      body.length >>> 24,
      (body.length >> 16) & 255,
      (body.length >> 8) & 255,
      body.length & 255,
    );
  const said = Buffer.from(body.map((byte, at) => (masked ? byte ^ mask[at & 3]! : byte)));
  return Buffer.concat([Buffer.from(head), masked ? mask : Buffer.alloc(0), said]);
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function heard(chunks: readonly Buffer[]): Promise<{ wire: Wire; bytes: Buffer; socket: WebSocketBytes }> {
  const wire = new Wire();
  const socket = new WebSocketBytes(wire);
  const bytes: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => bytes.push(chunk));
  for (const chunk of chunks) wire.push(Buffer.from(chunk));
  await turn();
  await turn();
  return { wire, bytes: Buffer.concat(bytes), socket };
}

test('the key is answered as the standard’s own example has it', () => {
  expect(acceptOf('dGhlIHNhbXBsZSBub25jZQ==')).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
});

test('whatever is sent arrives, however it is cut into frames and packets', async () => {
  const message = fc.uint8Array({ maxLength: 400 });
  const run = fc.asyncProperty(fc.array(message, { maxLength: 6 }), fc.array(fc.nat(700)), async (messages, cuts) => {
    const sent = Buffer.concat(
      messages.flatMap((body, at) => [
        frame(at === 0 ? 2 : 0, Buffer.from(body), { final: at === messages.length - 1 }),
        frame(10, Buffer.from('pong')),
      ]),
    );
    const at = [...new Set([0, ...cuts.filter((cut) => cut < sent.length), sent.length])].sort((a, b) => a - b);
    const chunks = at.slice(1).map((end, index) => sent.subarray(at[index], end));
    const { bytes } = await heard(chunks);
    expect(bytes).toEqual(Buffer.concat(messages));
  });
  await fc.assert(run, { numRuns: 60 });
});

test('no bytes break it: it waits for more, or ends with a reason, however they are cut', () => {
  const opening = fc.constantFrom(
    [0x82, 0x85],
    [0x82, 0xfe, 0],
    [0x89, 0x80],
    [0x88, 0x82],
    [0x02, 0xff, 0, 0, 0, 0],
    [],
  );
  const bytes = fc
    .tuple(opening, fc.uint8Array({ maxLength: 300 }))
    .map(([head, rest]) => Buffer.from([...head, ...rest]));
  const closes = [1000, 1002, 1003, 1009].map((code) => Buffer.from([0x88, 2, code >> 8, code & 255]).toString('hex'));
  const take = (sent: Buffer, step: number): string => {
    const wire = new Wire();
    const socket = new WebSocketBytes(wire);
    for (let at = 0; at < sent.length; at += step) wire.emit('data', Buffer.from(sent.subarray(at, at + step)));
    const heard = (socket.read() as Buffer | null)?.length ?? 0;
    expect(heard).toBeLessThanOrEqual(sent.length);
    if (socket.destroyed) expect(closes).toContain(wire.bytes.subarray(-4).toString('hex'));
    return `${socket.destroyed} ${wire.bytes.toString('hex')}`;
  };
  fc.assert(
    fc.property(bytes, fc.integer({ min: 1, max: 20 }), (sent, step) =>
      expect(take(sent, step)).toBe(take(sent, 1_000)),
    ),
    { numRuns: 500 },
  );
});

test.each([1, 125, 126, 65_535, 65_536, 200_000])(
  '%i bytes go out as one message, and come in as one',
  async (length) => {
    const body = Buffer.alloc(length, 7);
    const { wire, bytes, socket } = await heard([frame(2, body)]);
    expect(bytes.equals(body)).toBe(true);
    socket.write(body);
    await turn();
    expect(wire.bytes.equals(frame(2, body, { masked: false }))).toBe(true);
  },
);

test('a ping is answered with what it said, and a close with a close and the end', async () => {
  const { wire, socket } = await heard([frame(9, Buffer.from('are you there')), frame(8, Buffer.from([3, 232]))]);
  const answers = [frame(10, Buffer.from('are you there'), { masked: false }), Buffer.from([0x88, 2, 3, 232])];
  expect(wire.bytes).toEqual(Buffer.concat(answers));
  expect(wire.writableEnded).toBe(true);
  expect(socket.destroyed).toBe(true);
});

test.each([
  ['text, which a screen has no use for', frame(1, Buffer.from('hello')), 1003],
  ['what is not masked', frame(2, Buffer.from('hello'), { masked: false }), 1002],
  ['an extension that nobody agreed on', Buffer.from([0xc2, 0x80, 0, 0, 0, 0]), 1002],
  ['a kind of frame that there is not', frame(5, Buffer.alloc(0)), 1002],
  ['a ping that is longer than one may be', frame(9, Buffer.alloc(126)), 1002],
  ['more than there can be', Buffer.from([0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]), 1009],
])('%s ends it, with the reason', async (_what, sent, code) => {
  const { wire, socket, bytes } = await heard([sent, frame(2, Buffer.from('more'))]);
  expect(wire.bytes).toEqual(Buffer.from([0x88, 2, code >> 8, code & 255]));
  expect(socket.destroyed).toBe(true);
  expect(bytes.length).toBe(0);
});

test('a reader that does not read holds the sender up, and nothing is kept without bound', async () => {
  const wire = new Wire();
  const socket = new WebSocketBytes(wire);
  for (let at = 0; at < 10; at++) wire.push(frame(2, Buffer.alloc(60_000)));
  await turn();
  await turn();
  expect(wire.isPaused()).toBe(true);
  expect(socket.readableLength).toBeLessThan(200_000);
});

test('the end of the stream is told as a close in order', async () => {
  const { wire, socket } = await heard([]);
  socket.end();
  await turn();
  expect(wire.bytes).toEqual(Buffer.from([0x88, 2, 3, 232]));
});
