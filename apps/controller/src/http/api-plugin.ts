import { apiPrefix, routeNames, routes, type Route, type RouteInput, type RouteName } from '@argosy/contracts/routes';
import { streamPath, streamQuery, type UsageDetail } from '@argosy/contracts/stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { errorBody, refuse, statusOf, type Answer, type CallContext, type EdgeRefusal, type Handlers } from './answer';
import { methodsAt } from './allowed-methods';
import { addAudit, note, subjectOf } from './audit';
import { Authentication } from './authentication';
import { EventStream } from './event-stream';
import { refusalOf } from './failures';
import { addGate, callerOf, configOf, routeConfig } from './gate';
import { createHandlers } from './handlers/handlers';
import { Health } from './health';
import { openApiDocument } from './openapi';
import { addPages, wantsPage } from './pages';
import { parserOf, type RawCall } from './parse-call';
import type { FleetGateway, HttpPorts } from './ports';
import { addScreenSocket } from './screens/screen-socket';
import { Screens } from './screens/screens';
import { StreamReaders } from './stream-readers';
import { addUploadParts } from './upload-parts';

const closeGraceMs = 1000;

/** All of the HTTP edge as one Fastify plugin: its parsers, hooks and errors are its own and touch nobody else's routes. */
export function apiPlugin(ports: HttpPorts) {
  return async (server: FastifyInstance): Promise<void> => {
    const health = new Health(ports.server, ports.gateway);
    const screens = new Screens(ports);
    const authentication = new Authentication(ports.access, ports.limits);
    setUp(server, ports);
    addAudit(server, ports.audit, configOf);
    addGate(server, authentication, sendRefusal);
    addRoutes(server, { ports, authentication, handlers: createHandlers(ports, health, screens) });
    addStream(server, ports);
    addScreens(server, screens);
    addUploadParts(server, ports, sendRefusal);
    addStatus(server, ports, health);
    addUnknown(server, addPages(server, sendUnknown));
  };
}

function setUp(server: FastifyInstance, { limits, metrics, logError }: HttpPorts): void {
  server.server.maxConnections = limits.connections;
  server.removeAllContentTypeParsers();
  const parseJson = server.getDefaultJsonParser('error', 'error');
  server.addContentTypeParser(
    'application/json',
    { parseAs: 'string', bodyLimit: limits.bodyBytes },
    (request, text, done) => (text === '' ? done(null, undefined) : parseJson(request, text as string, done)),
  );
  server.setErrorHandler((error, _request, reply) =>
    sendRefusal(reply, refusalOf(error, { bodyBytes: limits.bodyBytes, logError })),
  );
  server.addHook('onRequest', async (_request, reply) => {
    reply.headers({
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
    });
  });
  server.addHook('preClose', async () => {
    // Answers under way may end; connections that never sent anything are not idle to Node, and would hold the close.
    setTimeout(() => server.server.closeAllConnections(), closeGraceMs).unref();
  });
  server.addHook('onResponse', async (request, reply) => {
    metrics.request(configOf(request)?.name ?? 'unknown', reply.statusCode, reply.elapsedTime);
  });
}

function sendRefusal(reply: FastifyReply, refusal: EdgeRefusal): FastifyReply {
  note(reply.request, { code: refusal.code });
  const status = statusOf(refusal);
  if (status === 401) reply.header('www-authenticate', 'Bearer');
  if (status === 429 || status === 503) reply.header('retry-after', '1');
  return reply.code(status).send(errorBody(refusal));
}

function notLeader(gateway: FleetGateway) {
  const leaderUrl = gateway.leaderUrl();
  const where = leaderUrl === null ? 'Nobody leads at the moment; try again soon.' : `The leader is at ${leaderUrl}.`;
  return refuse('not-leader', `This controller does not lead. ${where}`, { leaderUrl });
}

interface Edge {
  readonly ports: HttpPorts;
  readonly authentication: Authentication;
  readonly handlers: Handlers;
}

function addRoutes(server: FastifyInstance, edge: Edge): void {
  for (const name of routeNames) {
    const route: Route = routes[name];
    const answer = answering(name, edge);
    server.route({
      method: route.method,
      url: `${apiPrefix}${route.path}`,
      ...routeConfig(name, route.access),
      handler: async (request, reply) => {
        const given = await answer(request);
        if (!given.ok) return sendRefusal(reply, given.refusal);
        return reply.code(route.status).send(route.status === 204 ? undefined : given.value);
      },
    });
  }
}

