import { pageBytes } from '@argosy/machine/memory';
import { awaitedFrame, clusterFrame, FrameReader, messageFrame, PageFrames, type FrameReceiver } from './frames';

function heard(): { said: unknown[]; receiver: FrameReceiver } {
  const said: unknown[] = [];
  const receiver: FrameReceiver = {
    message: (message) => said.push(message),
    page: (page, content) => said.push([page, content && content[0]]),
    awaited: (pages) => said.push(pages),
    cluster: (cluster, content) => said.push({ cluster, content: [...content] }),
  };
  return { said, receiver };
}

test('frames come out of a stream as they went in, wherever its pieces end', () => {
  const memory = new Uint8Array(4 * pageBytes);
  memory.fill(9, pageBytes, 2 * pageBytes);
  const stream = Buffer.concat([
    messageFrame({ say: 'hello' }),
    new PageFrames(3).of([1, 3, 0], memory),
    awaitedFrame([70, 2]),
    clusterFrame(5, Uint8Array.of(1, 2)),
  ]);
  const expected = [{ say: 'hello' }, [1, 9], [3, null], [0, null], [70, 2], { cluster: 5, content: [1, 2] }];
  for (const pieceBytes of [1, 7, 8, 100, stream.length]) {
    const { said, receiver } = heard();
    const reader = new FrameReader(receiver);
    for (let at = 0; at < stream.length; at += pieceBytes) reader.push(stream.subarray(at, at + pieceBytes));
    expect(said).toEqual(expected);
  }
});

test('what is no frame is not taken for one', () => {
  const { receiver } = heard();
  expect(() => new FrameReader(receiver).push(Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'))).toThrow(/is no frame/);
  const cut = new PageFrames(1).of([0], new Uint8Array(pageBytes).fill(1)).subarray(0, 8 + 8 + 100);
  cut.writeUInt32LE(cut.length - 8, 4);
  expect(() => new FrameReader(receiver).push(cut)).toThrow('a page is cut short');
});

test("a transfer's room is another's when it has ended, and not before, and then the first has none", () => {
  const memory = new Uint8Array(pageBytes).fill(5);
  const [first, second] = [new PageFrames(1), new PageFrames(1)];
  const before = first.of([0], memory);
  expect(second.of([0], memory).buffer).not.toBe(before.buffer);
  first.end();
  first.end();
  const [third, fourth] = [new PageFrames(1), new PageFrames(1)];
  expect(third.of([0], memory).buffer).toBe(before.buffer);
  expect(fourth.of([0], memory).buffer).not.toBe(before.buffer);
  expect(() => first.of([0], memory)).toThrow('the transfer has ended');
  const { receiver } = heard();
  const reader = new FrameReader(receiver);
  reader.end();
  expect(() => reader.push(messageFrame({ say: 'hello' }))).toThrow('the transfer has ended');
});

test('what a transfer before it left in the room is nothing that another hears', () => {
  const first = new FrameReader(heard().receiver);
  first.push(messageFrame({ say: 'secret' }).subarray(0, 20));
  first.end();
  const { said, receiver } = heard();
  const second = new FrameReader(receiver);
  const message = messageFrame({ say: 'hello' });
  second.push(message.subarray(0, 9));
  expect(said).toEqual([]);
  second.push(message.subarray(9));
  expect(said).toEqual([{ say: 'hello' }]);
});
