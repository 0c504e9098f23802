import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

/** What QEMU answered with an error, in its own words. */
export class QmpError extends Error {}

/** QEMU did not answer in time: it is stopped, or its main loop hangs. */
export class QmpTimeout extends Error {}

/** The connection ended, which it does when the process dies. */
export class QmpClosed extends Error {}

export interface QmpEvent {
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** By QEMU's own clock, ms since 1970: what lies between two events is told by these, however late they are read. */
  readonly atMs: number;
}

interface PendingCall {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly deadline: NodeJS.Timeout;
}

interface Message {
  readonly id?: number;
  readonly return?: unknown;
  readonly error?: { readonly class: string; readonly desc: string };
  readonly event?: string;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly timestamp?: { readonly seconds: number; readonly microseconds: number };
  readonly QMP?: unknown;
}

const messageSchema = z.object({
  id: z.number().optional(),
  return: z.unknown().optional(),
  error: z.object({ class: z.string(), desc: z.string() }).optional(),
  event: z.string().optional(),
  data: z.record(z.string(), z.unknown()).optional(),
  timestamp: z.object({ seconds: z.number(), microseconds: z.number() }).optional(),
  QMP: z.unknown().optional(),
});

/** The longest answers are some hundred KiB: block devices with long chains of backing files. */
const longestLine = 16 * 1024 * 1024;
const defaultDeadlineMs = 5000;
const connectEveryMs = 3;

/**
 * QEMU's machine protocol: a JSON text on each line, answers matched to calls by their ids (qemu.org: "QEMU Machine Protocol
 * Specification"). QEMU serves one client at a time, and drops the events of a time without one.
 */
export class QmpClient {
  private readonly pending = new Map<number, PendingCall>();
  private unread = '';
  private nextId = 1;
  private greeted: () => void = () => undefined;
  private isClosed = false;

  private constructor(
    private readonly socket: Socket,
    private readonly onEvent: (event: QmpEvent) => void,
    private readonly onClose: () => void,
  ) {
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => this.read(text));
    socket.on('error', () => undefined);
    socket.on('close', () => this.close());
  }

  /** Waits for the socket to appear, and for QEMU's greeting. `alive` ends the wait early when the process has died. */
  static async connect(options: {
    readonly path: () => string;
    readonly deadlineMs: number;
    readonly alive: () => boolean;
    readonly onEvent: (event: QmpEvent) => void;
    readonly onClose: () => void;
  }): Promise<QmpClient> {
    const socket = await connectSocket(options);
    const client = new QmpClient(socket, options.onEvent, options.onClose);
    const greeting = new Promise<void>((resolve) => (client.greeted = resolve));
    const capabilities = client.call('qmp_capabilities', {}, options.deadlineMs);
    await Promise.all([greeting, capabilities]).catch((error: unknown) => {
      client.close();
      throw error;
    });
    return client;
  }

  call<Value = unknown>(
    name: string,
    parameters: Readonly<Record<string, unknown>> = {},
    deadlineMs = defaultDeadlineMs,
  ): Promise<Value> {
    return new Promise<Value>((resolve, reject) => {
      if (this.isClosed) {
        reject(new QmpClosed(`the connection to QEMU ended before ${name}`));
        return;
      }
      const id = this.nextId++;
      const deadline = setTimeout(() => {
        this.pending.delete(id);
        reject(new QmpTimeout(`QEMU did not answer ${name} within ${deadlineMs} ms`));
      }, deadlineMs);
      this.pending.set(id, { resolve: resolve as (value: unknown) => void, reject, deadline });
      this.socket.write(`${JSON.stringify({ execute: name, arguments: parameters, id })}\n`);
    });
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.socket.destroy();
    for (const call of this.pending.values()) {
      clearTimeout(call.deadline);
      call.reject(new QmpClosed('the connection to QEMU ended'));
    }
    this.pending.clear();
    this.onClose();
  }

  private read(text: string): void {
    const lines = (this.unread + text).split('\n');
    this.unread = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '' && !this.isClosed) this.receive(parseMessage(line));
    if (this.unread.length > longestLine) this.close();
  }

  private receive(message: Message | undefined): void {
    // What speaks so is no QEMU any more, and nothing that it says can be relied on.
    if (message === undefined) return this.close();
    if (message.QMP !== undefined) this.greeted();
    else if (message.event !== undefined)
      this.onEvent({ event: message.event, data: message.data ?? {}, atMs: instantOf(message) });
    else if (message.id !== undefined) this.answer(message.id, message);
  }

  private answer(id: number, message: Message): void {
    const call = this.pending.get(id);
    if (!call) return;
    this.pending.delete(id);
    clearTimeout(call.deadline);
    if (message.error) call.reject(new QmpError(message.error.desc));
    else call.resolve(message.return);
  }
}

/** What QEMU could not date it gives negative seconds. */
function instantOf({ timestamp }: Message): number {
  if (!timestamp || timestamp.seconds < 0) return Date.now();
  return timestamp.seconds * 1000 + timestamp.microseconds / 1000;
}

/** undefined: no JSON object, or not of the form that the protocol says. */
function parseMessage(line: string): Message | undefined {
  const parsed = messageSchema.safeParse(tryParse(line));
  return parsed.success ? (parsed.data as Message) : undefined;
}

function tryParse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** Connects to a unix socket that may not be there yet. */
export async function connectSocket(options: {
  readonly path: () => string;
  readonly deadlineMs: number;
  readonly alive: () => boolean;
}): Promise<Socket> {
  const endMs = performance.now() + options.deadlineMs;
  for (;;) {
    const socket = await tryConnect(options.path());
    if (socket) return socket;
    if (!options.alive()) throw new QmpClosed('QEMU ended before it could be reached');
    if (performance.now() > endMs) throw new QmpTimeout(`QEMU opened no socket within ${options.deadlineMs} ms`);
    await sleep(connectEveryMs);
  }
}

function tryConnect(path: string): Promise<Socket | null> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
    socket.once('error', () => resolve(null));
  });
}
