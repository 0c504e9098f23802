import { sign } from '@argosy/contracts/host-key';
import type { SignedCommand } from '@argosy/contracts/jobs';
import type { HostCommand } from '@argosy/domain/host-command';
import { type Job, Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LabHost } from './host';
import type { Fleet } from './lab';

const commandJob = 'host.command';

export function commandOf({ text }: SignedCommand): HostCommand {
  return JSON.parse(text) as HostCommand;
}

/** As a controller would sign it; the host's agent keeps its key. */
export function signedFor({ stateFolder }: LabHost, command: HostCommand): SignedCommand {
  const { key } = JSON.parse(readFileSync(join(stateFolder, 'peer.json'), 'utf8')) as { key: string };
  const text = JSON.stringify(command);
  return { text, signature: sign(key, 'command', text) };
}

/** What can happen to jobs in a Redis that everybody shares. */
export class JobMischief {
  private readonly redis: Redis;

  constructor(private readonly fleet: Fleet) {
    this.redis = new Redis(fleet.redis.url, { maxRetriesPerRequest: null });
  }

  async close(): Promise<void> {
    await this.redis.quit();
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

  /** The jobs of a queue, done or not. */
  jobs(queue: string): Promise<Job<SignedCommand>[]> {
    return this.using(queue, (opened) => opened.getJobs(['waiting', 'active', 'completed', 'delayed']));
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
