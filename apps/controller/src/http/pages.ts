import type { FastifyInstance } from 'fastify';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { routeConfig } from './gate';

/** Nothing from elsewhere, nothing inline, in nobody's frame. */
const pageHeaders = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

const files = [
  ['/', 'fleet.html', 'text/html; charset=utf-8'],
  ['/api', 'api.html', 'text/html; charset=utf-8'],
  ['/pages/fleet.js', 'fleet.js', 'text/javascript; charset=utf-8'],
  ['/pages/api.js', 'api.js', 'text/javascript; charset=utf-8'],
  ['/pages/client.js', 'client.js', 'text/javascript; charset=utf-8'],
  ['/pages/style.css', 'style.css', 'text/css; charset=utf-8'],
] as const;

export function addPages(server: FastifyInstance): void {
  const folder = pagesFolder();
  for (const [url, file, type] of files) {
    const content = readFileSync(join(folder, file));
    server.get(url, routeConfig('page', 'everyone'), async (_request, reply) =>
      reply.headers(pageHeaders).header('cache-control', 'no-cache').type(type).send(content),
    );
  }
}

/** Beside this file, or (it was built) in the sources above the folder of the build. */
function pagesFolder(folder = __dirname): string {
  const candidates = [join(folder, 'pages'), join(folder, 'apps/controller/src/http/pages')];
  const found = candidates.find((candidate) => existsSync(join(candidate, 'fleet.html')));
  if (found) return found;
  if (dirname(folder) === folder)
    throw new Error('the folder apps/controller/src/http/pages is missing beside the program');
  return pagesFolder(dirname(folder));
}
