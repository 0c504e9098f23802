import type { DiskCopy } from '@argosy/domain/disk-work';
import type { Guest, Migration } from '@argosy/domain/entities';
import type { MigrationPolicy } from '@argosy/domain/policies';
import { diskPathOf, folderOf, type GuestSources } from '../guest-specification';
import { unneededBases } from './bases';
import { beginDiskOperation } from './begin-disk-operation';
import { noteTask } from './tasks';
import { type FleetTurn, poolOf, put, record } from './turn';

/**
 * A migration may take the guest's disk to another datastore. Until its hand-over the disk that the guest left is the
 * truth, and from the grant on the one at the target. The copy has a name of its own until the grant gives it the disk's
 * as well, before the guest's first write there: so the storage itself can say which one is the guest's.
 */

/** Only the disk moves; the guest stays on its host. */
export function isRelocation(migration: Migration): boolean {
  return migration.sourceHostId === migration.targetHostId;
}

/** The guest as it is once it has moved. */
export function movedGuest(guest: Guest, { targetDatastoreId }: Migration): Guest {
  return targetDatastoreId === null ? guest : { ...guest, datastoreId: targetDatastoreId };
}

/** With a disk there is no post-copy: the guest would write at the target with its memory, and its proof, still here. */
export function policyFor(turn: FleetTurn, guest: Guest, { targetDatastoreId }: Migration): MigrationPolicy {
  const policy = poolOf(turn.fleet, guest).migration;
  return targetDatastoreId === null ? policy : { ...policy, postCopy: false };
}

export function copyPathOf(fleet: GuestSources, guest: Guest, migration: Migration): string {
  return `${diskPathOf(fleet, movedGuest(guest, migration))}.${migration.id}`;
}

/**
 * An overlay of the image stays one: whoever starts the guest reaches its image anyway. What it shares with other guests
 * lies on the datastore that it leaves, and goes along with it.
 */
export function backingOf({ images }: GuestSources, guest: Guest): string | null {
  return guest.basePaths.length > 0 ? null : (images.get(guest.imageId)?.diskPath ?? null);
}

export function diskCopyFor(fleet: GuestSources, guest: Guest, migration: Migration): DiskCopy | null {
  if (migration.targetDatastoreId === null) return null;
  return { copyPath: copyPathOf(fleet, guest, migration), backingPath: backingOf(fleet, guest) };
}

/** It runs at the target: what it left is of no use any more. */
export function clearSource(turn: FleetTurn, { id }: Guest, { sourceDatastoreId }: Migration): void {
  const guest = turn.fleet.guests.get(id);
  if (!guest || sourceDatastoreId === null) return;
  removeLeft(turn, guest, sourceDatastoreId);
}

/** Its disk is whole in itself now: a base that it had may be nobody's any more. */
function removeLeft(turn: FleetTurn, guest: Guest, datastoreId: string): void {
  put(turn, 'guest', { ...guest, basePaths: [] });
  const before = { ...guest, datastoreId };
  const basePaths = unneededBases(turn.fleet, before);
  beginDiskOperation(turn, before, { kind: 'remove', folder: folderOf(turn.fleet, before), basePaths });
}

type Begun = Pick<Migration, 'sourceHostId' | 'targetHostId' | 'targetDatastoreId' | 'epoch' | 'step' | 'reason'>;

/** Checked and reserved, at its first step that takes time. */
export function newMigration({ fleet, now, actor }: FleetTurn, guest: Guest, begun: Begun): Migration {
  return {
    ...begun,
    id: fleet.newId(),
    guestId: guest.id,
    sourceDatastoreId: begun.targetDatastoreId === null ? null : guest.datastoreId,
    requestedBy: actor,
    progress: null,
    downtimeMs: null,
    guestSeenDowntimeMs: null,
    failure: null,
    steps: (['check', 'reserve', begun.step] as const).map((step) => ({ step, at: now })),
    createdAt: now,
    endedAt: null,
  };
}

