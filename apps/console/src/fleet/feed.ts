import type { HostUsage } from '@argosy/contracts/responses';
import type { RouteResponse } from '@argosy/contracts/routes';
import type { StreamMessage, UsageDetail } from '@argosy/contracts/stream';
import type { QueryClient } from '@tanstack/react-query';
import { ApiError, call, unreachable } from '../api/client';
import { follow } from '../api/stream';
import { areGuestFiguresShown, onGuestFiguresShown } from './guest-figures';
import { applied, byId, type EntityName, type FleetRows, noRows } from './rows';
import { recordUsage } from './usage-history';

export type FleetEvent = RouteResponse<'event.list'>['items'][number];

export interface FeedState {
  readonly state: 'connecting' | 'live' | 'lost';
  /** Why it is lost, in the server's words. */
  readonly error: ApiError | null;
}

/** Of the query cache: `['rows', entity]`, `['usage']`, `['records']`, `['feed']`. */
export const rowsKey = (entity: EntityName) => ['rows', entity] as const;
export const usageKey = ['usage'] as const;
export const recordsKey = ['records'] as const;
export const feedKey = ['feed'] as const;

/** Changes come in bursts; what is seen of them is renewed so often: less often where there is more to renew. */
const flushMs = { small: 100, large: 500 };
const largeFleet = 2000;
const retryMs = [250, 500, 1000, 2000];
const mostRecords = 500;
/** Who goes from one list of guests to another need not open the stream twice. */
const detailPatienceMs = 5000;

/** Keeps the cache as the fleet is, until it is stopped: reads everything once, and then what the stream says. */
export function startFeed(cache: QueryClient): () => void {
  const abort = new AbortController();
  const feed = new Feed(cache, abort.signal);
  const stopTelling = onGuestFiguresShown(() => feed.lookAtDetail());
  void feed.run();
  return () => {
    stopTelling();
    abort.abort();
  };
}

class Feed {
  private rows: FleetRows = noRows();
  private usage = new Map<string, HostUsage>();
  private records: FleetEvent[] = [];
  private waiting: StreamMessage[] = [];
  private lastEventId = '';
  private hasRead = false;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private nextRecordId = -1;
  /** Of the stream that is open. */
  private detail: UsageDetail = 'all';
  private connection = new AbortController();
  private detailTimer: ReturnType<typeof setTimeout> | null = null;

  constructor(
    private readonly cache: QueryClient,
    private readonly signal: AbortSignal,
  ) {}

  async run(): Promise<void> {
    let failures = 0;
    this.say({ state: 'connecting', error: null });
    while (!this.signal.aborted) {
      this.detail = this.wantedDetail();
      this.connection = new AbortController();
      const { connection } = this;
      const error = await this.followOnce(() => (failures = 0)).catch((thrown: unknown) =>
        thrown instanceof ApiError ? thrown : unreachable(),
      );
      if (this.signal.aborted) return;
      // Broken off by ourselves, to be told more or less: it is gone on with at once.
      if (connection.signal.aborted) continue;
      this.say({ state: 'lost', error });
      await new Promise((resolve) => setTimeout(resolve, retryMs[Math.min(failures++, retryMs.length - 1)]));
    }
  }

  /** The stream is opened anew where it says too little, or for a while too much, for what is on the screen. */
  lookAtDetail(): void {
    if (this.detailTimer) clearTimeout(this.detailTimer);
    const waitMs = areGuestFiguresShown() ? 0 : detailPatienceMs;
    this.detailTimer = setTimeout(() => {
      // Without an id it could not be gone on with, and something would be missed.
      const mayBreakOff = this.hasRead && this.lastEventId !== '' && !this.signal.aborted;
      if (mayBreakOff && this.wantedDetail() !== this.detail) this.connection.abort();
    }, waitMs);
  }

  /** Of a small fleet everything is told: a chart of a guest then begins before somebody looks at it. */
  private wantedDetail(): UsageDetail {
    return !this.hasRead || this.rows.guest.size <= largeFleet || areGuestFiguresShown() ? 'all' : 'hosts';
  }

  private followOnce(wellOpened: () => void): Promise<never> {
    return new Promise((_resolve, reject) => {
      const opened = () => {
        wellOpened();
        // What comes while everything is read waits in `waiting`, so nothing between the two is missed.
        const ready = this.hasRead ? Promise.resolve() : this.readAll();
        ready.then(() => {
          this.say({ state: 'live', error: null });
          this.lookAtDetail();
        }, reject);
      };
      const { lastEventId, detail: usage } = this;
      const signal = AbortSignal.any([this.signal, this.connection.signal]);
      follow({ signal, lastEventId, usage, opened, message: (message) => this.take(message) }).catch(reject);
    });
  }

