import type { IsolationPolicy } from '@argosy/domain/policies';
import type { EndedCopy, HostAssignments, HostRegistration, HostRun } from '@argosy/domain/host-report';
import { accepted, refused } from '@argosy/domain/refusal';
import type { Result } from '@argosy/domain/refusal';
import type { JournalEntry } from '@argosy/control/host-types';
import type { Timer } from './clock';
import { ModelAgent } from './model-agent';
import type { AgentHome, AgentSurroundings, HostCut } from './model-agent';
import type { ModelMachine } from './model-machine';
import { ModelWatchdog } from './model-watchdog';

/** How long a host's own steps take; a calibration may replace any of them. */
export interface HostTimes {
  readonly agentRestartMs: number;
  readonly agentBootMs: number;
  readonly hostBootMs: number;
  readonly fenceMs: number;
}

export const usualHostTimes: HostTimes = { agentRestartMs: 1000, agentBootMs: 800, hostBootMs: 3000, fenceMs: 60 };

const datastoreHeartbeatMs = 500;
const runMs = 2_000;

export interface FenceOrder {
  readonly action: 'off' | 'on';
  readonly device: { readonly name: string };
  readonly incarnation: number;
  readonly term: number;
}

/**
 * A chassis: the machine, the agent's disk, and what restarts the agent, writes the host's heartbeat to the datastore and
 * cuts the power. Nothing of it depends on the agent.
 */
export class ModelHost implements AgentHome {
  readonly journal = new Map<string, JournalEntry>();
  agent: ModelAgent | null = null;
  incarnation = 0;
  onJournal: ((entry: JournalEntry) => void) | null = null;
  /** A fault, by the device's name (null: every device): it answers that it cannot, or not at all. */
  readonly fenceFaults = new Map<string | null, 'refuses' | 'silent'>();
  cutOff: HostCut = 'none';
  /** A fault that its health check finds. */
  health: string | null = null;
  clockAheadMs = 0;
  lastRun: HostRun | null = null;
  /** A fault: what it writes does not reach the datastore. */
  datastoreCut = false;
  readonly watchdog: ModelWatchdog;
  /** false: a killed agent stays dead. */
  restartsAgent = true;
  private highestTerm = 0;
  private heart: Timer | null = null;
  private starting: Timer | null = null;

  constructor(
    readonly machine: ModelMachine,
    readonly registration: HostRegistration,
    private readonly around: AgentSurroundings,
    private readonly times: HostTimes,
    readonly phaseMs = 0,
  ) {
    this.watchdog = new ModelWatchdog(this, around.clock, machine.site.datastore);
  }

  get name(): string {
    return this.machine.name;
  }

  /** It was on before the simulation began. */
  beginRunning(assignments: HostAssignments): void {
    this.beat();
    this.watchdog.start();
    this.agent = new ModelAgent(this, this.around);
    this.agent.startAssigned(assignments);
  }

  powerOn(): void {
    if (this.machine.powered && this.heart) return;
    this.machine.powerOn();
    this.beat();
    this.watchdog.start();
    this.startAgent(this.times.hostBootMs);
  }

  powerOff(): void {
    this.endAgent();
    this.starting?.cancel();
    this.heart?.cancel();
    this.heart = null;
    this.watchdog.die();
    this.machine.powerOff();
  }

  killAgent(): void {
    if (!this.machine.powered) return;
    this.endAgent();
    if (this.restartsAgent) this.startAgent(this.times.agentRestartMs + this.times.agentBootMs);
  }

  /** Cuts the power and proves it; not for an incarnation that is not the one here, nor for a leader that was replaced. */
  fence(order: FenceOrder, done: (result: Result<null>) => void): void {
    const faultNow = (): 'refuses' | 'silent' | undefined =>
      this.fenceFaults.get(order.device.name) ?? this.fenceFaults.get(null);
    if (faultNow() === 'silent') return;
    this.around.clock.after(this.times.fenceMs, () => {
      if (faultNow() === 'refuses')
        return done(refused('fence-failed', `the power switch of ${this.name} does not answer.`));
      const heard = this.hearTerm(order.term);
      if (!heard.ok) return done(heard);
      if (order.action === 'on') {
        this.powerOn();
        return done(accepted(null));
      }
      if (this.machine.powered && order.incarnation !== this.incarnation) {
        return done(
          refused(
            'stale-incarnation',
            `incarnation ${this.incarnation} lives on ${this.name}, not ${order.incarnation}`,
          ),
        );
      }
      this.powerOff();
      done(accepted(null));
    });
  }

  /** Whoever switches its power for a leader shows that leader's term, and one that was replaced is refused. */
  hearTerm(term: number): Result<null> {
    if (term < this.highestTerm) return refused('stale-term', `a leader of term ${this.highestTerm} has spoken`);
    this.highestTerm = term;
    return accepted(null);
  }

  /** A fault: its network to the controllers and to Redis is cut, both ways or one, or whole again. */
  cut(cutOff: HostCut): void {
    this.cutOff = cutOff;
    this.agent?.openQueue();
  }

  /** Programs that administrators might provide: one works, one breaks, and one restarts the host. */
  run(runId: string, command: string): void {
    if (this.lastRun?.runId === runId) return;
    this.lastRun = { runId, status: null, output: '' };
    this.around.clock.after(runMs, () => {
      this.lastRun = { runId, status: command === 'break' ? 3 : 0, output: command === 'break' ? 'it broke' : '' };
      if (command !== 'restart') return;
      this.powerOff();
      this.around.clock.after(runMs, () => this.powerOn());
    });
  }

  followIsolation(policy: IsolationPolicy, incarnation: number): void {
    this.watchdog.follow(policy, incarnation);
  }

  sayEnded(ended: readonly EndedCopy[] | null): void {
    if (this.datastoreCut) return;
    const { datastore } = this.machine.site;
    if (ended === null) datastore.ended.delete(this.name);
    else datastore.ended.set(this.name, ended);
  }

  /** The watchdog's last resort. The agent begins anew as well: what it believes of its guests is not true any more. */
  endGuests(reason: string): void {
    if (!this.machine.powered || this.machine.instances.size === 0) return;
    this.endAgent();
    this.machine.listener = null;
    for (const instance of [...this.machine.instances.values()]) instance.die('crashed', reason);
    this.machine.instances.clear();
    this.startAgent(this.times.agentRestartMs + this.times.agentBootMs);
  }

  private endAgent(): void {
    this.agent?.die();
    this.agent = null;
  }

  private startAgent(delayMs: number): void {
    this.starting?.cancel();
    this.starting = this.around.clock.after(delayMs, () => {
      this.agent = new ModelAgent(this, this.around);
      this.agent.start();
    });
  }

  private beat(): void {
    const { datastore } = this.machine.site;
    const write = (): void => {
      if (!this.datastoreCut) datastore.heartbeats.set(this.name, this.around.clock.now);
    };
    write();
    this.heart?.cancel();
    this.heart = this.around.clock.every(datastoreHeartbeatMs, write);
  }
}
