import type { Guest } from '@argosy/domain/entities';
import type { Datastore } from '@argosy/domain/storage';
import type { FleetRequest, NewClone } from '@argosy/domain/fleet-request';
import { accepted, type Refusal, refused, type Result } from '@argosy/domain/refusal';
import { diskPathOf, folderOf, hasDisk } from '../guest-specification';
import { basePathOf, longestChain, unneededBases, usersOfBase } from './bases';
import { beginDiskOperation, isBusy } from './begin-disk-operation';
import { reaches, whoReaches } from './datastores';
import { hasRoom } from './guest-requests';
import { misfit, newGuest, nextAddress, undoCreation } from './guest-rows';
import { find, nameTaken } from './lookup';
import { findSnapshot, notBusy, snapshotsOf } from './snapshots';
import { beginTask, endTasks } from './tasks';
import { becomeGuest, type FleetTurn, poolOf, put, record, remove } from './turn';

type Of<Kind extends FleetRequest['kind']> = Extract<FleetRequest, { kind: Kind }>;

/** What the new disk is made of. */
interface Origin {
  /** Of the source's VMM, which has the disk open; null: none has, or it does not matter. */
  readonly epoch: number | null;
  readonly snapshotId: string | null;
  readonly basePath: string | null;
}

/**
 * A guest from another's disk. The new one is there at once, as `cloning`, and is kept from starting until its disk is
 * seen whole; if that fails it is gone again.
 */
export function cloneGuest(turn: FleetTurn, { guest: name, clone }: Of<'guest.clone'>): Result<Guest> {
  const found = find(turn, 'guest', name);
  if (!found.ok) return found;
  const source = found.value;
  const free = nameTaken(turn, 'guest', clone.name);
  if (!free.ok) return free;
  if (!hasDisk(source))
    return refused(
      'image-missing',
      `${source.name} has never run, and has no disk yet: create ${clone.name} from the same image instead.`,
    );
  const isLinked = clone.linked ?? source.isTemplate;
  const origin = isLinked ? sharedOrigin(turn, source, clone) : copiedOrigin(turn, source, clone);
  if (!origin.ok) return origin;
  const datastore = find(turn, 'datastore', clone.datastore ?? source.datastoreId);
  if (!datastore.ok) return datastore;
  const within = canReach(turn, source, datastore.value, origin.value);
  if (!within.ok) return within;
  const made = makeRow(turn, source, { clone, datastore: datastore.value, basePath: origin.value.basePath });
  return made.ok ? begin(turn, source, made.value, origin.value) : made;
}

/** Where the source is read as it is now, it must be in a state that is one. */
function copiedOrigin(turn: FleetTurn, source: Guest, clone: NewClone): Result<Origin> {
  if (clone.snapshot !== undefined) {
    const snapshot = findSnapshot(turn, source, clone.snapshot);
    if (!snapshot.ok) return snapshot;
    if (snapshot.value.state !== 'ready')
      return refused(
        'guest-busy',
        `Snapshot ${snapshot.value.name} is ${snapshot.value.state}; try again in a moment.`,
      );
    return accepted({ epoch: null, snapshotId: snapshot.value.id, basePath: null });
  }
  const runs = source.state === 'running' || source.state === 'paused';
  if (!runs && source.state !== 'stopped' && source.state !== 'suspended' && source.state !== 'failed')
    return refused('guest-busy', `${source.name} is ${source.state}; clone it when it runs or is stopped.`);
  const free = runs ? notBusy(turn, source) : notChanging(turn, source);
  if (!free.ok) return free;
  return accepted({ epoch: runs ? source.epoch : null, snapshotId: null, basePath: null });
}

