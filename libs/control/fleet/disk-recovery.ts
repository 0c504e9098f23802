import type { Guest, Host } from '@argosy/domain/entities';
import type { Datastore, DiskOperation } from '@argosy/domain/storage';
import type { DiskRecovery, FleetRequest } from '@argosy/domain/fleet-request';
import { accepted, refused, type Result } from '@argosy/domain/refusal';
import { formatDuration } from '@argosy/domain/units';
import { reaches, whoReaches } from './datastores';
import { find, moveOf } from './lookup';
import { diskSettled } from './moving-disks';
import { abandonRelocation, relocationOf } from './relocations';
import { type FleetTurn, hostName, isHeard, isOff, raiseAlarm, record, remove } from './turn';

type Of<Kind extends FleetRequest['kind']> = Extract<FleetRequest, { kind: Kind }>;

/**
 * A guest whose disk was on its way when its host was lost waits for a look at the place where the disk was going: only the names
 * there say where the guest wrote last. Where that place is lost with the host, an administrator may decide that it goes on
 * from what it left. Nothing at the other place is touched that may be its disk.
 */
export function recoverGuest(turn: FleetTurn, request: Of<'guest.recover'>): Result<DiskRecovery> {
  const found = find(turn, 'guest', request.guest);
  if (!found.ok) return found;
  const guest = found.value;
  const waiting = waitsForDisk(turn, guest);
  if (!waiting.ok) return waiting;
  const dead = otherIsDead(turn, guest, waiting.value);
  if (!dead.ok) return dead;
  const own = turn.fleet.datastores.get(guest.datastoreId)!;
  if (!someoneReaches(turn, own))
    return refused(
      'datastore-not-reached',
      `${guest.name} left its disk on ${own.name}, which no host that is online reaches: bring back ${own.hostId === null ? 'a host' : hostName(turn.fleet, own.hostId)} first.`,
    );
  const recovery = lossOf(turn, guest, { own, ...waiting.value });
  if (!request.planOnly) recover(turn, guest, waiting.value, recovery);
  return accepted(recovery);
}

interface Waiting {
  readonly operation: DiskOperation;
  /** Where the disk was going. */
  readonly other: Datastore;
}

type Look = Pick<DiskOperation, 'guestId' | 'datastoreId' | 'work'>;

/** Whose outcome only a look at that place can tell. */
export function isLook({ work }: Look): boolean {
  return work.kind === 'settle' || (work.kind === 'relocate' && work.epoch !== null);
}

function waitsForDisk({ fleet }: FleetTurn, guest: Guest): Result<Waiting> {
  if (guest.state === 'migrating') return notProved(fleet, guest);
  for (const operation of fleet.diskOperations.values()) {
    const other = fleet.datastores.get(operation.datastoreId);
    if (operation.guestId === guest.id && isLook(operation) && guest.state === 'recovering' && other)
      return accepted({ operation, other });
  }
  return refused(
    'already-ended',
    `${guest.name} does not wait for a disk (it is ${guest.state}): this is for a guest whose disk was on its way to a place that was lost with its host.`,
  );
}

/** Its migration is under way as far as anybody can prove. */
function notProved(fleet: FleetTurn['fleet'], guest: Guest): Result<Waiting> {
  const migration = moveOf(fleet, guest.id);
  const hosts = [migration?.targetHostId, migration?.sourceHostId].flatMap((id) => fleet.hosts.get(id ?? '') ?? []);
  const unproved = hosts.find((host) => !isOff(host) && !isHeard(host));
  if (unproved) return refused('not-confirmed', unprovedSentence(guest, unproved));
  return refused('guest-busy', `The migration of ${guest.name} is being settled; try again in a moment.`);
}

function unprovedSentence(guest: Guest, host: Host): string {
  return `Nothing proves that the copy of ${guest.name} on ${host.name} is dead: that host is ${host.state}. Cut its power with argosy host fence ${host.name}, or bring it back.`;
}

