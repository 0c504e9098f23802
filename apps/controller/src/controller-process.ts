import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FactoryProvider } from '@nestjs/common';
import { hostKeyOf, migrationSecretOf } from '@argosy/contracts/host-key';
import { FleetClock } from '@argosy/domain/fleet-clock';
import type { FleetStore, Lease } from '@argosy/control/ports/fleet-store';
import { AccessStore } from '@argosy/inventory/access-store';
import { AuditStore } from '@argosy/inventory/audit-store';
import { RecordStore } from '@argosy/inventory/record-store';
import { MomentStore } from '@argosy/inventory/moment-store';
import { openDatabase } from '@argosy/inventory/database';
import { FleetQueries } from '@argosy/inventory/fleet-queries';
import { migrate } from '@argosy/inventory/migrate';
import { SimulationStore } from '@argosy/inventory/simulation-store';
import { PrismaFleetStore } from '@argosy/inventory/prisma-fleet-store';
import { PeerClient } from '@argosy/peer/peer-client';
import { CommandQueues } from '@argosy/queue/command-queues';
import { listenToTelemetry, TelemetrySpeaker } from '@argosy/queue/telemetry';
import { actuators, guestConsole } from './actuators';
import { AuditTrail } from './audit-trail';
import { DemandHistory } from './demand-history';
import { UsageHistory } from './usage-history';
import { OldRecords } from './old-records';
import { DatastoreHeartbeats } from './datastore-heartbeats';
import { FleetLoop } from './fleet-loop';
import { LeaderWatch } from './leader-watch';
import { ControllerMetrics } from './http/metrics';
import type { FleetGateway, HttpPorts, ServerFacts } from './http/ports';
import type { ControllerSettings } from './settings';
import { ImageUploads } from './images/image-uploads';
import { Simulations } from './simulations';

export const controllerProcessToken = Symbol('ControllerProcess');

type Say = (message: string) => void;
/** Well within the time that the channel counts as alive. */
const ownHeartbeatMs = 400;

/**
 * A controller: the loop with the brain in it, and what it reaches the world by. It is made when the database is up to
 * date; `start` takes the lease, or waits for it behind another.
 */
export class ControllerProcess {
  private readonly timers: NodeJS.Timeout[] = [];
  private url = '';
  private sequence = 0;

  private constructor(
    private readonly settings: ControllerSettings,
    private readonly parts: {
      readonly loop: FleetLoop;
      readonly oldRecords: OldRecords;
      readonly demandHistory: DemandHistory;
      readonly usageHistory: UsageHistory;
      readonly fleetSecret: string;
      readonly queues: CommandQueues;
      readonly speaker: TelemetrySpeaker;
      readonly listening: { close(): void };
      readonly peers: PeerClient;
      readonly heartbeats: DatastoreHeartbeats;
      readonly database: ReturnType<typeof openDatabase>;
    },
    readonly http: Omit<HttpPorts, 'limits' | 'logError'>,
  ) {}

