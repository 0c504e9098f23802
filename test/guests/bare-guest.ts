import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { type GuestLine, GuestLineSplitter, parseGuestLine } from '@argosy/domain/guest-console';

/**
 * One QEMU with nothing of Argosy around it: its console and its QMP, each over a socket that this side listens on, so that not
 * a byte of the guest's output is lost.
 */
export class BareGuest {
  readonly lines: string[] = [];
  readonly events: QmpEvent[] = [];
  /** What QEMU itself had to say, for a failing test. */
  errors = '';
  private splitter = new GuestLineSplitter();
  private readonly watchers = new Set<() => void>();
  private console?: Socket;
  private qmpSocket?: Socket;
  private replies: ((reply: QmpReply) => void)[] = [];

  private constructor(
    private readonly process: ChildProcess,
    readonly startedAt: number,
  ) {}

  static async start(folder: string, name: string, qemuArguments: readonly string[]): Promise<BareGuest> {
    const consolePath = join(folder, `${name}.console`);
    const qmpPath = join(folder, `${name}.qmp`);
    const servers = [await listen(consolePath), await listen(qmpPath)];
    const connected = servers.map((server) => once(server, 'connection') as Promise<[Socket]>);
    const startedAt = performance.now();
    const process = spawn('qemu-system-x86_64', [
      ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
      ...['-chardev', `socket,id=console,path=${consolePath}`, '-serial', 'chardev:console'],
      ...['-chardev', `socket,id=qmp,path=${qmpPath}`, '-mon', 'chardev=qmp,mode=control'],
      ...qemuArguments,
    ]);
    const guest = new BareGuest(process, startedAt);
    process.stderr.on('data', (chunk) => (guest.errors += String(chunk)));
    process.on('exit', () => guest.changed());
    const failed = once(process, 'exit').then(() => Promise.reject(new Error(`QEMU ended: ${guest.errors}`)));
    const sockets = await Promise.race([Promise.all(connected), failed]);
    failed.catch(() => undefined);
    servers.forEach((server) => server.close());
    guest.attach(sockets.map(([socket]) => socket) as [Socket, Socket]);
    await guest.qmp('qmp_capabilities');
    return guest;
  }

  get parsed(): GuestLine[] {
    return this.lines.map((line) => parseGuestLine(line)).filter((line) => line !== undefined);
  }

  get heartbeats(): number[] {
    return this.parsed.flatMap((line) => (line.kind === 'heartbeat' ? [line.count] : []));
  }

