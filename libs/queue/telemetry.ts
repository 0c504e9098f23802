import { telemetryMessageSchema, type ControllerHeartbeat, type TelemetryMessage } from '@argosy/contracts/telemetry';
import type { HostReport } from '@argosy/domain/host-report';
import { accepted, refused, type Result } from '@argosy/domain/refusal';
import type { Redis } from 'ioredis';
import { openAsking, openListening, whenReady, type RedisOptions } from './redis';

export interface TelemetryOptions extends RedisOptions {
  /** Fleets that share one Redis have a channel each. */
  readonly channel?: string;
}

const defaultChannel = 'argosy.telemetry';

/** What agents and controllers say. Nothing is kept: what was not heard is said again a second later. */
export class TelemetrySpeaker {
  private readonly redis: Redis;
  private readonly channel: string;

  constructor(options: TelemetryOptions) {
    this.redis = openAsking(options);
    this.channel = options.channel ?? defaultChannel;
  }

  ready(durationMs: number): Promise<boolean> {
    return whenReady(this.redis, durationMs);
  }

  /** The reports of all hosts for which this process stands, in one message. */
  sayReports(reports: readonly HostReport[]): Promise<Result<null>> {
    return this.say({ kind: 'host-reports', reports });
  }

  sayHeartbeat(heartbeat: Omit<ControllerHeartbeat, 'kind'>): Promise<Result<null>> {
    return this.say({ kind: 'controller-heartbeat', ...heartbeat });
  }

  close(): void {
    this.redis.disconnect();
  }

  private async say(message: object): Promise<Result<null>> {
    try {
      await this.redis.publish(this.channel, JSON.stringify(message));
      return accepted(null);
    } catch (error) {
      return refused(
        'queue-unavailable',
        `nothing can be said over Redis: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
}

export interface TelemetryListener {
  readonly onReport: (report: HostReport) => void;
  /** Of every controller, also this one's own. */
  readonly onHeartbeat: (heartbeat: ControllerHeartbeat) => void;
}

/** Hears reports and heartbeats, and finds its way back by itself when Redis was away. */
export function listenToTelemetry(
  options: TelemetryOptions,
  listener: TelemetryListener,
): { ready(durationMs: number): Promise<boolean>; close(): void } {
  const onProblem = options.onProblem ?? (() => {});
  const redis = openListening(options);
  const subscribed = redis.subscribe(options.channel ?? defaultChannel);
  subscribed.catch(onProblem);
  redis.on('message', (_channel: string, text: string) => {
    const message = parse(text, onProblem);
    if (message?.kind === 'controller-heartbeat') listener.onHeartbeat(message);
    else for (const report of message?.reports ?? []) listener.onReport(report);
  });
  return {
    ready: (durationMs) =>
      Promise.race([
        subscribed.then(() => true).catch(() => false),
        new Promise<boolean>((resolve) => setTimeout(() => resolve(false), durationMs).unref()),
      ]),
    close: () => redis.disconnect(),
  };
}

function parse(text: string, onProblem: (problem: Error) => void): TelemetryMessage | null {
  try {
    const parsed = telemetryMessageSchema.safeParse(JSON.parse(text));
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    onProblem(new Error(`a message breaks the contract of telemetry: ${issue?.path.join('.')}: ${issue?.message}`));
  } catch {
    onProblem(new Error('a message on the channel of telemetry is not JSON'));
  }
  return null;
}