/** The gate has asked who, and whether they may; then: whether here, whether it makes sense, and only then the handler. */
function answering(name: RouteName, { ports, authentication, handlers }: Edge) {
  const route: Route = routes[name];
  const parse = parserOf(route);
  // The table pairs each handler with its own route's parser, which the compiler cannot follow through a loop.
  const handle = handlers[name] as (call: RawCall & CallContext) => Answer<unknown> | Promise<Answer<unknown>>;
  return async (request: FastifyRequest): Promise<Answer<unknown>> => {
    if (!ports.gateway.leading) return notLeader(ports.gateway);
    const call = parse({ params: request.params, query: request.query, body: request.body });
    if (!call.ok) return call;
    if (name === 'agent.register') note(request, { subject: hostNameIn(call.value) });
    const answer = await handle({ ...call.value, ...callerOf(request) });
    if (answer.ok) note(request, doneBy(name, call.value, answer.value));
    if (!answer.ok && answer.refusal.code === 'unauthenticated') authentication.failed(request.ip);
    return answer;
  };
}

const hostNameIn = ({ body }: RawCall): string => (body as RouteInput<'agent.register'>['body']).hostName;

/** Of what was done: the host that has proved who it is, or what was made, where the path does not name it. */
function doneBy(name: RouteName, call: RawCall, value: unknown) {
  if (name === 'agent.register') return { actor: `host ${hostNameIn(call)}` };
  return routes[name].path.includes(':') ? {} : subjectOf(value);
}

function addStream(server: FastifyInstance, ports: HttpPorts): void {
  const { gateway, limits } = ports;
  const stream = new EventStream(ports.server.controllerId, {
    messages: limits.streamHistoryMessages,
    bytes: limits.streamHistoryBytes,
  });
  const readers = new StreamReaders(ports, stream);
  const stops = [
    gateway.onCommitted((writes) => stream.committed(writes, gateway.fleet.term)),
    gateway.onReloaded(() => stream.reset('The inventory was read anew from the database.')),
    gateway.onReport((report) => stream.reported(report, ports.now())),
    readers.watch(),
  ];
  server.addHook('preClose', async () => {
    for (const stop of stops) stop();
    readers.endAll();
  });
  const parse = parserOf({
    method: 'GET',
    path: '',
    summary: '',
    tag: '',
    access: 'viewer',
    status: 200,
    query: streamQuery,
  });
  server.route({
    method: 'GET',
    url: streamPath,
    ...routeConfig('event.stream', 'viewer'),
    exposeHeadRoute: false,
    handler: async (request, reply) => {
      if (!gateway.leading) return sendRefusal(reply, notLeader(gateway).refusal);
      const call = parse({ params: {}, query: request.query, body: undefined });
      if (!call.ok) return sendRefusal(reply, call.refusal);
      const { usage } = call.value.query as { usage: UsageDetail };
      const refusal = readers.open(request, reply, { ...callerOf(request), usage });
      return refusal ? sendRefusal(reply, refusal) : reply;
    },
  });
}

function addScreens(server: FastifyInstance, screens: Screens): void {
  const stop = screens.watch();
  server.addHook('preClose', async () => {
    stop();
    screens.endAll();
  });
  addScreenSocket(server, screens, sendRefusal);
}

function addStatus(server: FastifyInstance, { metrics }: HttpPorts, health: Health): void {
  server.get('/health', routeConfig('health', 'everyone'), async (_request, reply) => {
    const report = await health.check();
    return reply.code(report.status === 'ok' ? 200 : 503).send(report);
  });
  server.get('/metrics', routeConfig('metrics', 'viewer'), async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
  const document = JSON.stringify(openApiDocument());
  server.get('/api/openapi.json', routeConfig('openapi', 'everyone'), async (_request, reply) =>
    reply.type('application/json; charset=utf-8').send(document),
  );
}

/** What no route takes: a browser gets the console, which knows its own addresses. */
function addUnknown(server: FastifyInstance, sendPage: typeof sendUnknown): void {
  server.route({
    method: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
    url: '/*',
    ...routeConfig('unknown', 'everyone'),
    handler: async (request, reply) => (wantsPage(request) ? sendPage(request, reply) : sendUnknown(request, reply)),
  });
}

/** A route that takes the same path with another method is named. */
function sendUnknown({ method, url }: FastifyRequest, reply: FastifyReply): FastifyReply {
  const path = url.split('?', 1)[0] ?? '';
  const methods = methodsAt(path);
  if (methods.length === 0)
    return sendRefusal(
      reply,
      refuse('unknown-route', `There is nothing at ${path}; /api lists what there is.`).refusal,
    );
  reply.header('allow', methods.join(', '));
  return sendRefusal(
    reply,
    refuse('method-not-allowed', `${path} takes ${methods.join(' and ')}, not ${method}.`).refusal,
  );
}
