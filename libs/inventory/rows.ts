import type { EntityKind, EntityRows } from '@argosy/control/ports/fleet-store';
import { Prisma } from './generated/client';

type Columns = Readonly<Record<string, string>>;

/** The table of each kind and its columns, which are named as the domain's fields are. */
export const tables = {
  pool: { name: 'pools', columns: Prisma.PoolScalarFieldEnum },
  host: { name: 'hosts', columns: Prisma.HostScalarFieldEnum },
  fenceSecret: { name: 'fence_secrets', columns: Prisma.FenceSecretScalarFieldEnum },
  guest: { name: 'guests', columns: Prisma.GuestScalarFieldEnum },
  image: { name: 'images', columns: Prisma.ImageScalarFieldEnum },
  datastore: { name: 'datastores', columns: Prisma.DatastoreScalarFieldEnum },
  diskOperation: { name: 'disk_operations', columns: Prisma.DiskOperationScalarFieldEnum },
  snapshot: { name: 'snapshots', columns: Prisma.SnapshotScalarFieldEnum },
  rule: { name: 'rules', columns: Prisma.RuleScalarFieldEnum },
  migration: { name: 'migrations', columns: Prisma.MigrationScalarFieldEnum },
  recommendation: { name: 'recommendations', columns: Prisma.RecommendationScalarFieldEnum },
  balanceRun: { name: 'balance_runs', columns: Prisma.BalanceRunScalarFieldEnum },
  drill: { name: 'drills', columns: Prisma.DrillScalarFieldEnum },
  roll: { name: 'rolls', columns: Prisma.RollScalarFieldEnum },
  task: { name: 'tasks', columns: Prisma.TaskScalarFieldEnum },
  alarm: { name: 'alarms', columns: Prisma.AlarmScalarFieldEnum },
} as const satisfies Record<EntityKind, { readonly name: string; readonly columns: Columns }>;

/** Does not compile when a table lacks a field of the domain, or has one too many. */
type Differing = {
  [Kind in EntityKind]: [keyof EntityRows[Kind], keyof (typeof tables)[Kind]['columns']] extends [
    infer Field,
    infer Column,
  ]
    ? [Field] extends [Column]
      ? [Column] extends [Field]
        ? never
        : Kind
      : Kind
    : never;
}[EntityKind];
const everyTableHasItsFields: [Differing] extends [never] ? true : Differing = true;
void everyTableHasItsFields;

/** As the database gives it: numbers of 8 bytes come as bigint, and enumerations as text. */
export type Loaded<Row> = { readonly [Field in keyof Row]: unknown };

/**
 * A row as the database gives it, as the domain has it. Its fields are the domain's by `everyTableHasItsFields`, and
 * nobody else writes to these tables; only numbers of 8 bytes have another form.
 */
export function fromRow<Row>(row: Loaded<Row>): Row {
  const fields = Object.entries(row).map(([field, value]) => [
    field,
    typeof value === 'bigint' ? Number(value) : value,
  ]);
  return Object.fromEntries(fields) as Row;
}

/** PostgreSQL keeps neither NUL nor half a character; guests can print both on a console that an error then quotes. */
const unstorable = /[\0\p{Surrogate}]/gu;
const instantFields = new Set(['at', 'from', 'to']);

/**
 * Rows as one JSON parameter for jsonb_populate_recordset: one statement for many rows. Instants are whole
 * milliseconds in the database, and a clock may have fractions.
 */
export function toJson(rows: readonly object[]): string {
  return JSON.stringify(rows, (field, value: unknown) => {
    if (typeof value === 'string') return value.replace(unstorable, '\uFFFD');
    const isInstant = typeof value === 'number' && (instantFields.has(field) || field.endsWith('At'));
    return isInstant ? Math.round(value) : value;
  });
}
