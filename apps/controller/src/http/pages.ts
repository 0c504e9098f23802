import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { routeConfig } from './gate';

/**
 * Nothing from elsewhere, no script inline, in nobody's frame. Styles may be inline: the console's terminal writes its
 * own sheet for the size of its characters and its colours.
 */
const pageHeaders = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.jpg': 'image/jpeg',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
};

/** The browser of the API: it needs no build. */
const files = [
  ['/api', 'api.html'],
  ['/pages/api.js', 'api.js'],
  ['/pages/client.js', 'client.js'],
  ['/pages/style.css', 'style.css'],
] as const;

const notBuilt =
  '<!doctype html><html lang="en"><title>Argosy</title><p>The console is not built: run "npm run build" and start the controller again. The API is browsed at <a href="/api">/api</a>.</p></html>';

type Answering = (request: FastifyRequest, reply: FastifyReply) => FastifyReply;

/** `sendUnknown` answers where nothing is. Returns what sends the console's page, which stands at many addresses. */
export function addPages(server: FastifyInstance, sendUnknown: Answering): Answering {
  const folder = folderAbove('apps/controller/src/http/pages', 'api.html');
  if (folder === null) throw new Error('the folder apps/controller/src/http/pages is missing beside the program');
  for (const [url, file] of files) {
    const content = readFileSync(join(folder, file));
    server.get(url, routeConfig('page', 'everyone'), async (_request, reply) =>
      reply.headers(pageHeaders).header('cache-control', 'no-cache').type(types[extname(file)]!).send(content),
    );
  }
  const console = new ConsoleFiles(folderAbove('dist/console', 'index.html'));
  const sendPage: Answering = (request, reply) => console.sendPage(request, reply);
  server.get('/', routeConfig('page', 'everyone'), async (request, reply) => sendPage(request, reply));
  // What is asked for is one of the files that were there at the start, and never a path.
  server.get('/assets/:file', routeConfig('page', 'everyone'), async (request, reply) => {
    const { file } = request.params as { file: string };
    return console.sendAsset(file, request, reply) ?? sendUnknown(request, reply);
  });
  return sendPage;
}

/** Whether a browser asks for a page, and not a program for an answer; the console has addresses of its own. */
export function wantsPage({ method, url, headers }: FastifyRequest): boolean {
  const isOurs = /^\/(api|assets|pages|sdk|redfish)(\/|\?|$)/.test(url);
  return method === 'GET' && !isOurs && (headers.accept ?? '').includes('text/html');
}

interface ServedFile {
  readonly type: string;
  readonly plain: Buffer;
  /** The same, smaller: by the name of the coding. Best first. */
  readonly coded: readonly (readonly [coding: string, content: Buffer])[];
}

/** The console as it was built: read once, and sent as it is. */
class ConsoleFiles {
  private readonly page: ServedFile | null;
  private readonly assets = new Map<string, ServedFile>();

  constructor(folder: string | null) {
    this.page = folder === null ? null : readServed(join(folder, 'index.html'));
    if (folder === null) return;
    const names = readdirSync(join(folder, 'assets')).filter((name) => !/\.(br|gz)$/.test(name));
    for (const name of names) this.assets.set(name, readServed(join(folder, 'assets', name)));
  }

  /** The same for each of its addresses; what stands there the console decides. */
  sendPage(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    reply.headers(pageHeaders).header('cache-control', 'no-cache');
    if (this.page === null) return reply.code(503).type(types['.html']!).send(notBuilt);
    return send(this.page, request, reply);
  }

  /** Its name has a hash of what is in it: it never changes. undefined: there is none of that name. */
  sendAsset(name: string, request: FastifyRequest, reply: FastifyReply): FastifyReply | undefined {
    const file = this.assets.get(name);
    if (file === undefined) return undefined;
    return send(file, request, reply.header('cache-control', 'public, max-age=31536000, immutable'));
  }
}

function send(file: ServedFile, { headers }: FastifyRequest, reply: FastifyReply): FastifyReply {
  const taken = String(headers['accept-encoding'] ?? '');
  const coded = file.coded.find(([coding]) => new RegExp(`\\b${coding}\\b(?!;q=0\\b)`).test(taken));
  reply.type(file.type).header('vary', 'accept-encoding');
  return coded ? reply.header('content-encoding', coded[0]).send(coded[1]) : reply.send(file.plain);
}

function readServed(file: string): ServedFile {
  const codings = [
    ['br', '.br'],
    ['gzip', '.gz'],
  ] as const;
  return {
    type: types[extname(file)] ?? 'application/octet-stream',
    plain: readFileSync(file),
    coded: codings.flatMap(([coding, suffix]) =>
      existsSync(file + suffix) ? [[coding, readFileSync(file + suffix)] as const] : [],
    ),
  };
}

/** The folder of that name beside or above this file: sources and build stand at different depths. null: none has it. */
function folderAbove(name: string, file: string, from = __dirname): string | null {
  const found = join(from, name);
  if (existsSync(join(found, file))) return found;
  return dirname(from) === from ? null : folderAbove(name, file, dirname(from));
}
