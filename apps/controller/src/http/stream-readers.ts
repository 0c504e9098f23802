import type { UsageDetail } from '@argosy/contracts/stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { refuse, type CallContext, type EdgeRefusal } from './answer';
import type { EventStream } from './event-stream';
import type { HttpPorts } from './ports';

interface OpenReader {
  readonly userId: string;
  readonly secret: string;
  readonly usage: UsageDetail;
  send(text: string): void;
  end(): void;
}

const leadershipCheckMs = 500;
const endGraceMs = 1000;

/** The connections of the event stream: each is bounded in what it may be behind, and lives as long as its token does. */
export class StreamReaders {
  private readonly readers = new Set<OpenReader>();

  constructor(
    private readonly ports: Pick<HttpPorts, 'access' | 'gateway' | 'limits' | 'metrics' | 'logError'>,
    private readonly stream: EventStream,
  ) {}

  /** undefined: the connection is open and is this reader's now. */
  open(
    request: FastifyRequest,
    reply: FastifyReply,
    { caller, secret, usage }: CallContext & { readonly usage: UsageDetail },
  ): EdgeRefusal | undefined {
    const { limits, gateway, metrics } = this.ports;
    const own = [...this.readers].filter(({ userId }) => userId === caller.userId).length;
    if (this.readers.size >= limits.streams || own >= limits.streamsPerUser)
      return refuse('too-many-requests', 'Too many event streams are open; close one and try again.').refusal;
    reply.hijack();
    const { raw } = reply;
    raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      // Some proxies hold a stream back to make it larger.
      'x-accel-buffering': 'no',
    });
    metrics.request('event.stream', 200, reply.elapsedTime);
    const reader: OpenReader = {
      userId: caller.userId,
      secret,
      usage,
      send: (text) => {
        if (raw.destroyed) return;
        raw.write(text);
        // Who reads too slowly is cut off, and comes back with the id of the last event that arrived.
        if (raw.writableLength > limits.streamBacklogBytes) raw.destroy();
      },
      end: () => {
        raw.end();
        // Who does not read would hold the connection, and the server's end, for ever.
        setTimeout(() => raw.destroy(), endGraceMs).unref();
      },
    };
    reader.send('retry: 1000\n: everything from now on\n\n');
    const lastEventId = request.headers['last-event-id'];
    const leave = this.stream.join(
      reader,
      lastEventId === undefined ? undefined : String(lastEventId),
      gateway.fleet.term,
    );
    this.readers.add(reader);
    const gone = () => {
      leave();
      this.readers.delete(reader);
    };
    raw.on('close', gone);
    // A connection that breaks while it is written to; 'close' follows.
    raw.on('error', gone);
    return undefined;
  }

  endAll(): void {
    for (const reader of this.readers) reader.end();
  }

  /** Returns what ends the watching. */
  watch(): () => void {
    const heartbeat = setInterval(() => void this.heartbeat(), this.ports.limits.streamHeartbeatMs);
    // A follower hears of no changes: its readers go to the leader.
    const leadership = setInterval(() => {
      if (!this.ports.gateway.leading) this.endAll();
    }, leadershipCheckMs);
    heartbeat.unref();
    leadership.unref();
    return () => {
      clearInterval(heartbeat);
      clearInterval(leadership);
    };
  }

  /** Keeps connections open through proxies, and ends those whose token was revoked or has run out. */
  private async heartbeat(): Promise<void> {
    for (const reader of this.readers) reader.send(': heartbeat\n\n');
    const secrets = new Set([...this.readers].map(({ secret }) => secret));
    for (const secret of secrets) {
      if (await this.isValid(secret)) continue;
      for (const reader of this.readers) if (reader.secret === secret) reader.end();
    }
  }

  private async isValid(secret: string): Promise<boolean> {
    try {
      return (await this.ports.access.authenticate(secret)) !== null;
    } catch (error) {
      this.ports.logError("a stream's token could not be looked at", error);
      return true;
    }
  }
}
