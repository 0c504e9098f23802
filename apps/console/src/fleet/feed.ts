import type { HostUsage } from '@argosy/contracts/responses';
import type { RouteResponse } from '@argosy/contracts/routes';
import type { StreamMessage, UsageDetail } from '@argosy/contracts/stream';
import type { QueryClient } from '@tanstack/react-query';
import { ApiError, unreachable } from '../api/error';
import type { Following } from '../api/stream';
import { areGuestFiguresShown, onGuestFiguresShown } from './guest-figures';
import { applied, type EntityName, type FleetRows, noRows } from './rows';
import { recordUsage } from './usage-history';

export type FleetEvent = RouteResponse<'event.list'>['items'][number];

export interface FeedState {
  readonly state: 'connecting' | 'live' | 'lost';
  /** Why it is lost, in the server's words. */
  readonly error: ApiError | null;
}

export interface FleetReading {
  readonly rows: FleetRows;
  readonly usage: readonly HostUsage[];
  /** Newest first. */
  readonly records: readonly FleetEvent[];
}

/** Where the feed has it from: the controller, but for tests. */
export interface FleetSource {
  readonly follow: (following: Following) => Promise<never>;
  readonly read: (signal: AbortSignal) => Promise<FleetReading>;
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
/** So many that were heard, and the pages of events are read again: before the oldest that those lack is forgotten here. */
const recordsUntilRead = mostRecords - 100;
/** What is read in pages and changes with each message of these kinds. */
const pagesOf: { readonly [Entity in StreamMessage['entity']]?: string } = {
  placement: 'placements',
  snapshot: 'snapshots',
  roll: 'rolls',
};
/** Why a stream was ended that could have gone on. */
const toAskAnew = Symbol('to ask for another detail');
/** Who goes from one list of guests to another need not open the stream twice. */
const detailPatienceMs = 5000;

/** Keeps the cache as the fleet is, until it is stopped: reads everything once, and then what the stream says. */
export function startFeed(cache: QueryClient, source: FleetSource): () => void {
  const abort = new AbortController();
  const feed = new Feed(cache, source, abort.signal);
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
  /** The reading that counts: what one before it finds is older than what the stream goes on from. */
  private reading = new AbortController();
  private said: FeedState['state'] = 'connecting';
  private timer: ReturnType<typeof setTimeout> | null = null;
  private nextRecordId = -1;
  private recordsSinceRead = 0;
  /** Of the stream that is open. */
  private detail: UsageDetail = 'all';
  private connection = new AbortController();
  private detailTimer: ReturnType<typeof setTimeout> | null = null;

  constructor(
    private readonly cache: QueryClient,
    private readonly source: FleetSource,
    private readonly signal: AbortSignal,
  ) {}

  async run(): Promise<void> {
    let failures = 0;
    this.say({ state: 'connecting', error: null });
    while (!this.signal.aborted) {
      this.detail = this.wantedDetail();
      this.connection = new AbortController();
      const { connection } = this;
      const error = await this.followOnce(connection, () => (failures = 0)).catch((thrown: unknown) =>
        thrown instanceof ApiError ? thrown : unreachable(),
      );
      if (this.signal.aborted) return;
      if (connection.signal.reason === toAskAnew) continue;
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
      if (mayBreakOff && this.wantedDetail() !== this.detail) this.connection.abort(toAskAnew);
    }, waitMs);
  }

  /** Of a small fleet everything is told: a chart of a guest then begins before somebody looks at it. */
  private wantedDetail(): UsageDetail {
    return !this.hasRead || this.rows.guest.size <= largeFleet || areGuestFiguresShown() ? 'all' : 'hosts';
  }

  /** Until the stream breaks or what it goes on from cannot be read; then nothing of this connection is left open. */
  private async followOnce(connection: AbortController, isWell: () => void): Promise<never> {
    // Without an id the stream begins now, and what was before that must be read again.
    if (this.lastEventId === '') this.hasRead = false;
    const { lastEventId, detail: usage } = this;
    const signal = AbortSignal.any([this.signal, connection.signal]);
    try {
      return await new Promise<never>((_resolve, reject) => {
        const goOn = () => {
          // What comes while everything is read waits in `waiting`, so nothing between the two is missed.
          const ready = this.hasRead ? Promise.resolve() : this.readAll(signal);
          ready.then(() => {
            if (signal.aborted || !this.hasRead) return;
            isWell();
            this.live();
          }, reject);
        };
        const message = (each: StreamMessage) => {
          this.take(each);
          if (each.kind === 'reset') goOn();
        };
        this.source.follow({ signal, lastEventId, usage, opened: goOn, message }).catch(reject);
      });
    } finally {
      connection.abort();
    }
  }

  private live(): void {
    // While it was away what was read in pages may have changed, and reading it may have failed.
    if (this.said === 'lost') void this.cache.invalidateQueries({ queryKey: ['read'] });
    this.say({ state: 'live', error: null });
    this.lookAtDetail();
  }

  private take(message: StreamMessage): void {
    const isFirst = this.lastEventId === '';
    this.lastEventId = message.id;
    if (isFirst) this.lookAtDetail();
    if (message.kind === 'reset') {
      this.waiting = [];
      this.hasRead = false;
      if (this.timer) clearTimeout(this.timer);
      this.timer = null;
      return;
    }
    this.waiting.push(message);
    const { small, large } = flushMs;
    if (this.hasRead) this.timer ??= setTimeout(() => this.flush(), this.rows.guest.size > largeFleet ? large : small);
  }

  private async readAll(connection: AbortSignal): Promise<void> {
    this.reading.abort();
    const own = (this.reading = new AbortController());
    const signal = AbortSignal.any([connection, own.signal]);
    const read = await this.source.read(signal).catch((error: unknown) => {
      // Of one that another has taken the place of, nothing is said.
      if (own.signal.aborted) return null;
      throw error;
    });
    if (read === null || signal.aborted) return;
    this.rows = read.rows;
    this.usage = new Map(read.usage.map((each) => [each.hostId, each]));
    this.records = [...read.records];
    this.hasRead = true;
    for (const name of Object.keys(this.rows) as EntityName[]) this.cache.setQueryData(rowsKey(name), this.rows[name]);
    this.cache.setQueryData(usageKey, this.usage);
    this.cache.setQueryData(recordsKey, this.records);
    this.flush();
    // What was asked for in pages may have changed meanwhile.
    void this.cache.invalidateQueries({ queryKey: ['read'] });
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
    for (const page of new Set(messages.map(({ entity }) => pagesOf[entity])))
      if (page !== undefined) void this.cache.invalidateQueries({ queryKey: ['read', page] });
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
    this.recordsSinceRead += fresh.length;
    if (this.recordsSinceRead < recordsUntilRead) return;
    this.recordsSinceRead = 0;
    void this.cache.invalidateQueries({ queryKey: ['read', 'events'] });
  }

  private say(state: FeedState): void {
    this.said = state.state;
    if (!this.signal.aborted) this.cache.setQueryData(feedKey, state);
  }
}
