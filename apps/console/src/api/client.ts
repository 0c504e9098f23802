import { errorBodySchema } from '@argosy/contracts/errors';
import {
  type Route,
  type RouteCall,
  type RouteName,
  type RouteResponse,
  routes,
  routeUrl,
} from '@argosy/contracts/routes';
import { readSession, signOut } from './session';

/** Only the parts that a route has. */
export type Call<Name extends RouteName> = {
  readonly [
    Part in keyof RouteCall<Name> as RouteCall<Name>[Part] extends undefined ? never : Part
  ]?: RouteCall<Name>[Part];
};

/** What the API refused, or that it could not be reached; the message is for people. */
export class ApiError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly details: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
  }
}

export const unreachable = (): ApiError =>
  new ApiError(
    'unreachable',
    'The controller does not answer. What was asked may or may not have been done; look again when it is back.',
  );

export async function errorOf(response: Response): Promise<ApiError> {
  const body = errorBodySchema.safeParse(await response.json().catch(() => null));
  if (body.success) return new ApiError(body.data.code, body.data.message, body.data.details);
  return new ApiError(
    'unexpected-answer',
    `The controller answered with status ${response.status} and no explanation.`,
  );
}

export function authorization(token = readSession().token): Record<string, string> {
  return token === null ? {} : { authorization: `Bearer ${token}` };
}

interface Options {
  readonly signal?: AbortSignal;
  /** Another than the session's, to find out whose it is. */
  readonly token?: string;
}

/** Calls a route by its name. Throws an ApiError with the server's own sentence. */
export async function call<Name extends RouteName>(
  name: Name,
  { params, query, body }: Call<Name> & { params?: unknown; query?: unknown; body?: unknown } = {},
  { signal, token }: Options = {},
): Promise<RouteResponse<Name>> {
  const route: Route = routes[name];
  const pairs = Object.entries((query ?? {}) as Record<string, unknown>)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]): [string, string] => [key, String(value)]);
  const url = routeUrl(route.path, params as Record<string, string>);
  const response = await fetch(pairs.length > 0 ? `${url}?${new URLSearchParams(pairs).toString()}` : url, {
    method: route.method,
    headers: { ...authorization(token), ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal ? { signal } : {}),
  }).catch((error: unknown) => {
    if (signal?.aborted) throw error;
    throw unreachable();
  });
  if (!response.ok) {
    const error = await errorOf(response);
    if (error.code === 'unauthenticated' && token === undefined) signOut();
    throw error;
  }
  return (response.status === 204 ? undefined : await response.json()) as RouteResponse<Name>;
}
