import { accepted, refused, type Result } from '@argosy/domain/refusal';
import { z } from 'zod';
import type { FenceRequest } from './fence-devices';

const confirmationSchema = z.object({
  off: z.literal(true).optional(),
  on: z.literal(true).optional(),
  host: z.string(),
  incarnation: z.int(),
});

/**
 * Asks whatever stands behind a URL (a cloud's API, a PDU's gateway) to cut the power, or to give it back. It is proof only when the answer
 * says in so many words that this host, at this incarnation, is: a 200 of a proxy or a queue proves nothing.
 */
export async function askWebhook(request: FenceRequest): Promise<Result<null>> {
  const { action, device, secrets, hostName: host, incarnation, term } = request;
  const token = secrets['token'];
  let response: Response;
  try {
    response = await fetch(device.address, {
      method: 'POST',
      redirect: 'error',
      headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
      body: JSON.stringify({ ...device.options, action, host, incarnation, term }),
      signal: AbortSignal.timeout(device.deadlineMs),
    });
  } catch (error) {
    return refused('fence-failed', `The webhook ${device.name} cannot be reached: ${reasonOf(error)}.`);
  }
  const body = await readAnswer(response).catch(() => null);
  if (!response.ok)
    return refused('fence-failed', `The webhook ${device.name} answered with status ${response.status}.`);
  const confirmed = confirmationSchema.safeParse(body);
  const { data } = confirmed;
  if (data?.[action] === true && data.host === host && data.incarnation === incarnation) return accepted(null);
  return refused(
    'not-confirmed',
    `The webhook ${device.name} did not confirm: its answer must be {"${action}":true,"host":"${host}","incarnation":${incarnation}}.`,
  );
}

/** A confirmation is a line; what sends more is none, and is not kept in memory to see how it ends. */
const longestAnswerBytes = 64 * 1024;

async function readAnswer(response: Response): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > longestAnswerBytes) return null;
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
