import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RouteResponse } from '@argosy/contracts/routes';
import type { GuestView as Guest } from '@argosy/contracts/responses';
import type { NewGuest, PoolSettings } from '@argosy/domain/fleet-request';
import { openDatabase } from '@argosy/inventory/database';
import { nameProcess } from '../../apps/lab/processes.mjs';
import { joinGuestNetwork, type LabNetwork, startNetwork } from '../../apps/lab/lab-network.mjs';
import { startPostgres, startRedis } from '../../apps/lab/servers.mjs';
import { ApiClient } from './api-client';
import { ensureBuilt, root } from './build';
import { ConsoleRecord } from './console-record';
import { LabHost } from './host';
import { type GuestEvent, LabGuest } from './lab-guest';
import { LabController, LabServer, patienceMs, waitFor } from './lab-processes';

export type VmmName = 'qemu' | 'embedded';

export interface FleetPlan {
  /** What runs the guests, of all hosts or of each; left out: QEMU. */
  readonly vmm?: VmmName | ((host: string) => VmmName);
  readonly hosts?: number;
  readonly controllers?: number;
  readonly hostMemoryMiB?: number;
  readonly hostMillicores?: number;
  readonly leaseMs?: number;
  readonly pool?: PoolSettings;
  /** One that the test has started itself. */
  readonly redisUrl?: string;
  /** Of every controller and every agent. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Of the host's agent, besides what every agent is told. */
  readonly hostEnvironment?: (name: string, folder: string) => Record<string, string>;
  /** Each host has addresses and links of its own, as in the lab; where that is not allowed, only a guests' network. */
  readonly ownNetworks?: boolean;
  /** The controllers reach the guests: in networks of their own, and in a subnet that is free on this machine. */
  readonly reachesGuests?: boolean;
  /** Before the hosts are switched on: what is mounted later they do not see. */
  readonly prepareDatastore?: (datastore: string) => void;
}

/** `ofMixed`: its name in a fleet of both; otherwise a fleet's one image is `tiny`. */
const measuringGuests = {
  qemu: { program: 'guests/tiny/tiny.elf', architecture: 'x86_64', ofMixed: 'tiny' },
  embedded: { program: 'guests/machine/machine.elf', architecture: 'argosy32', ofMixed: 'machine' },
};
const poolName = 'pool';
const agentProgram = join(root, 'dist/apps/agent/src/main.js');

/** A real small fleet: servers, controllers and chassis with agents, in a scratch folder of its own. */
export class Fleet {
  readonly redis: LabServer;
  readonly postgres: LabServer;
  readonly controllers: LabController[] = [];
  readonly hosts: LabHost[] = [];
  readonly api: ApiClient;
  readonly datastore: string;
  private readonly guard: ChildProcess;
  private readonly records: ConsoleRecord[] = [];
  private sql: ReturnType<typeof openDatabase> | null = null;
  private failed = false;
  private network: LabNetwork | null = null;

  private constructor(
    readonly folder: string,
    private readonly plan: FleetPlan,
  ) {
    this.datastore = join(folder, 'datastore');
    this.guard = fork(join(__dirname, 'guard.mjs'), [folder], { stdio: 'inherit', execArgv: [] });
    this.redis = new LabServer(() =>
      startRedis({ folder: join(folder, 'redis'), address: this.network?.serverAddress }),
    );
    // A database that is killed may not forget what it has promised; a slow disk is the price.
    this.postgres = new LabServer(() => startPostgres({ folder: join(folder, 'postgres'), durable: true }));
    this.api = new ApiClient(
      () => this.controllers.map(({ url }) => url),
      () => readFileSync(join(this.controllers[0]!.folder, 'token'), 'utf8').trim(),
    );
  }

  static async start(plan: FleetPlan = {}): Promise<Fleet> {
    await ensureBuilt();
    const fleet = new Fleet(mkdtempSync(join(tmpdir(), 'argosy-fleet-')), plan);
    try {
      await fleet.bringUp();
      return fleet;
    } catch (error) {
      fleet.failed = true;
      await fleet.stop();
      throw fleet.explained(error);
    }
  }

  private async bringUp(): Promise<void> {
    mkdirSync(join(this.datastore, 'heartbeats'), { recursive: true });
    mkdirSync(join(this.datastore, 'images'), { recursive: true });
    this.plan.prepareDatastore?.(this.datastore);
    const names = Array.from({ length: this.plan.hosts ?? 2 }, (_, index) => `h${index + 1}`);
    if (this.plan.ownNetworks) this.network = await startNetwork({ folder: this.folder, hosts: names, wanted: 'auto' });
    await Promise.all([this.plan.redisUrl === undefined && this.redis.start(), this.postgres.start()]);
    for (let index = 1; index <= (this.plan.controllers ?? 1); index++) await this.addController(`controller${index}`);
    await this.api.call('pool.create', {
      body: { name: poolName, ...(this.plan.pool ? { settings: this.plan.pool } : {}) },
    });
    if (this.plan.reachesGuests && this.network) {
      const { network } = await this.api.call('pool.get', { params: { pool: poolName } });
      joinGuestNetwork(this.network, network.subnet);
    }
    await this.api.call('datastore.create', { body: { name: 'datastore', path: this.datastore, shared: true } });
    await this.createMeasuringImages(new Set(names.map((name) => this.vmmOf(name))));
    const { secret } = await this.api.call('join-token.create', { body: { pool: poolName, reusable: true } });
    for (const name of names) this.addHost(name, secret);
    await Promise.all(this.hosts.map((host) => host.start()));
    await this.waitForHosts('online');
  }