  static async open(settings: ControllerSettings, say: Say): Promise<ControllerProcess> {
    await migrate(settings.databaseUrl);
    const database = openDatabase({ url: settings.databaseUrl });
    const clock = new FleetClock(ownClock);
    const now = () => clock.now();
    const access = new AccessStore(database, now);
    await writeFirstToken(access, settings.stateFolder, say);
    const fleetSecret = await access.fleetSecret();
    const keyOf = (hostId: string) => hostKeyOf(fleetSecret, hostId);
    const peers = new PeerClient();
    const redis = { url: settings.redisUrl, onProblem: oncePerMinute((problem) => say(`Redis: ${problem}`)) };
    const queues = new CommandQueues({ ...redis, keyOf });
    const metrics = new ControllerMetrics();
    const store = new SeenLease(new PrismaFleetStore(database));
    const leaderWatch = new LeaderWatch(settings.holder, () => performance.now());
    let self: ControllerProcess | null = null;
    const loop: FleetLoop = new FleetLoop({
      store,
      holder: settings.holder,
      url: () => self?.url ?? '',
      leaseMs: settings.leaseMs,
      isCutOff: (leader) => leaderWatch.isCutOff(leader),
      clock,
      say,
      recordPass: (durationMs) => metrics.pass(durationMs),
      actuators: actuators({
        queues,
        peers,
        fencing: { isCurrent: (fence) => store.isCurrent(fence), agentFolders: settings.fenceAgentFolders },
        fleet: () => loop.fleet,
        keyOf,
        say,
        now,
        countCommand: (kind, accepted) => metrics.command(kind, accepted ? 'sent' : 'failed'),
      }),
    });
    const usageHistory = new UsageHistory(now);
    let heardBeat = 0;
    const listening = listenToTelemetry(redis, {
      fleetSecret,
      onReport: (report) => {
        usageHistory.hear(report);
        loop.takeReport(report);
      },
      onHeartbeats: (heartbeats) => {
        usageHistory.holds(heartbeats);
        loop.take({ kind: 'heartbeats', heartbeats });
      },
      onHeartbeat: ({ controllerId, sequence }) => {
        if (controllerId !== settings.holder) return leaderWatch.hear(controllerId);
        // One that is said again by another proves nothing of the channel now.
        if (sequence <= heardBeat) return;
        heardBeat = sequence;
        leaderWatch.hear(controllerId);
        loop.take({ kind: 'own-heartbeat' });
      },
    });
    const heartbeats = new DatastoreHeartbeats(loop.fleet, settings.holder, (event) => loop.take(event));
    const oldRecords = new OldRecords({
      store: new RecordStore(database),
      retentionDays: settings.recordRetentionDays,
      now,
      isLeading: () => loop.leading,
      say,
    });
    const moments = new MomentStore(database);
    const demandHistory = new DemandHistory({
      store: moments,
      fleet: () => loop.fleet,
      now,
      isLeading: () => loop.leading,
      say,
    });
    const parts = {
      loop,
      oldRecords,
      demandHistory,
      usageHistory,
      fleetSecret,
      queues,
      speaker: new TelemetrySpeaker(redis),
      listening,
      peers,
      heartbeats,
      database,
    };
    const gateway = gatewayOf({ loop, peers, fleetSecret, redisUrl: settings.redisUrl });
    const server = serverFacts(settings, store, { database, queues, clock });
    const auditStore = new AuditStore(database);
    const audit = new AuditTrail({
      store: auditStore,
      retentionDays: settings.auditRetentionDays,
      now,
      say,
      countDropped: (reason, count) => metrics.droppedAudit(reason, count),
    });
    const queries = new FleetQueries(database);
    const simulations = new Simulations({ store: new SimulationStore(database), now, say });
    const uploads = new ImageUploads({
      datastores: () => loop.fleet.datastores.values(),
      images: () => loop.fleet.images.values(),
      request: (actor, request) => loop.request(actor, request),
      now,
    });
    const http = {
      uploads,
      usageHistory,
      gateway,
      queries,
      moments,
      access,
      audit,
      auditStore,
      simulations,
      server,
      metrics,
      now,
    };
    self = new ControllerProcess(settings, parts, http);
    return self;
  }

  async start(url: string): Promise<void> {
    this.url = this.settings.publicUrl ?? url;
    writeFileSync(join(this.settings.stateFolder, 'url'), this.url);
    const { loop, fleetSecret, speaker, heartbeats } = this.parts;
    this.timers.push(
      setInterval(
        () =>
          void speaker.sayHeartbeat(
            { controllerId: this.settings.holder, sequence: ++this.sequence, sentAt: this.http.now() },
            fleetSecret,
          ),
        ownHeartbeatMs,
      ),
    );
    heartbeats.start();
    await loop.start();
  }

  async stop(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    const { loop, oldRecords, demandHistory, usageHistory, queues, speaker, listening, peers, heartbeats, database } =
      this.parts;
    oldRecords.close();
    demandHistory.close();
    usageHistory.close();
    await heartbeats.stop();
    await loop.stop();
    listening.close();
    speaker.close();
    peers.close();
    await queues.close();
    await this.http.simulations.close();
    await this.http.audit.close();
    await database.$disconnect();
  }
}

/** Is not set anew by anybody while the process runs. */
function ownClock(): number {
  return Math.round(performance.timeOrigin + performance.now());
}

