import type { Guest, Host } from '@argosy/domain/entities';
import type { Datastore } from '@argosy/domain/storage';
import type { FleetRequest } from '@argosy/domain/fleet-request';
import type { DatastoreObservation } from '@argosy/domain/host-report';
import { accepted, refused, type Result } from '@argosy/domain/refusal';
import { formatBytes } from '@argosy/domain/units';
import { defaultAlarmUsedShare } from '../defaults';
import type { Fleet } from '../fleet-types';
import { find, nameTaken } from './lookup';
import {
  clearAlarm,
  type FleetTurn,
  guestName,
  hostName,
  isHeard,
  order,
  put,
  raiseAlarm,
  record,
  remove,
} from './turn';

type Of<Kind extends FleetRequest['kind']> = Extract<FleetRequest, { kind: Kind }>;

export function createDatastore(turn: FleetTurn, { datastore: wanted }: Of<'datastore.create'>): Result<Datastore> {
  const free = nameTaken(turn, 'datastore', wanted.name);
  if (!free.ok) return free;
  if (wanted.shared && wanted.host !== undefined)
    return refused('invalid-request', 'A shared datastore is reached by every host: leave host out, or shared.');
  const host = wanted.host === undefined ? null : find(turn, 'host', wanted.host);
  if (host && !host.ok) return host;
  if (!wanted.shared && host === null)
    return refused('invalid-request', `Say which host has ${wanted.path}, or that every host shares it.`);
  const datastore: Datastore = {
    id: turn.fleet.newId(),
    name: wanted.name,
    path: wanted.path,
    shared: wanted.shared,
    hostId: host?.value.id ?? null,
    alarmUsedShare: wanted.alarmUsedShare ?? defaultAlarmUsedShare,
    use: null,
    createdAt: turn.now,
  };
  put(turn, 'datastore', datastore);
  record(turn, {
    code: 'datastore-created',
    subject: ['datastore', datastore.id],
    message: `Datastore ${datastore.name} is at ${datastore.path}${host ? ` of ${host.value.name}` : ''}.`,
  });
  return accepted(datastore);
}

export function updateDatastore(turn: FleetTurn, request: Of<'datastore.update'>): Result<Datastore> {
  const found = find(turn, 'datastore', request.datastore);
  if (!found.ok) return found;
  const free = nameTaken(turn, 'datastore', request.settings.name ?? found.value.name, found.value.id);
  if (!free.ok) return free;
  const datastore = { ...found.value, ...request.settings };
  put(turn, 'datastore', datastore);
  record(turn, {
    code: 'datastore-updated',
    subject: ['datastore', datastore.id],
    message: `The settings of datastore ${datastore.name} were changed.`,
    details: { settings: request.settings },
  });
  judgeUse(turn, datastore);
  return accepted(datastore);
}

/** Only from the inventory: the folder and what lies in it stay. */
export function removeDatastore(turn: FleetTurn, request: Of<'datastore.remove'>): Result<null> {
  const found = find(turn, 'datastore', request.datastore);
  if (!found.ok) return found;
  const { id, name } = found.value;
  const users = [
    ...[...turn.fleet.guests.values()].map((guest) => ({ ...guest, what: 'guest' })),
    ...[...turn.fleet.images.values()].map((image) => ({ ...image, what: 'image' })),
  ].filter((each) => each.datastoreId === id);
  if (users.length > 0)
    return refused(
      'in-use',
      `Datastore ${name} holds ${users.length} guests and images (${users[0]!.what} ${users[0]!.name} …); remove or move them first.`,
    );
  const coming = [...turn.fleet.migrations.values()].find((each) => each.targetDatastoreId === id);
  if (coming)
    return refused(
      'in-use',
      `The disk of ${guestName(turn.fleet, coming.guestId)} is on its way to ${name}; try again when that has ended.`,
    );
  const work = [...turn.fleet.diskOperations.values()].find((each) => each.datastoreId === id);
  if (work)
    return refused('in-use', `Files of guest ${work.guestName} on ${name} are being worked on; try again in a moment.`);
  clearAlarm(turn, 'datastore-filling', id);
  remove(turn, 'datastore', id);
  record(turn, {
    code: 'datastore-removed',
    subject: ['datastore', id],
    message: `Datastore ${name} was removed from the inventory; what lies in ${found.value.path} stays.`,
  });
  return accepted(null);
}

/** What a guest needs of a host's storage: its own disk, and the image that it boots or that its disk is an overlay of. */
export function datastoresOf(fleet: Fleet, guest: Guest): readonly Datastore[] {
  const ids = new Set([guest.datastoreId, fleet.images.get(guest.imageId)?.datastoreId]);
  return [...ids].flatMap((id) => fleet.datastores.get(id ?? '') ?? []);
}