  get ended(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  send(command: string): void {
    this.console?.write(`${command}\n`);
  }

  /** The first answer of that kind from now on. */
  async ask<Kind extends GuestLine['kind']>(command: string, kind: Kind): Promise<Extract<GuestLine, { kind: Kind }>> {
    const from = this.lines.length;
    this.send(command);
    return this.next(kind, from);
  }

  async next<Kind extends GuestLine['kind']>(
    kind: Kind,
    from = 0,
    timeoutMs = 20000,
  ): Promise<Extract<GuestLine, { kind: Kind }>> {
    const find = () =>
      this.lines.slice(from).flatMap((line) => {
        const parsed = parseGuestLine(line);
        return parsed?.kind === kind ? [parsed as Extract<GuestLine, { kind: Kind }>] : [];
      })[0];
    return this.until(`a line of kind ${kind}`, find, timeoutMs);
  }

  /** Waits until `find` finds something; looks whenever a line, an event or the end of QEMU comes. */
  async until<Found>(what: string, find: () => Found | undefined | false, timeoutMs = 20000): Promise<Found> {
    return new Promise((resolve, reject) => {
      const finish = (act: () => void) => {
        this.watchers.delete(look);
        clearTimeout(timer);
        act();
      };
      const look = () => {
        const found = find();
        if (found !== undefined && found !== false) finish(() => resolve(found));
        else if (this.ended) finish(() => reject(new Error(`QEMU ended before ${what}: ${this.errors} ${this.lines.slice(-5).join(' | ')}`)));
      };
      const late = () => reject(new Error(`no ${what} within ${timeoutMs} ms; last: ${this.lines.slice(-5).join(' | ')}`));
      const timer = setTimeout(() => finish(late), timeoutMs);
      this.watchers.add(look);
      look();
    });
  }

  async event(name: string, status?: string, from = 0): Promise<QmpEvent> {
    const matches = (event: QmpEvent) => event.event === name && (!status || event.data?.['status'] === status);
    return this.until(`${name} ${status ?? ''}`, () => this.events.slice(from).find(matches));
  }

  async qmp(execute: string, parameters: object = {}): Promise<unknown> {
    const reply = await new Promise<QmpReply>((resolve) => {
      this.replies.push(resolve);
      this.qmpSocket?.write(JSON.stringify({ execute, arguments: parameters }) + '\n');
    });
    if (reply.error) throw new Error(`${execute}: ${reply.error.desc}`);
    return reply.return;
  }

  /** Goes on with a line that the source of a migration left unfinished. */
  continueConsoleOf(source: BareGuest): void {
    this.splitter = new GuestLineSplitter(source.splitter.unfinished);
  }

  async kill(): Promise<void> {
    if (this.ended) return;
    const exit = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await exit;
  }

  private attach([console, qmp]: [Socket, Socket]): void {
    this.console = console;
    this.qmpSocket = qmp;
    console.on('error', () => undefined);
    qmp.on('error', () => undefined);
    console.on('data', (chunk) => {
      this.lines.push(...this.splitter.push(chunk.toString('latin1')));
      this.changed();
    });
    const qmpLines = new GuestLineSplitter();
    qmp.on('data', (chunk) => {
      qmpLines.push(chunk.toString('utf8')).forEach((line) => this.onQmp(JSON.parse(line) as QmpReply & QmpEvent));
      this.changed();
    });
  }

  private onQmp(message: QmpReply & QmpEvent): void {
    if (message.event) this.events.push(message);
    else if (message.return !== undefined || message.error) this.replies.shift()?.(message);
  }

  private changed(): void {
    this.watchers.forEach((look) => look());
  }
}

export interface QmpEvent {
  event: string;
  data?: Record<string, unknown>;
}

interface QmpReply {
  return?: unknown;
  error?: { desc: string };
}

async function listen(path: string): Promise<Server> {
  const server = createServer();
  server.listen(path);
  await once(server, 'listening');
  return server;
}

/**
 * The memory size to give QEMU for a guest that shall be moved under TCG: 8 KiB less than asked for.
 *
 * QEMU before 9.0 loses writes of a busy guest during a migration under TCG: when it collects the dirty bits of a block whose
 * size is a multiple of 64 pages, it clears them by whole words and does not tell the translation buffers, so that later writes
 * to those pages go unseen (the fix is "physmem: Fix migration dirty bitmap coherency with TCG memory access"; 7.2.22 lacks it).
 * A block of any other size takes the path page by page, which does tell. With 128 MiB a busy Linux guest crashed after each of
 * nine moves, with 8 KiB less after none; `-m` takes steps of 8 KiB.
 */
export function migratableMemory(memoryMiB: number): string {
  return `${memoryMiB * 1024 - 8}K`;
}

/**
 * Moves a running guest to a QEMU started with `-S -incoming defer`, and ends the source. The target holds the disk's lock
 * before it runs, as in Argosy's own hand-over.
 */
export async function migrateBare(source: BareGuest, target: BareGuest, socketPath: string): Promise<void> {
  const events = { capabilities: [{ capability: 'events', state: true }] };
  await source.qmp('migrate-set-capabilities', events);
  await target.qmp('migrate-set-capabilities', events);
  await source.qmp('migrate-set-parameters', { 'max-bandwidth': 10 * 2 ** 30, 'downtime-limit': 10 });
  await target.qmp('migrate-incoming', { uri: `unix:${socketPath}` });
  // A guest that moved before has the end of that move among its events.
  const earlierEvents = source.events.length;
  await source.qmp('migrate', { uri: `unix:${socketPath}` });
  await source.event('MIGRATION', 'completed', earlierEvents);
  await target.event('MIGRATION', 'completed');
  target.continueConsoleOf(source);
  await target.qmp('cont');
  await source.kill();
}
