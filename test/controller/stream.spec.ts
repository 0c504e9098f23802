import { streamMessageSchema, type StreamMessage } from '@argosy/contracts/stream';
import { connect } from 'node:net';
import { makeLab, startEdge, type Edge } from './edge';

// Every change reaches every reader once, in order; a reader that was away catches up or is told to begin anew.

let edge: Edge;
beforeAll(async () => {
  edge = await startEdge({
    streamHeartbeatMs: 300,
    streamHistoryMessages: 50,
    streamsPerUser: 4,
    streamBacklogBytes: 400_000,
  });
  await makeLab(edge);
}, 60_000);
afterAll(() => edge.stop());

class Reader {
  readonly messages: StreamMessage[] = [];
  text = '';
  ended = false;
  private readonly abort = new AbortController();

  static async open(headers: object = {}, token = edge.tokens.viewer, query = ''): Promise<Reader> {
    const reader = new Reader();
    const response = await fetch(`${edge.url}/api/v1/events/stream${query}`, {
      headers: { authorization: `Bearer ${token}`, ...headers },
      signal: reader.abort.signal,
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    void reader.read(response.body as ReadableStream<Uint8Array>);
    return reader;
  }

  private async read(body: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let rest = '';
    try {
      for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
        const text = decoder.decode(chunk, { stream: true });
        this.text += text;
        const events = (rest + text).split('\n\n');
        rest = events.pop() ?? '';
        for (const event of events) this.take(event);
      }
    } catch {
      // Cut off, by either side.
    }
    this.ended = true;
  }

  private take(event: string): void {
    const data = /^data: (.*)$/m.exec(event)?.[1];
    if (data === undefined) return;
    const message = streamMessageSchema.parse(JSON.parse(data));
    expect(/^id: (.*)$/m.exec(event)?.[1]).toBe(message.id);
    this.messages.push(message);
  }

  close(): void {
    this.abort.abort();
  }
}

async function until(check: () => boolean): Promise<void> {
  const end = performance.now() + 8000;
  while (!check()) {
    if (performance.now() > end) throw new Error('it did not come to that within 8 s');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
const makeGuest = (name: string) =>
  edge.call('guest.create', { body: { name, pool: 'lab', image: 'tiny', memoryMiB: 64 } });
const names = (reader: Reader) =>
  reader.messages.flatMap((message) =>
    message.kind === 'put' && message.entity === 'guest' ? [message.row.name] : [],
  );

test('a change reaches every reader, with the record of it', async () => {
  const readers = [await Reader.open(), await Reader.open()];
  await makeGuest('g1');
  for (const reader of readers) {
    await until(() => reader.messages.some(({ kind }) => kind === 'record'));
    expect(names(reader)).toEqual(['g1']);
    reader.close();
  }
});

test('placements open and close, and hosts say what they use: with their guests, without, or nothing, as was asked', async () => {
  const reader = await Reader.open();
  const ofHosts = await Reader.open({}, edge.tokens.operator, '?usage=hosts');
  const ofNothing = await Reader.open({}, edge.tokens.operator, '?usage=none');
  const guest = await edge.call('guest.start', { params: { guest: 'g1' } });
  const placement = { guestId: guest.id, epoch: 1, to: 5, endReason: 'over' };
  edge.gateway.publish([
    { kind: 'close-placement', ...placement },
    { kind: 'remove', entity: 'guest', id: 'x' },
  ]);
  const host = await edge.call('host.get', { params: { host: 'h2' } });
  const { id: hostId, incarnation, capacity } = host;
  await edge.gateway.report({
    hostId,
    incarnation,
    capacity,
    sequence: 1,
    sentAt: 0,
    guests: [{ guestId: guest.id, epoch: 1, state: 'running', usage: null, heartbeat: null, refusal: null }],
    migrations: [],
    datastores: [],
    diskWork: [],
    cpuMillicores: 7,
    isolation: null,
    health: null,
    run: null,
    term: 1,
    queue: 'q',
    refusals: [],
  });
  await until(() => reader.messages.some(({ kind }) => kind === 'usage'));
  const kinds = reader.messages.map(({ kind }) => kind);
  expect(kinds).toEqual(expect.arrayContaining(['open', 'close', 'remove', 'usage']));
  expect(reader.messages.find(({ kind }) => kind === 'close')?.row).toEqual(placement);
  await until(() => ofHosts.messages.some(({ kind }) => kind === 'usage'));
  const guestsTold = ({ messages }: Reader) =>
    messages.flatMap((message) => (message.kind === 'usage' ? [message.row.guests.length] : []));
  expect([guestsTold(reader), guestsTold(ofHosts), guestsTold(ofNothing)]).toEqual([[1], [0], []]);
  for (const each of [reader, ofHosts, ofNothing]) each.close();
  const { status, body } = await edge.send('GET', '/api/v1/events/stream?usage=much');
  expect({ status, message: body.message }).toEqual({ status: 400, message: 'usage must be one of all, hosts, none' });
});

test('a reader that comes back gets what it missed, once', async () => {
  const first = await Reader.open();
  await makeGuest('g2');
  await until(() => names(first).length === 1);
  first.close();
  await makeGuest('g3');
  const last = first.messages.at(-1)!.id;
  const second = await Reader.open({ 'last-event-id': last });
  await until(() => names(second).includes('g3'));
  expect(names(second)).not.toContain('g2');
  expect(second.messages.every(({ kind }) => kind !== 'reset')).toBe(true);
  second.close();
});

test('a reader that was away too long, or comes from another controller, is told to begin anew', async () => {
  const first = await Reader.open();
  await makeGuest('g4');
  await until(() => names(first).length === 1);
  const last = first.messages.at(-1)!.id;
  first.close();
  for (let count = 0; count < 60; count++) edge.gateway.publish([{ kind: 'remove', entity: 'task', id: `t${count}` }]);
  for (const lastEventId of [last, 'other.1-5', 'nonsense']) {
    const reader = await Reader.open({ 'last-event-id': lastEventId });
    await until(() => reader.messages.length > 0);
    expect(reader.messages[0]).toMatchObject({ kind: 'reset' });
    reader.close();
  }
});

test('a quiet stream is kept open by heartbeats, until its token is revoked', async () => {
  const { id, secret } = await edge.call('token.create', { body: { user: 'vera' } });
  const reader = await Reader.open({}, secret);
  await until(() => reader.text.includes(': heartbeat'));
  expect(reader.ended).toBe(false);
  await edge.call('token.revoke', { params: { id } });
  await until(() => reader.ended);
});

test('one user has only so many streams', async () => {
  const readers = await Promise.all([1, 2, 3, 4].map(() => Reader.open({}, edge.tokens.operator)));
  const refused = await edge.send('GET', '/api/v1/events/stream', { token: edge.tokens.operator });
  expect(refused).toMatchObject({ status: 429, body: { code: 'too-many-requests' } });
  for (const reader of readers) reader.close();
});

test('who does not read is cut off, and others are not', async () => {
  const good = await Reader.open();
  const { hostname, port } = new URL(edge.url);
  const slow = connect(Number(port), hostname);
  let isClosed = false;
  slow.on('close', () => (isClosed = true));
  slow.on('error', () => undefined);
  slow.write(
    `GET /api/v1/events/stream HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${edge.tokens.administrator}\r\n\r\n`,
  );
  await new Promise((resolve) => slow.once('data', resolve));
  slow.pause();
  const record = {
    at: 1,
    code: 'c',
    severity: 'information',
    subjectKind: 'fleet',
    subjectId: 'f',
    message: 'x'.repeat(100_000),
    actor: 'a',
    details: {},
  } as const;
  // The kernel holds some MiB for a reader; this is far more than it and the bound together.
  const count = 300;
  for (let sent = 0; sent < count; sent++) {
    edge.gateway.publish([{ kind: 'record', record }]);
    await until(() => good.messages.length > sent);
  }
  expect(good.ended).toBe(false);
  good.close();
  let received = 0;
  slow.on('data', (data) => (received += data.length));
  slow.resume();
  await until(() => isClosed);
  expect(received).toBeLessThan(count * 100_000);
});

test('a new term begins anew for everybody', async () => {
  const reader = await Reader.open();
  edge.gateway.fleet.term += 1;
  edge.gateway.publish([{ kind: 'remove', entity: 'task', id: 'x' }]);
  await until(() => reader.messages.length === 2);
  expect(reader.messages.map(({ kind }) => kind)).toEqual(['reset', 'remove']);
  edge.gateway.fleet.term -= 1;
  reader.close();
});

test('when leadership is lost, readers are let go', async () => {
  const reader = await Reader.open();
  edge.gateway.leads = false;
  await until(() => reader.ended);
  edge.gateway.leads = true;
});
