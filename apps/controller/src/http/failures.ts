import type { FastifyError } from 'fastify';
import { randomUUID } from 'node:crypto';
import { refuse, type EdgeRefusal } from './answer';

/** Prisma's codes for a database that cannot be reached, does not answer in time, closed the connection or has none free. */
const awayCodes = new Set(['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2028']);
/** What the driver below Prisma says by itself, of a connection that broke between two questions. */
const driverWords =
  /^(Connection terminated|Client has encountered a connection error|timeout exceeded when trying to connect|Query read timeout)/;
/** PostgreSQL's own: connection exceptions, resources run out, and a server that starts, stops or ends its sessions. */
const awayStates = /Code: `(08|53|57P0)/;
const awayWords =
  /ECONNREFUSED|ECONNRESET|EPIPE|ENOTFOUND|ETIMEDOUT|terminat|timeout|timed out|starting up|shutting down|recovery mode|too many clients|DatabaseNotReachable|ConnectionClosed|SocketTimeout|after calling end/i;

export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (driverWords.test(error.message)) return true;
  const isDatabaseError = /^(Prisma|DriverAdapter)/.test(error.name);
  const code = 'code' in error ? String(error.code) : '';
  const text = `${code} ${error.message} ${driverKindOf(error)}`;
  return isDatabaseError && (awayCodes.has(code) || awayStates.test(text) || awayWords.test(text));
}

/** Of a raw question Prisma tells in its code only that it failed; what the driver saw stands beside it. */
function driverKindOf(error: Error): string {
  const { meta } = error as { meta?: { driverAdapterError?: { cause?: { kind?: string } } } };
  return meta?.driverAdapterError?.cause?.kind ?? '';
}

function fromFastify(error: FastifyError, bodyBytes: number): EdgeRefusal | undefined {
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return refuse('too-large', `The body is too large; at most ${bodyBytes} bytes are taken.`).refusal;
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return refuse('unsupported-media-type', 'Send the body as JSON, with "Content-Type: application/json".').refusal;
    case 'FST_ERR_BAD_URL':
      return refuse('invalid-request', 'The URL is not well formed; escape its special characters with %.').refusal;
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return refuse('invalid-request', `The body cannot be read: ${error.message}.`).refusal;
    default:
      return error.statusCode === 400
        ? refuse('invalid-request', `The body is not valid JSON: ${error.message}.`).refusal
        : undefined;
  }
}

/** What the caller is told of an error that was thrown: never the error itself, unless it is the caller's own. */
export function refusalOf(
  error: unknown,
  options: { readonly bodyBytes: number; readonly logError: (message: string, error: unknown) => void },
): EdgeRefusal {
  if (isDatabaseAway(error)) {
    options.logError('the database did not answer', error);
    return refuse('store-unavailable', 'The database does not answer, so this was not done; try again in a moment.')
      .refusal;
  }
  const isFastifyError = error instanceof Error && 'statusCode' in error;
  const known = isFastifyError ? fromFastify(error as FastifyError, options.bodyBytes) : undefined;
  if (known) return known;
  const id = randomUUID();
  options.logError(`internal error ${id}`, error);
  return refuse('internal', `Something went wrong in Argosy itself; its log has the cause under ${id}.`, { id })
    .refusal;
}