/** Those that this host said it cannot reach, each with what it said. */
export function missingDatastores(fleet: Fleet, host: Host): ReadonlyMap<string, string> {
  const observed = fleet.views.get(host.id)?.report?.datastores ?? [];
  return new Map(observed.flatMap((each) => (each.refusal ? [[each.datastoreId, each.refusal.message]] : [])));
}

export function reaches(fleet: Fleet, host: Host, datastore: Datastore): boolean {
  if (datastore.hostId !== null && datastore.hostId !== host.id) return false;
  return !missingDatastores(fleet, host).has(datastore.id);
}

/** Each host measures the datastores that it should reach; it is told anew when it measures others. */
export function reconcileWatch(turn: FleetTurn, hostId: string): void {
  const { fleet } = turn;
  const host = fleet.hosts.get(hostId);
  const report = fleet.views.get(hostId)?.report;
  if (!host || !report || !isHeard(host)) return;
  const wanted = [...fleet.datastores.values()].filter((each) => each.hostId === null || each.hostId === hostId);
  const watched = new Set(report.datastores.map((each) => each.datastoreId));
  if (wanted.length === watched.size && wanted.every((each) => watched.has(each.id))) return;
  const datastores = wanted.map(({ id, path }) => ({ datastoreId: id, path }));
  const ids = datastores.map((each) => each.datastoreId).sort();
  order(turn, `watch:${hostId}:${ids.join(' ')}`, host, { kind: 'datastore.watch', datastores });
}

/** Several hosts measure a shared datastore: one figure in this time is enough. */
const measureEveryMs = 8_000;
const growthWindowMs = 120_000;

export function takeMeasures(turn: FleetTurn, host: Host, observed: readonly DatastoreObservation[]): void {
  for (const each of observed) {
    const datastore = turn.fleet.datastores.get(each.datastoreId);
    if (datastore) takeMeasure(turn, datastore, each);
  }
  const missing = observed.filter((each) => each.refusal !== null);
  if (missing.length === 0) return clearAlarm(turn, 'datastore-unreachable', host.id);
  raiseAlarm(turn, {
    code: 'datastore-unreachable',
    severity: 'error',
    subject: ['host', host.id],
    message: `${host.name} does not reach ${missing.map((each) => `${turn.fleet.datastores.get(each.datastoreId)?.name ?? each.datastoreId} (${each.refusal?.message})`).join('; ')}. Guests there are not placed on it.`,
  });
}

function takeMeasure(turn: FleetTurn, datastore: Datastore, seen: DatastoreObservation): void {
  const { totalBytes, freeBytes, at } = seen;
  if (totalBytes === null || freeBytes === null) return;
  const { use } = datastore;
  if (use && at - use.at < measureEveryMs) return;
  const fresh = { totalBytes, freeBytes, growthBytesPerSecond: use ? growth(use, freeBytes, at) : null, at };
  const isNews =
    !use ||
    use.totalBytes !== totalBytes ||
    use.freeBytes !== freeBytes ||
    (use.growthBytesPerSecond ?? 0) !== (fresh.growthBytesPerSecond ?? 0);
  if (!isNews) return;
  const row = { ...datastore, use: fresh };
  put(turn, 'datastore', row);
  judgeUse(turn, row);
}

function growth(use: NonNullable<Datastore['use']>, freeBytes: number, at: number): number {
  const elapsedMs = at - use.at;
  const now = ((use.freeBytes - freeBytes) * 1000) / elapsedMs;
  if (use.growthBytesPerSecond === null) return Math.round(now);
  const weight = 1 - Math.exp(-elapsedMs / growthWindowMs);
  return Math.round(use.growthBytesPerSecond + weight * (now - use.growthBytesPerSecond));
}

/** Before it is full there is time to act: a full one stops its guests. */
function judgeUse(turn: FleetTurn, { id, name, use, alarmUsedShare }: Datastore): void {
  if (!use) return;
  const used = use.totalBytes - use.freeBytes;
  if (used < alarmUsedShare * use.totalBytes) return clearAlarm(turn, 'datastore-filling', id);
  raiseAlarm(turn, {
    code: 'datastore-filling',
    severity: 'warning',
    subject: ['datastore', id],
    message: `Datastore ${name} has ${formatBytes(use.freeBytes)} left of ${formatBytes(use.totalBytes)}, and warns from ${Math.round(alarmUsedShare * 100)} % used. When it is full its guests stand still until there is room: delete or move disks, or make it larger.`,
    details: { totalBytes: use.totalBytes, freeBytes: use.freeBytes },
  });
}

/** For a refusal: who reaches it. */
export function whoReaches(fleet: Fleet, datastore: Datastore): string {
  return datastore.hostId === null ? 'every host' : `${hostName(fleet, datastore.hostId)} alone`;
}