  private vmmOf(host: string): VmmName {
    const { vmm = 'qemu' } = this.plan;
    return typeof vmm === 'string' ? vmm : vmm(host);
  }

  private async createMeasuringImages(vmms: ReadonlySet<VmmName>): Promise<void> {
    for (const vmm of vmms) {
      const { program, architecture, ofMixed } = measuringGuests[vmm];
      const name = vmms.size > 1 ? ofMixed : 'tiny';
      const path = join(this.datastore, `images/${name}.elf`);
      copyFileSync(join(root, program), path);
      await this.createImage(name, path, architecture);
    }
  }

  async addController(name: string, environment: Record<string, string> = {}): Promise<LabController> {
    const controller = new LabController(name, join(this.folder, 'controllers', name), () => ({
      DATABASE_URL: this.postgres.url,
      REDIS_URL: this.redisUrl,
      ...(this.network ? { ARGOSY_LISTEN_ADDRESS: this.network.serverAddress } : {}),
      ARGOSY_LEASE_MS: String(this.plan.leaseMs ?? 3_000),
      ...this.plan.environment,
      ...environment,
    }));
    this.controllers.push(controller);
    await controller.start();
    return controller;
  }

  /** As hosts and controllers reach it. */
  private get redisUrl(): string {
    return this.plan.redisUrl ?? this.redis.url.replace('127.0.0.1', this.network?.serverAddress ?? '127.0.0.1');
  }

  private addHost(name: string, joinToken: string): void {
    const { datastore, plan } = this;
    const network = this.network?.host(name);
    const environment = {
      ARGOSY_POOL: poolName,
      ARGOSY_CONTROLLER_URL: this.controllers.map(({ url }) => url).join(','),
      ARGOSY_JOIN_TOKEN: joinToken,
      REDIS_URL: this.redisUrl,
      ...(network ? { ARGOSY_LISTEN_ADDRESS: network.address, ARGOSY_GUEST_NETWORK: network.guestNetwork } : {}),
      ...plan.environment,
    };
    const cpuMillicores = plan.hostMillicores ?? 500;
    this.hosts.push(
      new LabHost({
        name,
        folder: join(this.folder, 'hosts', name),
        datastore,
        agentProgram,
        cpuMillicores,
        memoryMiB: plan.hostMemoryMiB ?? 1024,
        networkNamespace: network?.namespace ?? '',
        environment: { ...environment, ARGOSY_VMM: this.vmmOf(name), ...plan.hostEnvironment?.(name, this.folder) },
      }),
    );
  }

  createImage(name: string, kernelPath: string, architecture = 'x86_64'): Promise<unknown> {
    return this.api.call('image.create', {
      body: { name, format: 'kernel', kernelPath, architecture, datastore: 'datastore', minimumMemoryMiB: 16 },
    });
  }

  /** On each host one that no other reaches: `local-<host>`. */
  async addOwnDatastores(): Promise<void> {
    for (const { name: host } of this.hosts) {
      const path = this.folderOf(`local-${host}`);
      mkdirSync(path);
      await this.api.call('datastore.create', { body: { name: `local-${host}`, path, shared: false, host } });
    }
  }

  /** Of one of those, or of the one that all share: `datastore`. */
  folderOf(datastore: string): string {
    return datastore === 'datastore' ? this.datastore : join(this.folder, datastore);
  }

  // ---- Ends ----

  async stop(): Promise<void> {
    for (const record of this.records.splice(0)) record.close();
    await this.sql?.$disconnect().catch(() => undefined);
    if (!this.guard.connected) return;
    const ended = once(this.guard, 'message') as Promise<[{ failures: string[] }]>;
    this.guard.send({ keep: this.failed });
    const [{ failures }] = await ended;
    if (failures.length > 0)
      throw new Error(`the fleet in ${this.folder} did not end in order: ${failures.join('; ')}`);
  }

  /** The same error, which now names the folder in which the logs stay. */
  explained(error: unknown): unknown {
    this.failed = true;
    if (error instanceof Error || (typeof error === 'object' && error !== null && 'message' in error)) {
      const explained = error as Error;
      explained.message += `\n\nlogs: ${this.folder}`;
    }
    return error;
  }

  // ---- Hosts and controllers ----

