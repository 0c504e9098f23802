import type { AuditEvent, AuditOutcome } from '@argosy/domain/access';
import { accepted, type Result } from '@argosy/domain/refusal';
import type { Instant } from '@argosy/domain/units';
import { badCursor, given, toPage, type Page, type PageRequest } from './fleet-queries';
import type { PrismaClient } from './generated/client';
import { fromRow } from './rows';

export interface AuditFilter {
  readonly actor?: string | undefined;
  readonly route?: string | undefined;
  readonly outcome?: AuditOutcome | undefined;
  readonly since?: Instant | undefined;
  readonly until?: Instant | undefined;
}

export type NewAuditEvent = AuditEvent & { readonly callId: string };
export type StoredAuditEvent = AuditEvent & { readonly id: number };

/** Who did what over the API. It is no part of the brain's state, and needs no lease. */
export class AuditStore {
  constructor(private readonly prisma: PrismaClient) {}

  /** May be asked again with the same events: each is kept once. */
  async add(events: readonly NewAuditEvent[]): Promise<void> {
    const data = events.map((event) => ({ ...event, at: Math.round(event.at) }));
    await this.prisma.auditEvent.createMany({ data, skipDuplicates: true });
  }

  /** In the order of writing, the last one first. */
  async list({ limit, cursor }: PageRequest, filter: AuditFilter = {}): Promise<Result<Page<StoredAuditEvent>>> {
    if (cursor !== undefined && !/^\d{1,18}$/.test(cursor)) return badCursor;
    const { since, until, ...equal } = filter;
    const found = await this.prisma.auditEvent.findMany({
      where: {
        ...given(equal),
        at: given({ gte: since, lte: until }),
        ...(cursor !== undefined && { id: { lt: BigInt(cursor) } }),
      },
      omit: { callId: true },
      orderBy: { id: 'desc' },
      take: limit + 1,
    });
    return accepted(toPage(found.map(fromRow<StoredAuditEvent>), limit, (event) => String(event.id)));
  }

  /** At most so many at once, so that no statement takes long. Value: how many were removed. */
  async removeBefore(instant: Instant, most: number): Promise<number> {
    return this.prisma.$executeRaw`
      DELETE FROM "audit_events" WHERE "id" IN
        (SELECT "id" FROM "audit_events" WHERE "at" < ${Math.round(instant)}::bigint ORDER BY "at" LIMIT ${most})`;
  }
}
