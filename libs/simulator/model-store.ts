import type { FleetRecord, Placement } from '@argosy/domain/entities';
import { drillTransitions, migrationTransitions, rollTransitions, taskTransitions } from '@argosy/domain/lifecycle';
import type { Instant } from '@argosy/domain/units';
import type {
  CommitOutcome,
  EntityKind,
  EntityRows,
  FleetWrite,
  Inventory,
  Lease,
} from '@argosy/control/ports/fleet-store';
import type { VirtualClock } from './clock';

type Rows = { readonly [Kind in EntityKind]: Map<string, EntityRows[Kind]> };
export interface Backup {
  readonly rows: Rows;
  readonly placements: ReadonlyMap<string, Placement[]>;
  readonly lease: ModelLease | null;
}

interface ModelLease {
  readonly term: number;
  readonly holder: string;
  readonly url: string;
  readonly until: Instant;
}

type PlacementWrite = Extract<FleetWrite, { kind: 'open-placement' | 'close-placement' }>;

/**
 * The database, with what it enforces by itself: the leader's term, at most one open placement a guest, no overlap, and an
 * epoch that only grows. `away` answers every call with null, as a lost connection does.
 */
export class ModelStore {
  away = false;
  /** How far its machine's clock is ahead: the fleet's time is the database's. */
  aheadMs = 0;
  /** The next so many commits are carried out and their answer is lost. */
  lostAnswers = 0;
  readonly rows: Rows = {
    pool: new Map(),
    host: new Map(),
    fenceSecret: new Map(),
    guest: new Map(),
    image: new Map(),
    datastore: new Map(),
    diskOperation: new Map(),
    snapshot: new Map(),
    rule: new Map(),
    migration: new Map(),
    recommendation: new Map(),
    balanceRun: new Map(),
    drill: new Map(),
    roll: new Map(),
    task: new Map(),
    alarm: new Map(),
  };
  readonly placements = new Map<string, Placement[]>();
  readonly records: FleetRecord[] = [];
  /** Constraints that a writer ran into. A correct brain never does. */
  readonly violations: string[] = [];
  /** Hears of a transaction that is about to begin: the moment for a fault. */
  beforeCommit: ((writes: readonly FleetWrite[]) => void) | null = null;
  /** Hears of each committed write. */
  onWrite: ((write: FleetWrite) => void) | null = null;
  private lease: ModelLease | null = null;

  constructor(private readonly clock: VirtualClock) {}

  load(): Inventory | null {
    if (this.away) return null;
    const all = <Kind extends EntityKind>(kind: Kind): EntityRows[Kind][] => [...this.rows[kind].values()];
    return {
      pools: all('pool'),
      hosts: all('host'),
      fenceSecrets: all('fenceSecret'),
      guests: all('guest'),
      images: all('image'),
      datastores: all('datastore'),
      diskOperations: all('diskOperation'),
      snapshots: all('snapshot'),
      rules: all('rule'),
      migrations: all('migration').filter((row) => migrationTransitions[row.step].length > 0),
      recommendations: all('recommendation').filter((row) => row.state === 'open'),
      drills: all('drill').filter((row) => drillTransitions[row.state].length > 0),
      rolls: all('roll').filter((row) => rollTransitions[row.state].length > 0),
      tasks: all('task').filter((row) => taskTransitions[row.state].length > 0),
      alarms: all('alarm').filter((row) => row.clearedAt === null),
    };
  }

  backup(): Backup {
    const rows = Object.entries(this.rows).map(([kind, known]) => [kind, new Map(known as Map<string, unknown>)]);
    return { rows: Object.fromEntries(rows) as Rows, placements: new Map(this.placements), lease: this.lease };
  }

  /** What was written since is forgotten, the leaders' terms too. */
  restore({ rows, placements, lease }: Backup): void {
    const refill = (collection: Map<string, unknown>, known: ReadonlyMap<string, unknown>): void => {
      collection.clear();
      for (const [key, value] of known) collection.set(key, value);
    };
    for (const kind of Object.keys(rows) as EntityKind[]) refill(this.rows[kind], rows[kind]);
    refill(this.placements, placements);
    this.lease = lease && { ...lease, until: this.clock.now + this.aheadMs };
  }

