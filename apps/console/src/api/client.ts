import {
  type Route,
  type RouteCall,
  type RouteName,
  type RouteResponse,
  routes,
  routeUrl,
} from '@argosy/contracts/routes';
import { type ApiError, errorOf, unreachable } from './error';
import { readSession, signOut } from './session';

/** Only the parts that a route has. */
export type Call<Name extends RouteName> = {
  readonly [
    Part in keyof RouteCall<Name> as RouteCall<Name>[Part] extends undefined ? never : Part
  ]?: RouteCall<Name>[Part];
};

/** Of an answer to a call with the session's own token: one that does not hold any more ends the session. */
export async function refusalOf(response: Response): Promise<ApiError> {
  const error = await errorOf(response);
  if (error.code === 'unauthenticated') signOut(error);
  return error;
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
  if (!response.ok) throw await (token === undefined ? refusalOf(response) : errorOf(response));
  return (response.status === 204 ? undefined : await response.json()) as RouteResponse<Name>;
}