  private take(message: StreamMessage): void {
    const isFirst = this.lastEventId === '';
    this.lastEventId = message.id;
    if (isFirst) this.lookAtDetail();
    if (message.kind === 'reset') {
      this.waiting = [];
      this.hasRead = false;
      void this.readAll().then(
        () => this.say({ state: 'live', error: null }),
        (error: unknown) => this.say({ state: 'lost', error: error instanceof ApiError ? error : unreachable() }),
      );
      return;
    }
    this.waiting.push(message);
    const { small, large } = flushMs;
    if (this.hasRead) this.timer ??= setTimeout(() => this.flush(), this.rows.guest.size > largeFleet ? large : small);
  }

  private async readAll(): Promise<void> {
    const read = await readFleet(this.signal);
    this.rows = read.rows;
    this.usage = new Map(read.usage.map((each) => [each.hostId, each]));
    this.records = read.records;
    this.hasRead = true;
    for (const name of Object.keys(this.rows) as EntityName[]) this.cache.setQueryData(rowsKey(name), this.rows[name]);
    this.cache.setQueryData(usageKey, this.usage);
    this.cache.setQueryData(recordsKey, this.records);
    this.flush();
    // What was asked for in pages may have changed meanwhile.
    await this.cache.invalidateQueries({ queryKey: ['read'] });
  }

  private flush(): void {
    this.timer = null;
    const messages = this.waiting.splice(0);
    const before = this.rows;
    this.rows = applied(before, messages);
    for (const name of Object.keys(this.rows) as EntityName[])
      if (this.rows[name] !== before[name]) this.cache.setQueryData(rowsKey(name), this.rows[name]);
    this.takeUsage(messages);
    this.takeRecords(messages);
    if (messages.some(({ entity }) => entity === 'placement'))
      void this.cache.invalidateQueries({ queryKey: ['read', 'placements'] });
  }

  private takeUsage(messages: readonly StreamMessage[]): void {
    const heard = messages.filter((message) => message.kind === 'usage');
    if (heard.length === 0) return;
    this.usage = new Map(this.usage);
    for (const { row } of heard) {
      this.usage.set(row.hostId, row);
      recordUsage(row);
    }
    this.cache.setQueryData(usageKey, this.usage);
  }

  /** The stream does not say an event's number; until they are read again these have numbers of their own, below 0. */
  private takeRecords(messages: readonly StreamMessage[]): void {
    const heard = messages.filter((message) => message.kind === 'record');
    if (heard.length === 0) return;
    const fresh = heard.map(({ row }) => ({ id: this.nextRecordId--, ...row })).reverse();
    this.records = [...fresh, ...this.records].slice(0, mostRecords);
    this.cache.setQueryData(recordsKey, this.records);
  }

  private say(state: FeedState): void {
    if (!this.signal.aborted) this.cache.setQueryData(feedKey, state);
  }
}

async function readFleet(signal: AbortSignal) {
  const options = { signal };
  const page = { limit: 200 };
  const [pool, host, guest, image, datastore, rule, migration, recommendation, balanceRun, drill, task, alarm] =
    await Promise.all([
      call('pool.list', {}, options),
      call('host.list', {}, options),
      call('guest.list', {}, options),
      call('image.list', {}, options),
      call('datastore.list', {}, options),
      call('rule.list', {}, options),
      call('migration.list', { query: page }, options),
      call('recommendation.list', { query: page }, options),
      call('balance.list', { query: page }, options),
      call('drill.list', { query: page }, options),
      call('task.list', { query: page }, options),
      call('alarm.list', { query: { ...page, open: 'true' } }, options),
    ]);
  const [{ items: usage }, { items: records }] = await Promise.all([
    call('usage.list', {}, options),
    call('event.list', { query: page }, options),
  ]);
  const lists = {
    pool,
    host,
    guest,
    image,
    datastore,
    rule,
    migration,
    recommendation,
    balanceRun,
    drill,
    task,
    alarm,
  };
  // Newest first as they come, and oldest first as they are kept: what is forgotten is the oldest.
  const maps = Object.entries(lists).map(([name, { items }]) => [name, byId([...items].reverse() as { id: string }[])]);
  const rows = { ...noRows(), ...Object.fromEntries(maps) } as FleetRows;
  return { rows, usage, records };
}
