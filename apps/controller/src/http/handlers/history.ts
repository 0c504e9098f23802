import type { Page } from '@argosy/inventory/fleet-queries';
import type { Result } from '@argosy/domain/refusal';
import { refuse, type Answer, type Handlers } from '../answer';
import type { HttpPorts } from '../ports';
import { filterId, findRow, historyId, seekRow, subjectId } from '../references';

interface Identified {
  readonly id: string;
}

/** What has ended is the database's; what has not is replaced by the brain's row, which knows the latest progress. */
function freshen<Row extends Identified>(found: Result<Page<Row>>, live: ReadonlyMap<string, Row>): Result<Page<Row>> {
  if (!found.ok) return found;
  const items = found.value.items.map((row) => live.get(row.id) ?? row);
  return { ok: true, value: { items, nextCursor: found.value.nextCursor } };
}

async function seek<Row>(
  live: Row | undefined,
  stored: () => Promise<Row | null>,
  missing: Answer<Row>,
): Promise<Answer<Row>> {
  const row = live ?? (await stored());
  return row ? { ok: true, value: row } : missing;
}

/** What was: placements, migrations, drills, events and tasks, in pages from the database. */
export function historyHandlers({
  gateway,
  queries,
  moments,
  now,
  audit,
  auditStore,
}: Pick<HttpPorts, 'gateway' | 'queries' | 'moments' | 'now' | 'audit' | 'auditStore'>) {
  const { fleet } = gateway;
  return {
    'guest.placements': async ({ params, query }) => {
      const live = seekRow(fleet, 'guest', params.guest);
      const found = await queries.placementHistory(live?.id ?? params.guest, query);
      const isUnknown = found.ok && found.value.items.length === 0 && !live && query.cursor === undefined;
      return isUnknown
        ? refuse('unknown-guest', `There is no guest ${JSON.stringify(params.guest)}, and there never was.`)
        : found;
    },
    'placement.list': async ({ query }) => {
      const guestId = historyId(fleet, 'guest', query.guest);
      const hostId = historyId(fleet, 'host', query.host);
      return { ok: true, value: await queries.placementsAt(query, { at: query.at, guestId, hostId }) };
    },
    'moment.get': async ({ query }) => ({ ok: true, value: await moments.moment(query.at ?? now()) }),
    'migration.list': async ({ query }) => {
      const guestId = historyId(fleet, 'guest', query.guest);
      return freshen(await queries.migrations(query, { guestId, active: query.active }), fleet.migrations);
    },
    'migration.get': ({ params: { id } }) =>
      seek(
        fleet.migrations.get(id),
        () => queries.migration(id),
        refuse('unknown-migration', `There is no migration ${JSON.stringify(id)}.`),
      ),
    'balance.list': async ({ query }) => {
      const pool = filterId(fleet, 'pool', query.pool);
      return pool.ok ? queries.balanceRuns(query, { poolId: pool.value }) : pool;
    },
    'recommendation.list': async ({ query }) => {
      const pool = filterId(fleet, 'pool', query.pool);
      return pool.ok ? queries.recommendations(query, { poolId: pool.value, open: query.open }) : pool;
    },
    'pool.roll-list': async ({ params, query }) => {
      const pool = findRow(fleet, 'pool', params.pool);
      return pool.ok ? freshen(await queries.rolls(query, { poolId: pool.value.id }), fleet.rolls) : pool;
    },
    'drill.list': async ({ query }) => freshen(await queries.drills(query), fleet.drills),
    'drill.get': ({ params: { id } }) =>
      seek(
        fleet.drills.get(id),
        () => queries.drill(id),
        refuse('unknown-drill', `There is no drill ${JSON.stringify(id)}.`),
      ),
    'event.list': async ({ query }) => {
      const subject = subjectId(fleet, query.subject, query.subjectKind);
      if (!subject.ok) return subject;
      const { subjectKind, code, severity, since, until } = query;
      return queries.events(query, { subjectKind, subjectId: subject.value, code, severity, since, until });
    },
    'audit.list': async ({ query }) => {
      await audit.settle();
      const { actor, route, outcome, since, until } = query;
      return auditStore.list(query, { actor, route, outcome, since, until });
    },
    'task.list': async ({ query }) => freshen(await queries.tasks(query, { active: query.active }), fleet.tasks),
    'task.get': ({ params: { id } }) =>
      seek(
        fleet.tasks.get(id),
        () => queries.task(id),
        refuse('unknown-task', `There is no task ${JSON.stringify(id)}.`),
      ),
    'alarm.list': ({ query }) => queries.alarms(query, { open: query.open }),
  } satisfies Partial<Handlers>;
}
