import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeJson } from '../../apps/lab/private-files.mjs';
import { isRunning, nameProcess } from '../../apps/lab/processes.mjs';
import { freePort } from '../../apps/lab/servers.mjs';
import { root } from './build';

const controllerProgram = join(root, 'dist/apps/controller/src/main.js');
export const patienceMs = 60_000;

/** Never 0 or less: that would be a group of processes, the test's own among them. */
export function signal(pid: number | undefined, name: NodeJS.Signals): void {
  if (pid === undefined || !(pid > 1)) throw new Error(`there is no process to send ${name} to`);
  process.kill(pid, name);
}

/** Asks until there is an answer; the error of a late one says what was last seen. */
export async function waitFor<Value>(
  what: string,
  look: () => Value | undefined | null | false | Promise<Value | undefined | null | false>,
  {
    deadlineMs = patienceMs,
    intervalMs = 50,
    seen = (): unknown => undefined,
  }: { deadlineMs?: number; intervalMs?: number; seen?: () => unknown } = {},
): Promise<Value> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== null && found !== false) return found;
    if (performance.now() > end) {
      const last: unknown = await seen();
      throw new Error(
        `not within ${deadlineMs / 1000} s: ${what}${last === undefined ? '' : `; last seen: ${typeof last === 'string' ? last : JSON.stringify(last)}`}`,
      );
    }
    await sleep(intervalMs);
  }
}

/** A controller of the fleet. It is not started again by itself. */
export class LabController {
  private child: ChildProcess | null = null;
  url = '';

  constructor(
    readonly name: string,
    readonly folder: string,
    private readonly environment: () => Record<string, string>,
  ) {}

  get pid(): number {
    return this.child?.pid ?? 0;
  }

  /** On the port that it had, so that agents find it again. */
  async start(): Promise<void> {
    mkdirSync(this.folder, { recursive: true });
    const port = await freePort(this.url === '' ? 0 : Number(new URL(this.url).port));
    const given = this.environment();
    this.url = `http://${given['ARGOSY_LISTEN_ADDRESS'] ?? '127.0.0.1'}:${port}`;
    const log = openSync(join(this.folder, 'controller.log'), 'a');
    const environment = {
      ...process.env,
      ...given,
      ARGOSY_PORT: String(port),
      ARGOSY_STATE_FOLDER: this.folder,
    };
    this.child = spawn(process.execPath, ['--enable-source-maps', controllerProgram], {
      detached: true,
      env: environment,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.child.unref();
    const name = nameProcess(this.pid);
    if (name) writeJson(join(this.folder, 'process.json'), name);
    await waitFor(
      `${this.name} answers`,
      async () => {
        if (!name || !isRunning(name)) throw new Error(`${this.name} ended at once: ${this.log()}`);
        return fetch(`${this.url}/api/v1/lab`).then(
          () => true,
          () => false,
        );
      },
      { seen: () => this.log() },
    );
  }

  async kill(): Promise<void> {
    const name = nameProcess(this.pid);
    signal(this.pid, 'SIGKILL');
    await waitFor(`${this.name} ends`, () => name === undefined || !isRunning(name));
  }

  log(): string {
    return readFileSync(join(this.folder, 'controller.log'), 'utf8').slice(-3000);
  }
}

/** Redis or PostgreSQL, on a port that it keeps. */
export class LabServer {
  url = '';
  pid = 0;

  constructor(private readonly startServer: () => Promise<{ url: string; pid: number }>) {}

  async start(): Promise<void> {
    const before = this.url;
    ({ url: this.url, pid: this.pid } = await this.startServer());
    if (before !== '' && before !== this.url) throw new Error(`the server moved from ${before} to ${this.url}`);
  }

  /** As a loss of power: nothing is flushed, no connection is closed in order. */
  async kill(): Promise<void> {
    const name = nameProcess(this.pid);
    signal(this.pid, 'SIGKILL');
    await waitFor('the server ends', () => name === undefined || !isRunning(name));
  }
}
