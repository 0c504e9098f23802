import { eventParser } from './event-parser';

const text = 'retry: 1000\n: hello\n\nid: c.1-7\ndata: {"a":1}\n\n: heartbeat\n\nid: c.1-8\ndata: {"b":\ndata: 2}\n\n';

test('wherever the chunks end, the same events come out', () => {
  for (let cut = 0; cut <= text.length; cut++) {
    const parse = eventParser();
    expect([...parse(text.slice(0, cut)), ...parse(text.slice(cut))]).toEqual([
      { id: 'c.1-7', data: '{"a":1}' },
      { id: 'c.1-8', data: '{"b":\n2}' },
    ]);
  }
});
