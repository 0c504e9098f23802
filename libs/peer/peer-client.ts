import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { isSigned, sign, splitTicket, type HandOver, type PeerRole } from '@argosy/contracts/host-key';
import { accepted, type Result } from '@argosy/domain/refusal';
import { peerAnswerLineSchema, peerChallengeSchema, peerWelcomeSchema, type PeerCall } from '@argosy/contracts/peer';
import { parseLine, readLines } from './lines';

/** Whom to ask, as what, and the ticket that proves it: it names one host, and one migration or a controller. */
export interface Peer {
  /** host:port */
  readonly address: string;
  readonly role: PeerRole;
  readonly ticket: string;
}

/** The agent of a migration's target, as its source may speak with it: the order brought the ticket with the address. */
export function targetOf(addressAndTicket: string, asked: Omit<HandOver, 'notAfter'>): Peer {
  const { address, notAfter, ticket } = splitTicket(addressAndTicket);
  const { migrationId, guestId, epoch } = asked;
  return { address, ticket, role: { as: 'source', migrationId, guestId, epoch, notAfter } };
}

interface Connection {
  readonly socket: Socket;
  readonly waiting: Map<number, (answer: unknown) => void>;
  /** What cannot be said yet: the other side has not proved who it is. */
  unsaid: string[] | null;
}

/** Console tails are the longest answers that there are. */
const longestAnswer = 4 * 1024 * 1024;

/** A migration's connection is of no use after it. */
const idleMs = 60_000;
const keepAliveMs = 10_000;

/** Connections to agents' peer servers, kept open so that a hand-over finds one ready. */
export class PeerClient {
  private readonly connections = new Map<string, Connection>();
  private nextId = 1;

  /** The answer as it came, or null: not reached, cut off, an impostor, or not answered within the deadline. */
  ask(peer: Peer, call: PeerCall, deadlineMs: number): Promise<unknown> {
    const connection = this.connectionTo(peer);
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
      const line = `${JSON.stringify({ id, call })}\n`;
      if (connection.unsaid) connection.unsaid.push(line);
      else connection.socket.write(line);
    });
  }

  /**
   * A guest's screen, on a connection of its own: what is written goes there, and what is read comes from there, once it is resumed. null: not
   * reached, an impostor, or not answered within the deadline.
   */
  openScreen(
    peer: Peer,
    call: Extract<PeerCall, { kind: 'screen' }>,
    deadlineMs: number,
  ): Promise<Result<Duplex> | null> {
    const socket = socketTo(peer);
    if (socket === null) return Promise.resolve(null);
    return new Promise((resolve) => {
      const deadline = setTimeout(() => socket.destroy(), deadlineMs);
      let isTrusted = false;
      const introduction = introduce(socket, peer, () => {
        isTrusted = true;
        socket.write(`${JSON.stringify({ id: 1, call })}\n`);
      });
      const stopLines = readLines(
        socket,
        (line) => {
          if (!isTrusted) return introduction(line);
          const answer = peerAnswerLineSchema.safeParse(parseLine(line));
          if (!answer.success) return void socket.destroy();
          clearTimeout(deadline);
          const given = answer.data.answer as Result<null>;
          if (!given.ok) return void resolve(given);
          socket.unshift(stopLines());
          // An idle screen says nothing, and a host that is gone says nothing either.
          socket.setTimeout(0).setKeepAlive(true, keepAliveMs);
          resolve(accepted(socket));
        },
        () => longestAnswer,
      );
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        clearTimeout(deadline);
        resolve(null);
      });
    });
  }

  /** Opens the connection now, so that the first question does not wait for it. */
  warm(peer: Peer): void {
    this.connectionTo(peer);
  }

  close(): void {
    for (const { socket } of this.connections.values()) socket.destroy();
  }

  private connectionTo(peer: Peer): Connection | null {
    const name = `${peer.address}#${peer.ticket}`;
    const known = this.connections.get(name);
    if (known) return known;
    const socket = socketTo(peer);
    if (socket === null) return null;
    const connection: Connection = { socket, waiting: new Map(), unsaid: [] };
    this.connections.set(name, connection);
    const introduction = introduce(socket, peer, () => {
      for (const line of connection.unsaid ?? []) socket.write(line);
      connection.unsaid = null;
    });
    const take = (line: string): void => {
      if (connection.unsaid) return introduction(line);
      const parsed = peerAnswerLineSchema.safeParse(parseLine(line));
      if (!parsed.success) return void socket.destroy();
      connection.waiting.get(parsed.data.id)?.(parsed.data.answer);
    };
    readLines(socket, take, () => longestAnswer);
    // An error is followed by close, which answers whoever waits.
    socket.on('error', () => socket.destroy());
    socket.on('timeout', () => socket.destroy());
    socket.on('close', () => {
      if (this.connections.get(name) === connection) this.connections.delete(name);
      for (const done of [...connection.waiting.values()]) done(null);
    });
    return connection;
  }
}

/** null: what it is said to listen at is no address. */
function socketTo({ address }: Peer): Socket | null {
  const separator = address.lastIndexOf(':');
  const port = Number(address.slice(separator + 1));
  if (separator < 0 || !(port > 0 && port < 65_536)) return null;
  return connect({ host: address.slice(0, separator), port, noDelay: true, timeout: idleMs });
}

/** Answers the other side's challenge, and hears its answer to ours; whoever does not know the ticket is cut off. */
function introduce(socket: Socket, { role, ticket }: Peer, trusted: () => void): (line: string) => void {
  const own = randomBytes(16).toString('base64url');
  let said = false;
  return (line) => {
    if (!said) {
      const parsed = peerChallengeSchema.safeParse(parseLine(line));
      if (!parsed.success) return void socket.destroy();
      said = true;
      const proof = sign(ticket, 'client', parsed.data.challenge);
      return void socket.write(`${JSON.stringify({ role, proof, challenge: own })}\n`);
    }
    const welcome = peerWelcomeSchema.safeParse(parseLine(line));
    if (welcome.success && isSigned(ticket, 'server', own, welcome.data.proof)) trusted();
    else socket.destroy();
  };
}
