import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, copyFileSync, mkdirSync, mkdtempSync, openSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RouteResponse } from '@argosy/contracts/routes';
import type { GuestView as Guest } from '@argosy/contracts/responses';
import type { Migration } from '@argosy/domain/entities';
import type { NewGuest, PoolSettings } from '@argosy/domain/fleet-request';
import { type GuestLine, replayChecksum, replayDiskChecksum } from '@argosy/domain/guest-console';
import { openDatabase } from '@argosy/inventory/database';
import { isRunning, nameProcess } from '../../apps/lab/processes.mjs';
import { writeJson } from '../../apps/lab/private-files.mjs';
import { joinGuestNetwork, type LabNetwork, startNetwork } from '../../apps/lab/lab-network.mjs';
import { freePort, startPostgres, startRedis } from '../../apps/lab/servers.mjs';
import { ApiClient, ApiRefusal } from './api-client';
import { ensureBuilt, root } from './build';
import { ConsoleRecord } from './console-record';
import { LabHost, type VmmProcess } from './host';

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
const controllerProgram = join(root, 'dist/apps/controller/src/main.js');
const patienceMs = 60_000;

export type GuestEvent = RouteResponse<'event.list'>['items'][number];

/** Never 0 or less: that would be a group of processes, the test's own among them. */
export function signal(pid: number | undefined, name: NodeJS.Signals): void {
  if (pid === undefined || !(pid > 1)) throw new Error(`there is no process to send ${name} to`);
  process.kill(pid, name);
}

/** Asks until there is an answer; the error of a late one says what was last seen. */
export async function waitFor<Value>(
  what: string,
  look: () => Value | undefined | null | false | Promise<Value | undefined | null | false>,
  {
    deadlineMs = patienceMs,
    intervalMs = 50,
    seen = (): unknown => undefined,
  }: { deadlineMs?: number; intervalMs?: number; seen?: () => unknown } = {},
): Promise<Value> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== null && found !== false) return found;
    if (performance.now() > end) {
      const last: unknown = await seen();
      throw new Error(
        `not within ${deadlineMs / 1000} s: ${what}${last === undefined ? '' : `; last seen: ${typeof last === 'string' ? last : JSON.stringify(last)}`}`,
      );
    }
    await sleep(intervalMs);
  }
}

/** A controller of the fleet. It is not started again by itself. */
export class LabController {
  private child: ChildProcess | null = null;
  url = '';

  constructor(
    readonly name: string,
    readonly folder: string,
    private readonly environment: () => Record<string, string>,
  ) {}

  get pid(): number {
    return this.child?.pid ?? 0;
  }

