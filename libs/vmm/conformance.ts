import type { MigrationPolicy } from '@argosy/domain/entities';
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

/** The claims of the suite: a driver that cannot keep one skips it, with the reason. */
export const claims = [
  'start',
  'stop',
  'pause',
  'crash',
  'adopt',
  'console',
  'usage',
  'dirty-rate',
  'limit',
  'image-lock',
  'refusals',
  'migrate',
  'post-copy',
  'cancel',
  'target-frozen',
  'target-dies',
  'source-dies',
  'adopt-migration',
] as const;
export type Claim = (typeof claims)[number];

const quickPolicy: MigrationPolicy = {
  autoConverge: false,
  postCopy: false,
  bandwidthMiBPerSecond: 1024,
  downtimeLimitMs: 10,
  copyDeadlineMs: 30_000,
  concurrentPerHost: 2,
};
/** With a guest that dirties more than this, a copy goes on until it is ended. */
const slowPolicy: MigrationPolicy = { ...quickPolicy, bandwidthMiBPerSecond: 8, downtimeLimitMs: 1 };
const dirtying = 'dirty 40 16 7\n';

const patienceMs = 10_000;
const lookEveryMs = 2;
const longestTestMs = 30_000;

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

  async line<Kind extends GuestLine['kind']>(kind: Kind, since = 0): Promise<Extract<GuestLine, { kind: Kind }>> {
    const find = () => this.lines.slice(since).find((one) => one.kind === kind);
    await this.until(() => find() !== undefined, `the line ${kind} on ${this.host}`);
    return find() as Extract<GuestLine, { kind: Kind }>;
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

  private async until(holds: () => boolean, what: string): Promise<void> {
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

function isSame(one: VmmInstance, other: VmmInstance): boolean {
  return one.guestId === other.guestId && one.epoch === other.epoch;
}

interface Hosts {
  readonly bench: TestBench;
  readonly h1: HostUnderTest;
  readonly h2: HostUnderTest;
}

/** A guest on h1 with its first heartbeat heard. */
async function running(
  { bench, h1 }: Hosts,
  wishes?: { memoryMiB?: number },
): Promise<{ guest: GuestSpecification; source: VmmInstance }> {
  const guest = bench.guest(wishes);
  await h1.must({ call: 'start', guest, epoch: 1 });
  const source = { guestId: guest.guestId, epoch: 1 };
  await h1.beats(source);
  return { guest, source };
}

interface Copy {
  readonly guest: GuestSpecification;
  readonly source: VmmInstance;
  readonly target: VmmInstance;
}

/** A copy from h1 to h2 that has begun. */
async function copying(hosts: Hosts, policy: MigrationPolicy, command?: string): Promise<Copy> {
  const { h1, h2 } = hosts;
  const { guest, source } = await running(hosts);
  if (command !== undefined) {
    await h1.must({ call: 'consoleWrite', instance: source, text: command });
    await h1.line('filled');
  }
  const { uri } = await h2.must({ call: 'prepareIncoming', guest, epoch: 2, policy });
  await h1.must({ call: 'migrateOut', instance: source, uri, policy });
  return { guest, source, target: { guestId: guest.guestId, epoch: 2 } };
}

/** A copy that is complete on both sides, with the guest running on neither. */
async function copied(hosts: Hosts, policy = quickPolicy, command?: string): Promise<Copy> {
  const copy = await copying(hosts, policy, command);
  await hosts.h1.event('migration-completed', copy.source);
  await hosts.h2.event('incoming-completed', copy.target);
  return copy;
}

/** A copy that will not end by itself. */
function endless(hosts: Hosts): Promise<Copy> {
  return copying(hosts, slowPolicy, dirtying);
}

async function workIn(
  host: HostUnderTest,
  bench: TestBench,
  instance: VmmInstance,
  durationMs: number,
): Promise<{ cpuMs: number; waitMs: number }> {
  const sample = async () => {
    const samples = await host.must({ call: 'usage' });
    const found = samples.find((one) => isSame(one.instance, instance));
    if (!found) throw new Error(`no usage of ${instance.guestId}`);
    return found;
  };
  const before = await sample();
  await bench.wait(durationMs);
  const after = await sample();
  return { cpuMs: after.cpuTimeMs - before.cpuTimeMs, waitMs: after.cpuWaitMs - before.cpuWaitMs };
}

/** Each count is one more than that before it: the guest's memory came along whole, and nothing ran twice. */
function expectUnbroken(counts: readonly number[]): void {
  expect(counts.length).toBeGreaterThan(1);
  counts.slice(1).forEach((count, index) => expect(count).toBe((counts[index] as number) + 1));
}

type TestTable = Partial<Record<Claim, { readonly says: string; readonly run: (hosts: Hosts) => Promise<void> }[]>>;

const lifeTests: TestTable = {
  start: [
    {
      says: 'a started guest runs and beats from its first heartbeat on',
      run: async (hosts) => {
        const { source } = await running(hosts);
        expect(await hosts.h1.stateOf(source)).toBe('running');
        await hosts.h1.beats(source, 2);
        expect(hosts.h1.heartbeats(source)[0]).toBe(1);
        expectUnbroken(hosts.h1.heartbeats(source));
      },
    },
    {
      says: 'its disk is made at the first start and is the same at the next',
      run: async (hosts) => {
        const { guest, source } = await running(hosts);
        const first = await hosts.h1.line('ready');
        await hosts.h1.must({ call: 'stop', instance: source, graceMs: 0 });
        const heard = hosts.h1.lines.length;
        await hosts.h1.must({ call: 'start', guest, epoch: 2 });
        const second = await hosts.h1.line('ready', heard);
        expect(second.boot).toBe(first.boot + 1);
      },
    },
  ],
  stop: [
    {
      says: 'a stop with grace lets the guest power off',
      run: async (hosts) => {
        const { source } = await running(hosts);
        await hosts.h1.must({ call: 'stop', instance: source, graceMs: 5000 });
        expect(await hosts.h1.event('exited', source)).toMatchObject({ how: 'stopped' });
        expect(await hosts.h1.stateOf(source)).toBe('gone');
      },
    },
    {
      says: 'a stop with no grace does not wait for the guest',
      run: async (hosts) => {
        const { source } = await running(hosts);
        await hosts.h1.must({ call: 'stop', instance: source, graceMs: 0 });
        expect(await hosts.h1.stateOf(source)).toBe('gone');
      },
    },
    {
      says: 'a VMM that does nothing any more is destroyed when its grace is over',
      run: async (hosts) => {
        const { source } = await running(hosts);
        hosts.bench.freezeVmm('h1', source);
        await hosts.h1.must({ call: 'stop', instance: source, graceMs: 200 });
        expect(await hosts.h1.stateOf(source)).toBe('gone');
      },
    },
    {
      says: 'destroying what is not there succeeds',
      run: async ({ h1 }) => {
        await h1.must({ call: 'stop', instance: { guestId: 'nobody', epoch: 1 }, graceMs: 0 });
      },
    },
    {
      says: 'a guest that powers off by itself has stopped in order',
      run: async (hosts) => {
        const { source } = await running(hosts);
        await hosts.h1.must({ call: 'consoleWrite', instance: source, text: 'off\n' });
        expect(await hosts.h1.event('exited', source)).toMatchObject({ how: 'stopped' });
      },
    },
  ],
  pause: [
    {
      says: 'a paused guest is silent, and goes on where it was',
      run: async (hosts) => {
        const { source } = await running(hosts);
        await hosts.h1.must({ call: 'pause', instance: source });
        expect(await hosts.h1.stateOf(source)).toBe('paused');
        // What was on its way when it was paused.
        await hosts.bench.wait(100);
        const beats = hosts.h1.heartbeats(source).length;
        await hosts.bench.wait(700);
        expect(hosts.h1.heartbeats(source)).toHaveLength(beats);
        await hosts.h1.must({ call: 'resume', instance: source });
        await hosts.h1.beats(source, 2);
        expectUnbroken(hosts.h1.heartbeats(source));
      },
    },
  ],
  crash: [
    {
      says: 'the death of a VMM is told',
      run: async (hosts) => {
        const { source } = await running(hosts);
        hosts.bench.killVmm('h1', source);
        expect(await hosts.h1.event('exited', source)).toMatchObject({ how: 'crashed' });
        expect(['gone', 'crashed']).toContain(await hosts.h1.stateOf(source));
      },
    },
    {
      says: 'a panic of the guest is a crash',
      run: async (hosts) => {
        const { source } = await running(hosts);
        await hosts.h1.must({ call: 'consoleWrite', instance: source, text: 'panic\n' });
        expect(await hosts.h1.event('exited', source)).toMatchObject({ how: 'crashed' });
      },
    },
    {
      says: 'a crashed guest starts again from its disk',
      run: async (hosts) => {
        const { guest, source } = await running(hosts);
        hosts.bench.killVmm('h1', source);
        await hosts.h1.event('exited', source);
        await hosts.h1.must({ call: 'start', guest, epoch: 2 });
        await hosts.h1.beats({ ...source, epoch: 2 });
        expect(hosts.h1.heartbeats({ ...source, epoch: 2 })[0]).toBe(1);
      },
    },
  ],
  adopt: [
    {
      says: 'a guest runs on when its agent dies, and the next agent has it again',
      run: async (hosts) => {
        const { source } = await running(hosts);
        hosts.h1.restartAgent();
        expect(await hosts.h1.stateOf(source)).toBe('running');
        const before = hosts.h1.heartbeats(source);
        await hosts.h1.beats(source, 2);
        expect(hosts.h1.heartbeats(source).at(-1)).toBeGreaterThan(before.at(-1) as number);
        await hosts.h1.must({ call: 'consoleWrite', instance: source, text: 'ping again\n' });
        expect(await hosts.h1.line('pong')).toMatchObject({ token: 'again' });
        await hosts.h1.must({ call: 'stop', instance: source, graceMs: 5000 });
      },
    },
    {
      says: 'a guest that died without an agent is not there, or has crashed',
      run: async (hosts) => {
        const { source } = await running(hosts);
        hosts.bench.driver('h1').detach();
        hosts.bench.killVmm('h1', source);
        await hosts.bench.wait(100);
        hosts.h1.restartAgent();
        expect(['gone', 'crashed']).toContain(await hosts.h1.stateOf(source));
      },
    },
  ],
};

const dirtyRateTest = {
  says: 'a guest that writes shows about how much, after a while',
  run: async (hosts: Hosts) => {
    const { h1, bench } = hosts;
    const { source } = await running(hosts);
    await h1.must({ call: 'consoleWrite', instance: source, text: 'dirty 10 16 7\n' });
    await h1.line('filled');
    let rate: number | null = null;
    for (let look = 0; look < 60 && rate === null; look++) {
      const [sample] = await h1.must({ call: 'usage' });
      rate = sample?.dirtyBytesPerSecond ?? null;
      await bench.wait(100);
    }
    expect(rate).toBeGreaterThan(2e6);
    expect(rate).toBeLessThan(20e6);
  },
};

const useTests: TestTable = {
  console: [
    {
      says: 'the console goes both ways, and its end is kept',
      run: async (hosts) => {
        const { source } = await running(hosts);
        await hosts.h1.must({ call: 'consoleWrite', instance: source, text: 'ping one, two\n' });
        expect(await hosts.h1.line('pong')).toMatchObject({ token: 'one, two' });
        const all = await hosts.h1.must({ call: 'consoleTail', instance: source, maximumBytes: 65536 });
        expect(all.text).toMatch(/^ready v1 [^]*pong one, two/);
        const tail = await hosts.h1.must({ call: 'consoleTail', instance: source, maximumBytes: 5 });
        expect(tail.text.length).toBeLessThanOrEqual(5);
      },
    },
  ],
  usage: [
    {
      says: 'a busy guest uses a processor, an idle one hardly any, and both have memory',
      run: async (hosts) => {
        const { source } = await running(hosts);
        const idle = await workIn(hosts.h1, hosts.bench, source, 500);
        expect(idle.cpuMs).toBeLessThan(100);
        await hosts.h1.must({ call: 'consoleWrite', instance: source, text: 'load 1000\n' });
        await hosts.bench.wait(100);
        const busy = await workIn(hosts.h1, hosts.bench, source, 500);
        // Used and waited for: on a busy test machine it does not get all that it asks for.
        expect(busy.cpuMs + busy.waitMs).toBeGreaterThan(350);
        expect(busy.cpuMs).toBeLessThan(700);
        const [sample] = await hosts.h1.must({ call: 'usage' });
        expect(sample?.residentMiB).toBeGreaterThan(1);
      },
    },
  ],
  'dirty-rate': [dirtyRateTest],
  limit: [
    {
      says: 'a limited guest uses no more than that and waits for the rest, and a lifted limit holds no more',
      run: async (hosts) => {
        const { source } = await running(hosts);
        await hosts.h1.must({ call: 'consoleWrite', instance: source, text: 'load 1000\n' });
        await hosts.h1.must({ call: 'limit', instance: source, cpuShares: 1000, cpuLimitMillicores: 300 });
        await hosts.bench.wait(200);
        const limited = await workIn(hosts.h1, hosts.bench, source, 1000);
        expect(limited.cpuMs).toBeLessThan(360);
        expect(limited.cpuMs).toBeGreaterThan(150);
        await hosts.h1.must({ call: 'limit', instance: source, cpuShares: 1000, cpuLimitMillicores: null });
        const free = await workIn(hosts.h1, hosts.bench, source, 1000);
        expect(free.cpuMs + free.waitMs).toBeGreaterThan(700);
      },
    },
  ],
  'image-lock': [
    {
      says: 'a second copy of a running guest is refused',
      run: async (hosts) => {
        const { guest } = await running(hosts);
        expect(await hosts.h2.refusal({ call: 'start', guest, epoch: 2 })).toMatchObject({ code: 'image-locked' });
        expect(await hosts.h2.must({ call: 'list' })).toEqual([]);
      },
    },
    {
      says: 'the source of a complete copy is refused its run while the target lives',
      run: async (hosts) => {
        const { source } = await copied(hosts);
        expect(await hosts.h1.refusal({ call: 'resume', instance: source })).toMatchObject({ code: 'image-locked' });
        expect(await hosts.h1.stateOf(source)).toBe('sent');
      },
    },
  ],
  refusals: [
    {
      says: 'the same instance is not started twice',
      run: async (hosts) => {
        const { guest } = await running(hosts);
        expect(await hosts.h1.refusal({ call: 'start', guest, epoch: 1 })).toMatchObject({ code: 'guest-exists' });
      },
    },
    {
      says: 'calls about an unknown guest are refused, each with its reason',
      run: async ({ h1 }) => {
        const instance = { guestId: 'nobody', epoch: 1 };
        for (const call of ['pause', 'resume', 'cancelMigration'] as const)
          expect(await h1.refusal({ call, instance })).toMatchObject({ code: 'guest-not-here' });
        expect(await h1.refusal({ call: 'consoleWrite', instance, text: 'ping\n' })).toMatchObject({
          code: 'guest-not-here',
        });
      },
    },
  ],
};

const migrationTests: TestTable = {
  migrate: [
    {
      says: 'a guest moves there and back, with its counter and its memory whole',
      run: async (hosts) => {
        const { h1, h2 } = hosts;
        const { guest, source, target } = await copied(hosts, quickPolicy, 'dirty 20 4 7\n');
        expect(await h2.stateOf(target)).toBe('received');
        expect(await h1.stateOf(source)).toBe('sent');
        await h2.must({ call: 'resume', instance: target });
        await h1.must({ call: 'stop', instance: source, graceMs: 0 });
        await h2.beats(target, 2);

        const { uri } = await h1.must({ call: 'prepareIncoming', guest, epoch: 3, policy: quickPolicy });
        await h2.must({ call: 'migrateOut', instance: target, uri, policy: quickPolicy });
        const back = { guestId: guest.guestId, epoch: 3 };
        await h2.event('migration-completed', target);
        await h1.event('incoming-completed', back);
        await h1.must({ call: 'resume', instance: back });
        await h2.must({ call: 'stop', instance: target, graceMs: 0 });
        await h1.beats(back, 2);
        // A line that the switch-over cut in two is lost on both sides: one count may be missing at each move.
        const counts = [...h1.heartbeats(source), ...h2.heartbeats(target), ...h1.heartbeats(back)];
        const gaps = counts.slice(1).map((count, index) => count - (counts[index] as number));
        expect(gaps.filter((gap) => gap !== 1).length).toBeLessThanOrEqual(2);
        expect(Math.min(...gaps)).toBe(1);
        expect(Math.max(...gaps)).toBeLessThanOrEqual(2);
      },
    },
    {
      says: 'a target never runs by itself',
      run: async (hosts) => {
        const { target } = await copied(hosts);
        await hosts.bench.wait(700);
        expect(await hosts.h2.stateOf(target)).toBe('received');
        expect(hosts.h2.heartbeats(target)).toEqual([]);
        expect(hosts.h2.has('resumed', target)).toBe(false);
      },
    },
    {
      says: 'its progress is told, and its end with a downtime at once or a little later',
      run: async (hosts) => {
        const { h1 } = hosts;
        const { source } = await copying(hosts, { ...quickPolicy, bandwidthMiBPerSecond: 40 }, 'fill 16 7\n');
        const { progress } = await h1.event('migration-progress', source);
        expect(progress.totalBytes).toBeGreaterThan(16 * 1024 * 1024);
        const { downtimeMs } = await h1.event('migration-completed', source);
        const measured = downtimeMs ?? (await h1.event('migration-measured', source)).downtimeMs;
        expect(measured).toBeGreaterThanOrEqual(0);
        expect(measured).toBeLessThan(2000);
      },
    },
    {
      says: 'a paused guest arrives whole',
      run: async (hosts) => {
        const { h1, h2 } = hosts;
        const { guest, source } = await running(hosts);
        await h1.must({ call: 'pause', instance: source });
        const { uri } = await h2.must({ call: 'prepareIncoming', guest, epoch: 2, policy: quickPolicy });
        await h1.must({ call: 'migrateOut', instance: source, uri, policy: quickPolicy });
        const target = { guestId: guest.guestId, epoch: 2 };
        await h1.event('migration-completed', source);
        await h2.event('incoming-completed', target);
        await h2.must({ call: 'resume', instance: target });
        await h2.beats(target);
        expect(h2.heartbeats(target)[0]).toBeGreaterThan(1);
      },
    },
    {
      says: 'a copy to where nobody listens fails, and the guest runs on',
      run: async (hosts) => {
        const { h1, h2 } = hosts;
        const { guest, source } = await running(hosts);
        const { uri } = await h2.must({ call: 'prepareIncoming', guest, epoch: 2, policy: quickPolicy });
        await h2.must({ call: 'stop', instance: { guestId: guest.guestId, epoch: 2 }, graceMs: 0 });
        const begun = await h1.ask({ call: 'migrateOut', instance: source, uri, policy: quickPolicy });
        if (begun.ok) await h1.event('migration-failed', source);
        await h1.beats(source, 2);
        expect(await h1.stateOf(source)).toBe('running');
      },
    },
  ],
  'post-copy': [
    {
      says: 'a guest that dirties faster than the link moves all the same when post-copy is allowed',
      run: async (hosts) => {
        const { h1, h2 } = hosts;
        const { source, target } = await copied(hosts, { ...slowPolicy, postCopy: true }, dirtying);
        await h2.must({ call: 'resume', instance: target });
        await h1.must({ call: 'stop', instance: source, graceMs: 0 });
        await h2.beats(target, 2);
        await h2.must({ call: 'consoleWrite', instance: target, text: 'ping there\n' });
        expect(await h2.line('pong')).toMatchObject({ token: 'there' });
      },
    },
  ],
};

const faultTests: TestTable = {
  cancel: [
    {
      says: 'a cancelled copy leaves the guest running at the source, and another copy works',
      run: async (hosts) => {
        const { h1, h2 } = hosts;
        const { guest, source, target } = await endless(hosts);
        expect(await h1.must({ call: 'cancelMigration', instance: source })).toEqual({ cancelled: true });
        expect(await h1.stateOf(source)).toBe('running');
        await h1.beats(source, 2);
        await h2.must({ call: 'stop', instance: target, graceMs: 0 });
        const { uri } = await h2.must({ call: 'prepareIncoming', guest, epoch: 3, policy: quickPolicy });
        await h1.must({ call: 'migrateOut', instance: source, uri, policy: quickPolicy });
        await h1.event('migration-completed', source);
        expectUnbroken(h1.heartbeats(source));
      },
    },
    {
      says: 'a copy that is complete cannot be cancelled',
      run: async (hosts) => {
        const { source } = await copied(hosts);
        expect(await hosts.h1.must({ call: 'cancelMigration', instance: source })).toEqual({ cancelled: false });
      },
    },
  ],
  'target-frozen': [
    {
      says: 'a copy to a target that does nothing any more can be cancelled',
      run: async (hosts) => {
        const { source, target } = await endless(hosts);
        hosts.bench.freezeVmm('h2', target);
        await hosts.bench.wait(300);
        expect(await hosts.h1.must({ call: 'cancelMigration', instance: source })).toEqual({ cancelled: true });
        await hosts.h1.beats(source, 2);
        await hosts.h2.must({ call: 'stop', instance: target, graceMs: 0 });
      },
    },
  ],
  'target-dies': [
    {
      says: 'when the target dies during the copy, the source says so and runs on',
      run: async (hosts) => {
        const { source, target } = await endless(hosts);
        hosts.bench.killVmm('h2', target);
        await hosts.h2.event('exited', target);
        const { refusal } = await hosts.h1.event('migration-failed', source);
        expect(refusal.code).toBe('target-lost');
        await hosts.h1.beats(source, 2);
        expect(await hosts.h1.stateOf(source)).toBe('running');
      },
    },
    {
      says: 'when the target dies after the copy and before its run, the source can be resumed',
      run: async (hosts) => {
        const { source, target } = await copied(hosts);
        hosts.bench.killVmm('h2', target);
        await hosts.h2.event('exited', target);
        await hosts.h1.must({ call: 'resume', instance: source });
        await hosts.h1.beats(source, 2);
        expectUnbroken(hosts.h1.heartbeats(source));
      },
    },
  ],
  'source-dies': [
    {
      says: 'when the source dies during the copy, the target ends and never runs',
      run: async (hosts) => {
        const { source, target } = await endless(hosts);
        hosts.bench.killVmm('h1', source);
        expect(await hosts.h1.event('exited', source)).toMatchObject({ how: 'crashed' });
        await hosts.h2.event('exited', target);
        expect(hosts.h2.heartbeats(target)).toEqual([]);
      },
    },
    {
      says: 'when the source dies after the switch-over, the target is complete, does not run, and can be resumed',
      run: async (hosts) => {
        const { source, target } = await copied(hosts);
        hosts.bench.killVmm('h1', source);
        await hosts.h1.event('exited', source);
        expect(await hosts.h2.stateOf(target)).toBe('received');
        await hosts.h2.must({ call: 'resume', instance: target });
        await hosts.h2.beats(target, 2);
        expect(hosts.h2.heartbeats(target)[0]).toBeGreaterThan(1);
      },
    },
  ],
  'adopt-migration': [
    {
      says: 'a copy goes on when its agents die, and is told by the next ones',
      run: async (hosts) => {
        const { h1, h2 } = hosts;
        const { source, target } = await endless(hosts);
        h1.restartAgent();
        h2.restartAgent();
        expect(await h1.stateOf(source)).toBe('sending');
        expect(await h2.stateOf(target)).toBe('incoming');
        expect(await h1.must({ call: 'cancelMigration', instance: source })).toEqual({ cancelled: true });
        await h1.beats(source);
      },
    },
    {
      says: 'a complete copy is found complete on both sides, and running on neither',
      run: async (hosts) => {
        const { source, target } = await copied(hosts);
        hosts.h1.restartAgent();
        hosts.h2.restartAgent();
        expect(await hosts.h1.stateOf(source)).toBe('sent');
        expect(await hosts.h2.stateOf(target)).toBe('received');
        await hosts.h2.must({ call: 'resume', instance: target });
        await hosts.h2.beats(target);
      },
    },
  ],
};

/**
 * What every VMM driver must do, written once: against real machines with real time, and against the model on its virtual
 * clock. Stale epochs are refused above the drivers, by the host brain, and so are not here.
 */
export function describeVmmDriver(
  name: string,
  make: () => Promise<TestBench>,
  { skip = {} }: { readonly skip?: { readonly [claim in Claim]?: string } } = {},
): void {
  const tests = { ...lifeTests, ...useTests, ...migrationTests, ...faultTests };
  describe(`the VMM driver ${name}`, () => {
    let bench: TestBench;
    beforeEach(async () => {
      bench = await make();
    });
    afterEach(() => bench.dispose(), longestTestMs);

    for (const claim of claims) {
      const reason = skip[claim];
      for (const { says, run } of tests[claim] ?? []) {
        if (reason !== undefined) it.skip(`${claim}: ${says} (skipped: ${reason})`, () => undefined);
        else
          it(
            `${claim}: ${says}`,
            () => run({ bench, h1: new HostUnderTest(bench, 'h1'), h2: new HostUnderTest(bench, 'h2') }),
            longestTestMs,
          );
      }
    }
  });
}