/** The store, with the lease that was last seen kept for whoever asks. */
class SeenLease implements FleetStore {
  lease: Lease | null = null;
  constructor(private readonly store: FleetStore) {}
  load: FleetStore['load'] = () => this.store.load();
  commit: FleetStore['commit'] = (term, writes) => this.store.commit(term, writes);
  seizeLease: FleetStore['seizeLease'] = (from, holder, url) => this.store.seizeLease(from, holder, url);
  raiseTerm: FleetStore['raiseTerm'] = (holder, above) => this.store.raiseTerm(holder, above);
  isCurrent: FleetStore['isCurrent'] = (fence) => this.store.isCurrent(fence);
  releaseLease: FleetStore['releaseLease'] = (holder) => this.store.releaseLease(holder);
  holdLease: FleetStore['holdLease'] = async (holder, url, durationMs) => {
    this.lease = await this.store.holdLease(holder, url, durationMs);
    return this.lease;
  };
}

interface GatewayParts {
  readonly loop: FleetLoop;
  readonly peers: PeerClient;
  readonly fleetSecret: string;
  readonly redisUrl: string;
}

function gatewayOf({ loop, peers, fleetSecret, redisUrl }: GatewayParts): FleetGateway {
  const keyOf = (hostId: string) => hostKeyOf(fleetSecret, hostId);
  const migrationSecret = migrationSecretOf(fleetSecret);
  return {
    request: (actor, request) => loop.request(actor, request),
    get leading() {
      return loop.leading;
    },
    leaderUrl: () => loop.leaderUrl(),
    fleet: loop.fleet,
    onCommitted: (listener) => loop.onCommitted(listener),
    onReloaded: (listener) => loop.onReloaded(listener),
    onReport: (listener) => loop.onReport(listener),
    console: (guest) => guestConsole({ fleet: () => loop.fleet, peers, keyOf }, guest),
    agentAccess: (hostId) => ({ redisUrl, hostKey: keyOf(hostId), migrationSecret }),
  };
}

function serverFacts(
  settings: ControllerSettings,
  store: SeenLease,
  {
    database,
    queues,
    clock,
  }: {
    readonly database: ReturnType<typeof openDatabase>;
    readonly queues: CommandQueues;
    readonly clock: FleetClock;
  },
): ServerFacts {
  return {
    version: version(),
    controllerId: settings.holder,
    startedAt: clock.now(),
    now: () => clock.now(),
    lab: settings.labFolder === null ? null : { folder: settings.labFolder, hosts: labHosts(settings.labFolder) },
    lease: () => store.lease,
    probes: {
      database: () => database.$queryRaw`SELECT 1`,
      redis: async () => {
        if (!(await queues.ready(500))) throw new Error('Redis is not connected');
      },
    },
  };
}

function version(folder = __dirname): string {
  const file = join(folder, 'package.json');
  if (!existsSync(file)) return version(join(folder, '..'));
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

function labHosts(folder: string): readonly string[] {
  const file = join(folder, 'lab.json');
  if (!existsSync(file)) return [];
  return (JSON.parse(readFileSync(file, 'utf8')) as { hosts: { host: string }[] }).hosts.map(({ host }) => host);
}

/** At the very first start: the first administrator's token, for nobody else to read. */
async function writeFirstToken(access: AccessStore, stateFolder: string, say: Say): Promise<void> {
  mkdirSync(stateFolder, { recursive: true, mode: 0o700 });
  const first = await access.createFirstAdministrator();
  if (!first) return;
  const file = join(stateFolder, 'token');
  writeFileSync(file, `${first.secret}\n`, { mode: 0o600 });
  say(`the first administrator's token is in ${file}`);
}

function oncePerMinute(say: Say): (problem: Error) => void {
  let lastAt = 0;
  return (problem) => {
    if (Date.now() - lastAt < 60_000) return;
    lastAt = Date.now();
    say(problem.message);
  };
}

export function controllerProvider(settings: ControllerSettings, say: Say): FactoryProvider<ControllerProcess> {
  return { provide: controllerProcessToken, useFactory: () => ControllerProcess.open(settings, say) };
}
