import type { Told } from '@argosy/control/telling';
import type { HostHeartbeat } from '@argosy/domain/host-report';
import type { HostCommand } from '@argosy/domain/host-command';
import type { Result } from '@argosy/domain/refusal';
import type { HostKey } from '@argosy/contracts/host-key';
import { TelemetrySpeaker } from '@argosy/queue/telemetry';
import { type CommandWorker, workCommands } from '@argosy/queue/work-commands';

/** Heartbeats that are due within this go out as one message. */
const flushMs = 200;

export interface OutsideParts {
  readonly queue: string;
  readonly catchUp: () => void;
  readonly onProblem: (problem: Error) => void;
}

/**
 * Redis as all hosts of this process share it: one connection that speaks, one that waits for orders, one queue. What is said
 * is each host's own, signed with its key, and so is what is heard.
 */
export class Outside {
  private readonly keys = new Map<string, HostKey>();
  private readonly workers = new Map<string, (command: HostCommand) => void>();
  private heartbeats: HostHeartbeat[] = [];
  private speaker: TelemetrySpeaker | null = null;
  private worker: CommandWorker | null = null;
  private timer: NodeJS.Timeout | null = null;
  private up = false;

  constructor(private readonly parts: OutsideParts) {}

  /** With the first host that is registered: from then on the address of Redis is known. */
  open(redisUrl: string): void {
    if (this.speaker) return;
    const { queue, onProblem, catchUp } = this.parts;
    const redis = { url: redisUrl, onProblem };
    this.speaker = new TelemetrySpeaker(redis);
    this.worker = workCommands({
      ...redis,
      queue,
      concurrency: 200,
      keyOf: (hostId) => this.keys.get(hostId) ?? null,
      handler: async (command) => {
        catchUp();
        this.workers.get(command.hostId)?.(command);
      },
    });
    this.timer = setInterval(() => this.flush(), flushMs);
  }

  async close(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    this.speaker?.close();
    await this.worker?.close();
  }

  /** Redis took what was said last. */
  get isUp(): boolean {
    return this.up;
  }

  learnKey(hostId: string, key: HostKey): void {
    this.keys.set(hostId, key);
  }

  keyOf(hostId: string): HostKey | null {
    return this.keys.get(hostId) ?? null;
  }

  /** As one host has it. `hostId` is not known before it is registered, and it takes no orders before. */
  busOf(hostId: () => string): {
    isUp(): boolean;
    work(queue: string, worker: (command: HostCommand) => void): void;
    stopWork(queue: string): void;
    publish(told: Told): void;
  } {
    return {
      isUp: () => this.up,
      work: (_queue, worker) => void this.workers.set(hostId(), worker),
      stopWork: () => void this.workers.delete(hostId()),
      publish: (told) => this.publish(told),
    };
  }

  private publish(told: Told): void {
    if (told.kind === 'heartbeat') return void this.heartbeats.push(told.heartbeat);
    const key = this.keys.get(told.report.hostId);
    if (key !== undefined) void this.speaker?.sayReport(told.report, key).then((said) => this.hear(said));
  }

  private flush(): void {
    if (this.heartbeats.length === 0) return;
    const heartbeats = this.heartbeats;
    this.heartbeats = [];
    void this.speaker?.sayHeartbeats(heartbeats, (hostId) => this.keyOf(hostId)).then((said) => this.hear(said));
  }

  private hear(said: Result<null>): void {
    this.up = said.ok;
  }
}

/** So many hosts register at a time: a controller takes a crowd best in groups. */
const registeringAtOnce = 24;

/** Lets so many run at a time, in the order of their asking. */
export class Gate {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  async pass<Value>(work: () => Promise<Value>): Promise<Value> {
    if (this.running >= registeringAtOnce) await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.running++;
    try {
      return await work();
    } finally {
      this.running--;
      this.waiting.shift()?.();
    }
  }
}
