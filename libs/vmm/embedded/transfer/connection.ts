import { connect, createServer, type Server, type Socket } from 'node:net';
import { connect as connectSecurely, createServer as createSecureServer } from 'node:tls';
import { FrameReader, type FrameReceiver } from './frames';

const identity = 'argosy';
/**
 * By a key that only the two hosts know; forward secrecy by elliptic curves. Keys given beforehand are TLS 1.2's: Node gives
 * none to 1.3.
 */
const secureBy = { ciphers: 'ECDHE-PSK-CHACHA20-POLY1305', minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const;

const scheme = 'argosy';
/** Whoever comes in says who it is within that time; so many may be about it at once. */
export const helloWithinMs = 10_000;
const mostConnections = 16;
/** The other side takes what was said last, and ends as well. */
const endWithinMs = 10_000;

export function uriOf(address: string, port: number): string {
  return `${scheme}:${address}:${port}`;
}

/** undefined: it is no address of an embedded VMM. */
export function placeOf(uri: string): { readonly host: string; readonly port: number } | undefined {
  const match = /^argosy:(.+):(\d+)$/.exec(uri);
  return match ? { host: match[1]!, port: Number(match[2]) } : undefined;
}

/** A port, and whoever came in by it. */
export class Entrance {
  private readonly sockets = new Set<Socket>();

  constructor(
    private readonly server: Server,
    readonly port: number,
  ) {
    // Of TLS these are the connections below it, with those that never come to their secret.
    server.on('connection', (socket: Socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
  }

  /** Nobody else comes in. */
  close(): void {
    this.server.close();
  }

  /** And whoever is in goes. */
  clear(): void {
    this.close();
    for (const socket of this.sockets) socket.destroy();
  }
}

/** Listens for the one that has the key; null: for anybody, in plain. */
export function listen(
  { address, key }: { readonly address: string; readonly key: string | null },
  onConnection: (socket: Socket) => void,
): Promise<Entrance> {
  const psk = key === null ? null : Buffer.from(key, 'hex');
  const handshakeTimeout = helloWithinMs;
  const server =
    psk === null
      ? createServer(onConnection)
      : createSecureServer(
          { ...secureBy, handshakeTimeout, pskCallback: (_socket, name) => (name === identity ? psk : null) },
          onConnection,
        );
  server.maxConnections = mostConnections;
  // Whoever has not the key ends here, and nobody need know.
  server.on('tlsClientError', () => undefined);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, address, () => {
      server.on('error', () => undefined);
      const bound = server.address();
      resolve(new Entrance(server, typeof bound === 'object' && bound !== null ? bound.port : 0));
    });
  });
}

/** Begins to connect; whether it comes about, the socket tells. */
export function begin({ host, port }: { host: string; port: number }, key: string | null, ready: () => void): Socket {
  if (key === null) return connect({ host, port, noDelay: true }, ready);
  const psk = Buffer.from(key, 'hex');
  return connectSecurely(
    {
      ...secureBy,
      host,
      port,
      pskCallback: () => ({ psk, identity }),
      // The key is the proof; there is no certificate.
      checkServerIdentity: () => undefined,
    },
    ready,
  );
}

/** Frames both ways over one connection. */
export class FrameConnection {
  /** When the other side was last seen to take or to say something. */
  heardAt = performance.now();
  private isClosed = false;
  private reason = 'the connection was closed';

  constructor(
    private readonly socket: Socket,
    receiver: FrameReceiver,
    onClose: (reason: string) => void,
  ) {
    const reader = new FrameReader(receiver);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 5_000);
    socket.on('error', (error) => (this.reason = error.message));
    socket.on('data', (piece: Buffer) => {
      this.heardAt = performance.now();
      try {
        reader.push(piece);
      } catch (error) {
        this.destroy((error as Error).message);
      }
    });
    socket.on('close', () => {
      this.isClosed = true;
      reader.end();
      onClose(this.reason);
    });
  }

  /** Done when the frame has gone out, and its room may be used again. It rejects when the connection has ended. */
  async send(frame: Buffer): Promise<void> {
    if (this.isClosed) throw new Error('the connection has ended');
    await new Promise<void>((resolve, reject) =>
      this.socket.write(frame, (error) => (error ? reject(new Error('the connection has ended')) : resolve())),
    );
    this.heardAt = performance.now();
  }

  /** Without waiting: a short message. */
  say(frame: Buffer): void {
    if (!this.isClosed) this.socket.write(frame);
  }

  /** From now on: nothing goes over or comes for so long, and it is over. */
  endWhenSilent(silentMs: number): void {
    this.socket.setTimeout(silentMs, () => this.destroy(`nothing went over for ${silentMs / 1000} s`));
  }

  /** What was said goes out first. */
  end(): void {
    this.socket.end();
    this.endWhenSilent(endWithinMs);
  }

  destroy(reason?: string): void {
    if (reason !== undefined) this.reason = reason;
    this.socket.destroy();
  }
}
