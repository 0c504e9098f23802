import { randomBytes } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { isSigned, peerTicket, sign, type HostKey, type PeerRole } from '@argosy/contracts/host-key';
import { peerHelloSchema, type PeerCall, peerRequestLineSchema } from '@argosy/contracts/peer';
import type { Result } from '@argosy/domain/refusal';
import type { Instant } from '@argosy/domain/units';
import { parseLine, readLines } from './lines';
import { splice } from './splice';

export type ScreenCall = Extract<PeerCall, { kind: 'screen' }>;

export type ShortCall = Exclude<PeerCall, ScreenCall>;

export interface PeerAnswers {
  answer(call: ShortCall): Promise<unknown>;
  /** What is shown and typed, for as long as both sides want. */
  screen(call: ScreenCall): Promise<Result<Duplex>>;
}

/** How long a connection may be open without having said who it is. */
const helloDeadlineMs = 2_000;
/** Of all connections: many more than any fleet has controllers and migrations. */
const maximumConnections = 1_000;
/** Of those that have not said yet who they are: in all, so that they leave room, and from one address. */
const maximumStrangers = { inAll: 200, fromOneAddress: 50 };
/** A hello, and what is asked: at most a few thousand characters for a console. */
const longestLine = { hello: 2_048, request: 64 * 1024 };

/**
 * Where an agent listens for other agents and the controller. Whoever does not prove that a controller gave them the ticket
 * for what they are, asks for what is not theirs, or does not speak as the contract says, is cut off.
 */
export class PeerServer {
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  /** How many of each address have not said who they are. */
  private readonly strangers = new Map<string, number>();

  constructor(
    private readonly key: () => HostKey | null,
    private readonly answers: PeerAnswers,
    /** The fleet's time, by which tickets run out. */
    private readonly now: () => Instant,
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
    // The other side's loss of the connection is its own to notice.
    socket.on('error', () => socket.destroy());
    const known = this.letIn(socket);
    if (known === null) return void socket.destroy();
    this.sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('close', () => this.sockets.delete(socket));
    const challenge = randomBytes(16).toString('base64url');
    socket.write(`${JSON.stringify({ challenge })}\n`);
    let role: PeerRole | null = null;
    const deadline = setTimeout(() => socket.destroy(), helloDeadlineMs);
    socket.on('close', () => clearTimeout(deadline));
    const take = (line: string): void => {
      if (role) return this.take({ socket, stopLines }, role, line);
      clearTimeout(deadline);
      role = this.welcome(socket, challenge, line);
      if (role) known();
      else socket.destroy();
    };
    const stopLines = readLines(socket, take, () => (role ? longestLine.request : longestLine.hello));
  }

  /** Counts one who has not said yet who it is, until it has or has gone; null: there are too many. */
  private letIn(socket: Socket): (() => void) | null {
    const { strangers } = this;
    const address = socket.remoteAddress ?? '';
    const fromThere = strangers.get(address) ?? 0;
    const inAll = [...strangers.values()].reduce((sum, each) => sum + each, 0);
    if (fromThere >= maximumStrangers.fromOneAddress || inAll >= maximumStrangers.inAll) return null;
    strangers.set(address, fromThere + 1);
    let isStranger = true;
    const known = (): void => {
      if (!isStranger) return;
      isStranger = false;
      const left = (strangers.get(address) ?? 0) - 1;
      if (left > 0) strangers.set(address, left);
      else strangers.delete(address);
    };
    socket.on('close', known);
    return known;
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

  private take({ socket, stopLines }: Introduced, role: PeerRole, line: string): void {
    const request = peerRequestLineSchema.safeParse(parseLine(line));
    if (!request.success || !mayAsk(role, request.data.call, this.now())) return void socket.destroy();
    const { id, call } = request.data;
    if (call.kind === 'screen') return void this.showScreen({ socket, stopLines }, id, call);
    this.answers.answer(call).then(
      (answer) => {
        if (!socket.destroyed) socket.write(`${JSON.stringify({ id, answer })}\n`);
      },
      // No answer can be given, and no answer is what the other side is ready for.
      () => socket.destroy(),
    );
  }

  /** The rest of this connection is the screen's. */
  private async showScreen({ socket, stopLines }: Introduced, id: number, call: ScreenCall): Promise<void> {
    const said = stopLines();
    const screen = await this.answers.screen(call).catch(() => null);
    if (screen?.ok && socket.destroyed) return void screen.value.destroy();
    if (screen === null || socket.destroyed) return void socket.destroy();
    const answer = screen.ok ? { ok: true, value: null } : screen;
    socket.write(`${JSON.stringify({ id, answer })}\n`);
    socket.unshift(said);
    if (screen.ok) splice(socket, screen.value);
    else socket.end();
  }
}

interface Introduced {
  readonly socket: Socket;
  /** Whatever comes from then on is no line. */
  readonly stopLines: () => Buffer;
}

/**
 * A source hands its own migration over, and nothing else: what it says of another guest or epoch would be journalled here as
 * never to be run. The controllers' grants go another way, with their term.
 */
function mayAsk(role: PeerRole, call: PeerCall, now: Instant): boolean {
  if (role.as === 'controller') return call.kind !== 'grant';
  if (call.kind !== 'grant' || now > role.notAfter) return false;
  return call.migrationId === role.migrationId && call.guestId === role.guestId && call.epoch === role.epoch;
}
