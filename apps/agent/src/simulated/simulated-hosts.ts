import { statfsSync, existsSync, mkdirSync } from 'node:fs';
import { accepted, refused, type Result } from '@argosy/domain/refusal';
import { FleetClock } from '@argosy/domain/fleet-clock';
import { PeerClient } from '@argosy/peer/peer-client';
import { agentQueue } from '@argosy/queue/agent-queue';
import { VirtualClock } from '@argosy/simulator/clock';
import { DemandPatterns } from '@argosy/simulator/demand-pattern';
import { ModelSite, usualVmmTimes } from '@argosy/simulator/model-machine';
import { controllerAnswers } from '../controller-answers';
import { followFleetTime, ownClock } from '../fleet-time';
import { Gate, Outside } from './outside';
import { RealTime } from './real-time';
import type { SimulatedSettings } from './settings';
import { SimulatedHost, type SimulatedSite } from './simulated-host';

/** A day of the guests' demand: so that somebody who looks on sees it change. */
const dayMs = 3_600_000;
const demandEveryMs = 10_000;
/** Guests count seldom: twenty thousand of them are one process's work. */
const guestTickMs = 5_000;
const lookEveryMs = 1_000;
const progressEveryMs = 2_000;

/**
 * A process that is many hosts, each a host of its own to the controller. The agents, the brains and the guests are the simulator's,
 * on a virtual clock that follows the real one; controller, Redis, database and the connections between agents are real. Its
 * end is the loss of power of all of its hosts.
 */
export class SimulatedHosts {
  private readonly clock = new FleetClock(ownClock);
  private readonly model = new VirtualClock(this.clock.now());
  private readonly site = new ModelSite(this.model, usualVmmTimes);
  private readonly time = new RealTime(this.model, this.clock);
  private readonly patterns: DemandPatterns;
  private readonly peers = new PeerClient();
  private readonly outside: Outside;
  private readonly hosts: readonly SimulatedHost[];
  private readonly timers: NodeJS.Timeout[] = [];
  private fleetTime: { stop(): void } | null = null;
  private reachesController = true;

  constructor(
    private readonly settings: SimulatedSettings,
    private readonly say: (message: string) => void,
    fail: (error: unknown) => void,
  ) {
    const { poolName, controllerUrls, joinToken, stateFolder, listenAddress, redisUrl } = settings;
    const queue = agentQueue('simulated');
    this.patterns = new DemandPatterns(settings.seed);
    this.outside = new Outside({ queue, catchUp: () => this.time.catchUp(), onProblem: oncePerMinute(say) });
    this.site.datastore.measure = measured;
    this.site.datastore.isReal = existsSync;
    this.site.datastore.freeMiB = Infinity;
    this.site.onBoot = (instance) => {
      instance.memory!.tickMs = guestTickMs;
      instance.memory!.loadPermille = this.loadOf(instance.guest.name, instance.guest.vcpus);
      instance.machine.shareOut();
    };
    const around: SimulatedSite = {
      site: this.site,
      time: this.time,
      clock: this.clock,
      outside: this.outside,
      peers: this.peers,
      gate: new Gate(),
      queue,
      poolName,
      controllerUrls,
      joinToken,
      stateFolder,
      listenAddress,
      redisUrl,
      capacity: { cpuMillicores: settings.cpuMillicores, memoryMiB: settings.memoryMiB },
      controllerAnswers: () => this.reachesController,
      say,
      fail,
    };
    this.hosts = settings.hostNames.map((name) => {
      mkdirSync(`${stateFolder}/hosts/${name}`, { recursive: true, mode: 0o700 });
      return new SimulatedHost(name, around);
    });
  }

  async start(): Promise<void> {
    this.time.start();
    for (const host of this.hosts) await host.open();
    this.fleetTime = followFleetTime(this.clock, this.settings.controllerUrls);
    // Spread over a second, so that what they say is spread as well.
    this.hosts.forEach((host, index) => this.model.after((1_000 * index) / this.hosts.length, () => host.powerOn()));
    const machines = [...this.site.machines.values()];
    machines.forEach((machine, index) => {
      this.model.after((demandEveryMs * index) / machines.length, () => {
        this.model.every(demandEveryMs, () => {
          for (const { memory, guest } of machine.instances.values())
            if (memory) memory.loadPermille = this.loadOf(guest.name, guest.vcpus);
          machine.shareOut();
        });
      });
    });
    this.timers.push(setInterval(() => void this.lookOutside(), lookEveryMs));
    this.tellProgress();
  }

  async stop(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    this.time.stop();
    this.fleetTime?.stop();
    this.peers.close();
    await Promise.all(this.hosts.map((host) => host.close()));
    await this.outside.close();
  }

  /** Of one processor a thousand; a guest has some. */
  private loadOf(guestName: string, vcpus: number): number {
    return 1_000 * vcpus * this.patterns.shareOf(guestName, this.model.now / dayMs);
  }

  /** While Redis takes what is said, nobody has to ask. */
  private async lookOutside(): Promise<void> {
    if (!this.outside.isUp) this.reachesController = await controllerAnswers(this.settings.controllerUrls);
  }

  private tellProgress(): void {
    const told = setInterval(() => {
      const here = this.hosts.filter(({ isRegistered }) => isRegistered).length;
      this.say(`${here} of ${this.hosts.length} simulated hosts have joined`);
      if (here === this.hosts.length) clearInterval(told);
    }, progressEveryMs);
    this.timers.push(told);
  }
}

/** The folder is real, and so are its figures; what lies on it is not. */
function measured(path: string): Result<{ totalBytes: number; freeBytes: number }> {
  if (!existsSync(path)) return refused('datastore-not-reached', `${path} is not there`);
  const { blocks, bavail, bsize } = statfsSync(path);
  return accepted({ totalBytes: blocks * bsize, freeBytes: bavail * bsize });
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
