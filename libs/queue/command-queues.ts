import { sign, type HostKey } from '@argosy/contracts/host-key';
import { jobs, type SignedCommand } from '@argosy/contracts/jobs';
import type { HostCommand } from '@argosy/domain/host-command';
import { accepted, refused, type Result } from '@argosy/domain/refusal';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { isAgentQueue } from './agent-queue';
import { commandTimeoutMs, openAsking, whenReady, within, type RedisOptions } from './redis';

const commandJob = 'host.command';
/** Of BullMQ's keys: `bull:<queue>:<what>`. */
const keyPrefix = 'bull:';
const queueOf = (key: string): string => key.slice(keyPrefix.length).split(':', 1)[0] ?? '';
/** A command may say what only its host is to know (a ticket, cloud-init data): done or failed, it is gone from Redis at once. */
const keptAfterwards = { removeOnComplete: true, removeOnFail: true };

/** Puts commands for hosts on the queues of their agents: one queue for each agent process. */
export class CommandQueues {
  private readonly redis: Redis;
  private readonly queues = new Map<string, Queue>();
  /** Those that are to go, and have not gone yet. */
  private readonly leaving = new Set<string>();
  /** The others are to go; null: they have gone. */
  private kept: Set<string> | null = null;
  private readonly onProblem: (problem: Error) => void;

  constructor(private readonly options: RedisOptions & { readonly keyOf: (hostId: string) => HostKey }) {
    this.onProblem = options.onProblem ?? (() => {});
    this.redis = openAsking(options);
    this.redis.on('ready', () => void this.removeLeaving().then(() => this.removeStrays()));
  }

  /** For the start of a process: whether Redis was reached in this time. Nothing has to wait for it. */
  ready(durationMs: number): Promise<boolean> {
    return whenReady(this.redis, durationMs);
  }

  /**
   * Refused (`queue-unavailable`) within two seconds when Redis is away. It may be there nevertheless, if only the answer
   * was lost: a command is a doorbell, and may ring twice. `attempt` makes a repeated ring another job, because a job
   * whose id waits is ignored.
   */
  async enqueue(queue: string, command: HostCommand, attempt = 1): Promise<Result<null>> {
    if (this.redis.status !== 'ready') return unavailable(queue, 'it is not connected to Redis');
    this.kept?.add(queue);
    const jobId = `${command.commandId}-${attempt}`.replaceAll(':', '-');
    const options = { jobId, attempts: jobs[commandJob].attempts, ...keptAfterwards };
    try {
      const text = JSON.stringify(command);
      const job: SignedCommand = { text, signature: sign(this.options.keyOf(command.hostId), 'command', text) };
      await within(this.queue(queue).add(commandJob, job, options), commandTimeoutMs);
      return accepted(null);
    } catch (error) {
      return unavailable(queue, error instanceof Error ? error.message : String(error));
    }
  }

  /** Those that nobody has taken yet: for the metrics. */
  async waiting(queue: string): Promise<number | null> {
    if (this.redis.status !== 'ready') return null;
    return within(this.queue(queue).getWaitingCount(), commandTimeoutMs).catch(() => null);
  }

  /**
   * Its agent has gone, or has another: orders that nobody takes may say what only their host was to know, and go with it. With
   * Redis away it is done when that is back. Value: when it was tried.
   */
  async forget(queue: string): Promise<void> {
    this.leaving.add(queue);
    await this.removeLeaving();
  }

  private async removeLeaving(): Promise<void> {
    for (const name of [...this.leaving]) {
      if (this.redis.status !== 'ready') return;
      const queue = this.queue(name);
      try {
        await within(queue.obliterate({ force: true }), commandTimeoutMs);
        this.leaving.delete(name);
        this.queues.delete(name);
        await within(queue.close(), commandTimeoutMs);
      } catch (error) {
        this.onProblem(error instanceof Error ? error : new Error(String(error)));
      }
    }
  }

  /**
   * As with `forget` of every other agent's queue, whoever has put something there: a leader that ended too early has not come to
   * it. An agent whose queue goes by mistake misses only what waits there, which it is told again.
   */
  async keepOnly(queues: readonly string[]): Promise<void> {
    this.kept = new Set(queues);
    await this.removeStrays();
  }

  private async removeStrays(): Promise<void> {
    const { kept } = this;
    if (!kept || this.redis.status !== 'ready') return;
    try {
      // Key by key and not by BullMQ, which would pause the queue first and might leave it so.
      for (let cursor = ''; cursor !== '0';) {
        const [next, keys] = await this.redis.scan(cursor || '0', 'MATCH', `${keyPrefix}agent-*`, 'COUNT', 1_000);
        cursor = next;
        const strays = keys.filter((key) => isAgentQueue(queueOf(key)) && !kept.has(queueOf(key)));
        if (strays.length > 0) await this.redis.unlink(strays);
      }
      if (this.kept === kept) this.kept = null;
    } catch (error) {
      this.onProblem(error instanceof Error ? error : new Error(String(error)));
    }
  }

  async close(): Promise<void> {
    for (const queue of this.queues.values()) await within(queue.close(), commandTimeoutMs).catch(this.onProblem);
    this.redis.disconnect();
  }

  private queue(name: string): Queue {
    const known = this.queues.get(name);
    if (known) return known;
    const queue = new Queue(name, { connection: this.redis, skipVersionCheck: true });
    queue.on('error', this.onProblem);
    this.queues.set(name, queue);
    return queue;
  }
}

function unavailable(queue: string, reason: string): Result<null> {
  return refused('queue-unavailable', `the command could not be put on queue ${queue}: ${reason}`, { queue });
}
