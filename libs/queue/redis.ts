import { Redis } from 'ioredis';
import { redisAddressShapes, redisConnection } from './redis-address';

export interface RedisOptions {
  /** As `redisConnection` has it. */
  readonly url: string;
  /** Told of every trouble with the connection, which mends itself. */
  readonly onProblem?: (problem: Error) => void;
}

const connectTimeoutMs = 2000;
const probeIntervalMs = 2000;
/** A command that has no answer by then has failed, as far as whoever asked is concerned. */
export const commandTimeoutMs = 2000;

const retryStrategy = (attempt: number) => Math.min(50 * attempt, 1000);

/** For what asks: fails at once while Redis is away, and keeps nothing in memory for later. */
export function openAsking({ url, onProblem = () => {} }: RedisOptions): Redis {
  const redis = connectionTo(url, {
    commandTimeout: commandTimeoutMs,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
  });
  return watched(redis, onProblem);
}

/** For what listens: waits for Redis as long as it takes. */
export function openListening({ url, onProblem = () => {} }: RedisOptions): Redis {
  const redis = connectionTo(url, { maxRetriesPerRequest: null });
  // Each worker on it listens for its events.
  redis.setMaxListeners(0);
  return watched(redis, onProblem);
}

interface ConnectionWishes {
  readonly commandTimeout?: number;
  readonly enableOfflineQueue?: boolean;
  readonly maxRetriesPerRequest: number | null;
}

function connectionTo(url: string, wishes: ConnectionWishes): Redis {
  const given = redisConnection(url);
  if (given === null) throw new Error(`the address of Redis ${redisAddressShapes}`);
  const options = {
    retryStrategy,
    sentinelRetryStrategy: retryStrategy,
    connectTimeout: connectTimeoutMs,
    // A master that has become a replica takes no writes: its successor is asked for.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
    ...wishes,
  };
  return 'url' in given ? new Redis(given.url, options) : new Redis({ ...given, ...options });
}

/**
 * A peer that vanished without a word (a cut cable, a stopped process) closes no connection, so each is asked now and
 * then whether it still answers, and is made anew if not.
 */
function watched(redis: Redis, onProblem: (problem: Error) => void): Redis {
  redis.on('error', onProblem);
  const probe = setInterval(() => {
    if (redis.status !== 'ready') return;
    within(redis.ping(), commandTimeoutMs).catch((problem: Error) => {
      if (redis.status !== 'ready') return;
      onProblem(problem);
      redis.disconnect(true);
    });
  }, probeIntervalMs);
  probe.unref();
  redis.on('end', () => clearInterval(probe));
  return redis;
}

/** Rejects when the promise has not settled in time; what it becomes later is nobody's concern. */
export async function within<Value>(promise: Promise<Value>, durationMs: number): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Redis did not answer within ${durationMs} ms`)), durationMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
    promise.catch(() => {});
  }
}

export function whenReady(redis: Redis, durationMs: number): Promise<boolean> {
  if (redis.status === 'ready') return Promise.resolve(true);
  return new Promise((resolve) => {
    const finish = (ready: boolean) => {
      clearTimeout(timer);
      redis.off('ready', onReady);
      resolve(ready);
    };
    const onReady = () => finish(true);
    const timer = setTimeout(() => finish(false), durationMs);
    redis.on('ready', onReady);
  });
}