  host(name: string): LabHost {
    const found = this.hosts.find((each) => each.name === name);
    if (!found) throw new Error(`there is no host ${name} in ${this.folder}`);
    return found;
  }

  async hostNamed(id: string | null): Promise<LabHost> {
    const { items } = await this.api.call('host.list');
    return this.host(items.find((each) => each.id === id)?.name ?? 'none');
  }

  async waitForHosts(state: string, names = this.hosts.map(({ name }) => name)): Promise<void> {
    let items: RouteResponse<'host.list'>['items'] = [];
    await waitFor(
      `${names.join(', ')} ${state}`,
      async () => {
        ({ items } = await this.api.call('host.list'));
        return names.every((name) => items.some((host) => host.name === name && host.state === state));
      },
      { seen: () => items.map((host) => `${host.name} is ${host.state}: ${host.stateReason}`) },
    );
  }

  async leader(): Promise<LabController> {
    return waitFor('a controller leads', async () => {
      const rows = await this.query<{ url: string; current: boolean }>(
        'SELECT "url", "expiresAt" > clock_timestamp() AS "current" FROM "lease"',
      ).catch(() => []);
      return this.controllers.find(
        ({ url, pid }) => rows[0]?.current && rows[0].url === url && nameProcess(pid) !== undefined,
      );
    });
  }

  /** The database itself, for what the API does not say. */
  query<Row>(sql: string, ...values: unknown[]): Promise<Row[]> {
    this.sql ??= openDatabase({ url: this.postgres.url, maximumConnections: 3, statementTimeoutMs: 20_000 });
    return this.sql.$queryRawUnsafe<Row[]>(sql, ...values);
  }

  /** Keeps writers off a table, readers not, until the returned function is called. */
  async lockTable(table: string): Promise<() => Promise<void>> {
    this.sql ??= openDatabase({ url: this.postgres.url, maximumConnections: 3, statementTimeoutMs: 20_000 });
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    let hold = (): void => undefined;
    const held = new Promise<void>((resolve) => (hold = resolve));
    const transaction = this.sql.$transaction(
      async (connection) => {
        await connection.$executeRawUnsafe(`LOCK TABLE "${table}" IN EXCLUSIVE MODE`);
        hold();
        await released;
      },
      { timeout: 60_000 },
    );
    // The database may be killed under it.
    transaction.catch(() => undefined);
    await Promise.race([held, transaction]);
    return async () => {
      release();
      await transaction.catch(() => undefined);
    };
  }

  // ---- Guests ----

  async createGuests(guests: readonly Partial<NewGuest>[]): Promise<LabGuest[]> {
    for (const guest of guests) {
      const body = { pool: poolName, image: 'tiny', memoryMiB: 32, start: true, ...guest } as NewGuest;
      await this.api.call('guest.create', { body: body });
    }
    return Promise.all(guests.filter(({ start }) => start !== false).map(({ name }) => this.openGuest(name ?? '')));
  }

  /** Its console is recorded from here on. */
  async openGuest(name: string): Promise<LabGuest> {
    const { id } = await this.api.call('guest.get', { params: { guest: name } });
    const record = new ConsoleRecord(
      id,
      this.hosts.map(({ stateFolder }) => join(stateFolder, 'vmm')),
    );
    this.records.push(record);
    const guest = new LabGuest(this, id, name, record);
    await guest.waitUntilAlive();
    return guest;
  }

  async removeGuest({ name, record }: LabGuest): Promise<void> {
    await this.api.call('guest.stop', { params: { guest: name }, body: { force: true } });
    await waitFor(
      `${name} stops`,
      async () => (await this.api.call('guest.get', { params: { guest: name } })).state === 'stopped',
    );
    await this.api.call('guest.remove', { params: { guest: name } });
    record.close();
  }

  async waitForGuests(state: Guest['state'], names: readonly string[], deadlineMs = patienceMs): Promise<void> {
    let items: Guest[] = [];
    await waitFor(
      `${names.join(', ')} ${state}`,
      async () => {
        ({ items } = await this.api.call('guest.list'));
        return names.every((name) => items.some((guest) => guest.name === name && guest.state === state));
      },
      { deadlineMs, seen: () => items.map((guest) => `${guest.name} is ${guest.state}: ${guest.stateReason}`) },
    );
  }

  async events(
    query: { subject?: string; subjectKind?: 'guest' | 'host' | 'pool'; since?: number; code?: string } = {},
  ): Promise<GuestEvent[]> {
    const asked = { limit: 500, ...query, ...(query.since === undefined ? {} : { since: String(query.since) }) };
    return (await this.api.call('event.list', { query: asked as never })).items;
  }

  /** The latest instant of the record, by the fleet's own clock. */
  now(): number {
    return Date.now();
  }

  async settings(settings: PoolSettings): Promise<void> {
    await this.api.call('pool.update', { params: { pool: poolName }, body: { settings: settings } });
  }
}
