import type * as entity from '@argosy/domain/entities';
import type { Datastore, Image } from '@argosy/domain/storage';
import type { Drill } from '@argosy/domain/drill';
import type { Roll } from '@argosy/domain/roll';
import { drillTransitions, migrationTransitions, taskTransitions } from '@argosy/domain/lifecycle';
import { accepted, refused, type Result } from '@argosy/domain/refusal';
import type { Instant } from '@argosy/domain/units';
import { Prisma, type PrismaClient } from './generated/client';
import { endsOf } from './lifecycle-ends';
import { fromRow, type Loaded } from './rows';

export interface PageRequest {
  readonly limit: number;
  /** The `nextCursor` of the page before. */
  readonly cursor?: string | undefined;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

export interface EventFilter {
  readonly subjectKind?: entity.SubjectKind | undefined;
  readonly subjectId?: string | undefined;
  readonly code?: string | undefined;
  /** This one and graver ones. */
  readonly severity?: entity.EventSeverity | undefined;
  readonly since?: Instant | undefined;
  readonly until?: Instant | undefined;
}

export interface PlacementFilter {
  readonly at?: Instant | undefined;
  readonly guestId?: string | undefined;
  readonly hostId?: string | undefined;
}

export type PlacementView = entity.Placement & { readonly guestName: string | null; readonly hostName: string | null };
export type StoredEvent = entity.FleetRecord & { readonly id: number };

interface Keyset {
  readonly instant: bigint;
  readonly id: string;
}

export const badCursor = refused('invalid-request', 'cursor must be the nextCursor of an earlier page');

function parseKeyset(cursor: string | undefined): Keyset | null | undefined {
  if (cursor === undefined) return null;
  const match = /^(-?\d{1,18})\.(.+)$/.exec(cursor);
  return match ? { instant: BigInt(match[1] ?? ''), id: match[2] ?? '' } : undefined;
}

/** One row more than the page is asked for, which tells whether there is a next page. */
export function toPage<Item>(found: readonly Item[], limit: number, cursorOf: (last: Item) => string): Page<Item> {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return { items, nextCursor: found.length > limit && last !== undefined ? cursorOf(last) : null };
}

/** Lists that grow for ever come newest first, in pages. `after` is where the page before ended. */
export async function newestFirst<Row>(
  request: PageRequest,
  cursorOf: (row: Row) => string,
  find: (after: Keyset | null, take: number) => Promise<readonly Loaded<Row>[]>,
): Promise<Result<Page<Row>>> {
  const after = parseKeyset(request.cursor);
  if (after === undefined) return badCursor;
  const found = await find(after, request.limit + 1);
  return accepted(toPage(found.map(fromRow<Row>), request.limit, cursorOf));
}

export const byCreation = [{ createdAt: 'desc' as const }, { id: 'desc' as const }];
export const createdCursor = (row: { createdAt: Instant; id: string }) => `${row.createdAt}.${row.id}`;

export function createdBefore(after: Keyset | null) {
  if (!after) return {};
  return { OR: [{ createdAt: { lt: after.instant } }, { createdAt: after.instant, id: { lt: after.id } }] };
}

/** By id or by name; an id wins. */
function referred(reference: string) {
  return { where: { OR: [{ id: reference }, { name: reference }] }, take: 2 };
}

function pickReferred<Row extends { readonly id: string }>(
  found: readonly Loaded<Row>[],
  reference: string,
): Row | null {
  const rows = found.map(fromRow<Row>);
  return rows.find(({ id }) => id === reference) ?? rows[0] ?? null;
}

/** What the API reads: the database's word, also of what has ended and of what is no more. */
export class FleetQueries {
  constructor(private readonly prisma: PrismaClient) {}

  async pools(): Promise<entity.Pool[]> {
    return (await this.prisma.pool.findMany({ orderBy: { name: 'asc' } })).map(fromRow<entity.Pool>);
  }

  async pool(reference: string): Promise<entity.Pool | null> {
    return pickReferred<entity.Pool>(await this.prisma.pool.findMany(referred(reference)), reference);
  }

  async hosts(filter: { readonly poolId?: string | undefined } = {}): Promise<entity.Host[]> {
    const found = await this.prisma.host.findMany({ where: given(filter), orderBy: { name: 'asc' } });
    return found.map(fromRow<entity.Host>);
  }

  async host(reference: string): Promise<entity.Host | null> {
    return pickReferred<entity.Host>(await this.prisma.host.findMany(referred(reference)), reference);
  }

  async guests(
    filter: { readonly poolId?: string | undefined; readonly hostId?: string | undefined } = {},
  ): Promise<entity.Guest[]> {
    const found = await this.prisma.guest.findMany({ where: given(filter), orderBy: { name: 'asc' } });
    return found.map(fromRow<entity.Guest>);
  }

