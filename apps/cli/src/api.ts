import { setTimeout as sleep } from 'node:timers/promises';
import {
  routes,
  routeUrl,
  type RouteCall,
  type RouteName,
  type RouteResponse,
  type Route,
} from '@argosy/contracts/routes';
import { adviceFor, Failure } from './failure';
import type { Connection } from './settings';

/** Only the parts that a route has, and they must be given. */
type Call<Name extends RouteName> = {
  readonly [
    Part in keyof RouteCall<Name> as RouteCall<Name>[Part] extends undefined ? never : Part
  ]: RouteCall<Name>[Part];
};
type Arguments<Name extends RouteName> = keyof Call<Name> extends never ? [] : [Call<Name>];

type Item<Name extends RouteName> = RouteResponse<Name> extends { items: (infer Row)[] } ? Row : never;
export type ListRoute = {
  [Name in RouteName]: RouteResponse<Name> extends { items: unknown[]; nextCursor: unknown } ? Name : never;
}[RouteName];

const requestDeadlineMs = 30_000;
/** A controller that takes over needs a moment, and what it refused meanwhile was not done. */
const leaderPatienceMs = 8_000;
const leaderRetryMs = 300;
const mostHops = 4;
const longestPage = 1000;

interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

function isRefusal(value: unknown): value is Refusal {
  const { code, message } = (value ?? {}) as Record<string, unknown>;
  return typeof code === 'string' && typeof message === 'string';
}

function queryString(query: Readonly<Record<string, unknown>> = {}): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined);
  return pairs.length === 0
    ? ''
    : `?${new URLSearchParams(pairs.map(([name, value]): [string, string] => [name, String(value)])).toString()}`;
}

/** Why fetch failed, in words: it hides the system's code in a chain of causes, or in several of them. */
function connectionFault(error: unknown): string {
  let why = String(error);
  for (let cause = error as Partial<NodeJS.ErrnoException> | undefined; cause; cause = cause.cause as typeof cause) {
    const [first] = ((cause as Partial<AggregateError>).errors ?? []) as readonly unknown[];
    const code = cause.code ?? (first as NodeJS.ErrnoException | undefined)?.code;
    if (code !== undefined) return String(code);
    why = cause.message ?? why;
  }
  return why;
}

export class Api {
  private url: string;

  constructor(
    private readonly connection: Connection,
    private readonly signal: AbortSignal,
  ) {
    this.url = connection.url;
  }

  get server(): string {
    return this.url;
  }

  async call<Name extends RouteName>(name: Name, ...[call]: Arguments<Name>): Promise<RouteResponse<Name>> {
    const { method, path } = routes[name] as Route;
    const { params, query, body } = (call ?? {}) as {
      params?: Record<string, string>;
      query?: Record<string, unknown>;
      body?: unknown;
    };
    return (await this.request(method, routeUrl(path, params) + queryString(query), body)) as RouteResponse<Name>;
  }

  /** Bytes, where a route of its own takes them; its answer. */
  async sendBytes(path: string, query: Readonly<Record<string, unknown>>, bytes: Uint8Array): Promise<unknown> {
    return this.request('PATCH', path + queryString(query), bytes);
  }

  /** Every row of a list, or the first `limit`, page after page. */
  async list<Name extends ListRoute>(
    name: Name,
    call?: { readonly params?: Record<string, string>; readonly query?: object; readonly limit?: number },
  ): Promise<Item<Name>[]> {
    const { method, path, query: knownQuery } = routes[name] as Route;
    const isPaged = knownQuery !== undefined && 'limit' in knownQuery.shape;
    const most = call?.limit ?? Infinity;
    const rows: Item<Name>[] = [];
    let cursor: string | null | undefined;
    do {
      const page = isPaged ? { limit: Math.min(longestPage, most - rows.length), cursor } : {};
      const address = routeUrl(path, call?.params) + queryString({ ...call?.query, ...page });
      const answer = (await this.request(method, address)) as { items?: Item<Name>[]; nextCursor?: string | null };
      if (!Array.isArray(answer?.items)) throw this.unexpected(address);
      rows.push(...answer.items);
      cursor = answer.nextCursor;
    } while (isPaged && cursor && rows.length < most);
    return rows.slice(0, most);
  }

