import { setTimeout as sleep } from 'node:timers/promises';
import { streamPath, type StreamMessage } from '@argosy/contracts/stream';
import type { Api } from './api';
import { Failure } from './failure';

/** A link that died without a word is opened anew; a controller sends a comment more often than this. */
const silentForMs = 60_000;
const retryMs = [200, 500, 1000, 2000, 5000];

export interface ServerSentEvent {
  readonly id: string;
  readonly data: string;
}

/** Takes chunks as they come, which may end anywhere, and gives whole events (WHATWG HTML, 9.2.6). */
export class EventParser {
  private rest = '';
  private id = '';
  private data: string[] = [];

  push(chunk: string): ServerSentEvent[] {
    // A "\r" at the end may be half of "\r\n": it waits for the next chunk.
    const text = this.rest + chunk;
    const held = text.endsWith('\r') ? 1 : 0;
    const lines = text.slice(0, text.length - held).split(/\r\n|\n|\r/);
    this.rest = (lines.pop() ?? '') + text.slice(text.length - held);
    return lines.flatMap((line) => this.take(line));
  }

  private take(line: string): ServerSentEvent[] {
    if (line === '') {
      const data = this.data.splice(0);
      return data.length === 0 ? [] : [{ id: this.id, data: data.join('\n') }];
    }
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') this.data.push(value);
    if (field === 'id' && !value.includes('\0')) this.id = value;
    return [];
  }
}

export interface Following {
  readonly signal: AbortSignal;
  /** Opened, for the first time or again: what came before must be read by other means. */
  readonly onOpen?: () => void;
  /** The stream broke off and is tried again. */
  readonly onBreak?: (why: Failure) => void;
  readonly onMessage: (message: StreamMessage) => void;
}

/** Ends when it is aborted; throws what trying again cannot cure, as a wrong token. */
export async function followEvents(api: Api, { signal, onOpen, onBreak, onMessage }: Following): Promise<void> {
  let lastId = '';
  let failures = 0;
  while (!signal.aborted) {
    try {
      await readStream(api, {
        signal,
        lastId,
        onOpen: () => {
          failures = 0;
          onOpen?.();
        },
        onEvent: ({ id, data }) => {
          lastId = id || lastId;
          onMessage({ id, ...(JSON.parse(data) as object) } as StreamMessage);
        },
      });
    } catch (error) {
      if (signal.aborted) return;
      if (
        !(error instanceof Failure) ||
        !['unreachable', 'timed-out'].includes(error.exit) ||
        error.code === 'unexpected-answer'
      )
        throw error;
      onBreak?.(error);
    }
    await sleep(retryMs[Math.min(failures++, retryMs.length - 1)], undefined, { signal }).catch(() => undefined);
  }
}

interface Reading {
  readonly signal: AbortSignal;
  readonly lastId: string;
  readonly onOpen: () => void;
  readonly onEvent: (event: ServerSentEvent) => void;
}

async function readStream(api: Api, { signal, lastId, onOpen, onEvent }: Reading): Promise<void> {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), silentForMs);
  try {
    const headers = { accept: 'text/event-stream', ...(lastId === '' ? {} : { 'last-event-id': lastId }) };
    const body = await api.openStream(streamPath, headers, AbortSignal.any([signal, silence.signal]));
    onOpen();
    const parser = new EventParser();
    const decoder = new TextDecoder();
    for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
      timer.refresh();
      for (const event of parser.push(decoder.decode(chunk, { stream: true }))) onEvent(event);
    }
  } catch (error) {
    if (error instanceof Failure || error instanceof SyntaxError) throw error;
    throw new Failure('unreachable', `The event stream of ${api.server} broke off.`);
  } finally {
    clearTimeout(timer);
  }
}
