import type { FleetClock } from '@argosy/domain/fleet-clock';
import { z } from 'zod';

const answerDeadlineMs = 2_000;
const everyMs = 60_000;
const healthSchema = z.object({ at: z.number() });

/** The machine's time, as it was when the process began and has gone on since, whatever its clock was set to meanwhile. */
export function ownClock(): number {
  return Math.round(performance.timeOrigin + performance.now());
}

/** Keeps the clock right by what controllers say, as long as one answers; a host that sleeps and wakes is wrong by hours. */
export function followFleetTime(clock: FleetClock, urls: readonly string[]): { stop(): void } {
  const hear = async (url: string): Promise<boolean> => {
    const askedAt = clock.ask();
    const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(answerDeadlineMs) });
    const health = healthSchema.safeParse(await response.json());
    if (health.success) clock.hear(askedAt, health.data.at);
    return health.success;
  };
  const ask = async (): Promise<void> => {
    for (const url of urls) if (await hear(url).catch(() => false)) return;
  };
  const timer = setInterval(() => void ask(), everyMs);
  return { stop: () => clearInterval(timer) };
}
