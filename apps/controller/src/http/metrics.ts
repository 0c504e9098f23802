import type { FleetWrite } from '@argosy/control/ports/fleet-store';
import type { Migration } from '@argosy/domain/entities';
import { guestTransitions, hostTransitions, migrationTransitions, type MigrationStep } from '@argosy/domain/lifecycle';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { dropReasons, type DropReason } from '../audit-trail';
import type { FleetGateway } from './ports';

const migrationEnds = (Object.keys(migrationTransitions) as MigrationStep[]).filter(
  (step) => migrationTransitions[step].length === 0,
);
const secondsUpTo = {
  request: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  pass: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
  migration: [0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600],
  downtime: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
};

/** What Prometheus is told. The control loop calls `pass` and `command`; the rest is heard from the gateway. */
export class ControllerMetrics {
  readonly registry = new Registry();
  private readonly seconds = <Label extends string>(
    name: string,
    help: string,
    buckets: number[],
    labelNames: Label[],
  ) => new Histogram({ name, help, buckets, labelNames, registers: [this.registry] });
  private readonly counter = <Label extends string>(name: string, help: string, labelNames: Label[]) =>
    new Counter({ name, help, labelNames, registers: [this.registry] });

  private readonly passes = this.seconds(
    'argosy_control_pass_seconds',
    'How long a pass of the control loop took.',
    secondsUpTo.pass,
    [],
  );
  private readonly commands = this.counter(
    'argosy_queue_commands_total',
    'Orders given to hosts through their queues.',
    ['kind', 'outcome'],
  );
  private readonly requests = this.counter('argosy_http_requests_total', 'HTTP requests that were answered.', [
    'route',
    'status',
  ]);
  private readonly auditDropped = this.counter(
    'argosy_audit_dropped_total',
    'Calls that are left out of the audit trail.',
    ['reason'],
  );
  private readonly requestSeconds = this.seconds(
    'argosy_http_request_seconds',
    'How long an answer took.',
    secondsUpTo.request,
    ['route'],
  );
  private readonly migrations = this.counter('argosy_migrations_total', 'Migrations that ended, and how.', ['outcome']);
  private readonly migrationSeconds = this.seconds(
    'argosy_migration_seconds',
    'From request to end of a migration that was done.',
    secondsUpTo.migration,
    [],
  );
  private readonly downtimeSeconds = this.seconds(
    'argosy_migration_downtime_seconds',
    "A migrated guest's downtime, by its VMM and by its own heartbeat.",
    secondsUpTo.downtime,
    ['seen_by'],
  );
  private readonly counted = new Set<string>();
  private readonly records = this.counter('argosy_events_total', 'Events recorded.', ['severity']);

  constructor() {
    collectDefaultMetrics({ register: this.registry });
    for (const reason of dropReasons) this.auditDropped.inc({ reason }, 0);
    for (const outcome of migrationEnds) this.migrations.inc({ outcome }, 0);
  }

  /** A pass of the control loop. */
  pass(durationMs: number): void {
    this.passes.observe(durationMs / 1000);
  }

  /** An order to a host, by its kind, was put on its queue, or could not be. */
  command(kind: string, outcome: 'sent' | 'failed'): void {
    this.commands.inc({ kind, outcome });
  }

  droppedAudit(reason: DropReason, count: number): void {
    this.auditDropped.inc({ reason }, count);
  }

  request(route: string, status: number, durationMs: number): void {
    this.requests.inc({ route, status: String(status) });
    this.requestSeconds.observe({ route }, durationMs / 1000);
  }

  /** Returns what ends the watching. */
  watch(gateway: FleetGateway): () => void {
    this.countStates('argosy_hosts', 'Hosts by state.', Object.keys(hostTransitions), () => gateway.fleet.hosts);
    this.countStates('argosy_guests', 'Guests by state.', Object.keys(guestTransitions), () => gateway.fleet.guests);
    this.gauge('argosy_migrations_active', 'Migrations that have not ended.', () => gateway.fleet.migrations.size);
    this.gauge('argosy_alarms_open', 'Alarms that are open.', () => gateway.fleet.alarms.size);
    this.gauge('argosy_leading', '1 when this controller leads.', () => Number(gateway.leading));
    return gateway.onCommitted((writes) => {
      for (const write of writes) this.take(write);
    });
  }

  private gauge(name: string, help: string, read: () => number): void {
    const gauge: Gauge = new Gauge({ name, help, registers: [this.registry], collect: () => gauge.set(read()) });
  }

  /** Every state has its line, also with none in it: an alert on a line that is missing does not fire. */
  private countStates(
    name: string,
    help: string,
    states: readonly string[],
    rows: () => ReadonlyMap<string, { readonly state: string }>,
  ): void {
    const collect = () => {
      const counts = new Map(states.map((state) => [state, 0]));
      for (const { state } of rows().values()) counts.set(state, (counts.get(state) ?? 0) + 1);
      for (const [state, count] of counts) gauge.set({ state }, count);
    };
    const gauge = new Gauge({ name, help, labelNames: ['state'], registers: [this.registry], collect });
  }

  private take(write: FleetWrite): void {
    if (write.kind === 'record') this.records.inc({ severity: write.record.severity });
    if (write.kind === 'put' && write.entity === 'migration') this.takeMigration(write.row);
  }

  private takeMigration(migration: Migration): void {
    const { step, endedAt, createdAt, downtimeMs, guestSeenDowntimeMs } = migration;
    // The row of an ended migration may be written again when the guest's own word on its downtime comes later.
    if (!migrationEnds.includes(step) || this.counted.has(migration.id)) return;
    this.remember(migration.id);
    this.migrations.inc({ outcome: step });
    if (step !== 'done') return;
    if (endedAt !== null) this.migrationSeconds.observe((endedAt - createdAt) / 1000);
    if (downtimeMs !== null) this.downtimeSeconds.observe({ seen_by: 'vmm' }, downtimeMs / 1000);
    if (guestSeenDowntimeMs !== null) this.downtimeSeconds.observe({ seen_by: 'guest' }, guestSeenDowntimeMs / 1000);
  }

  private remember(id: string): void {
    this.counted.add(id);
    if (this.counted.size > 1000) this.counted.delete(this.counted.values().next().value as string);
  }
}
