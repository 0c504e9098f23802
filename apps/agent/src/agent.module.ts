import { createHmac } from 'node:crypto';
import { totalmem, cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DynamicModule } from '@nestjs/common';
import { FleetClock } from '@argosy/domain/fleet-clock';
import { accepted } from '@argosy/domain/refusal';
import type { VmmDriver } from '@argosy/control/ports/vmm-driver';
import { PeerClient } from '@argosy/peer/peer-client';
import { PeerServer } from '@argosy/peer/peer-server';
import { agentQueue } from '@argosy/queue/agent-queue';
import { TelemetrySpeaker } from '@argosy/queue/telemetry';
import { type CommandWorker, workCommands } from '@argosy/queue/work-commands';
import { embeddedDriver } from '@argosy/vmm/embedded/driver';
import { qemuDriver } from '@argosy/vmm/qemu/driver';
import { controllerAnswers } from './controller-answers';
import { followFleetTime, ownClock } from './fleet-time';
import { checkHealth } from './health-check';
import { HostAgent } from './host-agent';
import { HostRuns } from './host-runs';
import { endedByWatchdog, Isolation } from './isolation';
import { Journal } from './journal';
import { PeerIdentity } from './peer-identity';
import { Registration } from './registration';
import type { AgentSettings } from './settings';

export const agentProcessToken = Symbol('AgentProcess');

export interface AgentProcess {
  start(): Promise<void>;
  /** The guests run on. */
  stop(): Promise<void>;
}

/** What an agent process is made of: a VMM driver, a journal, peers, and one queue of its own. */
export function agentModule(settings: AgentSettings, say: (message: string) => void): DynamicModule {
  return {
    module: class AgentModule {},
    providers: [{ provide: agentProcessToken, useFactory: () => agentProcess(settings, say) }],
  };
}

const mebibyte = 1024 * 1024;
/** Reports are repeated; the first is only not to fail for a connection that is being made. */
const redisReadyMs = 1_000;
/** Most health checks take less. */
const firstLookMs = 3_000;

