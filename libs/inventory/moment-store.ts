import type { Guest, Host, Pool, Rule } from '@argosy/domain/entities';
import type { Instant } from '@argosy/domain/units';
import { Prisma, type PrismaClient } from './generated/client';

/** What a guest was asking for, smoothed. */
export interface GuestDemand {
  readonly guestId: string;
  readonly cpuMillicores: number;
  readonly dirtyBytesPerSecond: number;
}

/** The fleet's rows as they were then. Where guests were, their placements say. */
export interface Moment {
  readonly at: Instant;
  /** What was changed or removed before that is not known: such rows are as they were then, or missing. */
  readonly keptSince: Instant;
  readonly pools: readonly Pool[];
  readonly hosts: readonly Host[];
  /** State, epoch and host are of some later time. */
  readonly guests: readonly Omit<Guest, 'cloudInit'>[];
  readonly rules: readonly Rule[];
  /** null: of that time nothing was kept. */
  readonly demand: { readonly at: Instant; readonly guests: readonly GuestDemand[] } | null;
}

const kept = { pool: 'pools', host: 'hosts', guest: 'guests', rule: 'rules' } as const;
/** Loads of longer ago say nothing of the moment. */
const demandAgeMs = 900_000;

/** What was: the database keeps each row of the past by itself (see the migration that makes `row_versions`). */
export class MomentStore {
  constructor(private readonly prisma: PrismaClient) {}

  /** All of it as of one moment of the database, too. */
  async moment(instant: Instant): Promise<Moment> {
    const at = Math.round(instant);
    const [pools, hosts, guests, rules, begun, samples] = await this.prisma.$transaction(
      [
        this.rows('pool', at),
        this.rows('host', at),
        this.rows('guest', at),
        this.rows('rule', at),
        this.prisma.rowVersion.findMany({ where: { kind: 'begun' } }),
        this.prisma.demandSample.findMany({
          where: { at: { gte: at - demandAgeMs, lte: at } },
          orderBy: { at: 'desc' },
          take: 1,
        }),
      ],
      { isolationLevel: 'RepeatableRead' },
    );
    const rowsOf = <Row>(found: readonly { readonly row: unknown }[]): Row[] => found.map(({ row }) => row as Row);
    const [sample] = samples;
    return {
      at,
      keptSince: Number(begun[0]!.until),
      pools: rowsOf(pools),
      hosts: rowsOf(hosts),
      guests: rowsOf(guests),
      rules: rowsOf(rules),
      demand: sample ? { at: Number(sample.at), guests: (sample.guests as Sampled[]).map(demandOf) } : null,
    };
  }

  /** The first version that was still so at that time, or the row as it is; without those that came later. */
  private rows(kind: keyof typeof kept, at: number): Prisma.PrismaPromise<{ readonly row: unknown }[]> {
    const table = Prisma.raw(`"${kept[kind]}"`);
    return this.prisma.$queryRaw`
      SELECT "row" FROM (
        (SELECT DISTINCT ON ("rowId") "row" FROM "row_versions"
          WHERE "kind" = ${kind} AND "until" > ${at}::bigint ORDER BY "rowId", "until")
        UNION ALL
        (SELECT to_jsonb(t) - 'cloudInit' FROM ${table} t WHERE NOT EXISTS
          (SELECT 1 FROM "row_versions" v WHERE v."kind" = ${kind} AND v."rowId" = t."id" AND v."until" > ${at}::bigint))
      ) AS was WHERE ("row"->>'createdAt')::bigint <= ${at}::bigint ORDER BY "row"->>'name'`;
  }

  async keepDemand(at: Instant, guests: readonly GuestDemand[]): Promise<void> {
    const sampled = guests.map(({ guestId, cpuMillicores, dirtyBytesPerSecond }): Sampled => [
      guestId,
      Math.round(cpuMillicores),
      Math.round(dirtyBytesPerSecond),
    ]);
    await this.prisma.$executeRaw`
      INSERT INTO "demand_samples" ("at", "guests") VALUES (${Math.round(at)}::bigint, ${JSON.stringify(sampled)}::jsonb)
      ON CONFLICT ("at") DO NOTHING`;
  }
}

type Sampled = [guestId: string, cpuMillicores: number, dirtyBytesPerSecond: number];

function demandOf([guestId, cpuMillicores, dirtyBytesPerSecond]: Sampled): GuestDemand {
  return { guestId, cpuMillicores, dirtyBytesPerSecond };
}