  /** What was there before the simulation began. */
  seed(inventory: Inventory, placements: readonly Placement[]): void {
    const fill = <Kind extends EntityKind>(kind: Kind, rows: readonly EntityRows[Kind][]): void => {
      for (const row of rows) this.rows[kind].set(row.id, row);
    };
    fill('pool', inventory.pools);
    fill('host', inventory.hosts);
    fill('fenceSecret', inventory.fenceSecrets);
    fill('guest', inventory.guests);
    fill('image', inventory.images);
    fill('datastore', inventory.datastores);
    fill('diskOperation', inventory.diskOperations);
    fill('snapshot', inventory.snapshots);
    fill('rule', inventory.rules);
    fill('migration', inventory.migrations);
    fill('recommendation', inventory.recommendations);
    fill('drill', inventory.drills);
    fill('roll', inventory.rolls);
    fill('task', inventory.tasks);
    fill('alarm', inventory.alarms);
    for (const placement of placements) this.placements.set(placement.guestId, [placement]);
  }

  commit(term: number, writes: readonly FleetWrite[]): CommitOutcome | null {
    this.beforeCommit?.(writes);
    if (this.away) return null;
    if (term !== this.lease?.term)
      return { outcome: 'conflict', message: `the term is ${this.lease?.term ?? 0}, not ${term}` };
    const changed = this.placementsAfter(writes);
    if (typeof changed === 'string') {
      this.violations.push(changed);
      return { outcome: 'conflict', message: changed };
    }
    for (const [guestId, placements] of changed) this.placements.set(guestId, placements);
    for (const write of writes) this.apply(write);
    if (this.lostAnswers > 0) {
      this.lostAnswers--;
      return null;
    }
    return { outcome: 'committed' };
  }

  holdLease(holder: string, url: string, durationMs: number): Lease | null {
    if (this.away) return null;
    const now = this.clock.now + this.aheadMs;
    const current = this.lease;
    if (current && current.holder !== holder && current.until > now) return { ...current, held: false, at: now };
    const term = current?.holder === holder ? current.term : (current?.term ?? 0) + 1;
    this.lease = { term, holder, url, until: now + durationMs };
    return { term, holder, url, held: true, at: now };
  }

  raiseTerm(holder: string, above: number): void {
    if (this.lease?.holder === holder && !this.away)
      this.lease = { ...this.lease, term: Math.max(this.lease.term, above) + 1 };
  }

  private apply(write: FleetWrite): void {
    if (write.kind === 'put') (this.rows[write.entity] as Map<string, unknown>).set(write.row.id, write.row);
    else if (write.kind === 'remove') this.rows[write.entity].delete(write.id);
    else if (write.kind === 'record') this.records.push(write.record);
    this.onWrite?.(write);
  }

  /** The placements of the guests that the writes touch, as they would be; or what forbids it. */
  private placementsAfter(writes: readonly FleetWrite[]): Map<string, Placement[]> | string {
    const changed = new Map<string, Placement[]>();
    for (const write of writes) {
      if (write.kind !== 'open-placement' && write.kind !== 'close-placement') continue;
      const guestId = write.kind === 'open-placement' ? write.placement.guestId : write.guestId;
      const before = changed.get(guestId) ?? this.placements.get(guestId) ?? [];
      const after = afterWrite(before, write);
      if (typeof after === 'string') return after;
      changed.set(guestId, after);
    }
    return changed;
  }
}

function afterWrite(before: readonly Placement[], write: PlacementWrite): Placement[] | string {
  const last = before.at(-1);
  if (write.kind === 'close-placement') {
    if (!last || last.to !== null || last.epoch !== write.epoch)
      return `guest ${write.guestId} has no open placement at epoch ${write.epoch}`;
    if (write.to < last.from) return `the placement of guest ${write.guestId} would end before it began`;
    return [...before.slice(0, -1), { ...last, to: write.to, endReason: write.endReason }];
  }
  const { placement } = write;
  if (last && last.to === null)
    return `guest ${placement.guestId} has an open placement at epoch ${last.epoch} already`;
  if (last && placement.epoch <= last.epoch)
    return `guest ${placement.guestId} was at epoch ${last.epoch}; ${placement.epoch} is not later`;
  if (last && last.to !== null && placement.from < last.to)
    return `two placements of guest ${placement.guestId} would overlap`;
  return [...before, placement];
}
