import type { Api, ListRoute } from './api';
import { Failure } from './failure';
import { shortId } from './output/units';

const newest = 1000;
const kinds = {
  drill: 'drill.list',
  simulation: 'simulation.list',
  recommendation: 'recommendation.list',
  task: 'task.list',
  token: 'token.list',
  'join-token': 'join-token.list',
} as const satisfies Record<string, ListRoute>;
type Kind = keyof typeof kinds;

function isWhole(id: string): boolean {
  return shortId(id) !== id;
}

function only(kind: string, reference: string, ids: readonly string[]): string | undefined {
  const exact = ids.find((id) => id === reference);
  if (exact !== undefined) return exact;
  const matches = ids.filter((id) => id.startsWith(reference));
  if (matches.length > 1)
    throw new Failure(
      'refused',
      `"${reference}" is the beginning of ${matches.length} ${kind} ids: ${matches.slice(0, 3).join(', ')} ….`,
    );
  return matches[0];
}

/**
 * A whole id, or as much of its beginning as tells it from the others: tables show that much of long ones. What is not among
 * the newest is left to the server, which knows older ones too.
 */
export async function resolveId(api: Api, kind: Kind, reference: string): Promise<string> {
  if (isWhole(reference)) return reference;
  const rows: readonly { readonly id: string }[] = await api.list(kinds[kind], { limit: newest });
  const ids = rows.map(({ id }) => id);
  return only(kind, reference, ids) ?? reference;
}

/** A migration by its id, or by its guest: the newest one of that guest. */
export async function resolveMigration(api: Api, reference: string): Promise<string> {
  if (isWhole(reference)) return reference;
  const migrations = await api.list('migration.list', { limit: newest });
  const ids = migrations.map(({ id }) => id);
  const found = only('migration', reference, ids);
  if (found !== undefined) return found;
  const guest = (await api.list('guest.list')).find(({ id, name }) => id === reference || name === reference);
  const latest = migrations.find(({ guestId }) => guestId === guest?.id);
  if (guest !== undefined && latest === undefined) {
    throw new Failure('unknown-migration', `Guest ${guest.name} has never been migrated.`, {
      advice: '"argosy migration list" shows the migrations that there were.',
    });
  }
  return latest?.id ?? reference;
}

/** The pool that was named, or the only one there is. */
export async function onlyPool(api: Api, named: string | undefined): Promise<string> {
  if (named !== undefined) return named;
  const pools = await api.list('pool.list');
  const [first] = pools;
  if (first !== undefined && pools.length === 1) return first.name;
  if (first === undefined)
    throw new Failure('unknown-pool', 'There is no pool yet.', { advice: 'Make one: argosy pool create <name>.' });
  throw new Failure('usage', `There are ${pools.length} pools: ${pools.map(({ name }) => name).join(', ')}.`, {
    advice: 'Say which with --pool.',
  });
}
