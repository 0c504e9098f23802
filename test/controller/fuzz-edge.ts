import { randomInt } from 'node:crypto';
import { connect } from 'node:net';
import { routeNames, routes, routeUrl, type Route, type RouteName } from '@argosy/contracts/routes';
import * as fc from 'fast-check';
import { attemptsAt } from './hostile-json';
import { makeLab, startEdge, type Edge } from './edge';

/** A run is its seed: ARGOSY_FUZZ_SEED repeats one. */
export function fuzzSeed(): number {
  const seed = Number(process.env['ARGOSY_FUZZ_SEED'] ?? randomInt(2 ** 31));
  console.log(`seed: ARGOSY_FUZZ_SEED=${seed}`);
  return seed;
}

export async function openFuzzedEdge(): Promise<Edge> {
  const edge = await startEdge({
    requestsPerSecond: 1e6,
    requestBurst: 1e6,
    failedLoginsPerSecond: 1e6,
    failedLoginBurst: 1e6,
  });
  await makeLab(edge);
  await edge.call('guest.create', { body: { name: 'db', pool: 'lab', image: 'tiny', memoryMiB: 64 } });
  return edge;
}

interface Attempt {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));

/** Half of a surrogate pair has no form in a URL. */
function pathOf(route: Route, { params, query }: Attempt): string {
  const given = Object.fromEntries(
    Object.entries((params ?? {}) as Record<string, unknown>).map(([name, value]) => [
      name,
      textOf(value).replace(/\p{Surrogate}/gu, '?'),
    ]),
  );
  const pairs = typeof query === 'object' && query !== null ? Object.entries(query) : [];
  const search = pairs.map(([name, value]) =>
    [name, textOf(value)].map((each) => encodeURIComponent(each.replace(/\p{Surrogate}/gu, '?'))).join('='),
  );
  return `${routeUrl(route.path, given)}${search.length > 0 ? `?${search.join('&')}` : ''}`.slice(0, 8000);
}

/** They may take away what the others need, the caller's own token with the last. */
const asLast: readonly RouteName[] = ['pool.remove', 'user.update', 'token.revoke', 'user.remove'];

/** Throws with the smallest attempt that the edge has answered with a fault of its own. */
export async function fuzzRoute(
  edge: Edge,
  name: RouteName,
  options: { seed: number; numRuns: number },
): Promise<void> {
  const route: Route = routes[name];
  const attempts = fc.record({
    params: attemptsAt(route.params),
    query: attemptsAt(route.query),
    body: attemptsAt(route.body),
  });
  const property = fc.asyncProperty(attempts, async (attempt) => {
    const path = pathOf(route, attempt);
    const hasBody = route.method !== 'GET' && attempt.body !== undefined;
    const { status, body } = await edge.send(route.method, path, hasBody ? { body: JSON.stringify(attempt.body) } : {});
    const isFault = status === 500 || (status >= 400 && typeof body?.code !== 'string');
    if (isFault) throw new Error(`${route.method} ${path}: ${status} ${JSON.stringify(body)}\n${edge.logged.at(-1)}`);
  });
  await fc.assert(property, { ...options, interruptAfterTimeLimit: 120_000 });
}

export const fuzzedRoutes = [...routeNames.filter((name) => !asLast.includes(name)), ...asLast];

/** Sends bytes, and waits until it is answered, cut off or nothing comes. */
export function sendBytes(port: number, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.setTimeout(100, () => socket.destroy());
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
    socket.resume();
    socket.end(Buffer.from(bytes));
  });
}

const startLine = fc
  .tuple(
    fc.constantFrom('GET', 'POST', 'PUT', 'X', ''),
    fc.webPath(),
    fc.constantFrom('HTTP/1.1', 'HTTP/1.0', 'HTTP/9', ''),
  )
  .map((parts) => `${parts.join(' ')}\r\n`);
const header = fc
  .tuple(
    fc.constantFrom('host', 'content-length', 'transfer-encoding', 'authorization', 'expect', 'x'),
    fc.string({ maxLength: 50 }),
  )
  .map(([field, value]) => `${field}: ${value}\r\n`);

/** Bytes that begin as HTTP does, or do not. */
export const hostileBytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 4000 }),
  fc
    .tuple(startLine, fc.array(header, { maxLength: 5 }), fc.uint8Array({ maxLength: 500 }))
    .map(([start, headers, rest]) => Buffer.concat([Buffer.from(`${start}${headers.join('')}\r\n`), rest])),
);
