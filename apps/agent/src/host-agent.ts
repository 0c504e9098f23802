import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { peerAnswerSchema, type PeerCall } from '@argosy/contracts/peer';
import { createHost, stepHost } from '@argosy/control/host';
import { reportOf } from '@argosy/control/telling';
import type { HostEffect, HostEvent, HostState } from '@argosy/control/host-types';
import type { VmmCommand, VmmDriver, VmmValue } from '@argosy/control/ports/vmm-driver';
import type { HostCapacity } from '@argosy/domain/entities';
import type { FleetClock } from '@argosy/domain/fleet-clock';
import type { HostCommand } from '@argosy/domain/host-command';
import type { HostAssignments, HostReport } from '@argosy/domain/host-report';
import type { PeerAnswer } from '@argosy/domain/peer-message';
import { accepted, refused, type Result } from '@argosy/domain/refusal';
import { targetOf, type PeerClient } from '@argosy/peer/peer-client';
import type { ScreenCall, ShortCall } from '@argosy/peer/peer-server';
import type { HostRuns } from './host-runs';
import type { Isolation } from './isolation';
import type { Journal } from './journal';

export interface HostAgentParts {
  readonly driver: VmmDriver;
  readonly journal: Journal;
  readonly peers: PeerClient;
  readonly capacity: HostCapacity;
  readonly clock: FleetClock;
  readonly queue: string;
  readonly stateFolder: string;
  readonly isolation: Isolation;
  readonly runs: HostRuns;
  /** When Redis does not take a report: whether some controller answers. */
  readonly controllerAnswers: () => Promise<boolean>;
  /** The process ends and its supervisor starts the next one. */
  readonly beginAnew: () => void;
  readonly publish: (report: HostReport) => Promise<Result<null>>;
  readonly say: (message: string) => void;
}

const tickMs = 250;
const reportMs = 1_000;
/** Reports asked for together go out as one. */
const batchMs = 5;
const screenWithinMs = 2_000;

/**
 * One host: its brain, and what the brain's effects mean here. Effects are carried out in order and before the next
 * event is taken; what they lead to comes back as events.
 */
export class HostAgent {
  readonly state: HostState = createHost();
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly peerReplies = new Map<string, (answer: PeerAnswer) => void>();
  private readonly events: HostEvent[] = [];
  private stepping = false;
  private reportTimer: NodeJS.Timeout | null = null;
  private nextRequest = 1;
  private silent = false;
  private looking = false;

  constructor(private readonly parts: HostAgentParts) {
    parts.driver.listen((event) => this.take({ kind: 'vmm-event', event }));
  }

  /** Looks at what runs, and carries on what the journal says was begun. */
  async wake(): Promise<void> {
    const listed = await this.execute({ call: 'list' });
    if (!listed.ok) throw new Error(`the VMMs of this host cannot be listed: ${listed.refusal.message}`);
    this.take({ kind: 'woke', journal: this.parts.journal.entries(), running: listed.value });
    this.timers.push(setInterval(() => this.tick(), tickMs));
    this.timers.push(setInterval(() => void this.lookOutside(), reportMs));
  }

  /** The controller's answer: from now on commands are heard and reports are sent. */
  assign(assignments: HostAssignments): void {
    writeFileSync(join(this.parts.stateFolder, 'incarnation'), String(assignments.incarnation));
    this.take({ kind: 'assigned', assignments });
    this.timers.push(setInterval(() => void this.measure(), reportMs));
  }

  /** What the host's own health check found; null: nothing; undefined: it has not ended yet. */
  hearHealth(reason: string | null | undefined): void {
    this.take({ kind: 'health', reason });
  }

  command(command: HostCommand): void {
    this.take({ kind: 'command', command });
  }

  async answerPeer(call: ShortCall): Promise<unknown> {
    if (call.kind === 'grant') {
      // News that waits beside this request is taken first: of a VMM that is dead already the answer is that its copy
      // is gone, and the source, which has all of the guest, runs on.
      await setImmediate();
      const requestId = `peer-${this.nextRequest++}`;
      return new Promise<PeerAnswer>((resolve) => {
        this.peerReplies.set(requestId, resolve);
        this.take({ kind: 'peer-request', requestId, request: call });
      });
    }
    if (call.kind === 'die') return this.die(call);
    const instance = { guestId: call.guestId, epoch: call.epoch };
    if (call.kind === 'console-write') return this.execute({ call: 'consoleWrite', instance, text: call.text });
    return this.execute({ call: 'consoleTail', instance, maximumBytes: call.maximumBytes });
  }

  /** A connection to the VMM's own socket, where it serves the guest's screen. */
  async showScreen({ guestId, epoch }: ScreenCall): Promise<Result<Duplex>> {
    const screen = await this.execute({ call: 'screen', instance: { guestId, epoch } });
    if (!screen.ok) return screen;
    const socket = connect(screen.value.socketPath);
    socket.on('error', () => socket.destroy());
    const opened = await Promise.race([
      once(socket, 'connect').then(
        () => true,
        () => false,
      ),
      sleep(screenWithinMs, false, { ref: false }),
    ]);
    if (opened) return accepted(socket);
    socket.destroy();
    return refused(
      'vmm-failed',
      'The VMM of this guest does not answer where its screen should be; try again, or restart the guest.',
    );
  }

