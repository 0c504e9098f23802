// The controller's stream of events: what was committed, as it arrives.

import { closeLater } from '../closers.mjs';

/** @typedef {{ kind: string, entity: string, row: any }} StreamMessage */

/**
 * @param {{ url: string, token: string }} server
 * @param {(message: StreamMessage, at: number) => void} listener `at`: performance.now() of the arrival
 */
export async function listenToEvents({ url, token }, listener) {
  const ending = new AbortController();
  const response = await fetch(`${url}/api/v1/events/stream`, {
    headers: { authorization: `Bearer ${token}` },
    signal: ending.signal,
  });
  if (!response.ok || response.body === null) throw new Error(`the event stream answered ${response.status}`);
  const ended = read(response.body, listener).catch((error) => {
    if (!ending.signal.aborted) console.error(`the event stream ended: ${error}`);
  });
  closeLater('the event stream', () => {
    ending.abort();
    return ended;
  });
}

/**
 * @param {ReadableStream<Uint8Array>} body
 * @param {(message: StreamMessage, at: number) => void} listener
 */
async function read(body, listener) {
  const decoder = new TextDecoder();
  let unread = '';
  for await (const chunk of body) {
    const at = performance.now();
    const blocks = (unread + decoder.decode(chunk, { stream: true })).split('\n\n');
    unread = blocks.pop() ?? '';
    for (const block of blocks) {
      const data = block.split('\n').filter((line) => line.startsWith('data:'));
      if (data.length > 0) listener(JSON.parse(data.map((line) => line.slice(5)).join('')), at);
    }
  }
}
