import type * as entity from '@argosy/domain/entities';
import type { Datastore, DiskOperation, Image, Snapshot } from '@argosy/domain/storage';
import type { Drill } from '@argosy/domain/drill';
import type { FenceSecret } from '@argosy/domain/fence-device';
import type { Roll } from '@argosy/domain/roll';
import { drillTransitions, migrationTransitions, rollTransitions, taskTransitions } from '@argosy/domain/lifecycle';
import type {
  CommitOutcome,
  EntityKind,
  FleetStore,
  FleetWrite,
  Inventory,
  Lease,
} from '@argosy/control/ports/fleet-store';
import { planCommit, type ClosePlacement, type CommitPlan } from './commit-plan';
import { constraintViolation } from './database';
import { Prisma, type PrismaClient } from './generated/client';
import { endsOf } from './lifecycle-ends';
import { fromRow, tables, toJson } from './rows';

type Transaction = Prisma.TransactionClient;

/** What is found wrong in the middle of a transaction, which is rolled back by it. */
class Conflict extends Error {}

const notEnded = {
  migration: { step: { notIn: endsOf(migrationTransitions) } },
  drill: { state: { notIn: endsOf(drillTransitions) } },
  roll: { state: { notIn: endsOf(rollTransitions) } },
  task: { state: { notIn: endsOf(taskTransitions) } },
};

/** The store of the brain, in PostgreSQL. Every method rejects when the database is away, within a bounded time. */
export class PrismaFleetStore implements FleetStore {
  constructor(private readonly prisma: PrismaClient) {}

  /** All of it as of one moment. */
  async load(): Promise<Inventory> {
    const db = this.prisma;
    const found = await db.$transaction(
      [
        db.pool.findMany(),
        db.host.findMany(),
        db.fenceSecret.findMany(),
        db.guest.findMany(),
        db.image.findMany(),
        db.datastore.findMany(),
        db.diskOperation.findMany(),
        db.snapshot.findMany(),
        db.rule.findMany(),
        db.migration.findMany({ where: notEnded.migration }),
        db.recommendation.findMany({ where: { state: 'open' } }),
        db.drill.findMany({ where: notEnded.drill }),
        db.roll.findMany({ where: notEnded.roll }),
        db.task.findMany({ where: notEnded.task }),
        db.alarm.findMany({ where: { clearedAt: null } }),
      ],
      { isolationLevel: 'RepeatableRead' },
    );
    const [pools, hosts, fenceSecrets, guests, images, datastores, diskOperations, snapshots, ...others] = found;
    const [rules, migrations, recommendations, drills, rolls, tasks, alarms] = others;
    return {
      pools: pools.map(fromRow<entity.Pool>),
      hosts: hosts.map(fromRow<entity.Host>),
      fenceSecrets: fenceSecrets.map(fromRow<FenceSecret>),
      guests: guests.map(fromRow<entity.Guest>),
      images: images.map(fromRow<Image>),
      datastores: datastores.map(fromRow<Datastore>),
      diskOperations: diskOperations.map(fromRow<DiskOperation>),
      snapshots: snapshots.map(fromRow<Snapshot>),
      rules: rules.map(fromRow<entity.Rule>),
      migrations: migrations.map(fromRow<entity.Migration>),
      recommendations: recommendations.map(fromRow<entity.Recommendation>),
      drills: drills.map(fromRow<Drill>),
      rolls: rolls.map(fromRow<Roll>),
      tasks: tasks.map(fromRow<entity.Task>),
      alarms: alarms.map(fromRow<entity.Alarm>),
    };
  }

  async commit(term: number, writes: readonly FleetWrite[]): Promise<CommitOutcome> {
    const plan = planCommit(writes);
    try {
      await this.prisma.$transaction(async (transaction) => {
        await checkTerm(transaction, term);
        await write(transaction, plan);
      });
      return { outcome: 'committed' };
    } catch (error) {
      const message = error instanceof Conflict ? error.message : constraintViolation(error);
      if (message === undefined) throw error;
      return { outcome: 'conflict', message };
    }
  }

  async holdLease(holder: string, url: string, durationMs: number): Promise<Lease> {
    const expiresAt = Prisma.sql`clock_timestamp() + ${durationMs}::float8 * interval '1 millisecond'`;
    // Whoever let it run out gets a new term too, as any other would: what it knew may be out of date.
    const taken = await this.prisma.$queryRaw<Omit<Lease, 'held'>[]>`
      INSERT INTO "lease" ("id", "holder", "url", "term", "expiresAt") VALUES (1, ${holder}, ${url}, 1, ${expiresAt})
      ON CONFLICT ("id") DO UPDATE SET
        "holder" = EXCLUDED."holder", "url" = EXCLUDED."url", "expiresAt" = ${expiresAt},
        "term" = CASE WHEN "lease"."expiresAt" > clock_timestamp() THEN "lease"."term" ELSE "lease"."term" + 1 END
      WHERE "lease"."holder" = EXCLUDED."holder" OR "lease"."expiresAt" <= clock_timestamp()
      RETURNING "term", "holder", "url", ${nowMs} AS "at"`;
    if (taken[0]) return { ...taken[0], held: true };
    const [others] = await this.prisma.$queryRaw<Omit<Lease, 'held'>[]>`
      SELECT "term", "holder", "url", ${nowMs} AS "at" FROM "lease" WHERE "id" = 1`;
    if (!others) throw new Error('the lease that another holds is gone');
    return { ...others, held: false };
  }