  /** The body of an answer that goes on and on, as the event stream does. */
  async openStream(
    path: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<ReadableStream<Uint8Array>> {
    const response = await this.fetch(path, { headers: { ...this.authorization(), ...headers }, signal });
    if (response.ok && response.body) return response.body as ReadableStream<Uint8Array>;
    const refusal = await this.refusalOf(response, path);
    // The caller opens it again, and then it is opened where the leader is.
    this.url = this.leaderOf(refusal) ?? this.url;
    throw refusal;
  }

  /** Follows the leader, and waits a little where there is none. */
  private async request(method: string, path: string, body?: unknown): Promise<unknown> {
    const patienceEnds = performance.now() + leaderPatienceMs;
    for (let hops = 0; ;) {
      try {
        return await this.once(method, path, body);
      } catch (error) {
        if (!(error instanceof Failure) || error.code !== 'not-leader') throw error;
        const leader = this.leaderOf(error);
        if (leader !== undefined && leader !== this.url && hops++ < mostHops) {
          this.url = leader;
          continue;
        }
        if (performance.now() > patienceEnds) throw error;
        await sleep(leaderRetryMs, undefined, { signal: this.signal });
      }
    }
  }

  /** Where the token may follow: never from https to http. */
  private leaderOf({ more }: Failure): string | undefined {
    const url = more.details?.['leaderUrl'];
    if (typeof url !== 'string' || !URL.canParse(url)) return undefined;
    const { protocol, href } = new URL(url);
    const isSafe = protocol === 'https:' || (protocol === 'http:' && this.url.startsWith('http:'));
    return isSafe ? href.replace(/\/+$/, '') : undefined;
  }

  private authorization(): Record<string, string> {
    const { token } = this.connection;
    return token === undefined ? {} : { authorization: `Bearer ${token}` };
  }

  private async once(method: string, path: string, body: unknown): Promise<unknown> {
    const isBytes = body instanceof Uint8Array;
    const type = isBytes ? 'application/octet-stream' : 'application/json';
    const response = await this.fetch(path, {
      method,
      headers: {
        accept: 'application/json',
        ...this.authorization(),
        ...(body === undefined ? {} : { 'content-type': type }),
      },
      ...(body === undefined ? {} : { body: isBytes ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body) }),
      signal: AbortSignal.any([this.signal, AbortSignal.timeout(requestDeadlineMs)]),
    });
    if (!response.ok) throw await this.refusalOf(response, path);
    const text = await this.textOf(response);
    if (text === '') return undefined;
    try {
      return JSON.parse(text) as unknown;
    } catch (error) {
      if (error instanceof SyntaxError) throw this.unexpected(path);
      throw error;
    }
  }

  private async fetch(path: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(`${this.url}${path}`, init);
    } catch (error) {
      throw this.faultOf(error);
    }
  }

  private async textOf(response: Response): Promise<string> {
    try {
      return await response.text();
    } catch (error) {
      throw this.faultOf(error);
    }
  }

  private faultOf(error: unknown): Error {
    if (this.signal.aborted) return new Failure('interrupted', 'Interrupted.');
    if ((error as Error).name === 'TimeoutError') {
      return new Failure('no-answer', `${this.url} did not answer within ${requestDeadlineMs / 1000} s.`, {
        advice: 'What was asked may still happen: look before you ask again.',
      });
    }
    if ((error as Error).name === 'AbortError') return error as Error;
    const { from } = this.connection;
    return new Failure(
      'unreachable',
      `Nothing answers at ${this.url} (${connectionFault(error)}); the address is from ${from}.`,
      {
        advice: from.startsWith('the lab')
          ? 'Start the lab with "npm start", or name another server with --server.'
          : 'Is that the right address? --server or ARGOSY_URL names another.',
      },
    );
  }

  private unexpected(path: string): Failure {
    return new Failure(
      'unexpected-answer',
      `What answers at ${this.url}${path.split('?')[0]} is not an Argosy controller.`,
      { advice: 'Check --server or ARGOSY_URL.' },
    );
  }

  private async refusalOf(response: Response, path: string): Promise<Failure> {
    const text = await this.textOf(response);
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
    if (!isRefusal(value)) return this.unexpected(path);
    const advice = adviceFor[value.code] ?? '';
    return new Failure(value.code, value.message, {
      httpStatus: response.status,
      advice,
      ...(value.details ? { details: value.details } : {}),
    });
  }
}
