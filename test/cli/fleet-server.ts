// A small fleet behind the real table of routes: what it is sent must satisfy the contract, and so must what it answers.
import { routeNames, routes, apiPrefix, type Route, type RouteInput, type RouteName } from '@argosy/contracts/routes';
import { invalidRequest, refusalStatus, edgeErrorStatus } from '@argosy/contracts/errors';
import { streamPath } from '@argosy/contracts/stream';
import type { z } from 'zod';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const statuses: Readonly<Record<string, number>> = { ...refusalStatus, ...edgeErrorStatus };
export const token = 'argosy_secret';

export class Refused extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly details?: Readonly<Record<string, unknown>>,
  ) {
    super(message);
  }
}

export type Handlers = { [Name in RouteName]?: (input: RouteInput<Name>) => unknown };

interface Matched {
  readonly name: RouteName;
  readonly params: Readonly<Record<string, string>>;
}

function match(method: string, path: string): Matched | undefined {
  const parts = path.slice(apiPrefix.length).split('/').map(decodeURIComponent);
  for (const name of routeNames) {
    const wanted = routes[name].path.split('/');
    const fits = routes[name].method === method && wanted.length === parts.length;
    if (!fits || !wanted.every((part, index) => part.startsWith(':') || part === parts[index])) continue;
    const params = wanted.flatMap((part, index) => (part.startsWith(':') ? [[part.slice(1), parts[index] ?? '']] : []));
    return { name, params: Object.fromEntries(params) as Record<string, string> };
  }
  return undefined;
}

function parse(schema: z.ZodType | undefined, value: unknown, what: string): unknown {
  if (schema === undefined) return undefined;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Refused('invalid-request', invalidRequest(parsed.error, what).refusal.message);
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text === '' ? {} : JSON.parse(text);
}

export class FleetServer {
  readonly asked: {
    readonly name: RouteName;
    readonly params: unknown;
    readonly query: unknown;
    readonly body: unknown;
  }[] = [];
  private readonly readers = new Set<ServerResponse>();
  private sent = 0;

  private constructor(
    private readonly server: Server,
    public handlers: Handlers,
  ) {}

  static async start(handlers: Handlers): Promise<FleetServer> {
    const server = createServer();
    const fleet = new FleetServer(server, handlers);
    server.on('request', (request: IncomingMessage, response: ServerResponse) => void fleet.answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return fleet;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  push(message: object): void {
    const id = `test-${++this.sent}`;
    for (const reader of this.readers) reader.write(`id: ${id}\ndata: ${JSON.stringify({ id, ...message })}\n\n`);
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      if (request.headers.authorization !== `Bearer ${token}`)
        throw new Refused('unauthenticated', 'The token is missing or wrong.');
      const url = new URL(request.url ?? '/', this.url);
      if (url.pathname === streamPath) return this.open(response);
      const found = match(request.method ?? 'GET', url.pathname);
      if (found === undefined) throw new Refused('unknown-route', `There is no ${request.method} ${url.pathname}.`);
      const route = routes[found.name] as Route;
      const call = {
        params: parse(route.params, found.params, 'path'),
        query: parse(route.query, Object.fromEntries(url.searchParams), 'query'),
        body: parse(route.body, await bodyOf(request), 'body'),
      };
      this.asked.push({ name: found.name, ...call });
      const handler = this.handlers[found.name] as ((input: object) => unknown) | undefined;
      if (handler === undefined) throw new Refused('unknown-route', `The test's server has no ${found.name}.`);
      const value: unknown = await handler(call);
      const checked = route.response?.safeParse(value);
      if (checked && !checked.success)
        throw new Error(`${found.name} answers against its contract: ${checked.error.message}`);
      response.writeHead(route.status, { 'content-type': 'application/json' });
      response.end(route.response ? JSON.stringify(value) : undefined);
    } catch (error) {
      const { code, message, details } =
        error instanceof Refused ? error : { code: 'internal', message: String(error), details: undefined };
      response.writeHead(statuses[code] ?? 500, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ code, message, ...(details ? { details } : {}) }));
    }
  }

  private open(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('retry: 1000\n: everything from now on\n\n');
    this.readers.add(response);
    response.on('close', () => this.readers.delete(response));
  }
}
