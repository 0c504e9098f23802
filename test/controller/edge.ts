import { routes, routeUrl, type Route, type RouteName, type RouteResponse } from '@argosy/contracts/routes';
import type { Role } from '@argosy/domain/access';
import { AccessStore, hashSecret } from '@argosy/inventory/access-store';
import { AuditStore } from '@argosy/inventory/audit-store';
import { openDatabase } from '@argosy/inventory/database';
import { FleetQueries } from '@argosy/inventory/fleet-queries';
import { MomentStore } from '@argosy/inventory/moment-store';
import { PrismaFleetStore } from '@argosy/inventory/prisma-fleet-store';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Redis } from 'ioredis';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { AuditTrail, type AuditLimits } from '../../apps/controller/src/audit-trail';
import { createHttpAdapter } from '../../apps/controller/src/http/adapter';
import { HttpModule } from '../../apps/controller/src/http/http.module';
import { defaultHttpLimits } from '../../apps/controller/src/http/limits';
import { ControllerMetrics } from '../../apps/controller/src/http/metrics';
import type { RouteConfig } from '../../apps/controller/src/http/gate';
import type { HttpLimits } from '../../apps/controller/src/http/ports';
import { ImageUploads } from '../../apps/controller/src/images/image-uploads';
import { Simulations } from '../../apps/controller/src/simulations';
import { UsageHistory } from '../../apps/controller/src/usage-history';
import { SimulationStore } from '@argosy/inventory/simulation-store';
import { TestServers } from '../inventory/servers';
import { BrainGateway } from './brain-gateway';

@Module({})
class Root {}

export interface Called {
  readonly status: number;
  // What it is depends on the call; what a test expects of it is what the test is about.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly body: any;
  readonly headers: Headers;
}

export interface RegisteredRoute extends RouteConfig {
  readonly method: string;
  readonly path: string;
}

