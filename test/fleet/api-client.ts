import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Route,
  type RouteCall,
  type RouteName,
  type RouteResponse,
  routes,
  routeUrl,
} from '@argosy/contracts/routes';

/** Only the parts that a route has. */
type Call<Name extends RouteName> = {
  readonly [
    Part in keyof RouteCall<Name> as RouteCall<Name>[Part] extends undefined ? never : Part
  ]?: RouteCall<Name>[Part];
};

export interface RawAnswer {
  readonly status: number;
  readonly body: { readonly code?: string; readonly message?: string; readonly [name: string]: unknown };
}

/** What the API refused, with the sentence that an administrator would read. */
export class ApiRefusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly sentence: string,
    what: string,
  ) {
    super(`${what}: ${status} ${code}: ${sentence}`);
  }
}

const deadlineMs = 20_000;
const retryMs = 100;
/** While a controller or the database is away these are answered, and nothing was done. */
const passing = new Set(['not-leader', 'store-unavailable']);

/** A client of the REST interface that follows the leader and waits for one. */
export class ApiClient {
  private current = 0;

  constructor(
    private readonly urls: () => readonly string[],
    private readonly token: () => string,
  ) {}

  async call<Name extends RouteName>(
    name: Name,
    call: Call<Name> = {},
    patienceMs = 30_000,
  ): Promise<RouteResponse<Name>> {
    const { method, path } = routes[name] as Route;
    const { params, query, body } = call as {
      params?: Record<string, string>;
      query?: Record<string, unknown>;
      body?: unknown;
    };
    const pairs = Object.entries(query ?? {}).map(([key, value]): [string, string] => [key, String(value)]);
    const address = `${routeUrl(path, params)}${pairs.length > 0 ? `?${new URLSearchParams(pairs).toString()}` : ''}`;
    const end = performance.now() + patienceMs;
    for (;;) {
      try {
        const answer = await this.raw(method, address, body);
        if (answer.status < 400) return answer.body as RouteResponse<Name>;
        throw new ApiRefusal(answer.status, answer.body.code ?? '', answer.body.message ?? '', `${method} ${address}`);
      } catch (error) {
        // A connection that was refused or cut: nothing is known, and another controller may know more.
        const isPassing = error instanceof ApiRefusal ? passing.has(error.code) : true;
        if (!isPassing || performance.now() > end) throw error;
        this.current += 1;
        await sleep(retryMs);
      }
    }
  }

  /** One request as it is, to the controller that was last found to lead. */
  async raw(method: string, address: string, body?: unknown, headers: Record<string, string> = {}): Promise<RawAnswer> {
    const urls = this.urls();
    const url = urls[this.current % urls.length] ?? '';
    const sent = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) };
    const response = await fetch(`${url}${address}`, {
      method,
      headers: {
        authorization: `Bearer ${this.token()}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      signal: AbortSignal.timeout(deadlineMs),
      ...sent,
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as RawAnswer['body']) };
  }

  /** Not JSON, and from each controller: counters begin anew with each process. */
  async metrics(): Promise<string> {
    const texts = await Promise.all(
      this.urls().map(async (url) =>
        (await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${this.token()}` } })).text(),
      ),
    );
    return texts.join('\n');
  }
}
