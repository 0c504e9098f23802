import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Result } from '@argosy/domain/refusal';
import type { VmmCommand, VmmEvent } from '@argosy/control/ports/vmm-driver';
import { isRunning, nameProcess, signalProcess, workingFolder, type ProcessName } from '../process-table';
import { refuse } from '../refused';
import type { AgentFacts } from './runner';
import { LineReader, runnerFiles, runnerProtocol, type FromRunner, type ToRunner } from './runner-protocol';

const startWithinMs = 20_000;
const tryEveryMs = 10;
const askEveryMs = 500;
const killedWithinMs = 5_000;
const giveUpAfterMs = 10_000;

export interface RunnerPlace {
  /** Its working folder, by which it is found again. */
  readonly folder: string;
  readonly program: string;
  readonly millicores: number;
  readonly facts: AgentFacts;
}

/** gone: its process has ended. silent: it lives, and has not answered anything for long. */
export type RunnerAnswer = Result<unknown> | 'gone' | 'silent';
type Answer = (result: RunnerAnswer) => void;

/** A process in that folder: whatever agent started it. */
export function findRunner(folder: string): ProcessName | undefined {
  for (const entry of readdirSync('/proc'))
    if (/^\d+$/.test(entry) && workingFolder(Number(entry)) === folder) return nameProcess(Number(entry));
  return undefined;
}

/** Detached and in files of its own: it outlives this process. The environment is inherited, and with it the mark of the chassis. */
function spawnRunner({ folder, program, millicores }: RunnerPlace): ProcessName {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const log = openSync(join(folder, runnerFiles.log), 'a');
  const child = spawn(process.execPath, ['--enable-source-maps', program, String(millicores)], {
    cwd: folder,
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  child.on('error', () => undefined);
  child.unref();
  const found = child.pid === undefined ? undefined : nameProcess(child.pid);
  if (!found) throw refuse('vmm-failed', `${program} could not be started`);
  return found;
}

/** The last that it said before it ended. */
function lastWords(folder: string): string {
  try {
    return readFileSync(join(folder, runnerFiles.log), 'utf8').trim().split('\n').slice(-3).join(' ');
  } catch {
    return '';
  }
}

/** An agent's connection to a process that runs guests. */
export class RunnerLink {
  private readonly waiting = new Map<number, Answer>();
  private nextId = 1;
  private isOver = false;
  private readonly timer: NodeJS.Timeout;
  private unansweredMs = 0;
  private isAsking = false;
  private lookId = 0;
  onEvent: (event: VmmEvent) => void = () => undefined;
  /** It has ended; null: it lives, and only the connection is lost. */
  onEnd: (reason: string | null) => void = () => undefined;

  private constructor(
    private readonly place: RunnerPlace,
    private readonly process: ProcessName,
    private readonly socket: Socket,
  ) {
    const reader = new LineReader((line) => this.hear(JSON.parse(line) as FromRunner));
    socket.setEncoding('utf8');
    socket.on('data', (piece: string) => reader.push(piece));
    socket.on('error', () => undefined);
    socket.on('close', () => void this.watchEnd());
    this.timer = setInterval(() => this.look(), askEveryMs);
    this.timer.unref();
  }

  /** undefined: there is none, and none is to be started. */
  static async open(place: RunnerPlace, { mayStart }: { mayStart: boolean }): Promise<RunnerLink | undefined> {
    const found = findRunner(place.folder);
    if (!found && !mayStart) return undefined;
    const process = found ?? spawnRunner(place);
    signalProcess(process, 'SIGCONT');
    for (let waitedMs = 0; waitedMs < startWithinMs && isRunning(process); waitedMs += tryEveryMs) {
      const socket = await connectTo(`/proc/${process.pid}/cwd/${runnerFiles.socket}`);
      if (socket) return new RunnerLink(place, process, socket);
      await sleep(tryEveryMs);
    }
    throw refuse('vmm-failed', `the process for the guests of this host does not start: ${lastWords(place.folder)}`);
  }

  begin(): Promise<RunnerAnswer> {
    return this.send((id) => ({ ask: 'begin', id, protocol: runnerProtocol, ...this.place.facts }));
  }

  do(command: VmmCommand, key: string | null): Promise<RunnerAnswer> {
    return this.send((id) => ({ ask: 'do', id, command, key }));
  }

  private send(message: (id: number) => ToRunner): Promise<RunnerAnswer> {
    if (this.isOver) return Promise.resolve('gone');
    const id = this.nextId++;
    return new Promise((resolve) => {
      this.waiting.set(id, resolve);
      this.socket.write(`${JSON.stringify(message(id))}\n`);
    });
  }

  private hear(message: FromRunner): void {
    if ('event' in message) return this.onEvent(message.event);
    const answer = this.waiting.get(message.id);
    this.waiting.delete(message.id);
    answer?.(message.result);
  }

  /** Counted in looks of ours: while this process stands still nothing counts. */
  private look(): void {
    if (this.isAsking) {
      this.unansweredMs += askEveryMs;
      if (this.unansweredMs > giveUpAfterMs) this.giveUp();
      return;
    }
    this.isAsking = true;
    this.lookId = this.nextId;
    void this.send((id) => ({ ask: 'answer', id })).then(() => {
      this.isAsking = false;
      this.unansweredMs = 0;
    });
  }

  /** Nobody waits for ever: each call is asked again by whoever still wants it. */
  private giveUp(): void {
    for (const [id, answer] of this.waiting) if (id !== this.lookId) answer('silent');
    for (const id of [...this.waiting.keys()]) if (id !== this.lookId) this.waiting.delete(id);
  }

  /** For how long it has left a question unanswered. */
  get silentMs(): number {
    return this.unansweredMs;
  }

  private async watchEnd(): Promise<void> {
    // The connection ends first, and its files are let go last.
    for (let waitedMs = 0; !this.isOver && isRunning(this.process) && waitedMs < killedWithinMs; waitedMs += tryEveryMs)
      await sleep(tryEveryMs);
    if (this.isOver) return;
    this.close();
    if (isRunning(this.process)) return this.onEnd(null);
    const words = lastWords(this.place.folder);
    this.onEnd(`the process of this host's guests is gone${words ? `: ${words}` : ''}`);
  }

  /** With all its guests. */
  async kill(): Promise<void> {
    signalProcess(this.process, 'SIGKILL');
    for (let waitedMs = 0; isRunning(this.process) && waitedMs < killedWithinMs; waitedMs += tryEveryMs)
      await sleep(tryEveryMs);
  }

  /** It runs on. */
  close(): void {
    this.isOver = true;
    clearInterval(this.timer);
    this.socket.destroy();
    for (const answer of this.waiting.values()) answer('gone');
    this.waiting.clear();
  }
}

function connectTo(path: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(socket));
    socket.once('error', () => resolve(undefined));
  });
}