/** A controller's HTTP edge over a real brain, PostgreSQL and Redis, with a token for each role. */
export async function startEdge(limits: Partial<HttpLimits> = {}, auditLimits: Partial<AuditLimits> = {}) {
  const servers = new TestServers();
  const [postgres, redis] = await Promise.all([servers.postgres(), servers.redis()]);
  const database = openDatabase({ url: postgres.url });
  const clock = { skippedMs: 0 };
  const now = () => Date.now() + clock.skippedMs;
  const access = new AccessStore(database, now);
  const gateway = new BrainGateway(new PrismaFleetStore(database));
  await gateway.takeOver();
  const probe = new Redis(redis.url, { maxRetriesPerRequest: 0, retryStrategy: () => 100 });
  probe.on('error', () => undefined);
  const logged: string[] = [];
  const metrics = new ControllerMetrics();
  const auditStore = new AuditStore(database);
  const audit = new AuditTrail({
    store: auditStore,
    retentionDays: 90,
    now,
    say: (message) => logged.push(message),
    countDropped: (reason, count) => metrics.droppedAudit(reason, count),
    limits: auditLimits,
  });
  const simulations = new Simulations({
    store: new SimulationStore(database),
    now,
    say: (message) => logged.push(message),
    workerFile: join(__dirname, '../../dist/apps/controller/src/simulation-worker.js'),
  });
  const allLimits = { ...defaultHttpLimits, ...limits };
  const useFactory = () => ({
    gateway,
    access,
    queries: new FleetQueries(database),
    moments: new MomentStore(database),
    audit,
    auditStore,
    simulations,
    usageHistory: new UsageHistory(now),
    uploads: new ImageUploads({
      datastores: () => gateway.fleet.datastores.values(),
      images: () => gateway.fleet.images.values(),
      request: (actor, request) => gateway.request(actor, request),
      now,
    }),
    metrics,
    limits: allLimits,
    server: {
      version: '0.1.0',
      controllerId: 'test',
      startedAt: now(),
      now,
      lab: null,
      lease: () => ({ term: gateway.fleet.term, holder: 'test', url: 'http://127.0.0.1:8080', held: true, at: now() }),
      probes: { database: () => database.$queryRaw`SELECT 1`, redis: () => probe.ping() },
    },
    now,
    logError: (message: string, error: unknown) => logged.push(`${message}: ${String(error)}`),
  });
  const adapter = createHttpAdapter(allLimits);
  const registered: RegisteredRoute[] = [];
  adapter.getInstance().addHook('onRoute', ({ method, url: path, config }) => {
    for (const each of [method].flat())
      if (each !== 'HEAD') registered.push({ method: each, path, ...(config as unknown as RouteConfig) });
  });
  const app = await NestFactory.create<NestFastifyApplication>(
    { module: Root, imports: [HttpModule.with({ useFactory })] },
    adapter,
    { logger: false, abortOnError: false },
  );
  await app.listen(0, '127.0.0.1');
  const url = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;

  const tokens = {} as Record<Role, string>;
  tokens.administrator = (await access.createFirstAdministrator('ada'))!.secret;
  for (const [name, role] of [
    ['vera', 'viewer'],
    ['olga', 'operator'],
  ] as const) {
    await access.createUser(name, role);
    tokens[role] = (await access.createToken(name))!.secret;
  }

  async function send(
    method: string,
    path: string,
    options: { token?: string | null; body?: unknown; headers?: object } = {},
  ): Promise<Called> {
    const { token = tokens.administrator, body, headers } = options;
    const isText = typeof body === 'string';
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = (response.headers.get('content-type') ?? '').includes('json');
    return { status: response.status, body: isJson && text ? JSON.parse(text) : text, headers: response.headers };
  }

  /** Calls a route by its name, and holds its answer against the contract. */
  async function call<Name extends RouteName>(
    name: Name,
    input: { params?: Record<string, string>; query?: string; body?: unknown; token?: string } = {},
  ): Promise<RouteResponse<Name>> {
    const route: Route = routes[name];
    const path = `${routeUrl(route.path, input.params)}${input.query ? `?${input.query}` : ''}`;
    const { status, body } = await send(route.method, path, input);
    if (status !== route.status) throw new Error(`${name} answered ${status}: ${JSON.stringify(body)}`);
    return (route.response ? route.response.parse(body) : undefined) as RouteResponse<Name>;
  }

  async function stop(): Promise<void> {
    await app.close();
    probe.disconnect();
    await simulations.close();
    await audit.close();
    await database.$disconnect();
    await servers.stop();
  }
  return { url, registered, app, clock, access, audit, gateway, postgres, redis, tokens, logged, send, call, stop };
}
export type Edge = Awaited<ReturnType<typeof startEdge>>;

export const registration = (hostName: string, poolName = 'lab') => ({
  hostName,
  poolName,
  peerAddress: '127.0.0.1:9000',
  queue: `agent-${hostName}`,
  capacity: { cpuMillicores: 1000, memoryMiB: 1024 },
  capabilities: {
    driver: 'qemu',
    version: '7.2.0',
    accelerator: 'tcg',
    acceleratorReason: 'no /dev/kvm',
    machineType: 'pc-i440fx-7.2',
    cpuModel: 'qemu64',
    guestArchitectures: ['x86_64'],
    liveMigration: true,
    postCopy: true,
    facts: [],
  },
  fenceDevice: null,
});

/** What the agent of that host has made for itself. */
export const credentialOf = (hostName: string) => `argosy_agent_${hostName}`;
/** The registration that comes with a join token. */
export const newcomer = (hostName: string, poolName = 'lab', credential = credentialOf(hostName)) => ({
  ...registration(hostName, poolName),
  credentialHash: hashSecret(credential),
});

/** A pool named lab with hosts h1 and h2 and an image named tiny; returns the credentials of the hosts. */
export async function makeLab({ call }: Edge): Promise<{ h1: string; h2: string }> {
  await call('pool.create', { body: { name: 'lab' } });
  await call('datastore.create', { body: { name: 'shared', path: '/srv/argosy', shared: true } });
  await call('image.create', {
    body: { name: 'tiny', format: 'kernel', kernelPath: '/srv/argosy/tiny.elf', datastore: 'shared' },
  });
  const { secret } = await call('join-token.create', { body: { pool: 'lab', reusable: true } });
  for (const name of ['h1', 'h2']) await call('agent.register', { body: newcomer(name), token: secret });
  return { h1: credentialOf('h1'), h2: credentialOf('h2') };
}
