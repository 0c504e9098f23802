import type { Instant } from '@argosy/domain/units';
import { Prisma, type PrismaClient } from './generated/client';

interface Kept {
  readonly table: Prisma.Sql;
  /** By which its rows are told apart; left out: their id. */
  readonly key?: Prisma.Sql;
  /** Indexed: from here on the oldest are found. */
  readonly begun: Prisma.Sql;
  /** What is not over is kept, however old it is. */
  readonly isOver: (before: Prisma.Sql) => Prisma.Sql;
}

/**
 * What is written of the past and is of no use to the brain. Placements and versions of rows are not in it: any moment of the past can be asked for.
 * Nor are drills and rolls, of which there are few.
 */
const records = {
  event: { table: Prisma.sql`"events"`, begun: Prisma.sql`"at"`, isOver: () => Prisma.sql`true` },
  task: {
    table: Prisma.sql`"tasks"`,
    begun: Prisma.sql`"createdAt"`,
    isOver: (before) => Prisma.sql`"endedAt" < ${before}`,
  },
  migration: {
    table: Prisma.sql`"migrations"`,
    begun: Prisma.sql`"createdAt"`,
    isOver: (before) => Prisma.sql`"endedAt" < ${before}`,
  },
  recommendation: {
    table: Prisma.sql`"recommendations"`,
    begun: Prisma.sql`"createdAt"`,
    isOver: () => Prisma.sql`"state" <> 'open'`,
  },
  'balance-run': { table: Prisma.sql`"balance_runs"`, begun: Prisma.sql`"at"`, isOver: () => Prisma.sql`true` },
  simulation: {
    table: Prisma.sql`"simulations"`,
    begun: Prisma.sql`"createdAt"`,
    isOver: (before) => Prisma.sql`"endedAt" < ${before}`,
  },
  alarm: {
    table: Prisma.sql`"alarms"`,
    begun: Prisma.sql`"raisedAt"`,
    isOver: (before) => Prisma.sql`"clearedAt" < ${before}`,
  },
  'demand-sample': {
    table: Prisma.sql`"demand_samples"`,
    key: Prisma.sql`"at"`,
    begun: Prisma.sql`"at"`,
    isOver: () => Prisma.sql`true`,
  },
} as const satisfies Record<string, Kept>;
export type RecordKind = keyof typeof records;
export const recordKinds = Object.keys(records) as RecordKind[];

export class RecordStore {
  constructor(private readonly prisma: PrismaClient) {}

  /** The oldest first, at most so many at once, so that no statement takes long. Value: how many were removed. */
  removeBefore(kind: RecordKind, instant: Instant, most: number): Promise<number> {
    const { table, key = Prisma.sql`"id"`, begun, isOver }: Kept = records[kind];
    const before = Prisma.sql`${Math.round(instant)}::bigint`;
    return this.prisma.$executeRaw`
      DELETE FROM ${table} WHERE ${key} IN
        (SELECT ${key} FROM ${table} WHERE ${begun} < ${before} AND ${isOver(before)} ORDER BY ${begun} LIMIT ${most})`;
  }
}
