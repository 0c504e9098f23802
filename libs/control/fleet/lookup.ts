import type { Guest, Host, Migration, Pool, Rule } from '@argosy/domain/entities';
import type { Datastore, Image } from '@argosy/domain/storage';
import type { Drill } from '@argosy/domain/drill';
import type { RefusalCode } from '@argosy/domain/refusal';
import { accepted, refused, type Result } from '@argosy/domain/refusal';
import type { Fleet } from '../fleet-types';
import type { FleetTurn } from './turn';

/** Things are named by id or, where they have one, by name: as an administrator would. */
interface Named {
  readonly pool: Pool;
  readonly host: Host;
  readonly guest: Guest;
  readonly image: Image;
  readonly datastore: Datastore;
  readonly rule: Rule;
  readonly migration: Migration;
  readonly drill: Drill;
}

const places = {
  pool: ['pools', 'unknown-pool'],
  host: ['hosts', 'unknown-host'],
  guest: ['guests', 'unknown-guest'],
  image: ['images', 'unknown-image'],
  datastore: ['datastores', 'unknown-datastore'],
  rule: ['rules', 'unknown-rule'],
  migration: ['migrations', 'unknown-migration'],
  drill: ['drills', 'unknown-drill'],
} as const satisfies Record<keyof Named, readonly [string, RefusalCode]>;

export function find<Kind extends keyof Named>(turn: FleetTurn, kind: Kind, idOrName: string): Result<Named[Kind]> {
  const [collection, code] = places[kind];
  const rows = turn.fleet[collection] as unknown as ReadonlyMap<string, Named[Kind]>;
  const byId = rows.get(idOrName);
  if (byId) return accepted(byId);
  const named = rows.get(turn.fleet.indexes.names.get(kind)?.get(idOrName) ?? '');
  if (named) return accepted(named);
  const names = [...rows.values()].flatMap((row) => ('name' in row ? [row.name] : []));
  const known =
    names.length === 0 ? '' : ` Known: ${names.sort().slice(0, 10).join(', ')}${names.length > 10 ? ', …' : ''}.`;
  return refused(code, `There is no ${kind} ${JSON.stringify(idOrName)}.${known}`);
}

/** Names are unique among their kind. */
export function nameTaken(
  turn: FleetTurn,
  kind: 'pool' | 'host' | 'guest' | 'image' | 'datastore' | 'rule',
  name: string,
  exceptId = '',
): Result<null> {
  const id = turn.fleet.indexes.names.get(kind)?.get(name);
  if (id === undefined || id === exceptId) return accepted(null);
  return refused(
    'name-taken',
    `A ${kind} named ${JSON.stringify(name)} exists already (id ${id}); choose another name.`,
  );
}

/** Finds each of them, or the first refusal. */
export function findAll<Kind extends keyof Named>(
  turn: FleetTurn,
  kind: Kind,
  idsOrNames: readonly string[],
): Result<readonly Named[Kind][]> {
  const found: Named[Kind][] = [];
  for (const idOrName of idsOrNames) {
    const result = find(turn, kind, idOrName);
    if (!result.ok) return result;
    found.push(result.value);
  }
  return accepted(found);
}

/** The move that a guest is in. Of one in `release` only the host that it left has something to do yet: for the guest it is over. */
export function moveOf(fleet: Fleet, guestId: string): Migration | undefined {
  for (const migration of fleet.migrations.values())
    if (migration.guestId === guestId && migration.step !== 'release') return migration;
  return undefined;
}