function agentProcess(settings: AgentSettings, say: (message: string) => void): AgentProcess {
  let worker: CommandWorker | null = null;
  let speaker: TelemetrySpeaker | null = null;
  let fleetTime: { stop(): void } | null = null;
  const { stateFolder, listenAddress, advertiseAddress } = settings;
  const identity = new PeerIdentity(stateFolder);
  const clock = new FleetClock(ownClock);
  const capacity = {
    cpuMillicores: settings.cpuMillicores ?? cpus().length * 1000,
    memoryMiB: settings.memoryMiB ?? Math.floor(totalmem() / mebibyte),
  };
  const driver = makeDriver(settings, { identity, clock, cpuMillicores: capacity.cpuMillicores });
  const queueName = agentQueue(settings.hostName);
  const journal = new Journal(join(stateFolder, 'journal.jsonl'));
  const peers = new PeerClient();
  const agent = new HostAgent({
    driver,
    journal,
    peers,
    capacity,
    clock,
    queue: queueName,
    stateFolder,
    runs: new HostRuns({ stateFolder, programsFolder: settings.rollPrograms }),
    isolation: new Isolation({ ...settings, say }),
    controllerAnswers: () => controllerAnswers(settings.controllerUrls),
    beginAnew: () => {
      say("this host's guests were ended by its watchdog; the agent begins anew");
      process.exit(endedByWatchdog);
    },
    say,
    publish: async (report) => speaker?.sayReport(report, identity.key ?? '') ?? accepted(null),
  });
  const server = new PeerServer(
    () => identity.key,
    { answer: (call) => agent.answerPeer(call), screen: (call) => agent.showScreen(call) },
    () => clock.now(),
  );

  async function start(): Promise<void> {
    // An agent that starts again listens where it listened before: a hand-over may be waiting for its answer.
    const listensAt = await listenAgain(server, listenAddress, identity);
    const peerAddress = `${advertiseAddress}${listensAt.slice(listensAt.lastIndexOf(':'))}`;
    await agent.wake();
    if (settings.healthCheck !== null) await watchHealth(settings.healthCheck);
    const capabilities = await agent.execute({ call: 'capabilities' });
    if (!capabilities.ok) throw new Error(`the VMM of this host does not work: ${capabilities.refusal.message}`);
    const registration = new Registration({ ...settings, clock, say });
    const registered = await registration.register({
      hostName: settings.hostName,
      ...(settings.poolName === null ? {} : { poolName: settings.poolName }),
      peerAddress,
      queue: queueName,
      capacity,
      capabilities: capabilities.value,
      fenceDevice: settings.fenceDevice,
    });
    identity.learn({ key: registered.hostKey, migrationSecret: registered.migrationSecret });
    const redis = { url: settings.redisUrl ?? registered.redisUrl, onProblem: oncePerMinute(say) };
    speaker = new TelemetrySpeaker(redis);
    await speaker.ready(redisReadyMs);
    agent.assign(registered.assignments);
    fleetTime = followFleetTime(clock, settings.controllerUrls);
    // Only now: a returning agent knows its assignments before it hears a command.
    worker = workCommands({
      ...redis,
      queue: queueName,
      keyOf: (hostId) => (hostId === registered.assignments.hostId ? registered.hostKey : null),
      handler: async (command) => agent.command(command),
    });
    say(
      `${settings.hostName} is incarnation ${registered.assignments.incarnation}; ${capabilities.value.accelerator}: ${capabilities.value.acceleratorReason}`,
    );
  }

  let healthTimer: NodeJS.Timeout | null = null;
  /**
   * What the first look finds is in the first report: an ailing host gets no guests for having restarted its agent. One that
   * takes long keeps nobody from registering; until it ends, reports leave what was known of the host's health as it is.
   */
  async function watchHealth(program: string): Promise<void> {
    let checking = false;
    const check = async (): Promise<void> => {
      if (checking) return;
      checking = true;
      agent.hearHealth(await checkHealth(program));
      checking = false;
    };
    agent.hearHealth(undefined);
    healthTimer = setInterval(() => void check(), settings.healthCheckMs);
    await Promise.race([check(), sleep(firstLookMs, undefined, { ref: false })]);
  }

  async function stop(): Promise<void> {
    if (healthTimer) clearInterval(healthTimer);
    fleetTime?.stop();
    agent.stop();
    peers.close();
    await server.close();
    speaker?.close();
    await worker?.close();
  }

  return { start, stop };
}

function makeDriver(
  { vmm, stateFolder, listenAddress, advertiseAddress, cgroup, guestLink }: AgentSettings,
  of: { readonly identity: PeerIdentity; readonly clock: FleetClock; readonly cpuMillicores: number },
): VmmDriver {
  const { identity, clock, cpuMillicores } = of;
  const common = {
    folder: join(stateFolder, 'vmm'),
    listenAddress,
    advertiseAddress,
    clock,
    migrationKey: (guestId: string, targetEpoch: number) =>
      migrationKey(identity.migrationSecret, guestId, targetEpoch),
  };
  return vmm === 'embedded'
    ? embeddedDriver({ ...common, cpuMillicores, guestLink })
    : qemuDriver({ ...common, cgroup, guestLink });
}

/** Drawn from what the fleet's agents share: both hosts have it, no other wire has carried it, and no epoch comes twice. */
function migrationKey(secret: string | null, guestId: string, targetEpoch: number): string | null {
  if (secret === null) return null;
  return createHmac('sha256', secret).update(`migration/${guestId}/${targetEpoch}`).digest('hex');
}

async function listenAgain(server: PeerServer, address: string, identity: PeerIdentity): Promise<string> {
  const peerAddress = await server.listen(address, identity.port).catch(() => server.listen(address));
  identity.listensAt(peerAddress);
  return peerAddress;
}

/** A connection that is away says so again and again. */
function oncePerMinute(say: (message: string) => void): (problem: Error) => void {
  let lastAt = 0;
  return (problem) => {
    if (Date.now() - lastAt < 60_000) return;
    lastAt = Date.now();
    say(`Redis: ${problem.message}`);
  };
}
