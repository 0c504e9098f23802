import type { Socket } from 'node:net';
import type { FromRunner } from './runner-protocol';

/** What guests say is told in one piece for many of them; whatever is waited for is not held up, and comes after what was said before it. */
const gatherMs = 10;
/** With so much that the agent has not taken, what guests say is not told: their consoles' files have it. */
const mostUntoldBytes = 4 * 2 ** 20;
/** And with so much it hears nothing at all: it is let go, and may come again. */
const mostUnheardBytes = 64 * 2 ** 20;

/** What an agent is told, in the order in which it happened. It may be slow, or stand still, and costs no more room for it. */
export class AgentLine {
  private pending: string[] = [];
  private flushing: NodeJS.Timeout | null = null;
  private isSoon = false;

  constructor(private readonly socket: Pick<Socket, 'write' | 'writableLength' | 'destroy'>) {}

  tell(message: FromRunner): void {
    const kind = 'event' in message ? message.event.kind : null;
    if (kind === 'console' && this.socket.writableLength > mostUntoldBytes) return;
    this.pending.push(JSON.stringify(message));
    const mayWait = kind === 'console' || kind === 'heartbeat';
    if (mayWait) this.flushing ??= setTimeout(() => this.flush(), gatherMs);
    else if (!this.isSoon) {
      this.isSoon = true;
      queueMicrotask(() => this.flush());
    }
  }

  private flush(): void {
    if (this.flushing) clearTimeout(this.flushing);
    this.flushing = null;
    this.isSoon = false;
    if (this.pending.length > 0) this.socket.write(`${this.pending.join('\n')}\n`);
    this.pending = [];
    if (this.socket.writableLength > mostUnheardBytes) this.socket.destroy();
  }
}
