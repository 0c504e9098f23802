import { createHost, stepHost } from '@argosy/control/host';
import { reportOf, tell } from '@argosy/control/telling';
import type { HostEffect, HostEvent, HostState, JournalEntry } from '@argosy/control/host-types';
import type { VmmInstance, VmmState } from '@argosy/control/ports/vmm-driver';
import type { FleetRequest } from '@argosy/domain/fleet-request';
import type { IsolationPolicy } from '@argosy/domain/policies';
import type { EndedCopy, HostAssignments, HostRegistration, HostRun } from '@argosy/domain/host-report';
import type { PeerAnswer, PeerRequest } from '@argosy/domain/peer-message';
import { FleetClock } from '@argosy/domain/fleet-clock';
import type { Result } from '@argosy/domain/refusal';
import type { Timer, VirtualClock } from './clock';
import type { MessageBus } from './message-bus';
import type { ModelMachine } from './model-machine';
import { ModelVmm } from './model-vmm';

/** What an agent process reaches besides its own machine. */
export interface AgentSurroundings {
  readonly clock: VirtualClock;
  readonly bus: Pick<MessageBus, 'isUp' | 'work' | 'stopWork' | 'publish'>;
  /** Between reports that bring news this host says no more than that it lives, and its figures only so often. Without it, each second. */
  readonly figuresEveryMs?: number;
  /** The leading controller's API; an answer may never come. */
  request(actor: string, request: FleetRequest, reply: (result: Result<unknown>) => void): void;
  /** Some controller's API answers. */
  controllerAnswers(): boolean;
  /** The agent that listens there, if it can be reached from here; null after a while if not. */
  askPeer(
    from: string,
    address: string,
    request: PeerRequest,
    deadlineMs: number,
    done: (answer: PeerAnswer | null) => void,
  ): void;
}

/** deaf: nothing reaches it. mute: nothing that it sends arrives. */
export type HostCut = 'none' | 'deaf' | 'mute' | 'both';

export interface AgentHome {
  readonly machine: ModelMachine;
  readonly registration: HostRegistration;
  /** What survives the process. */
  readonly journal: Map<string, JournalEntry>;
  /** The chassis is told which incarnation lives on it, so that a fence for another is refused. */
  incarnation: number;
  /** A fault: what of its traffic with controllers and Redis is lost. */
  readonly cutOff: HostCut;
  readonly health: string | null;
  /** When in each second it reports: no two hosts were started at the same instant. */
  readonly phaseMs: number;
  /** A fault: how far its own clock is ahead of the fleet's. */
  readonly clockAheadMs: number;
  /** What the host was last told to run: it outlives the agent. */
  readonly lastRun: HostRun | null;
  run(runId: string, command: string): void;
  followIsolation(policy: IsolationPolicy, incarnation: number): void;
  /** On the datastore, if it can be reached; null: nothing to say any more. */
  sayEnded(ended: readonly EndedCopy[] | null): void;
  /** A fault's hook: runs when an entry is safe, before anything that follows it. */
  onJournal: ((entry: JournalEntry) => void) | null;
}

const tickMs = 250;
const reportMs = 1000;
const batchMs = 5;
const registerRetryMs = 500;
const registerPatienceMs = 2000;

/** One agent process: the host brain with the adapters around it. Its death takes all of this with it, and nothing else. */
export class ModelAgent {
  readonly state: HostState = createHost();
  alive = true;
  private readonly driver: ModelVmm;
  private readonly clock: FleetClock;
  private readonly timers: Timer[] = [];
  private readonly peerReplies = new Map<string, (answer: PeerAnswer) => void>();
  private reportPending = false;
  private nextRequest = 1;

  constructor(
    private readonly home: AgentHome,
    private readonly around: AgentSurroundings,
  ) {
    const { clockAheadMs } = home;
    this.clock = new FleetClock(() => around.clock.now + clockAheadMs);
    this.driver = new ModelVmm(home.machine);
    this.driver.listen((event) => this.step({ kind: 'vmm-event', event }));
  }

  /** As a process does: it looks at what runs, wakes its brain, asks for its assignments and only then opens its queue. */
  start(): void {
    this.driver.execute({ call: 'list' }, (listed) => {
      if (!listed.ok || !this.alive) return;
      this.wake(listed.value);
      this.register();
    });
  }

  /** A process that was there before the simulation began. */
  startAssigned(assignments: HostAssignments): void {
    this.wake(
      [...this.home.machine.instances.values()].map((instance) => ({ instance: instance.id, state: instance.state })),
    );
    this.open(assignments);
  }

  die(): void {
    this.alive = false;
    this.driver.detach();
    for (const timer of this.timers) timer.cancel();
    this.around.bus.stopWork(this.home.registration.queue);
  }

  /** What another agent asks. It listens from its first moment, before it knows what runs here. */
  hearPeer(request: PeerRequest, reply: (answer: PeerAnswer) => void): void {
    const requestId = `${this.home.machine.name}-${this.nextRequest++}`;
    this.peerReplies.set(requestId, reply);
    this.step({ kind: 'peer-request', requestId, request });
  }

