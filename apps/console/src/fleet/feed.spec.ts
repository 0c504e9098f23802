import type { StreamMessage } from '@argosy/contracts/stream';
import { QueryClient } from '@tanstack/react-query';
import { ApiError } from '../api/error';
import type { Following } from '../api/stream';
import { type FeedState, feedKey, type FleetReading, rowsKey, startFeed } from './feed';
import { byId, noRows } from './rows';

/** A controller that does what a test tells it: each stream that was asked for, and each reading. */
class FakeController {
  readonly streams: { readonly following: Following; readonly break: (error: Error) => void }[] = [];
  readonly readings: { readonly answer: (names: string[]) => void; readonly fail: () => void }[] = [];

  readonly source = {
    follow: (following: Following) =>
      new Promise<never>((_resolve, reject) => {
        following.signal.addEventListener('abort', () => reject(new Error('aborted')));
        this.streams.push({ following, break: reject });
        following.opened();
      }),
    read: (signal: AbortSignal) =>
      new Promise<FleetReading>((resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('aborted')));
        this.readings.push({
          answer: (names) => resolve(readingOf(names)),
          fail: () => reject(new ApiError('store-unavailable', 'The store does not answer.')),
        });
      }),
  };

  get open(): number {
    return this.streams.filter(({ following }) => !following.signal.aborted).length;
  }

  say(message: unknown): void {
    this.streams.at(-1)!.following.message(message as StreamMessage);
  }

  async answer(...names: string[]): Promise<void> {
    this.readings.at(-1)!.answer(names);
    await soon();
  }

  async fail(): Promise<void> {
    this.readings.at(-1)!.fail();
    await soon();
  }

  async break(): Promise<void> {
    this.streams.at(-1)!.break(new ApiError('unreachable', 'It is away.'));
    await soon();
  }
}

const readingOf = (names: string[]): FleetReading => ({
  rows: { ...noRows(), host: byId(names.map((name) => ({ id: name }) as never)) },
  usage: [],
  records: [],
});
const host = (id: string, name: string) => ({ id, kind: 'put', entity: 'host', row: { id: name } });
const reset = (id: string) => ({ id, kind: 'reset', entity: 'fleet', row: { reason: '' } });
const soon = () => jest.advanceTimersByTimeAsync(0);
/** Longer than the console waits before it shows what it was told. */
const awhile = () => jest.advanceTimersByTimeAsync(200);
const firstRetry = () => jest.advanceTimersByTimeAsync(250);

let cache: QueryClient;
let controller: FakeController;
let stop: () => void;

beforeEach(() => {
  jest.useFakeTimers();
  cache = new QueryClient();
  controller = new FakeController();
  stop = startFeed(cache, controller.source);
});

afterEach(() => {
  stop();
  cache.clear();
  jest.useRealTimers();
});

const state = () => cache.getQueryData<FeedState>(feedKey)?.state;
const hosts = () => [...(cache.getQueryData<ReadonlyMap<string, unknown>>(rowsKey('host'))?.keys() ?? [])];

test('what the stream says while the fleet is read is not lost', async () => {
  controller.say(host('1', 'h2'));
  await controller.answer('h1');
  expect([state(), hosts()]).toEqual(['live', ['h1', 'h2']]);
});

test('a stream whose fleet cannot be read is closed, and the next waits longer each time', async () => {
  await controller.fail();
  expect([state(), controller.open]).toEqual(['lost', 0]);
  await firstRetry();
  await controller.fail();
  await firstRetry();
  expect(controller.streams).toHaveLength(2);
  await jest.advanceTimersByTimeAsync(250);
  expect([controller.streams.length, controller.open]).toEqual([3, 1]);
});

test('one that breaks is gone on with from its last id, and nothing is read again', async () => {
  await controller.answer('h1');
  controller.say(host('7', 'h2'));
  await awhile();
  await controller.break();
  expect(state()).toBe('lost');
  await firstRetry();
  expect([state(), hosts(), controller.readings.length]).toEqual(['live', ['h1', 'h2'], 1]);
  expect(controller.streams.at(-1)!.following.lastEventId).toBe('7');
});

test('one that breaks before it has said anything is begun anew, with everything read again', async () => {
  await controller.answer('h1');
  await controller.break();
  await firstRetry();
  expect([state(), controller.readings.length]).toEqual(['lost', 2]);
  await controller.answer('h1', 'h2');
  expect([state(), hosts()]).toEqual(['live', ['h1', 'h2']]);
});

test('a reset reads everything again; if that fails the stream is closed, and tried again', async () => {
  await controller.answer('h1');
  controller.say(reset('8'));
  await controller.fail();
  expect([state(), controller.open]).toEqual(['lost', 0]);
  await firstRetry();
  await controller.answer('h3');
  expect([state(), hosts(), controller.open]).toEqual(['live', ['h3'], 1]);
});

test('what came before a reset does not show what comes after it too soon', async () => {
  await controller.answer('h1');
  controller.say(host('7', 'h2'));
  controller.say(reset('8'));
  controller.say(host('9', 'h4'));
  await awhile();
  await controller.answer('h3');
  expect(hosts()).toEqual(['h3', 'h4']);
});

test('of two readings the later counts, whichever comes first', async () => {
  controller.say(reset('8'));
  controller.readings[0]!.answer(['h1']);
  await soon();
  expect([state(), hosts()]).toEqual(['connecting', []]);
  await controller.answer('h2');
  expect([state(), hosts()]).toEqual(['live', ['h2']]);
});

const isStale = (...key: string[]) => cache.getQueryState(['read', ...key])?.isInvalidated;

test('a snapshot that changes, and a connection that heals, have what was read in pages read again', async () => {
  await controller.answer('h1');
  cache.setQueryData(['read', 'snapshots', 'g1'], []);
  cache.setQueryData(['read', 'placements', 'g1'], []);
  controller.say({ id: '9', kind: 'put', entity: 'snapshot', row: { id: 's1' } });
  await awhile();
  expect([isStale('snapshots', 'g1'), isStale('placements', 'g1')]).toEqual([true, false]);
  await controller.break();
  await firstRetry();
  expect(isStale('placements', 'g1')).toBe(true);
});

test('before the live tail forgets an event, the pages below it are read again', async () => {
  await controller.answer('h1');
  cache.setQueryData(['read', 'events'], []);
  const say = (count: number) => {
    for (let index = 0; index < count; index++)
      controller.say({ id: '9', kind: 'record', entity: 'event', row: { at: index } });
  };
  say(399);
  await awhile();
  expect(isStale('events')).toBe(false);
  say(1);
  await awhile();
  expect(isStale('events')).toBe(true);
});
