import { createFleet, stepFleet } from '@argosy/control/fleet';
import type { FleetEvent, FleetStep } from '@argosy/control/fleet-types';
import type { FleetStore, FleetWrite } from '@argosy/control/ports/fleet-store';
import type { Guest } from '@argosy/domain/entities';
import type { FleetRequest } from '@argosy/domain/fleet-request';
import type { HostReport } from '@argosy/domain/host-report';
import { accepted, refused, type Result } from '@argosy/domain/refusal';
import { randomUUID } from 'node:crypto';
import { PassThrough } from 'node:stream';
import type { FleetGateway } from '../../apps/controller/src/http/ports';

/**
 * The real brain over the real store, with no timers and no hosts: a test says what is heard and when. Orders to hosts
 * go nowhere.
 */
export class BrainGateway implements FleetGateway {
  readonly fleet = createFleet({ newId: randomUUID });
  readonly agentAccess = (hostId: string) => ({
    redisUrl: 'redis://127.0.0.1:1/0',
    hostKey: `key of ${hostId}`,
    migrationSecret: 'migration-secret',
  });
  readonly typed: string[] = [];
  /** Every screen that was opened, in their order. */
  readonly screens: PassThrough[] = [];
  leads = true;
  leader: string | null = 'http://127.0.0.1:8080';
  /** Set by a test that wants the next request to fail in its own way. */
  nextAnswer: (() => Promise<Result<unknown>>) | null = null;
  private readonly committed = new Set<(writes: readonly FleetWrite[], at: number) => void>();
  private readonly reported = new Set<(report: HostReport) => void>();

  constructor(readonly store: FleetStore) {}

  async takeOver(): Promise<void> {
    const { term } = await this.store.holdLease('test', 'http://127.0.0.1:8080', 3_600_000);
    await this.step({ kind: 'took-over', term, inventory: await this.store.load() });
  }

  async step(event: FleetEvent): Promise<FleetStep> {
    const step = stepFleet(this.fleet, event, Date.now());
    if (step.writes.length === 0) return step;
    const outcome = await this.store.commit(this.fleet.term, step.writes);
    if (outcome.outcome !== 'committed') throw new Error(outcome.message);
    this.publish(step.writes);
    return step;
  }

  publish(writes: readonly FleetWrite[]): void {
    for (const listener of this.committed) listener(writes, Date.now());
  }

  async request(actor: string, request: FleetRequest): Promise<Result<unknown>> {
    const answer = this.nextAnswer;
    this.nextAnswer = null;
    if (answer) return answer();
    const requestId = randomUUID();
    const { effects } = await this.step({ kind: 'request', requestId, actor, request });
    const reply = effects.find((effect) => effect.kind === 'reply');
    return reply?.kind === 'reply' ? reply.result : refused('deadline-passed', 'The brain gave no answer.');
  }

  get leading(): boolean {
    return this.leads;
  }

  leaderUrl(): string | null {
    return this.leader;
  }

  onReloaded(): () => void {
    return () => undefined;
  }

  onCommitted(listener: (writes: readonly FleetWrite[], at: number) => void): () => void {
    this.committed.add(listener);
    return () => this.committed.delete(listener);
  }

  onReport(listener: (report: HostReport) => void): () => void {
    this.reported.add(listener);
    return () => this.reported.delete(listener);
  }

  async report(report: HostReport): Promise<void> {
    for (const listener of this.reported) listener(report);
    await this.step({ kind: 'report', report });
  }

  console(guest: Guest): ReturnType<FleetGateway['console']> {
    return {
      write: async (text) => {
        this.typed.push(`${guest.name}: ${text}`);
        return accepted(null);
      },
      // It shows what is typed.
      screen: async () => {
        if (guest.display === 'none') return refused('no-screen', `${guest.name} has no screen.`);
        const screen = new PassThrough();
        this.screens.push(screen);
        return accepted(screen);
      },
      tail: async (maximumBytes) => accepted({ text: `the last ${maximumBytes} bytes of ${guest.name}` }),
    };
  }
}