  private wake(running: readonly { readonly instance: VmmInstance; readonly state: VmmState }[]): void {
    this.step({ kind: 'woke', journal: [...this.home.journal.values()], running });
    this.timers.push(this.around.clock.every(tickMs, () => this.step({ kind: 'tick' })));
    const measured = (): number => this.timers.push(this.around.clock.every(reportMs, () => this.measure()));
    if (this.home.phaseMs === 0) measured();
    else this.timers.push(this.around.clock.after(this.home.phaseMs, measured));
  }

  private register(): void {
    let answered = false;
    const askedAt = this.clock.ask();
    const again = (): void => this.register();
    if (this.speaks())
      this.around.request(
        this.home.machine.name,
        { kind: 'host.register', registration: this.home.registration },
        (result) => {
          if (answered || !this.alive || !this.hears()) return;
          answered = true;
          if (result.ok) {
            const assignments = result.value as HostAssignments;
            this.clock.hear(askedAt, assignments.at);
            this.open(assignments);
          } else this.timers.push(this.around.clock.after(registerRetryMs, again));
        },
      );
    const patience = (): void => {
      if (answered || !this.alive) return;
      answered = true;
      again();
    };
    this.timers.push(this.around.clock.after(registerPatienceMs, patience));
  }

  private open(assignments: HostAssignments): void {
    this.home.incarnation = assignments.incarnation;
    this.step({ kind: 'health', reason: this.home.health });
    this.step({ kind: 'assigned', assignments });
    this.openQueue();
  }

  /** Its worker takes jobs, unless Redis is out of reach. */
  openQueue(): void {
    if (!this.state.assigned || !this.alive) return;
    if (!this.hears()) return this.around.bus.stopWork(this.home.registration.queue);
    this.around.bus.work(this.home.registration.queue, (command) => this.step({ kind: 'command', command }));
  }

  private measure(): void {
    this.driver.execute({ call: 'usage' }, (result) => {
      if (result.ok) this.step({ kind: 'usage', samples: result.value });
      this.step({ kind: 'health', reason: this.home.health });
      if (this.home.lastRun !== null && this.home.lastRun.status !== this.state.run?.status)
        this.step({ kind: 'run-seen', run: this.home.lastRun });
      if (this.reachesOutside()) this.step({ kind: 'outside-heard' });
      this.sendReport();
    });
  }

  private hears(): boolean {
    return this.home.cutOff === 'none' || this.home.cutOff === 'mute';
  }

  private speaks(): boolean {
    return this.home.cutOff === 'none' || this.home.cutOff === 'deaf';
  }

  /** A connection needs both ways. */
  private reachesOutside(): boolean {
    return this.home.cutOff === 'none' && (this.around.bus.isUp() || this.around.controllerAnswers());
  }

  private step(event: HostEvent): void {
    if (!this.alive) return;
    for (const effect of stepHost(this.state, event, this.clock.now(), this.clock.jumpedMs)) {
      this.carryOut(effect);
      // The process may end at any point between two effects.
      if (!this.alive) return;
    }
  }

  private carryOut(effect: HostEffect): void {
    switch (effect.kind) {
      case 'journal':
        return this.keep(effect.entry);
      case 'vmm':
        return this.driver.execute(effect.command, (result) =>
          this.step({ kind: 'vmm-result', token: effect.token, result }),
        );
      case 'peer-request':
        return this.around.askPeer(
          this.home.machine.name,
          effect.address,
          effect.request,
          effect.deadlineMs,
          (answer) => this.step({ kind: 'peer-answer', token: effect.token, answer }),
        );
      case 'peer-answer':
        this.peerReplies.get(effect.requestId)?.(effect.answer);
        this.peerReplies.delete(effect.requestId);
        return;
      case 'report':
        return this.reportSoon();
      case 'watchdog':
        return this.home.followIsolation(effect.policy, effect.incarnation);
      case 'isolated':
        return this.home.sayEnded(effect.ended);
      case 'run':
        return this.home.run(effect.runId, effect.command);
      case 'rejoined':
        return this.home.sayEnded(null);
    }
  }

  private keep(entry: JournalEntry): void {
    if (entry.value === null) this.home.journal.delete(entry.key);
    else this.home.journal.set(entry.key, entry);
    this.home.onJournal?.(entry);
  }

  private reportSoon(): void {
    if (this.reportPending) return;
    this.reportPending = true;
    this.timers.push(
      this.around.clock.after(batchMs, () => {
        this.reportPending = false;
        this.sendReport();
      }),
    );
  }

  private sendReport(): void {
    if (!this.alive || !this.state.assigned || !this.speaks()) return;
    const { bus, figuresEveryMs } = this.around;
    const [now, { registration }] = [this.clock.now(), this.home];
    if (figuresEveryMs === undefined) bus.publish({ kind: 'report', report: reportOf(this.state, now, registration) });
    else bus.publish(tell(this.state, now, registration, figuresEveryMs));
  }
}