function sharedOrigin(turn: FleetTurn, source: Guest, clone: NewClone): Result<Origin> {
  if (clone.snapshot !== undefined)
    return refused(
      'invalid-request',
      `A snapshot of ${source.name} lies within its disk and cannot be shared: make a full clone of it, without linked.`,
    );
  const free = notChanging(turn, source);
  if (!free.ok) return free;
  if (source.isTemplate) return accepted({ epoch: null, snapshotId: null, basePath: diskPathOf(turn.fleet, source) });
  if (source.state !== 'stopped')
    return refused(
      'guest-not-stopped',
      `${source.name} is ${source.state}: a linked clone shares the disk as it stands still. Stop ${source.name} first, or make a full clone.`,
    );
  const [snapshot] = snapshotsOf(turn, source.id);
  if (snapshot)
    return refused(
      'in-use',
      `${source.name} has snapshots (${snapshot.name} …), which would be lost to it with the disk that they lie in: delete them first, or make a full clone.`,
    );
  const basePath = basePathOf(turn.fleet, source);
  if (source.basePaths[0] !== basePath && source.basePaths.length >= longestChain)
    return refused(
      'in-use',
      `The disk of ${source.name} lies on ${source.basePaths.length} frozen ones already; make a full clone.`,
    );
  return accepted({ epoch: null, snapshotId: null, basePath });
}

/** Others may read it at the same time. */
function notChanging(turn: FleetTurn, source: Guest): Result<null> {
  if (source.desired === 'running' && (source.state === 'stopped' || source.state === 'suspended'))
    return refused('guest-busy', `${source.name} is about to be started; stop it, or clone it when it runs.`);
  for (const { guestId } of turn.fleet.diskOperations.values()) if (guestId === source.id) return notBusy(turn, source);
  return accepted(null);
}

function canReach(turn: FleetTurn, source: Guest, target: Datastore, origin: Origin): Result<null> {
  const { fleet } = turn;
  const own = fleet.datastores.get(source.datastoreId)!;
  if (origin.basePath !== null && target.id !== own.id)
    return refused(
      'invalid-request',
      `A linked clone lies where the disk that it shares does, on ${own.name}: leave the datastore out, or make a full clone.`,
    );
  if (own.hostId !== null && target.hostId !== null && own.hostId !== target.hostId)
    return refused(
      'datastore-not-reached',
      `${own.name} is reached by ${whoReaches(fleet, own)}, and ${target.name} by ${whoReaches(fleet, target)}: no host can copy from one to the other. Choose a shared datastore.`,
    );
  const host = fleet.hosts.get(source.hostId ?? '');
  if (origin.epoch !== null && host && !reaches(fleet, host, target))
    return refused(
      'datastore-not-reached',
      `${source.name} runs on ${host.name}, which does not reach ${target.name}: choose another datastore, or stop ${source.name} first.`,
    );
  return accepted(null);
}

interface RowSources {
  readonly clone: NewClone;
  readonly datastore: Datastore;
  readonly basePath: string | null;
}

function makeRow(turn: FleetTurn, source: Guest, { clone, datastore, basePath }: RowSources): Result<Guest> {
  const pool = clone.pool === undefined ? accepted(poolOf(turn.fleet, source)) : find(turn, 'pool', clone.pool);
  if (!pool.ok) return pool;
  const image = find(turn, 'image', source.imageId);
  if (!image.ok) return image;
  const address = nextAddress(turn, pool.value);
  if (!address.ok) return address;
  const { pool: _pool, linked: _linked, snapshot: _snapshot, datastore: _datastore, start, ...settings } = clone;
  const wanted = { ...source, ...settings };
  const sources = { pool: pool.value, image: image.value, datastoreId: datastore.id, address: address.value };
  const shared = basePath === null || basePath === source.basePaths[0] ? [] : [basePath];
  const guest: Guest = {
    ...newGuest(turn, wanted, sources),
    state: 'cloning',
    stateReason: `its disk is made from that of ${source.name}`,
    desired: start ? 'running' : 'stopped',
    clonedFrom: source.name,
    basePaths: basePath === null ? [] : [...shared, ...source.basePaths],
  };
  const fault = misfit(turn, guest, image.value);
  return fault.ok ? accepted(guest) : fault;
}

