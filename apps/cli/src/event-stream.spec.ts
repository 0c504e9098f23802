import { EventParser } from './event-stream';

const text =
  'retry: 1000\n: a comment\n\nid: a-1\ndata: {"kind":\ndata: "put"}\n\nid: a-2\r\ndata: x\r\n\r\n: heartbeat\n\ndata:y\n\n';
const expected = [
  { id: 'a-1', data: '{"kind":\n"put"}' },
  { id: 'a-2', data: 'x' },
  { id: 'a-2', data: 'y' },
];

test.each([1, 2, 3, 7, 1000])('events are whole in pieces of %i', (size) => {
  const parser = new EventParser();
  const events = [];
  for (let index = 0; index < text.length; index += size) events.push(...parser.push(text.slice(index, index + size)));
  expect(events).toEqual(expected);
});
