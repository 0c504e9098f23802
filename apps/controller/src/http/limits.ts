import type { HttpLimits } from './ports';

export const defaultHttpLimits: HttpLimits = {
  bodyBytes: 512 * 1024,
  requestsPerSecond: 500,
  requestBurst: 2000,
  connections: 10_000,
  failedLoginsPerSecond: 10,
  failedLoginBurst: 100,
  requestDeadlineMs: 20_000,
  streams: 100,
  streamsPerUser: 20,
  streamBacklogBytes: 6 * 1024 * 1024,
  streamHeartbeatMs: 15_000,
  streamHistoryMessages: 10_000,
  streamHistoryBytes: 4 * 1024 * 1024,
};

interface Bucket {
  tokens: number;
  filledAt: number;
}

const maximumBuckets = 10_000;

/** A token bucket for each key. What was not asked for longest is forgotten first, so that keys cannot fill the memory. */
export class RateLimiter {
  private readonly buckets = new Map<string, Bucket>();

  constructor(
    private readonly perSecond: number,
    private readonly burst: number,
    private readonly now: () => number,
  ) {}

  /** 0: taken. Otherwise nothing was taken, and in so many milliseconds there will be one. */
  take(key: string): number {
    const bucket = this.refill(key);
    if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) / this.perSecond) * 1000);
    bucket.tokens -= 1;
    return 0;
  }

  isEmpty(key: string): boolean {
    return this.buckets.has(key) && this.refill(key).tokens < 1;
  }

  private refill(key: string): Bucket {
    const now = this.now();
    const bucket = this.buckets.get(key) ?? { tokens: this.burst, filledAt: now };
    const elapsedMs = Math.max(0, now - bucket.filledAt);
    bucket.tokens = Math.min(this.burst, bucket.tokens + (elapsedMs / 1000) * this.perSecond);
    bucket.filledAt = now;
    this.buckets.delete(key);
    this.buckets.set(key, bucket);
    if (this.buckets.size > maximumBuckets) this.buckets.delete(this.buckets.keys().next().value as string);
    return bucket;
  }
}
