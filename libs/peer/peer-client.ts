import { connect, type Socket } from 'node:net';
import { peerAnswerLineSchema, type PeerCall } from '@argosy/contracts/peer';
import { readLines } from './lines';

interface Connection {
  readonly socket: Socket;
  readonly waiting: Map<number, (answer: unknown) => void>;
}

/** Connections to agents' peer servers, kept open so that a hand-over finds one ready. */
export class PeerClient {
  private readonly connections = new Map<string, Connection>();
  private nextId = 1;

  constructor(private readonly secret: () => string | null) {}

  /** The answer as it came, or null: not reached, cut off, or not answered within the deadline. */
  ask(address: string, call: PeerCall, deadlineMs: number): Promise<unknown> {
    const connection = this.connectionTo(address);
    if (connection === null) return Promise.resolve(null);
    const id = this.nextId++;
    return new Promise((resolve) => {
      const deadline = setTimeout(() => done(null), deadlineMs);
      const done = (answer: unknown): void => {
        clearTimeout(deadline);
        connection.waiting.delete(id);
        resolve(answer);
      };
      connection.waiting.set(id, done);
      connection.socket.write(`${JSON.stringify({ id, call })}\n`);
    });
  }

  /** Opens the connection now, so that the first question does not wait for it. */
  warm(address: string): void {
    this.connectionTo(address);
  }

  close(): void {
    for (const { socket } of this.connections.values()) socket.destroy();
  }

  private connectionTo(address: string): Connection | null {
    const known = this.connections.get(address);
    if (known) return known;
    const secret = this.secret();
    const separator = address.lastIndexOf(':');
    if (secret === null || separator < 0) return null;
    const socket = connect({
      host: address.slice(0, separator),
      port: Number(address.slice(separator + 1)),
      noDelay: true,
    });
    const connection: Connection = { socket, waiting: new Map() };
    this.connections.set(address, connection);
    socket.write(`${JSON.stringify({ secret })}\n`);
    readLines(socket, (line) => {
      const parsed = peerAnswerLineSchema.safeParse(JSON.parse(line));
      if (parsed.success) connection.waiting.get(parsed.data.id)?.(parsed.data.answer);
    });
    // An error is followed by close, which answers whoever waits.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      if (this.connections.get(address) === connection) this.connections.delete(address);
      for (const done of [...connection.waiting.values()]) done(null);
    });
    return connection;
  }
}