function begin(turn: FleetTurn, source: Guest, guest: Guest, origin: Origin): Result<Guest> {
  const { fleet } = turn;
  put(turn, 'guest', guest);
  fleet.addresses.add(guest.address);
  if (guest.desired === 'running') {
    const room = hasRoom(turn, guest);
    if (!room.ok) {
      undoCreation(turn, guest);
      return room;
    }
    beginTask(turn, 'guest.start', ['guest', guest.id]);
  }
  // From now on its disk may be an overlay: what it may be built on is kept.
  if (origin.basePath !== null && !source.isTemplate) put(turn, 'guest', { ...source, basePaths: guest.basePaths });
  beginTask(turn, 'guest.clone', ['guest', guest.id]);
  beginDiskOperation(turn, guest, {
    kind: 'clone',
    guestId: source.id,
    diskPath: diskPathOf(fleet, source),
    clonePath: diskPathOf(fleet, guest),
    // Below a frozen disk the image is not alone: then everything is copied.
    imagePath: source.basePaths.length === 0 ? (fleet.images.get(source.imageId)?.diskPath ?? null) : null,
    ...origin,
  });
  record(turn, {
    code: 'clone-begun',
    subject: ['guest', guest.id],
    message: `${guest.name} is being made from ${source.name}, ${origin.basePath === null ? 'with a disk of its own' : 'and shares its disk as it is now'}.`,
  });
  return accepted(guest);
}

export function cloned(
  turn: FleetTurn,
  guest: Guest,
  { sourceId, refusal }: { readonly sourceId: string; readonly refusal: Refusal | null },
): void {
  endTasks(turn, guest.id, ['guest.clone'], refusal ? 'failed' : 'succeeded', refusal?.message ?? 'cloned');
  if (!refusal) {
    becomeGuest(turn, guest, 'stopped', '', { diskMade: true });
    record(turn, {
      code: 'guest-cloned',
      subject: ['guest', guest.id],
      message: `${guest.name} is made from ${guest.clonedFrom}.`,
    });
    return;
  }
  endTasks(turn, guest.id, ['guest.start'], 'failed', refusal.message);
  remove(turn, 'guest', guest.id);
  turn.fleet.addresses.delete(guest.address);
  record(turn, {
    code: 'clone-failed',
    severity: 'error',
    subject: ['guest', sourceId],
    message: `${guest.name} was not made from ${guest.clonedFrom}: ${refusal.message}`,
    details: { code: refusal.code },
  });
  // Whoever was at it may have left half a disk.
  const basePaths = unneededBases(turn.fleet, guest);
  beginDiskOperation(turn, guest, { kind: 'remove', folder: folderOf(turn.fleet, guest), basePaths });
}

/** A template's disk is frozen where it is, for as long as it is a template or somebody shares it. */
export function setTemplate(turn: FleetTurn, request: Of<'guest.template'>): Result<Guest> {
  const found = find(turn, 'guest', request.guest);
  if (!found.ok) return found;
  const guest = found.value;
  if (guest.isTemplate === request.isTemplate) return accepted(guest);
  const fault = request.isTemplate ? cannotBeTemplate(turn, guest) : isShared(turn, guest);
  if (!fault.ok) return fault;
  const row = { ...guest, isTemplate: request.isTemplate };
  put(turn, 'guest', row);
  record(turn, {
    code: row.isTemplate ? 'template-made' : 'template-undone',
    subject: ['guest', guest.id],
    message: row.isTemplate
      ? `${guest.name} is a template: it does not run, and guests are made from it.`
      : `${guest.name} is a guest again, and may be started.`,
  });
  return accepted(row);
}

function cannotBeTemplate(turn: FleetTurn, guest: Guest): Result<null> {
  if (guest.state !== 'stopped' || guest.desired !== 'stopped')
    return refused(
      'guest-not-stopped',
      `${guest.name} is ${guest.state}; stop it before it becomes a template, or make one from a clone of it.`,
    );
  if (!hasDisk(guest))
    return refused(
      'image-missing',
      `${guest.name} has never run, and has no disk yet: guests are made from its image.`,
    );
  if (snapshotsOf(turn, guest.id).length > 0)
    return refused('in-use', `${guest.name} has snapshots; delete them before it becomes a template.`);
  return notBusy(turn, guest);
}

function isShared(turn: FleetTurn, template: Guest): Result<null> {
  const linked = usersOfBase(turn.fleet, diskPathOf(turn.fleet, template));
  if (linked.length > 0)
    return refused(
      'in-use',
      `The disks of ${linked.join(', ')} share that of ${template.name}, which stays a template until they are removed.`,
    );
  if (isBusy(turn.fleet, template.id))
    return refused('guest-busy', `A guest is being made from ${template.name}; try again when that has ended.`);
  return accepted(null);
}