  async guest(reference: string): Promise<entity.Guest | null> {
    return pickReferred<entity.Guest>(await this.prisma.guest.findMany(referred(reference)), reference);
  }

  async images(): Promise<Image[]> {
    return (await this.prisma.image.findMany({ orderBy: { name: 'asc' } })).map(fromRow<Image>);
  }

  async image(reference: string): Promise<Image | null> {
    return pickReferred<Image>(await this.prisma.image.findMany(referred(reference)), reference);
  }

  async datastores(): Promise<Datastore[]> {
    return (await this.prisma.datastore.findMany({ orderBy: { name: 'asc' } })).map(fromRow<Datastore>);
  }

  async datastore(reference: string): Promise<Datastore | null> {
    return pickReferred<Datastore>(await this.prisma.datastore.findMany(referred(reference)), reference);
  }

  async rules(filter: { readonly poolId?: string | undefined } = {}): Promise<entity.Rule[]> {
    const found = await this.prisma.rule.findMany({ where: given(filter), orderBy: { name: 'asc' } });
    return found.map(fromRow<entity.Rule>);
  }

  async rule(reference: string): Promise<entity.Rule | null> {
    return pickReferred<entity.Rule>(await this.prisma.rule.findMany(referred(reference)), reference);
  }

  migrations(
    page: PageRequest,
    filter: { readonly guestId?: string | undefined; readonly active?: boolean | undefined } = {},
  ): Promise<Result<Page<entity.Migration>>> {
    const step = among(endsOf(migrationTransitions), filter.active);
    return newestFirst<entity.Migration>(page, createdCursor, (after, take) =>
      this.prisma.migration.findMany({
        where: { ...given({ guestId: filter.guestId, step }), ...createdBefore(after) },
        orderBy: byCreation,
        take,
      }),
    );
  }

  async migration(id: string): Promise<entity.Migration | null> {
    return orNull<entity.Migration>(await this.prisma.migration.findUnique({ where: { id } }));
  }

  recommendations(
    page: PageRequest,
    filter: { readonly poolId?: string | undefined; readonly open?: boolean | undefined } = {},
  ): Promise<Result<Page<entity.Recommendation>>> {
    const state = among(['applied', 'withdrawn', 'refused'], filter.open);
    return newestFirst<entity.Recommendation>(page, createdCursor, (after, take) =>
      this.prisma.recommendation.findMany({
        where: { ...given({ poolId: filter.poolId, state }), ...createdBefore(after) },
        orderBy: byCreation,
        take,
      }),
    );
  }

  drills(page: PageRequest, filter: { readonly active?: boolean | undefined } = {}): Promise<Result<Page<Drill>>> {
    const state = among(endsOf(drillTransitions), filter.active);
    return newestFirst<Drill>(page, createdCursor, (after, take) =>
      this.prisma.drill.findMany({
        where: { ...given({ state }), ...createdBefore(after) },
        orderBy: byCreation,
        take,
      }),
    );
  }

  rolls(page: PageRequest, { poolId }: { readonly poolId: string }): Promise<Result<Page<Roll>>> {
    return newestFirst<Roll>(page, createdCursor, (after, take) =>
      this.prisma.roll.findMany({ where: { poolId, ...createdBefore(after) }, orderBy: byCreation, take }),
    );
  }

  async drill(id: string): Promise<Drill | null> {
    return orNull<Drill>(await this.prisma.drill.findUnique({ where: { id } }));
  }

  tasks(page: PageRequest, filter: { readonly active?: boolean | undefined } = {}): Promise<Result<Page<entity.Task>>> {
    const state = among(endsOf(taskTransitions), filter.active);
    return newestFirst<entity.Task>(page, createdCursor, (after, take) =>
      this.prisma.task.findMany({ where: { ...given({ state }), ...createdBefore(after) }, orderBy: byCreation, take }),
    );
  }

  async task(id: string): Promise<entity.Task | null> {
    return orNull<entity.Task>(await this.prisma.task.findUnique({ where: { id } }));
  }

  balanceRuns(
    page: PageRequest,
    filter: { readonly poolId?: string | undefined } = {},
  ): Promise<Result<Page<entity.BalanceRun>>> {
    const cursorOf = (run: entity.BalanceRun) => `${run.at}.${run.id}`;
    return newestFirst(page, cursorOf, (after, take) =>
      this.prisma.balanceRun.findMany({
        where: {
          ...given(filter),
          ...(after && { OR: [{ at: { lt: after.instant } }, { at: after.instant, id: { lt: after.id } }] }),
        },
        orderBy: [{ at: 'desc' }, { id: 'desc' }],
        take,
      }),
    );
  }

