import { apiPrefix, routeNames, routes, screenPath } from '@argosy/contracts/routes';
import { uploadPartPath } from '@argosy/contracts/image-uploads';
import { streamPath } from '@argosy/contracts/stream';

const known = [
  ...routeNames.map((name) => ({ method: routes[name].method, path: `${apiPrefix}${routes[name].path}` })),
  ...[streamPath, screenPath, '/health', '/metrics', '/api/openapi.json', '/api', '/'].map((path) => ({
    method: 'GET',
    path,
  })),
  { method: 'PATCH', path: uploadPartPath },
].map(({ method, path }) => ({ method, pattern: new RegExp(`^${path.replace(/:\w+/g, '[^/]+')}$`) }));

/** The methods that this path takes; none: there is nothing at it. */
export function methodsAt(path: string): string[] {
  return known.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method);
}
