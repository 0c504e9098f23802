import { hostKeyOf, isSigned, sign, type HostKey } from '@argosy/contracts/host-key';
import {
  controllerHeartbeatSchema,
  heartbeatText,
  hostReportSchema,
  telemetryMessageSchema,
  type ControllerHeartbeat,
  type TelemetryMessage,
} from '@argosy/contracts/telemetry';
import type { HostHeartbeat, HostReport } from '@argosy/domain/host-report';
import { accepted, refused, type Result } from '@argosy/domain/refusal';
import type { Redis } from 'ioredis';
import type { z } from 'zod';
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

  sayReport(report: HostReport, key: HostKey): Promise<Result<null>> {
    const text = JSON.stringify(report);
    return this.say({ kind: 'host-report', hostId: report.hostId, text, signature: sign(key, 'report', text) });
  }

  /** Of the hosts that one process stands for, in one message. */
  sayHeartbeats(
    heartbeats: readonly HostHeartbeat[],
    keyOf: (hostId: string) => HostKey | null,
  ): Promise<Result<null>> {
    const signed = heartbeats.map((heartbeat) => ({
      ...heartbeat,
      signature: sign(keyOf(heartbeat.hostId) ?? '', 'host-heartbeat', heartbeatText(heartbeat)),
    }));
    return this.say({ kind: 'host-heartbeats', heartbeats: signed });
  }

  sayHeartbeat(heartbeat: ControllerHeartbeat, fleetSecret: string): Promise<Result<null>> {
    const text = JSON.stringify(heartbeat);
    return this.say({ kind: 'controller-heartbeat', text, signature: sign(fleetSecret, 'heartbeat', text) });
  }

  close(): void {
    this.redis.disconnect();
  }

  private async say(message: TelemetryMessage): Promise<Result<null>> {
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
  /** What the keys of all hosts are made of. */
  readonly fleetSecret: string;
  readonly onReport: (report: HostReport) => void;
  readonly onHeartbeats: (heartbeats: readonly HostHeartbeat[]) => void;
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
  const keyOf = rememberedKeys(listener.fleetSecret);
  const subscribed = redis.subscribe(options.channel ?? defaultChannel);
  subscribed.catch(onProblem);
  redis.on('message', (_channel: string, text: string) => {
    try {
      hearMessage(text, listener, keyOf);
    } catch (error) {
      if (!(error instanceof Unheard)) throw error;
      onProblem(error);
    }
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

/** What is no message, or is nobody's whom it names: it is said to be none, and means nothing. */
export class Unheard extends Error {}

type KeyOf = (hostId: string) => HostKey;

const rememberedHosts = 20_000;

/** Made once for each host, rather than for each of its messages. Whoever makes names up cannot fill the memory. */
function rememberedKeys(fleetSecret: string): KeyOf {
  const keys = new Map<string, HostKey>();
  return (hostId) => {
    const known = keys.get(hostId);
    if (known !== undefined) return known;
    if (keys.size >= rememberedHosts) keys.clear();
    const key = hostKeyOf(fleetSecret, hostId);
    keys.set(hostId, key);
    return key;
  };
}

export function hearMessage(text: string, listener: TelemetryListener, keyOf: KeyOf): void {
  const message = read(telemetryMessageSchema, text);
  if (message.kind === 'host-heartbeats') return hearHeartbeats(message.heartbeats, listener, keyOf);
  if (message.kind === 'controller-heartbeat') {
    if (!isSigned(listener.fleetSecret, 'heartbeat', message.text, message.signature))
      throw new Unheard('a heartbeat is signed by no controller of this fleet');
    return listener.onHeartbeat(read(controllerHeartbeatSchema, message.text));
  }
  if (!isSigned(keyOf(message.hostId), 'report', message.text, message.signature))
    throw new Unheard(`a report of host ${JSON.stringify(message.hostId.slice(0, 50))} is not signed with its key`);
  const report = read(hostReportSchema, message.text);
  if (report.hostId !== message.hostId)
    throw new Unheard(`a report of host ${message.hostId} says that it is of another`);
  listener.onReport(report);
}

type SignedHeartbeats = Extract<TelemetryMessage, { kind: 'host-heartbeats' }>['heartbeats'];

/** Each stands for itself: one that is nobody's does not silence the others. */
function hearHeartbeats(heartbeats: SignedHeartbeats, listener: TelemetryListener, keyOf: KeyOf): void {
  const isOwn = (each: SignedHeartbeats[number]): boolean =>
    isSigned(keyOf(each.hostId), 'host-heartbeat', heartbeatText(each), each.signature);
  const own = heartbeats.filter(isOwn);
  if (own.length > 0) listener.onHeartbeats(own);
  const stranger = own.length < heartbeats.length ? heartbeats.find((each) => !isOwn(each)) : undefined;
  if (stranger)
    throw new Unheard(`a heartbeat of host ${JSON.stringify(stranger.hostId.slice(0, 50))} is not signed with its key`);
}

function read<Schema extends z.ZodType>(schema: Schema, text: string): z.output<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Unheard('a message on the channel of telemetry is not JSON');
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Unheard(`a message breaks the contract of telemetry: ${issue?.path.join('.')}: ${issue?.message}`);
}