  async seizeLease(from: Pick<Lease, 'holder' | 'term'>, holder: string, url: string): Promise<boolean> {
    const seized = await this.prisma.$executeRaw`
      UPDATE "lease" SET "holder" = ${holder}, "url" = ${url}, "term" = "term" + 1
      WHERE "id" = 1 AND "holder" = ${from.holder} AND "term" = ${from.term}::integer`;
    return seized === 1;
  }

  async raiseTerm(holder: string, above: number): Promise<boolean> {
    const raised = await this.prisma.$executeRaw`
      UPDATE "lease" SET "term" = GREATEST("term", ${above}::integer) + 1
      WHERE "id" = 1 AND "holder" = ${holder} AND "expiresAt" > clock_timestamp()`;
    return raised === 1;
  }

  async isCurrent({ action, hostId, incarnation, term }: Parameters<FleetStore['isCurrent']>[0]): Promise<boolean> {
    const rows = await this.prisma.$queryRaw<unknown[]>`
      SELECT 1 FROM "lease", "hosts" WHERE "lease"."id" = 1 AND "lease"."term" = ${term}
        AND "lease"."expiresAt" > clock_timestamp() AND "hosts"."id" = ${hostId} AND "hosts"."incarnation" = ${incarnation}
        AND CASE ${action} WHEN 'off' THEN "hosts"."state" = 'fencing' ELSE "hosts"."standby" = 'leaving' END`;
    return rows.length === 1;
  }

  async releaseLease(holder: string): Promise<void> {
    await this.prisma.$executeRaw`UPDATE "lease" SET "expiresAt" = clock_timestamp() WHERE "holder" = ${holder}`;
  }
}

/** The database's time, as an Instant. */
const nowMs = Prisma.sql`(extract(epoch FROM clock_timestamp()) * 1000)::float8`;

/**
 * The lease is locked until the transaction ends, so nobody takes it over in between: what is written under a term is
 * written while that term leads.
 */
async function checkTerm(transaction: Transaction, term: number): Promise<void> {
  const rows = await transaction.$queryRaw<{ term: number; current: boolean }[]>`
    SELECT "term", "expiresAt" > clock_timestamp() AS "current" FROM "lease" WHERE "id" = 1 FOR SHARE`;
  const lease = rows[0];
  if (!lease) throw new Conflict('nobody holds the lease, so nothing may be written');
  if (lease.term !== term)
    throw new Conflict(`the lease has term ${lease.term}, so nothing of term ${term} may be written`);
  if (!lease.current) throw new Conflict(`the lease of term ${term} has run out`);
}

async function write(transaction: Transaction, plan: CommitPlan): Promise<void> {
  for (const [kind, ids] of plan.removes) {
    await transaction.$executeRaw`DELETE FROM ${table(kind)} WHERE "id" = ANY(${ids})`;
  }
  for (const [kind, rows] of plan.puts) await put(transaction, kind, rows);
  for (const { closes, opens } of plan.placements) {
    if (closes.length > 0) await closePlacements(transaction, closes);
    if (opens.length > 0) await openPlacements(transaction, opens);
  }
  if (plan.records.length > 0) {
    await transaction.$executeRaw`
      INSERT INTO "events" ("at", "code", "severity", "subjectKind", "subjectId", "message", "actor", "details")
      SELECT "at", "code", "severity", "subjectKind", "subjectId", "message", "actor", "details"
      FROM jsonb_to_recordset(${toJson(plan.records)}::jsonb) AS r("at" bigint, "code" text, "severity" text,
        "subjectKind" text, "subjectId" text, "message" text, "actor" text, "details" jsonb)`;
  }
}

function table(kind: EntityKind): Prisma.Sql {
  return Prisma.raw(`"${tables[kind].name}"`);
}

async function put(transaction: Transaction, kind: EntityKind, rows: readonly object[]): Promise<void> {
  const columns = Object.keys(tables[kind].columns).map((column) => `"${column}"`);
  const changes = columns.filter((column) => column !== '"id"').map((column) => `${column} = EXCLUDED.${column}`);
  const list = Prisma.raw(columns.join(', '));
  await transaction.$executeRaw`
    INSERT INTO ${table(kind)} (${list})
    SELECT ${list} FROM jsonb_populate_recordset(NULL::${table(kind)}, ${toJson(rows)}::jsonb)
    ON CONFLICT ("id") DO UPDATE SET ${Prisma.raw(changes.join(', '))}`;
}

async function closePlacements(transaction: Transaction, closes: readonly ClosePlacement[]): Promise<void> {
  const closed = await transaction.$executeRaw`
    UPDATE "placements" p SET "to" = c."to", "endReason" = c."endReason"
    FROM jsonb_to_recordset(${toJson(closes)}::jsonb) AS c("guestId" text, "epoch" integer, "to" bigint, "endReason" text)
    WHERE p."guestId" = c."guestId" AND p."epoch" = c."epoch" AND p."to" IS NULL`;
  if (closed === closes.length) return;
  const named = closes.map(({ guestId, epoch }) => `${guestId} with epoch ${epoch}`).join(', ');
  throw new Conflict(`of the placements to be closed, ${closes.length - closed} are not open: ${named}`);
}

async function openPlacements(transaction: Transaction, opens: readonly entity.Placement[]): Promise<void> {
  await transaction.$executeRaw`
    INSERT INTO "placements" ("guestId", "hostId", "epoch", "from", "to", "reason", "endReason")
    SELECT "guestId", "hostId", "epoch", "from", "to", "reason", "endReason"
    FROM jsonb_populate_recordset(NULL::"placements", ${toJson(opens)}::jsonb)`;
}
