import { timingSafeEqual } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { peerHelloSchema, type PeerCall, peerRequestLineSchema } from '@argosy/contracts/peer';
import { readLines } from './lines';

export type AnswerPeer = (call: PeerCall) => Promise<unknown>;

/** How long a connection may be open without having said who it is. */
const helloDeadlineMs = 2_000;

/**
 * Where an agent listens for other agents and the controller. Whoever does not know the fleet's peer secret, or does not
 * speak as the contract says, is cut off.
 */
export class PeerServer {
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  constructor(
    private readonly secret: () => string | null,
    private readonly answer: AnswerPeer,
  ) {
    this.server = createServer((socket) => this.accept(socket));
  }

  /** Value: host:port. Port 0 takes a free one. */
  listen(address: string, port = 0): Promise<string> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, address, () => {
        const bound = this.server.address();
        if (bound === null || typeof bound === 'string') return reject(new Error('the peer server has no port'));
        resolve(`${address}:${bound.port}`);
      });
    });
  }

  close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }

  private accept(socket: Socket): void {
    this.sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('close', () => this.sockets.delete(socket));
    // The other side's loss of the connection is its own to notice.
    socket.on('error', () => socket.destroy());
    let known = false;
    const deadline = setTimeout(() => socket.destroy(), helloDeadlineMs);
    readLines(socket, (line) => {
      if (known) return this.take(socket, line);
      clearTimeout(deadline);
      known = this.isKnown(line);
      if (!known) socket.destroy();
    });
  }

  private isKnown(line: string): boolean {
    const hello = peerHelloSchema.safeParse(parse(line));
    const secret = this.secret();
    if (!hello.success || secret === null) return false;
    const [said, expected] = [Buffer.from(hello.data.secret), Buffer.from(secret)];
    return said.length === expected.length && timingSafeEqual(said, expected);
  }

  private take(socket: Socket, line: string): void {
    const request = peerRequestLineSchema.safeParse(parse(line));
    if (!request.success) return void socket.destroy();
    const { id, call } = request.data;
    this.answer(call).then(
      (answer) => {
        if (!socket.destroyed) socket.write(`${JSON.stringify({ id, answer })}\n`);
      },
      // No answer can be given, and no answer is what the other side is ready for.
      () => socket.destroy(),
    );
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