  /** A drill's fault. Nothing is journalled or told: it is to be found out. */
  private async die(call: Extract<PeerCall, { kind: 'die' }>): Promise<unknown> {
    if (call.what === 'agent') process.kill(process.pid, 'SIGKILL');
    else await this.execute({ call: 'kill', instance: { guestId: call.guestId, epoch: call.epoch }, reason: null });
    return {};
  }

  /** Lets go of the VMMs without harming them: another agent process takes them over. */
  stop(): void {
    for (const timer of this.timers) clearInterval(timer);
    if (this.reportTimer) clearTimeout(this.reportTimer);
    this.parts.driver.detach();
  }

  execute<Command extends VmmCommand>(command: Command): Promise<Result<VmmValue<Command>>> {
    return new Promise((resolve) => this.parts.driver.execute(command, resolve));
  }

  private take(event: HostEvent): void {
    this.events.push(event);
    if (this.stepping) return;
    this.stepping = true;
    try {
      for (let next = this.events.shift(); next; next = this.events.shift())
        for (const effect of this.step(next)) this.carryOut(effect);
    } finally {
      this.stepping = false;
    }
  }

  private step(event: HostEvent): readonly HostEffect[] {
    const { clock } = this.parts;
    return stepHost(this.state, event, clock.now(), clock.jumpedMs);
  }

  private carryOut(effect: HostEffect): void {
    switch (effect.kind) {
      case 'journal':
        return this.parts.journal.write(effect.entry);
      case 'vmm':
        if (effect.command.call === 'migrateOut') this.warmPeer(effect);
        return this.parts.driver.execute(effect.command, (result) =>
          this.take({ kind: 'vmm-result', token: effect.token, result }),
        );
      case 'peer-request':
        return this.askPeer(effect);
      case 'peer-answer': {
        const reply = this.peerReplies.get(effect.requestId);
        this.peerReplies.delete(effect.requestId);
        return reply?.(effect.answer);
      }
      case 'watchdog':
        return this.parts.isolation.follow(effect.policy, effect.incarnation);
      case 'isolated':
        return this.parts.isolation.say(effect.ended);
      case 'run':
        return this.parts.runs.begin(effect.runId, effect.command);
      case 'rejoined':
        return this.parts.isolation.rejoin();
      case 'report':
        this.reportTimer ??= setTimeout(() => this.report(), batchMs);
    }
  }

  /** The connection of the hand-over is opened while memory is copied. */
  private warmPeer({ token }: Extract<HostEffect, { kind: 'vmm' }>): void {
    const pending = this.state.calls.get(token);
    const migration = pending?.kind === 'migration' ? this.state.migrations.get(pending.migrationId) : undefined;
    if (!migration?.peerAddress) return;
    const { migrationId, guestId, targetEpoch: epoch } = migration;
    this.parts.peers.warm(targetOf(migration.peerAddress, { migrationId, guestId, epoch }));
  }

  private askPeer({ token, address, request, deadlineMs }: Extract<HostEffect, { kind: 'peer-request' }>): void {
    const target = targetOf(address, request);
    void this.parts.peers.ask(target, request, deadlineMs).then((given) => {
      const answer = peerAnswerSchema.safeParse(given);
      this.take({ kind: 'peer-answer', token, answer: answer.success ? answer.data : null });
    });
  }

  private tick(): void {
    this.take({ kind: 'tick' });
    if (this.parts.isolation.guestsWereEnded()) this.parts.beginAnew();
  }

  /** Where Redis takes no reports, a controller that answers still says that it is Redis that is away, and not this host. */
  private async lookOutside(): Promise<void> {
    if (this.looking || (this.state.assigned && !this.silent)) return;
    this.looking = true;
    if (await this.parts.controllerAnswers()) this.take({ kind: 'outside-heard' });
    this.looking = false;
  }

  /** What was begun here, also by an earlier agent. */
  private lookAtRun(): void {
    const run = this.parts.runs.latest();
    const known = this.state.run;
    if (run !== null && (run.runId !== known?.runId || run.status !== known.status))
      this.take({ kind: 'run-seen', run });
  }

  private async measure(): Promise<void> {
    this.lookAtRun();
    const usage = await this.execute({ call: 'usage' });
    if (usage.ok) this.take({ kind: 'usage', samples: usage.value });
    this.report();
  }

  private report(): void {
    if (this.reportTimer) clearTimeout(this.reportTimer);
    this.reportTimer = null;
    if (!this.state.assigned) return;
    void this.parts.publish(reportOf(this.state, this.parts.clock.now(), this.parts)).then((sent) => {
      // Reports are repeated each second; a lost one is no harm, and is said once.
      if (sent.ok === this.silent)
        this.parts.say(sent.ok ? 'reports reach Redis again' : `reports do not reach Redis: ${sent.refusal.message}`);
      this.silent = !sent.ok;
      if (sent.ok) this.take({ kind: 'outside-heard' });
    });
  }
}
