import type { Guest, Task } from '@argosy/domain/entities';
import type { DiskOperation } from '@argosy/domain/storage';
import { sourceOf } from '@argosy/domain/disk-work';
import type { EntityKind, EntityRows } from '../ports/fleet-store';

/** What guests of a pool that are to run ask for together. */
interface Asked {
  memoryMiB: number;
  cpuReservationMillicores: number;
}

/**
 * Answers that would otherwise cost a look at every row of the fleet, for each request and each report. They follow from the
 * rows alone, and are kept wherever a row is written.
 */
export interface FleetIndexes {
  /** By kind and name: the id. */
  readonly names: Map<string, Map<string, string>>;
  /** Guests that wait for a place: to be restarted, or to be started. */
  readonly waiting: Set<string>;
  /** Guests that are recovering. */
  readonly recovering: Set<string>;
  /** Guests that were lost and are not recovered, and guests whose restarts are remembered. */
  readonly lost: Set<string>;
  readonly restarted: Set<string>;
  /** By pool. */
  readonly asked: Map<string, Asked>;
  /** By subject: its tasks. */
  readonly tasks: Map<string, Set<string>>;
  /** By guest: the disk operations that are its own, or read its disk. */
  readonly operations: Map<string, Set<string>>;
  /** By question: answers that follow from the rows of hosts and pools alone, until one of those changes. */
  readonly ofHosts: Map<string, unknown>;
}

export function emptyIndexes(): FleetIndexes {
  return {
    names: new Map(),
    waiting: new Set(),
    recovering: new Set(),
    lost: new Set(),
    restarted: new Set(),
    asked: new Map(),
    tasks: new Map(),
    operations: new Map(),
    ofHosts: new Map(),
  };
}

export function clearIndexes(indexes: FleetIndexes): void {
  for (const index of Object.values(indexes) as { clear(): void }[]) index.clear();
}

/** From one row to another; undefined: it was not there, or is not there any more. */
export function reindex<Kind extends EntityKind>(
  indexes: FleetIndexes,
  kind: Kind,
  before: EntityRows[Kind] | undefined,
  after: EntityRows[Kind] | undefined,
): void {
  reindexName(indexes, kind, before, after);
  if (kind === 'host' || kind === 'pool') indexes.ofHosts.clear();
  if (kind === 'guest') reindexGuest(indexes, before as Guest | undefined, after as Guest | undefined);
  else if (kind === 'task') {
    if (before) unlink(indexes.tasks, (before as Task).subjectId, before.id);
    if (after) link(indexes.tasks, (after as Task).subjectId, after.id);
  } else if (kind === 'diskOperation') {
    if (before) for (const id of guestsOf(before as DiskOperation)) unlink(indexes.operations, id, before.id);
    if (after) for (const id of guestsOf(after as DiskOperation)) link(indexes.operations, id, after.id);
  }
}

/** Whose names are unique among their kind. */
const namedKinds: ReadonlySet<EntityKind> = new Set(['pool', 'host', 'guest', 'image', 'datastore', 'rule']);

/** `ask` looks at hosts and pools, and at nothing else. */
export function askedOfHosts<Answer>({ ofHosts }: FleetIndexes, question: string, ask: () => Answer): Answer {
  if (!ofHosts.has(question)) ofHosts.set(question, ask());
  return ofHosts.get(question) as Answer;
}

interface PerhapsNamed {
  readonly id: string;
  readonly name?: string;
}

function reindexName(
  { names }: FleetIndexes,
  kind: EntityKind,
  before: PerhapsNamed | undefined,
  after: PerhapsNamed | undefined,
): void {
  if (before?.name === after?.name || !namedKinds.has(kind)) return;
  let byName = names.get(kind);
  if (!byName) names.set(kind, (byName = new Map<string, string>()));
  if (before?.name !== undefined && byName.get(before.name) === before.id) byName.delete(before.name);
  if (after?.name !== undefined) byName.set(after.name, after.id);
}

/** Is stopped or suspended, and placed as soon as it may be when it is wanted running. */
export function mayBeStarted({ state }: Guest): boolean {
  return state === 'stopped' || state === 'suspended';
}

function reindexGuest(indexes: FleetIndexes, before: Guest | undefined, after: Guest | undefined): void {
  const id = (after ?? before)!.id;
  const keep = (index: Set<string>, belongs: boolean): unknown => (belongs ? index.add(id) : index.delete(id));
  keep(indexes.recovering, after?.state === 'recovering');
  keep(
    indexes.waiting,
    after !== undefined && (after.state === 'recovering' || (mayBeStarted(after) && after.desired === 'running')),
  );
  keep(indexes.lost, after !== undefined && after.lostAt !== null);
  keep(indexes.restarted, after !== undefined && after.restarts.length > 0);
  if (before) ask(indexes, before, -1);
  if (after) ask(indexes, after, 1);
}

/** Whole numbers: what is added and taken away again leaves nothing. */
function ask({ asked }: FleetIndexes, guest: Guest, sign: 1 | -1): void {
  if (guest.desired === 'stopped') return;
  let sums = asked.get(guest.poolId);
  if (!sums) asked.set(guest.poolId, (sums = { memoryMiB: 0, cpuReservationMillicores: 0 }));
  sums.memoryMiB += sign * guest.memoryMiB;
  sums.cpuReservationMillicores += sign * guest.cpuReservationMillicores;
}

function guestsOf({ guestId, work }: DiskOperation): readonly string[] {
  const source = sourceOf(work);
  return source === null || source === guestId ? [guestId] : [guestId, source];
}

function link(index: Map<string, Set<string>>, key: string, id: string): void {
  const known = index.get(key);
  if (known) known.add(id);
  else index.set(key, new Set([id]));
}

function unlink(index: Map<string, Set<string>>, key: string, id: string): void {
  const known = index.get(key);
  known?.delete(id);
  if (known?.size === 0) index.delete(key);
}
