import type { GuestView as Guest } from '@argosy/contracts/responses';
import type { Host, Migration } from '@argosy/domain/entities';
import type { HostUsage } from '@argosy/contracts/responses';
import type { StreamMessage } from '@argosy/contracts/stream';
import type { Instant } from '@argosy/domain/units';
import type { Api } from '../api';

export interface Happening {
  readonly at: Instant;
  readonly severity: string;
  readonly message: string;
}

const keptEvents = 50;
const endedShownMs = 5_000;

function byId<Row extends { readonly id: string }>(rows: readonly Row[]): Map<string, Row> {
  return new Map(rows.map((row) => [row.id, row]));
}

/** The fleet as it is: read once, and kept up by the stream. */
export class FleetView {
  hosts = new Map<string, Host>();
  guests = new Map<string, Guest>();
  migrations = new Map<string, Migration>();
  usages = new Map<string, HostUsage>();
  events: Happening[] = [];
  /** While a snapshot is being read: what comes meanwhile may be newer than it. */
  private held: StreamMessage[] | undefined;

  async read(api: Api): Promise<void> {
    this.held ??= [];
    const [hosts, guests, usages, migrations, events] = await Promise.all([
      api.list('host.list'),
      api.list('guest.list'),
      api.list('usage.list'),
      api.list('migration.list', { query: { active: 'true' } }),
      api.list('event.list', { limit: keptEvents }),
    ]);
    this.hosts = byId(hosts);
    this.guests = byId(guests);
    this.migrations = byId(migrations);
    this.usages = new Map(usages.map((usage) => [usage.hostId, usage]));
    this.events = events;
    const held = this.held;
    this.held = undefined;
    held.forEach((message) => this.apply(message));
  }

  take(message: StreamMessage): void {
    if (this.held) this.held.push(message);
    else this.apply(message);
  }

  private apply(message: StreamMessage): void {
    switch (message.kind) {
      case 'put':
        if (message.entity === 'host') this.hosts.set(message.row.id, message.row);
        else if (message.entity === 'guest') this.guests.set(message.row.id, message.row);
        else if (message.entity === 'migration') this.migrations.set(message.row.id, message.row);
        return;
      case 'remove':
        if (message.entity === 'host') this.hosts.delete(message.row.id);
        else if (message.entity === 'guest') this.guests.delete(message.row.id);
        return;
      case 'record':
        this.addEvent(message.row);
        return;
      case 'usage':
        this.usages.set(message.row.hostId, message.row);
        return;
      case 'open':
      case 'close':
      case 'reset':
        return;
    }
  }

  /** One that came by the stream and is in the snapshot too has no number there: it is known by its time and words. */
  private addEvent(event: Happening): void {
    const isKnown = this.events.some(({ at, message }) => at === event.at && message === event.message);
    if (!isKnown) this.events = [event, ...this.events].slice(0, keptEvents);
  }

  /** Under way, and for a moment those that have just ended. */
  shownMigrations(now: Instant): Migration[] {
    const shown = [...this.migrations.values()].filter(
      ({ endedAt }) => endedAt === null || now - endedAt < endedShownMs,
    );
    return shown.sort((left, right) => right.createdAt - left.createdAt);
  }
}
