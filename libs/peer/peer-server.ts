import { randomBytes } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { isSigned, peerTicket, sign, type HostKey, type PeerRole } from '@argosy/contracts/host-key';
import { peerHelloSchema, type PeerCall, peerRequestLineSchema } from '@argosy/contracts/peer';
import { parseLine, readLines } from './lines';

export type AnswerPeer = (call: PeerCall) => Promise<unknown>;

/** How long a connection may be open without having said who it is. */
const helloDeadlineMs = 2_000;
/** Of those that have said who they are, and those that have not. Many more than any fleet has controllers and migrations. */
const maximumConnections = 1_000;

/**
 * Where an agent listens for other agents and the controller. Whoever does not prove that a controller gave them the ticket
 * for what they are, asks for what is not theirs, or does not speak as the contract says, is cut off.
 */
export class PeerServer {
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  constructor(
    private readonly key: () => HostKey | null,
    private readonly answer: AnswerPeer,
  ) {
    this.server = createServer((socket) => this.accept(socket));
    this.server.maxConnections = maximumConnections;
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
    const challenge = randomBytes(16).toString('base64url');
    socket.write(`${JSON.stringify({ challenge })}\n`);
    let role: PeerRole | null = null;
    const deadline = setTimeout(() => socket.destroy(), helloDeadlineMs);
    socket.on('close', () => clearTimeout(deadline));
    readLines(socket, (line) => {
      if (role) return this.take(socket, role, line);
      clearTimeout(deadline);
      role = this.welcome(socket, challenge, line);
      if (!role) socket.destroy();
    });
  }

  /** Value: who it proves to be. It is told a proof in turn, that it does not believe whoever listens at this address now. */
  private welcome(socket: Socket, challenge: string, line: string): PeerRole | null {
    const hello = peerHelloSchema.safeParse(parseLine(line));
    const key = this.key();
    if (!hello.success || key === null) return null;
    const ticket = peerTicket(key, hello.data.role);
    if (!isSigned(ticket, 'client', challenge, hello.data.proof)) return null;
    socket.write(`${JSON.stringify({ proof: sign(ticket, 'server', hello.data.challenge) })}\n`);
    return hello.data.role;
  }

  private take(socket: Socket, role: PeerRole, line: string): void {
    const request = peerRequestLineSchema.safeParse(parseLine(line));
    if (!request.success || !mayAsk(role, request.data.call)) return void socket.destroy();
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

/** A source hands its own migration over, and nothing else; the controllers' grants go another way, with their term. */
function mayAsk(role: PeerRole, call: PeerCall): boolean {
  return role.as === 'controller'
    ? call.kind !== 'grant'
    : call.kind === 'grant' && call.migrationId === role.migrationId;
}