  alarms(page: PageRequest, filter: { readonly open?: boolean | undefined } = {}): Promise<Result<Page<entity.Alarm>>> {
    const cursorOf = (alarm: entity.Alarm) => `${alarm.raisedAt}.${alarm.id}`;
    return newestFirst(page, cursorOf, (after, take) =>
      this.prisma.alarm.findMany({
        where: {
          ...(filter.open === undefined ? {} : { clearedAt: filter.open ? null : { not: null } }),
          ...(after && {
            OR: [{ raisedAt: { lt: after.instant } }, { raisedAt: after.instant, id: { lt: after.id } }],
          }),
        },
        orderBy: [{ raisedAt: 'desc' }, { id: 'desc' }],
        take,
      }),
    );
  }

  /** In the order of writing, the last one first. */
  async events({ limit, cursor }: PageRequest, filter: EventFilter = {}): Promise<Result<Page<StoredEvent>>> {
    if (cursor !== undefined && !/^\d{1,18}$/.test(cursor)) return badCursor;
    const severities = filter.severity && { in: severityAndAbove(filter.severity) };
    const found = await this.prisma.event.findMany({
      where: {
        ...given({
          subjectKind: filter.subjectKind,
          subjectId: filter.subjectId,
          code: filter.code,
          severity: severities,
        }),
        at: given({ gte: filter.since, lte: filter.until }),
        ...(cursor !== undefined && { id: { lt: BigInt(cursor) } }),
      },
      orderBy: { id: 'desc' },
      take: limit + 1,
    });
    return accepted(toPage(found.map(fromRow<StoredEvent>), limit, (event) => String(event.id)));
  }

  /** Where every guest was at an instant; without one, where each is now. In the order of the guests' ids. */
  async placementsAt({ limit, cursor = '' }: PageRequest, filter: PlacementFilter): Promise<Page<PlacementView>> {
    const when =
      filter.at === undefined
        ? Prisma.sql`"to" IS NULL`
        : Prisma.sql`int8range("from", "to") @> ${Math.round(filter.at)}::bigint`;
    const ofGuest = filter.guestId === undefined ? Prisma.empty : Prisma.sql`AND "guestId" = ${filter.guestId}`;
    const onHost = filter.hostId === undefined ? Prisma.empty : Prisma.sql`AND "hostId" = ${filter.hostId}`;
    const found = await this.prisma.$queryRaw<Loaded<PlacementView>[]>`
      SELECT * FROM "placements" WHERE ${when} AND "guestId" > ${cursor} ${ofGuest} ${onHost}
      ORDER BY "guestId" LIMIT ${limit + 1}`;
    return toPage(found.map(fromRow<PlacementView>), limit, (placement) => placement.guestId);
  }

  /** A guest's life, the latest placement first. `reference`: its id, or the name that it had, also of one that was removed. */
  async placementHistory(reference: string, page: PageRequest): Promise<Result<Page<PlacementView>>> {
    const cursorOf = (placement: PlacementView) => `${placement.from}.${placement.guestId}:${placement.epoch}`;
    return newestFirst(page, cursorOf, (after, take) => {
      const [, guestId = '', epoch = '0'] = /^(.*):(\d+)$/.exec(after?.id ?? '') ?? [];
      return this.prisma.placement.findMany({
        where: {
          AND: [
            { OR: [{ guestId: reference }, { guestName: reference }] },
            after
              ? {
                  OR: [
                    { from: { lt: after.instant } },
                    { from: after.instant, guestId: { lt: guestId } },
                    { from: after.instant, guestId, epoch: { lt: Number(epoch) } },
                  ],
                }
              : {},
          ],
        },
        orderBy: [{ from: 'desc' }, { guestId: 'desc' }, { epoch: 'desc' }],
        take,
      });
    });
  }
}

const severityOrder: readonly entity.EventSeverity[] = ['information', 'warning', 'error'];
function severityAndAbove(severity: entity.EventSeverity): entity.EventSeverity[] {
  return severityOrder.slice(severityOrder.indexOf(severity));
}

/** What has not ended, what has, or (undefined) both. */
function among(ends: readonly string[], active: boolean | undefined) {
  if (active === undefined) return undefined;
  return active ? { notIn: [...ends] } : { in: [...ends] };
}

type Given<Fields> = { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> };
/** Only the fields that are not undefined. */
export function given<Fields extends object>(fields: Fields): Given<Fields> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Given<Fields>;
}

function orNull<Row>(row: Loaded<Row> | null): Row | null {
  return row && fromRow<Row>(row);
}
