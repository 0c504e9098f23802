import { fork } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TestServer {
  readonly url: string;
  /** As a loss of power: nothing is flushed, no connection is closed in order. */
  kill(): void;
  pid(): number;
  pause(): void;
  resume(): void;
  restart(): Promise<void>;
}

/** PostgreSQL's processes that serve connections would live on for a moment, and take what is then lost. */
function killWhole(pid: number): void {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  for (const each of [pid, ...children])
    try {
      process.kill(each, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
}

/** The servers of one test file. */
export class TestServers {
  private readonly process = fork(join(__dirname, 'servers-process.mjs'), { stdio: 'inherit', execArgv: [] });
  private readonly waiting = new Map<number, (answer: { value?: unknown; error?: string }) => void>();
  private lastId = 0;

  constructor() {
    this.process.on('message', (answer: { id: number; value?: unknown; error?: string }) =>
      this.waiting.get(answer.id)?.(answer),
    );
  }

  private ask<Value>(request: string, options: object = {}): Promise<Value> {
    const id = (this.lastId += 1);
    return new Promise((resolve, reject) => {
      this.waiting.set(id, ({ value, error }) =>
        error === undefined ? resolve(value as Value) : reject(new Error(error)),
      );
      this.process.send({ id, request, options });
    });
  }

  /** Migrated. `durable`: what it acknowledged survives a kill of the machine, and a commit takes as long as it really does. */
  async postgres(options: { readonly durable?: boolean } = {}): Promise<TestServer> {
    const server = await this.start('postgres', { durable: options.durable ?? false });
    await this.migrate(server.url);
    return server;
  }

  redis(): Promise<TestServer> {
    return this.start('redis', {});
  }

  migrate(url: string): Promise<readonly string[]> {
    return this.ask('migrate', { url });
  }

  async stop(): Promise<void> {
    await this.ask('stop');
    this.process.disconnect();
  }

  private async start(kind: 'postgres' | 'redis', options: object): Promise<TestServer> {
    const folder = mkdtempSync(join(tmpdir(), `argosy-${kind}-`));
    const start = () => this.ask<{ url: string; pid: number }>(kind, { folder, ...options });
    let server = await start();
    const signal = (name: NodeJS.Signals) => () => void process.kill(server.pid, name);
    return {
      url: server.url,
      kill: () => killWhole(server.pid),
      pid: () => server.pid,
      pause: signal('SIGSTOP'),
      resume: signal('SIGCONT'),
      restart: async () => {
        server = await start();
      },
    };
  }
}
