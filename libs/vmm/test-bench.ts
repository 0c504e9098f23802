import { GuestLineSplitter, parseGuestLine } from '@argosy/domain/guest-console';
import type { GuestLine } from '@argosy/domain/guest-console';
import type { GuestSpecification } from '@argosy/domain/guest-specification';
import type { Refusal, Result } from '@argosy/domain/refusal';
import type { Instant } from '@argosy/domain/units';
import type {
  VmmCommand,
  VmmDriver,
  VmmEvent,
  VmmInstance,
  VmmState,
  VmmValue,
} from '@argosy/control/ports/vmm-driver';

/** Two hosts over one datastore, with the measuring guest of guests/ (or a model of it) to run. */
export interface TestBench {
  driver(host: BenchHost): VmmDriver;
  /** Drops that host's driver without a word, as the death of its agent does, and makes a new one in its place. */
  restartAgent(host: BenchHost): VmmDriver;
  /** The end of a VMM from outside, as by SIGKILL. */
  killVmm(host: BenchHost, instance: VmmInstance): void;
  /** It lives but does nothing any more, as by SIGSTOP. */
  freezeVmm(host: BenchHost, instance: VmmInstance): void;
  /** Another guest at each call, with its disk on the shared datastore. */
  guest(wishes?: { readonly memoryMiB?: number; readonly cpuLimitMillicores?: number }): GuestSpecification;
  now(): Instant;
  /** Lets that much time pass: a virtual clock is moved on, a real one waited for. */
  wait(durationMs: number): Promise<void>;
  /** Ends every VMM and takes everything away. */
  dispose(): Promise<void>;
}
export type BenchHost = 'h1' | 'h2';

const patienceMs = 10_000;
const lookEveryMs = 2;

/** One host's driver, with its calls as promises and its events kept: for the suite, and for a driver's own tests. */
export class HostUnderTest {
  readonly events: VmmEvent[] = [];
  readonly lines: GuestLine[] = [];
  private readonly splitters = new Map<string, GuestLineSplitter>();
  private readonly watchers = new Set<() => void>();

  constructor(
    private readonly bench: TestBench,
    private readonly host: BenchHost,
  ) {
    this.attach(bench.driver(host));
  }

  restartAgent(): void {
    this.attach(this.bench.restartAgent(this.host));
  }

  async ask<Command extends VmmCommand>(command: Command): Promise<Result<VmmValue<Command>>> {
    const driver = this.bench.driver(this.host);
    const answers: Result<VmmValue<Command>>[] = [];
    driver.execute(command, (result) => answers.push(result));
    await this.until(() => answers.length > 0, `the end of ${command.call} on ${this.host}`);
    return answers[0] as Result<VmmValue<Command>>;
  }

  /** The value, or the refusal as an error. */
  async must<Command extends VmmCommand>(command: Command): Promise<VmmValue<Command>> {
    const result = await this.ask(command);
    if (result.ok) return result.value;
    throw new Error(`${command.call} was refused: ${result.refusal.code}: ${result.refusal.message}`);
  }

  async refusal(command: VmmCommand): Promise<Refusal> {
    const result = await this.ask(command);
    if (result.ok) throw new Error(`${command.call} was not refused`);
    return result.refusal;
  }

  async stateOf(instance: VmmInstance): Promise<VmmState | 'gone'> {
    const listed = await this.must({ call: 'list' });
    return listed.find((one) => isSame(one.instance, instance))?.state ?? 'gone';
  }

  /** The first event of that kind about that instance, past or future. */
  async event<Kind extends VmmEvent['kind']>(
    kind: Kind,
    instance: VmmInstance,
    since = 0,
  ): Promise<Extract<VmmEvent, { kind: Kind }>> {
    const find = () => this.events.slice(since).find((one) => one.kind === kind && isSame(one.instance, instance));
    await this.until(() => find() !== undefined, `${kind} of ${instance.guestId} on ${this.host}`);
    return find() as Extract<VmmEvent, { kind: Kind }>;
  }

  async relocationProgress(copyPath: string): Promise<Extract<VmmEvent, { kind: 'relocation-progress' }>> {
    const find = () =>
      this.events.flatMap((one) => (one.kind === 'relocation-progress' && one.copyPath === copyPath ? [one] : []))[0];
    await this.until(() => find() !== undefined, `how far ${copyPath} has come`);
    return find()!;
  }

  async line<Kind extends GuestLine['kind']>(kind: Kind, since = 0): Promise<Extract<GuestLine, { kind: Kind }>> {
    const find = () => this.lines.slice(since).find((one) => one.kind === kind);
    await this.until(() => find() !== undefined, `the line ${kind} on ${this.host}`);
    return find() as Extract<GuestLine, { kind: Kind }>;
  }

  /** All that it has said on its console here. */
  said(instance: VmmInstance): string {
    return this.events
      .flatMap((one) => (one.kind === 'console' && isSame(one.instance, instance) ? [one.text] : []))
      .join('');
  }

  has(kind: VmmEvent['kind'], instance: VmmInstance): boolean {
    return this.events.some((one) => one.kind === kind && isSame(one.instance, instance));
  }

  heartbeats(instance: VmmInstance): number[] {
    return this.events.flatMap((one) =>
      one.kind === 'heartbeat' && isSame(one.instance, instance) ? [one.count] : [],
    );
  }

  async beats(instance: VmmInstance, howMany = 1): Promise<void> {
    const before = this.heartbeats(instance).length;
    await this.until(
      () => this.heartbeats(instance).length >= before + howMany,
      `a heartbeat of ${instance.guestId} on ${this.host}`,
    );
  }

  private attach(driver: VmmDriver): void {
    driver.listen((event) => {
      this.events.push(event);
      if (event.kind === 'console') this.hear(event.instance, event.text);
      for (const watcher of [...this.watchers]) watcher();
    });
  }

  private hear(instance: VmmInstance, text: string): void {
    const key = `${instance.guestId}:${instance.epoch}`;
    const splitter = this.splitters.get(key) ?? new GuestLineSplitter();
    this.splitters.set(key, splitter);
    for (const line of splitter.push(text)) {
      const said = parseGuestLine(line);
      if (said) this.lines.push(said);
    }
  }

  async until(holds: () => boolean, what: string): Promise<void> {
    const endsAt = this.bench.now() + patienceMs;
    while (!holds()) {
      if (this.bench.now() > endsAt)
        throw new Error(`waited ${patienceMs} ms in vain for ${what}; seen: ${this.seen()}`);
      await this.bench.wait(lookEveryMs);
    }
  }

  private seen(): string {
    const telling = this.events.filter(({ kind }) => kind !== 'console' && kind !== 'heartbeat');
    return telling.map((event) => JSON.stringify(event)).join('\n');
  }
}

export function isSame(one: VmmInstance | null, other: VmmInstance): boolean {
  return one?.guestId === other.guestId && one.epoch === other.epoch;
}