type Figures = Partial<Pick<Migration, 'progress' | 'downtimeMs' | 'guestSeenDowntimeMs'>>;

/** Written when it is news; the task has its share of it. */
export function noteProgress(turn: FleetTurn, migration: Migration, figures: Figures): Migration {
  const row: Migration = { ...migration, ...figures, progress: figures.progress ?? migration.progress };
  const { progress } = row;
  const hasMoved = progress?.transferredBytes !== migration.progress?.transferredBytes;
  const isNews =
    hasMoved || row.downtimeMs !== migration.downtimeMs || row.guestSeenDowntimeMs !== migration.guestSeenDowntimeMs;
  if (!isNews) return migration;
  put(turn, 'migration', row);
  if (hasMoved && progress)
    noteTask(turn, 'guest.migrate', migration.guestId, 1 - progress.remainingBytes / Math.max(1, progress.totalBytes));
  return row;
}

/** It was granted its run at the target: whatever became of its VMM since, its disk is the one there. */
export function takeDisk(turn: FleetTurn, { id }: Guest, migration: Migration): void {
  const guest = turn.fleet.guests.get(id);
  if (!guest || migration.targetDatastoreId === null) return;
  beginDiskOperation(turn, guest, {
    kind: 'take',
    copyPath: copyPathOf(turn.fleet, guest, migration),
    newDiskPath: diskPathOf(turn.fleet, guest),
  });
}

/** It did not come there: what was copied goes, once the VMM that has it open is gone. */
export function clearTarget(turn: FleetTurn, { id }: Guest, migration: Migration): void {
  const guest = turn.fleet.guests.get(id);
  if (!guest || migration.targetDatastoreId === null) return;
  const moved = movedGuest(guest, migration);
  beginDiskOperation(turn, moved, {
    kind: 'discard',
    folder: folderOf(turn.fleet, moved),
    copyPath: copyPathOf(turn.fleet, guest, migration),
    newDiskPath: diskPathOf(turn.fleet, moved),
    copyEpoch: migration.epoch,
  });
}

/**
 * Neither host can say any more whether the guest had been granted its run at the target, and so which disk is the one
 * that it wrote to last. A host that reaches the target's datastore looks; until then the guest waits.
 */
export function settleDisk(turn: FleetTurn, { id }: Guest, migration: Migration): void {
  const guest = turn.fleet.guests.get(id);
  if (!guest || migration.targetDatastoreId === null) return;
  const moved = movedGuest(guest, migration);
  beginDiskOperation(turn, moved, {
    kind: 'settle',
    copyPath: copyPathOf(turn.fleet, guest, migration),
    newDiskPath: diskPathOf(turn.fleet, moved),
    mayWriteSince: migration.steps.findLast(({ step }) => step === 'switch-over' || step === 'copy')?.at ?? null,
  });
}

/** What was found: the record follows, and what is left over goes. */
export function diskSettled(turn: FleetTurn, guest: Guest, found: SettledDisk): void {
  const { datastores } = turn.fleet;
  const name = datastores.get(found.moved ? found.datastoreId : guest.datastoreId)?.name;
  record(turn, {
    code: 'disk-settled',
    severity: 'warning',
    subject: ['guest', guest.id],
    message: `${guest.name} ${found.moved ? 'had been handed over, with its disk' : 'had not been handed over'}: its disk is the one on ${name}.`,
  });
  const { moved, datastoreId, copyPath, newDiskPath } = found;
  if (moved) return removeLeft(turn, { ...guest, datastoreId }, guest.datastoreId);
  const other = { ...guest, datastoreId };
  const folder = folderOf(turn.fleet, other);
  beginDiskOperation(turn, other, { kind: 'discard', folder, copyPath, newDiskPath, copyEpoch: 0 });
}

interface SettledDisk {
  readonly moved: boolean;
  readonly datastoreId: string;
  readonly copyPath: string;
  readonly newDiskPath: string;
}