  /** On the port that it had, so that agents find it again. */
  async start(): Promise<void> {
    mkdirSync(this.folder, { recursive: true });
    const port = await freePort(this.url === '' ? 0 : Number(new URL(this.url).port));
    const given = this.environment();
    this.url = `http://${given['ARGOSY_LISTEN_ADDRESS'] ?? '127.0.0.1'}:${port}`;
    const log = openSync(join(this.folder, 'controller.log'), 'a');
    const environment = {
      ...process.env,
      ...given,
      ARGOSY_PORT: String(port),
      ARGOSY_STATE_FOLDER: this.folder,
    };
    this.child = spawn(process.execPath, ['--enable-source-maps', controllerProgram], {
      detached: true,
      env: environment,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.child.unref();
    const name = nameProcess(this.pid);
    if (name) writeJson(join(this.folder, 'process.json'), name);
    await waitFor(
      `${this.name} answers`,
      async () => {
        if (!name || !isRunning(name)) throw new Error(`${this.name} ended at once: ${this.log()}`);
        return fetch(`${this.url}/api/v1/lab`).then(
          () => true,
          () => false,
        );
      },
      { seen: () => this.log() },
    );
  }

  async kill(): Promise<void> {
    const name = nameProcess(this.pid);
    signal(this.pid, 'SIGKILL');
    await waitFor(`${this.name} ends`, () => name === undefined || !isRunning(name));
  }

  log(): string {
    return readFileSync(join(this.folder, 'controller.log'), 'utf8').slice(-3000);
  }
}

/** Redis or PostgreSQL, on a port that it keeps. */
class LabServer {
  url = '';
  pid = 0;

  constructor(private readonly startServer: () => Promise<{ url: string; pid: number }>) {}

  async start(): Promise<void> {
    const before = this.url;
    ({ url: this.url, pid: this.pid } = await this.startServer());
    if (before !== '' && before !== this.url) throw new Error(`the server moved from ${before} to ${this.url}`);
  }

  /** As a loss of power: nothing is flushed, no connection is closed in order. */
  async kill(): Promise<void> {
    const name = nameProcess(this.pid);
    signal(this.pid, 'SIGKILL');
    await waitFor('the server ends', () => name === undefined || !isRunning(name));
  }
}

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

const diskSectors = 1024;

/** How long a guest that ticks may be silent before it is said not to run: on a busy machine, long. */
const silentMs = 1_500;

/** One guest: what the fleet says of it, what the operating system shows, and what it says of itself. */
export class LabGuest {
  constructor(
    private readonly fleet: Fleet,
    readonly id: string,
    readonly name: string,
    readonly record: ConsoleRecord,
  ) {}

  get(): Promise<Guest> {
    return this.fleet.api.call('guest.get', { params: { guest: this.id } });
  }

  async host(): Promise<LabHost> {
    return this.fleet.hostNamed((await this.get()).hostId);
  }

  /** Its VMM processes, on every host. */
  vmms(): (VmmProcess & { readonly host: LabHost })[] {
    return this.fleet.hosts.flatMap((host) =>
      host.vmms().flatMap((vmm) => (vmm.guestId === this.id ? [{ ...vmm, host }] : [])),
    );
  }

  vmmOn(host: LabHost): VmmProcess | undefined {
    return this.vmms().find((vmm) => vmm.host === host);
  }

  /**
   * The copies that execute: those processes whose guest says something on its console. (A VMM's monitor speaks with one
   * client at a time, and that is its agent.)
   */
  runningCopies(): (VmmProcess & { readonly host: LabHost })[] {
    const now = performance.now();
    return this.vmms().filter(({ folder }) => now - this.record.grownAt(folder) < silentMs);
  }

  async waitUntilAlive(): Promise<void> {
    await waitFor(
      `${this.name} lives`,
      async () => this.runningCopies().length > 0 && (await this.get()).state === 'running',
      { seen: () => this.get() },
    );
  }

  /** One process, and that one executes, where the record says. */
  async expectRunsOnce(deadlineMs = patienceMs): Promise<void> {
    const look = async (): Promise<string> => {
      const [guest, vmms, running] = [await this.get(), this.vmms(), this.runningCopies()];
      const where = guest.hostId === null ? 'nowhere' : (await this.fleet.hostNamed(guest.hostId)).name;
      const [copy] = running;
      if (guest.state === 'running' && vmms.length === 1 && copy?.host.name === where && copy.epoch === guest.epoch)
        return '';
      const said = (list: readonly { host: LabHost; epoch: number }[]): string =>
        list.map(({ host, epoch }) => `${host.name} at epoch ${epoch}`).join(', ') || 'nowhere';
      return `${this.name} is ${guest.state} (${guest.stateReason}) on ${where} at epoch ${guest.epoch}; VMMs on ${said(vmms)}; it executes on ${said(running)}`;
    };
    let last = '';
    await waitFor(`${this.name} runs exactly once`, async () => (last = await look()) === '', {
      deadlineMs,
      seen: () => last,
    });
  }

  // ---- Its own words ----

  /** Typed through the API, as an administrator would; agents that restart are waited for. */
  async say(command: string): Promise<void> {
    await waitFor(`${this.name} takes "${command}"`, async () => {
      try {
        await this.fleet.api.call('guest.console-write', {
          params: { guest: this.id },
          body: { text: `${command}\n` },
        });
        return true;
      } catch (error) {
        if (error instanceof ApiRefusal && error.status < 500 && error.status !== 409) throw error;
        return false;
      }
    });
  }

  async ask<Kind extends GuestLine['kind']>(command: string, kind: Kind): Promise<Extract<GuestLine, { kind: Kind }>> {
    const said = (): Extract<GuestLine, { kind: Kind }>[] =>
      this.record.lines().filter((line): line is Extract<GuestLine, { kind: Kind }> => line.kind === kind);
    const before = said().length;
    await this.say(command);
    return waitFor(`${this.name} answers "${command}" with ${kind}`, () => said()[before], {
      seen: () => this.record.text().slice(-300),
    });
  }

  stats(): Promise<Extract<GuestLine, { kind: 'stats' }>> {
    return this.ask('stats', 'stats');
  }

  /** Memory that can be replayed, and changes all the time; a disk that can be told from another. */
  async prepare({ areaMiB, dirtyMBps, seed }: { areaMiB: number; dirtyMBps: number; seed: number }): Promise<void> {
    await this.say('tick 100');
    await this.ask(`fill ${areaMiB} ${seed}`, 'filled');
    await this.ask(`disk fill ${diskSectors} ${seed}`, 'diskFilled');
    if (dirtyMBps > 0) await this.say(`dirty ${dirtyMBps} ${areaMiB} ${seed}`);
  }

  /** By the guest's own word against the host's replay. */
  async expectMemory({ areaMiB, seed }: { areaMiB: number; seed: number }): Promise<void> {
    const { steps, checksum } = await this.ask('sum', 'sum');
    expect({ steps, checksum }).toEqual({ steps, checksum: replayChecksum({ areaMiB, seed, steps }) });
  }

  async expectDisk({ seed }: { seed: number }): Promise<void> {
    const { checksum } = await this.ask(`disk sum ${diskSectors}`, 'diskSum');
    expect(checksum).toBe(replayDiskChecksum({ sectors: diskSectors, seed }));
  }

  // ---- Its record ----

  events(code: string, since: number): Promise<GuestEvent[]> {
    return this.fleet.events({ subject: this.id, subjectKind: 'guest', code, since });
  }

  async placements(): Promise<RouteResponse<'guest.placements'>['items']> {
    const { items } = await this.fleet.api.call('guest.placements', {
      params: { guest: this.id },
      query: { limit: 1000 },
    });
    return items.reverse();
  }

  async expectPlacementsWhole(): Promise<void> {
    const placements = await this.placements();
    const faults = placements.flatMap((placement, index) => {
      const next = placements[index + 1];
      const isOpen = placement.to === null;
      if (next === undefined) return isOpen ? [] : [`the last placement, epoch ${placement.epoch}, is closed`];
      if (isOpen) return [`epoch ${placement.epoch} is open beside ${next.epoch}`];
      return placement.to! > next.from || placement.epoch >= next.epoch
        ? [`epoch ${placement.epoch} overlaps ${next.epoch}`]
        : [];
    });
    expect(faults).toEqual([]);
  }

  async migrate(host: LabHost): Promise<Migration> {
    return this.fleet.api.call('guest.migrate', { params: { guest: this.id }, body: { host: host.name } });
  }

  async waitForEnd(migrationId: string, deadlineMs = patienceMs): Promise<Migration> {
    let last: Migration | undefined;
    return waitFor(
      `migration ${migrationId} ends`,
      async () => {
        last = await this.fleet.api.call('migration.get', { params: { id: migrationId } });
        return last.endedAt !== null && last;
      },
      { deadlineMs, seen: () => last },
    );
  }
}
