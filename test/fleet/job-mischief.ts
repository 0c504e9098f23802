import { sign } from '@argosy/contracts/host-key';
import type { SignedCommand } from '@argosy/contracts/jobs';
import type { HostCommand } from '@argosy/domain/host-command';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LabHost } from './host';
import type { Fleet } from './lab';

const commandJob = 'host.command';
const mostHeard = 200;

export function commandOf({ text }: SignedCommand): HostCommand {
  return JSON.parse(text) as HostCommand;
}

/** As a controller would sign it; the host's agent keeps its key. */
export function signedFor({ stateFolder }: LabHost, command: HostCommand): SignedCommand {
  const { key } = JSON.parse(readFileSync(join(stateFolder, 'peer.json'), 'utf8')) as { key: string };
  const text = JSON.stringify(command);
  return { text, signature: sign(key, 'command', text) };
}

/** Redis escapes what its monitor tells; the client takes back what stands before quotes, and no more. */
function signedCommandIn(word: string): SignedCommand | null {
  if (!word.startsWith('{"text":')) return null;
  return JSON.parse(word.replaceAll('\\\\', '\\')) as SignedCommand;
}

/** What can happen to jobs in a Redis that everybody shares. */
export class JobMischief {
  private readonly redis: Redis;
  /** Of each queue what was put on it since `listen`, as Redis itself tells: a job that is done is gone at once. */
  private readonly heard = new Map<string, SignedCommand[]>();
  private monitor: Redis | null = null;

  constructor(private readonly fleet: Fleet) {
    this.redis = new Redis(fleet.redis.url, { maxRetriesPerRequest: null });
  }

  async close(): Promise<void> {
    this.monitor?.disconnect();
    await this.redis.quit();
  }

  async listen(): Promise<void> {
    this.monitor = await this.redis.monitor();
    // It comes back by itself when Redis does.
    this.monitor.on('error', () => undefined);
    this.monitor.on('monitor', (_at: string, words: readonly string[]) => {
      const queue = words.map((word) => /^bull:(.+):meta$/.exec(word)?.[1]).find((name) => name !== undefined);
      const command = words.map(signedCommandIn).find((each) => each !== null);
      if (queue !== undefined && command)
        this.heard.set(queue, [...(this.heard.get(queue) ?? []), command].slice(-mostHeard));
    });
  }

  /** Everything is gone: queues, jobs, locks. */
  async empty(): Promise<void> {
    await this.redis.flushall();
  }

  async queueOf(hostName: string): Promise<string> {
    const { items } = await this.fleet.api.call('host.list');
    return items.find(({ name }) => name === hostName)!.queue;
  }

  private async using<Value>(queue: string, use: (queue: Queue) => Promise<Value>): Promise<Value> {
    const opened = new Queue(queue, { connection: this.redis, skipVersionCheck: true });
    try {
      return await use(opened);
    } finally {
      await opened.close();
    }
  }

  /** All that was put on a queue since `listen`, done or not. */
  jobs(queue: string): readonly SignedCommand[] {
    return this.heard.get(queue) ?? [];
  }

  async deliver(queue: string, command: SignedCommand, jobId: string): Promise<void> {
    await this.using(queue, (opened) => opened.add(commandJob, command, { jobId }));
  }

  /** Takes the next job as a worker would, and dies over it: its lock runs out, and it is delivered again. */
  async stallOne(queue: string): Promise<SignedCommand | undefined> {
    const worker = new Worker<SignedCommand>(queue, null, {
      connection: this.redis,
      lockDuration: 1000,
      autorun: false,
      skipVersionCheck: true,
    });
    worker.on('error', () => undefined);
    try {
      return (await worker.getNextJob('a worker that died', { block: false }))?.data;
    } finally {
      await worker.close(true);
    }
  }
}
