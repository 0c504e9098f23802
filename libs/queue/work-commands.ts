import { isSigned, type HostKey } from '@argosy/contracts/host-key';
import { hostCommandSchema, jobs, type JobName } from '@argosy/contracts/jobs';
import type { HostCommand } from '@argosy/domain/host-command';
import { UnrecoverableError, Worker, type Job } from 'bullmq';
import type { z } from 'zod';
import { commandTimeoutMs, openListening, within, type RedisOptions } from './redis';

export interface WorkOptions extends RedisOptions {
  readonly queue: string;
  /** Of each host that the process stands for; null: it does not. What is signed with no such key is nobody's command. */
  readonly keyOf: (hostId: string) => HostKey | null;
  /** Ends when the command is journalled. A job whose worker dies before that is delivered again. */
  readonly handler: (command: HostCommand) => Promise<void>;
  /** How many commands at a time; the order of one guest's commands is the handler's concern. */
  readonly concurrency?: number;
}

export interface CommandWorker {
  /** Finishes what it has begun, takes nothing new. */
  close(): Promise<void>;
}

/** The same for every worker: a job whose worker was killed is delivered again after at most about eight seconds. */
export const lockTimes = { lockDuration: 5000, stalledInterval: 2000 };

export function workCommands({ queue, keyOf, handler, concurrency = 50, ...redisOptions }: WorkOptions): CommandWorker {
  const onProblem = redisOptions.onProblem ?? (() => {});
  const redis = openListening(redisOptions);
  const worker = new Worker(queue, async (job) => handler(commandOf(job, keyOf)), {
    connection: redis,
    concurrency,
    ...lockTimes,
    // Each delivery may kill its worker; a job that is too old is refused by the agent itself.
    maxStalledCount: 5,
    skipVersionCheck: true,
  });
  worker.on('error', onProblem);
  worker.on('failed', (_job, error) => onProblem(error));
  return {
    close: async () => {
      await within(worker.close(), commandTimeoutMs).catch(() => worker.close(true).catch(onProblem));
      redis.disconnect();
    },
  };
}

/** A payload that breaks the contract fails at once and for good: trying it again would not mend it. */
export function commandOf(job: Pick<Job, 'id' | 'name' | 'data'>, keyOf: WorkOptions['keyOf']): HostCommand {
  const contract = Object.hasOwn(jobs, job.name) ? jobs[job.name as JobName] : undefined;
  if (!contract) throw new UnrecoverableError(`job ${job.id} has the unknown name "${job.name}"`);
  const { text, signature } = checked(contract.payload.safeParse(job.data), job);
  const command = parsed(text);
  const key = keyOf(String(command?.['hostId']));
  if (key === null || !isSigned(key, 'command', text, signature))
    throw new UnrecoverableError(`job ${job.id} is not signed with the key of this host, and is no command`);
  return checked(hostCommandSchema.safeParse(command), job);
}

/** Not believed yet: it names the host whose key it is to be signed with. */
function parsed(text: string): Readonly<Record<string, unknown>> | null {
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>> | null;
  } catch {
    return null;
  }
}

function checked<Value>(parsed: z.ZodSafeParseResult<Value>, job: Pick<Job, 'id' | 'name'>): Value {
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the payload'}: ${message}`);
  throw new UnrecoverableError(`job ${job.id} breaks the contract of ${job.name}: ${faults.join('; ')}`);
}