/** No host that may have it shows it, and who does not speak is proved off. */
function otherIsDead({ fleet }: FleetTurn, guest: Guest, { operation, other }: Waiting): Result<null> {
  const looking = [...fleet.hosts.values()].find((host) => host.state === 'online' && reaches(fleet, host, other));
  if (looking)
    return refused(
      'guest-busy',
      `${looking.name} is back and reaches ${other.name}: it looks for the disk of ${guest.name} itself; try again in a moment.`,
    );
  for (const host of fleet.hosts.values()) {
    const mayHaveIt = host.id === other.hostId || host.id === operation.hostId || holds(fleet, host, guest);
    if (!mayHaveIt || isOff(host)) continue;
    if (!isHeard(host)) return refused('not-confirmed', unprovedSentence(guest, host));
    if (holds(fleet, host, guest))
      return refused('guest-busy', `${host.name} is about to end a copy of ${guest.name}; try again in a moment.`);
  }
  return accepted(null);
}

function holds({ views }: FleetTurn['fleet'], { id }: Host, guest: Guest): boolean {
  const ended = ['stopped', 'crashed', 'failed'];
  return (
    views
      .get(id)
      ?.guests.get(guest.id)
      ?.some(({ state }) => !ended.includes(state)) ?? false
  );
}

function someoneReaches({ fleet }: FleetTurn, datastore: Datastore): boolean {
  return [...fleet.hosts.values()].some((host) => host.state === 'online' && reaches(fleet, host, datastore));
}

function lossOf(turn: FleetTurn, guest: Guest, { operation, other, own }: Waiting & { own: Datastore }): DiskRecovery {
  const { fleet } = turn;
  const { work } = operation;
  const since = (work.kind === 'settle' ? work.mayWriteSince : relocationOf(turn, guest.id)?.createdAt) ?? null;
  const until = guest.lostAt ?? operation.createdAt;
  const where = other.hostId === null ? other.name : `${other.name} of ${hostName(fleet, other.hostId)}`;
  const howMuch = since === null ? '' : `, ${formatDuration(Math.max(0, until - since))} of its work at most`;
  return {
    guestId: guest.id,
    datastoreId: own.id,
    abandonedDatastoreId: other.id,
    since,
    until,
    loses: `If the disk of ${guest.name} had moved to ${where}, all that it wrote there is lost${howMuch}: it goes on from its disk on ${own.name}, as that was at the move. If it had not moved, nothing is lost. A disk that it had there is kept, and nobody uses it.`,
  };
}

function recover(
  turn: FleetTurn,
  guest: Guest,
  { operation, other }: Waiting,
  { loses, since, until }: DiskRecovery,
): void {
  const { work } = operation;
  remove(turn, 'diskOperation', operation.id);
  record(turn, {
    code: 'disk-abandoned',
    severity: 'warning',
    subject: ['guest', guest.id],
    message: `${turn.actor} let ${guest.name} go on from the disk that it left. ${loses}`,
    details: { datastoreId: guest.datastoreId, abandonedDatastoreId: other.id, since, until },
  });
  if (work.kind === 'settle') return diskSettled(turn, guest, { ...work, datastoreId: other.id, moved: false });
  if (work.kind === 'relocate')
    abandonRelocation(turn, guest, `${whoReaches(turn.fleet, other)} reaches ${other.name}, and was lost`);
}

/** Nobody can look, so the guest waits: it is told for what, and what may be done. */
export function tellWhoIsWaitedFor(turn: FleetTurn, operation: Look): void {
  const guest = turn.fleet.guests.get(operation.guestId);
  const other = turn.fleet.datastores.get(operation.datastoreId);
  if (!guest || !other || guest.state !== 'recovering' || !isLook(operation)) return;
  raiseAlarm(turn, {
    code: 'guest-down',
    severity: 'error',
    subject: ['guest', guest.id],
    message: `${guest.name} waits: its disk was on its way to ${other.name}, and only that can tell where it wrote last. Bring back ${other.hostId === null ? 'a host that reaches it' : hostName(turn.fleet, other.hostId)}; if it is lost for good, argosy guest recover ${guest.name} --from-source says what that would cost.`,
  });
}
