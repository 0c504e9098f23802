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

export function uriOf(address: string, port: number): string {
  return `${scheme}:${address}:${port}`;
}

/** undefined: it is no address of an embedded VMM. */
export function placeOf(uri: string): { readonly host: string; readonly port: number } | undefined {
  const match = /^argosy:(.+):(\d+)$/.exec(uri);
  return match ? { host: match[1]!, port: Number(match[2]) } : undefined;
}

/** Listens for the one that has the key; null: for anybody, in plain. */
export function listen(
  { address, key }: { readonly address: string; readonly key: string | null },
  onConnection: (socket: Socket) => void,
): Promise<{ readonly server: Server; readonly port: number }> {
  const psk = key === null ? null : Buffer.from(key, 'hex');
  const server =
    psk === null
      ? createServer(onConnection)
      : createSecureServer(
          { ...secureBy, pskCallback: (_socket, name) => (name === identity ? psk : null) },
          onConnection,
        );
  // Whoever has not the key ends here, and nobody need know.
  server.on('tlsClientError', () => undefined);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, address, () => {
      server.on('error', () => undefined);
      const bound = server.address();
      resolve({ server, port: typeof bound === 'object' && bound !== null ? bound.port : 0 });
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

  constructor(
    private readonly socket: Socket,
    receiver: FrameReceiver,
    onClose: (reason: string) => void,
  ) {
    let reason = 'the connection was closed';
    const reader = new FrameReader(receiver);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 5_000);
    socket.on('error', (error) => (reason = error.message));
    socket.on('data', (piece: Buffer) => {
      this.heardAt = performance.now();
      try {
        reader.push(piece);
      } catch (error) {
        reason = (error as Error).message;
        socket.destroy();
      }
    });
    socket.on('close', () => {
      this.isClosed = true;
      onClose(reason);
    });
  }

  /** Done when there is room for more. It rejects when the connection has ended. */
  async send(frame: Buffer): Promise<void> {
    if (this.isClosed) throw new Error('the connection has ended');
    if (this.socket.write(frame)) {
      this.heardAt = performance.now();
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const drained = () => (this.socket.off('close', closed), resolve());
      const closed = () => (this.socket.off('drain', drained), reject(new Error('the connection has ended')));
      this.socket.once('drain', drained);
      this.socket.once('close', closed);
    });
    this.heardAt = performance.now();
  }

  /** Without waiting: a short message. */
  say(frame: Buffer): void {
    if (!this.isClosed) this.socket.write(frame);
  }

  /** What was said goes out first. */
  end(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }
}
