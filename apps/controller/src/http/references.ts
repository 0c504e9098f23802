import type { Fleet } from '@argosy/control/fleet-types';
import type { EntityRows } from '@argosy/control/ports/fleet-store';
import type { SubjectKind } from '@argosy/domain/entities';
import type { RefusalCode } from '@argosy/domain/refusal';
import { refuse, type Answer } from './answer';

/** Where rows with a name stand in the brain, and what to say when there is none. */
const collections = {
  pool: ['pools', 'unknown-pool'],
  host: ['hosts', 'unknown-host'],
  guest: ['guests', 'unknown-guest'],
  image: ['images', 'unknown-image'],
  datastore: ['datastores', 'unknown-datastore'],
  rule: ['rules', 'unknown-rule'],
} as const satisfies Record<string, readonly [keyof Fleet, RefusalCode]>;
export type NamedKind = keyof typeof collections;
export type NamedRow<Kind extends NamedKind> = EntityRows[Kind] & { readonly id: string; readonly name: string };

function rowsOf<Kind extends NamedKind>(fleet: Readonly<Fleet>, kind: Kind): ReadonlyMap<string, NamedRow<Kind>> {
  return fleet[collections[kind][0]] as unknown as ReadonlyMap<string, NamedRow<Kind>>;
}

const byName = (left: { readonly name: string }, right: { readonly name: string }) => (left.name < right.name ? -1 : 1);

/** By name, as people look for them. */
export function listRows<Kind extends NamedKind>(fleet: Readonly<Fleet>, kind: Kind): NamedRow<Kind>[] {
  const rows = [...rowsOf(fleet, kind).values()];
  return rows.sort(byName);
}

/** By id or by name; an id wins. */
export function seekRow<Kind extends NamedKind>(
  fleet: Readonly<Fleet>,
  kind: Kind,
  reference: string,
): NamedRow<Kind> | undefined {
  const rows = rowsOf(fleet, kind);
  const byId = rows.get(reference);
  if (byId) return byId;
  for (const row of rows.values()) if (row.name === reference) return row;
  return undefined;
}

export function findRow<Kind extends NamedKind>(
  fleet: Readonly<Fleet>,
  kind: Kind,
  reference: string,
): Answer<NamedRow<Kind>> {
  const row = seekRow(fleet, kind, reference);
  if (row) return { ok: true, value: row };
  const names = listRows(fleet, kind).map(({ name }) => name);
  const known = names.length === 0 ? '' : ` Known: ${names.slice(0, 10).join(', ')}${names.length > 10 ? ', …' : ''}.`;
  return refuse(collections[kind][1], `There is no ${kind} ${JSON.stringify(reference)}.${known}`);
}

/** Of an optional filter: the row's id, undefined without a filter, or why there is no such row. */
export function filterId(
  fleet: Readonly<Fleet>,
  kind: NamedKind,
  reference: string | undefined,
): Answer<string | undefined> {
  if (reference === undefined) return { ok: true, value: undefined };
  const found = findRow(fleet, kind, reference);
  return found.ok ? { ok: true, value: found.value.id } : found;
}

/** Of a filter on history, where what is no more has its place: the live row's id, or the reference as it is. */
export function historyId<Reference extends string | undefined>(
  fleet: Readonly<Fleet>,
  kind: NamedKind,
  reference: Reference,
): Reference | string {
  return reference === undefined ? reference : (seekRow(fleet, kind, reference)?.id ?? reference);
}

function isNamedKind(kind: SubjectKind): kind is NamedKind & SubjectKind {
  return kind in collections;
}

/** What an event speaks of. Without a kind, a name that two kinds share needs one. */
export function subjectId(
  fleet: Readonly<Fleet>,
  reference: string | undefined,
  kind: SubjectKind | undefined,
): Answer<string | undefined> {
  if (reference === undefined) return { ok: true, value: undefined };
  if (kind !== undefined) return { ok: true, value: isNamedKind(kind) ? historyId(fleet, kind, reference) : reference };
  const named = (Object.keys(collections) as NamedKind[]).flatMap((each) => {
    const row = seekRow(fleet, each, reference);
    return row ? [{ kind: each, id: row.id }] : [];
  });
  const [first, second] = named;
  if (first && second && first.id !== second.id)
    return refuse(
      'invalid-request',
      `subject ${JSON.stringify(reference)} names a ${first.kind} and a ${second.kind}; give subjectKind as well`,
    );
  return { ok: true, value: first?.id ?? reference };
}
