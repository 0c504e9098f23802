import { setTimeout as sleep } from 'node:timers/promises';

/** What of the VMM lies before the guest: its serial port, and the socket that leads to it. */
export interface SerialPort {
  /** The port's own word: it holds nothing that the guest has not read. */
  isEmpty(): Promise<boolean>;
  write(text: string): void;
  /** It runs, and will for a while: what is written now can be seen to be read before a migration takes the port's state. */
  mayHear(): boolean;
}

/** What a 16550 takes before its guest has read any of it. */
const pieceBytes = 16;
const mostWaitingCharacters = 4096;
const lookEveryMs = { first: 1, last: 500 };
const askEveryMs = 10;
const settleLookEveryMs = 1;

/**
 * What is typed, on its way to the guest. A migration takes along what the serial port holds, and not what still lies in the
 * socket before it, so that is never more than a few bytes, of which the port is asked whether they are through; all else
 * waits here, where it can be taken along.
 */
export class ConsoleInput {
  private waiting: string[] = [];
  /** Bytes that may not have reached the port, and one to be sure. */
  private unproven = 0;
  private isFeeding = false;
  private isClosed = false;

  constructor(private readonly port: SerialPort) {}

  /** false: the guest reads nothing, and too much waits for it already. */
  type(text: string): boolean {
    if (this.waiting.length + text.length > mostWaitingCharacters) return false;
    this.waiting.push(...text);
    if (!this.isFeeding) void this.feed();
    return true;
  }

  /** Until all that was written has come through, if the guest reads it by then. */
  async settle(deadlineMs: number): Promise<void> {
    for (let waitedMs = 0; this.unproven > 0 && waitedMs < deadlineMs; waitedMs += settleLookEveryMs)
      await sleep(settleLookEveryMs);
  }

  /** Until nothing waits either, for there is nobody to take it along. */
  async drain(deadlineMs: number): Promise<void> {
    for (let waitedMs = 0; this.isOnItsWay && waitedMs < deadlineMs; waitedMs += settleLookEveryMs)
      await sleep(settleLookEveryMs);
  }

  /** What was not written here yet: whoever takes it, types it. */
  take(): string {
    return this.waiting.splice(0).join('');
  }

  close(): void {
    this.isClosed = true;
  }

  private get isOnItsWay(): boolean {
    return this.unproven > 0 || this.waiting.length > 0;
  }

  private async feed(): Promise<void> {
    this.isFeeding = true;
    let pauseMs = 0;
    while (!this.isClosed && this.isOnItsWay) {
      if (this.unproven > 0) {
        pauseMs = (await this.prove()) ? 0 : Math.min(pauseMs * 2 + lookEveryMs.first, lookEveryMs.last);
        if (pauseMs > 0) await sleep(pauseMs, undefined, { ref: false });
      } else if (this.port.mayHear()) this.writePiece();
      else await sleep(askEveryMs, undefined, { ref: false });
    }
    this.isFeeding = false;
  }

  /**
   * Each time that QEMU's loop comes round and the port has room, it takes a byte at least from the socket, and it answers us
   * once in a round: so each answer of an empty port is the proof for one byte more, however quickly the guest reads.
   */
  private async prove(): Promise<boolean> {
    // A VMM that does not answer, or has not yet: what becomes of it is told by others.
    const isEmpty = await this.port.isEmpty().catch(() => false);
    if (isEmpty) this.unproven -= 1;
    return isEmpty;
  }

  private writePiece(): void {
    let piece = '';
    while (this.waiting.length > 0 && Buffer.byteLength(piece + this.waiting[0]!) <= pieceBytes)
      piece += this.waiting.shift()!;
    this.unproven = Buffer.byteLength(piece) + 1;
    this.port.write(piece);
  }
}
