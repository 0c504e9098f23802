import type { StreamMessage } from '@argosy/contracts/stream';

type Put = Extract<StreamMessage, { kind: 'put' }>;
export type EntityName = Put['entity'];
export type Row<Name extends EntityName> = Extract<Put, { entity: Name }>['row'];

/** Every row that the console holds, by kind and id. Maps are never changed: a new one says what has changed. */
export type FleetRows = { readonly [Name in EntityName]: ReadonlyMap<string, Row<Name>> };

export type Pool = Row<'pool'>;
export type Host = Row<'host'>;
export type Guest = Row<'guest'>;
export type Rule = Row<'rule'>;
export type Migration = Row<'migration'>;
export type Recommendation = Row<'recommendation'>;
export type BalanceRun = Row<'balanceRun'>;
export type Drill = Row<'drill'>;
export type Task = Row<'task'>;
export type Alarm = Row<'alarm'>;
export type Image = Row<'image'>;
export type Datastore = Row<'datastore'>;
export type Snapshot = Row<'snapshot'>;

const entityNames = [
  'pool',
  'host',
  'guest',
  'image',
  'datastore',
  'diskOperation',
  'snapshot',
  'rule',
  'migration',
  'recommendation',
  'balanceRun',
  'drill',
  'roll',
  'task',
  'alarm',
] as const satisfies readonly EntityName[];

export function noRows(): FleetRows {
  return Object.fromEntries(entityNames.map((name) => [name, new Map()])) as unknown as FleetRows;
}

export function byId<Each extends { readonly id: string }>(rows: readonly Each[]): ReadonlyMap<string, Each> {
  return new Map(rows.map((row) => [row.id, row]));
}

/** What only grows is kept up to so many; the rest is the server's, in pages. */
const mostKept: { readonly [Name in EntityName]?: number } = {
  migration: 500,
  recommendation: 500,
  balanceRun: 500,
  drill: 300,
  roll: 100,
  task: 500,
  alarm: 500,
};

/** The rows after a burst of messages: one new map for each kind that changed, however many there were. */
export function applied(rows: FleetRows, messages: readonly StreamMessage[]): FleetRows {
  const changed = new Map<EntityName, Map<string, unknown>>();
  const writable = (name: EntityName) => {
    let copy = changed.get(name);
    if (copy === undefined) changed.set(name, (copy = new Map<string, unknown>(rows[name])));
    return copy;
  };
  for (const message of messages) {
    if (message.kind === 'put') writable(message.entity).set(message.row.id, message.row);
    if (message.kind === 'remove') writable(message.entity).delete(message.row.id);
  }
  if (changed.size === 0) return rows;
  for (const [name, copy] of changed) forgetOldest(copy, mostKept[name]);
  return { ...rows, ...Object.fromEntries(changed) };
}

function forgetOldest(rows: Map<string, unknown>, most = Infinity): void {
  for (const id of rows.keys()) {
    if (rows.size <= most) return;
    rows.delete(id);
  }
}

const collator = new Intl.Collator('en', { numeric: true });
/** h2 before h10, as people count. */
export function compareNames(one: string, other: string): number {
  return collator.compare(one, other);
}
