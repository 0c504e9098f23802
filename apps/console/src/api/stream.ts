import { streamPath, type StreamMessage, type UsageDetail } from '@argosy/contracts/stream';
import { authorization, refusalOf } from './client';
import { ApiError, unreachable } from './error';
import { eventParser } from './event-parser';

export interface Following {
  readonly signal: AbortSignal;
  /** Where a stream that broke off is gone on with; '': from now on. */
  readonly lastEventId: string;
  readonly usage: UsageDetail;
  /** It is open: what is read from now on is behind nothing that the stream says. */
  readonly opened: () => void;
  readonly message: (message: StreamMessage) => void;
}

/** A link that died without a word is opened anew; the controller sends a comment every fifteen seconds. */
const silentForMs = 40_000;

/**
 * Reads the stream until it breaks or is aborted, and then throws. EventSource cannot send a token in a header, and a
 * token in an address would be written into logs.
 */
export async function follow({ signal, lastEventId, usage, opened, message }: Following): Promise<never> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), silentForMs);
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(), silentForMs);
  };
  try {
    const response = await fetch(`${streamPath}?usage=${usage}`, {
      headers: { ...authorization(), ...(lastEventId === '' ? {} : { 'last-event-id': lastEventId }) },
      signal: AbortSignal.any([signal, silence.signal]),
    });
    if (!response.ok || response.body === null) throw await refusalOf(response);
    opened();
    const parse = eventParser();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) throw unreachable();
      heard();
      for (const { data } of parse(value)) message(JSON.parse(data) as StreamMessage);
    }
  } catch (error) {
    if (signal.aborted || error instanceof ApiError) throw error;
    throw unreachable();
  } finally {
    clearTimeout(timer);
  }
}
