import type { Host } from '@argosy/domain/entities';
import type { FleetRequest } from '@argosy/domain/fleet-request';
import type { HostAssignments } from '@argosy/domain/host-report';
import { accepted, refused, type Result } from '@argosy/domain/refusal';
import { fence } from './hosts';
import { find } from './lookup';
import { beginTask, endTasks } from './tasks';
import { becomeHost, becomeMaintenance, clearAlarm, type FleetTurn, isOff, record, remove, viewOf } from './turn';

type Of<Kind extends FleetRequest['kind']> = Extract<FleetRequest, { kind: Kind }>;

/** An agent has started: it gets the next incarnation, and what it may hold. Everything commanded before is void. */
export function registerHost(turn: FleetTurn, { registration }: Of<'host.register'>): Result<HostAssignments> {
  const { fleet } = turn;
  const pool = find(turn, 'pool', registration.poolName);
  if (!pool.ok) return pool;
  const known = [...fleet.hosts.values()].find((host) => host.name === registration.hostName);
  if (known && known.poolId !== pool.value.id)
    return refused(
      'name-taken',
      `Host ${known.name} is in another pool (${fleet.pools.get(known.poolId)?.name}); remove it there first.`,
    );
  const { peerAddress, queue, capacity, capabilities, fenceDevice } = registration;
  const base: Host = known ?? {
    id: fleet.newId(),
    name: registration.hostName,
    poolId: pool.value.id,
    state: 'joining',
    stateReason: '',
    maintenance: 'none',
    incarnation: 0,
    peerAddress,
    queue,
    capacity,
    capabilities,
    fenceDevice,
    createdAt: turn.now,
  };
  const incarnation = base.incarnation + 1;
  const host = becomeHost(turn, base, 'online', '', {
    incarnation,
    peerAddress,
    queue,
    capacity,
    capabilities,
    fenceDevice,
  });
  const view = viewOf(fleet, host.id);
  Object.assign(view, { heardAt: turn.now, offSince: null, report: null, guests: new Map(), migrations: new Map() });
  for (const code of ['agent-silent', 'host-failed', 'fence-failed', 'no-fence-device'])
    clearAlarm(turn, code, host.id);
  record(turn, {
    code: known ? 'host-returned' : 'host-joined',
    subject: ['host', host.id],
    message: `${host.name} ${known ? 'is back' : 'joined'} as incarnation ${incarnation}: ${capacity.cpuMillicores} millicores, ${capacity.memoryMiB} MiB, ${capabilities.driver} on ${capabilities.accelerator}.`,
  });
  return accepted(assignmentsOf(turn, host));
}

function assignmentsOf(turn: FleetTurn, host: Host): HostAssignments {
  const { fleet } = turn;
  const guests = [...(fleet.guestsOn.get(host.id) ?? [])].flatMap((id) => fleet.guests.get(id) ?? []);
  const migrations = [...fleet.migrations.values()].filter(
    (each) => each.sourceHostId === host.id || each.targetHostId === host.id,
  );
  return {
    hostId: host.id,
    incarnation: host.incarnation,
    term: fleet.term,
    guests: guests.map((guest) => ({ guestId: guest.id, epoch: guest.epoch })),
    migrations: migrations.map((each) => ({
      migrationId: each.id,
      guestId: each.guestId,
      epoch: each.epoch,
      role: each.sourceHostId === host.id ? 'source' : 'target',
    })),
  };
}

export function setMaintenance(turn: FleetTurn, request: Of<'host.maintenance'>): Result<Host> {
  const found = find(turn, 'host', request.host);
  if (!found.ok) return found;
  const host = found.value;
  if (request.enter) {
    if (host.maintenance !== 'none') return accepted(host);
    if (host.state !== 'online')
      return refused('host-not-online', `${host.name} is ${host.state}: only a host that is online can be emptied.`);
    beginTask(turn, 'host.maintenance', ['host', host.id]);
    record(turn, {
      code: 'maintenance-entering',
      subject: ['host', host.id],
      message: `${host.name} enters maintenance: its guests are moved away.`,
    });
    return accepted(becomeMaintenance(turn, host, 'entering'));
  }
  if (host.maintenance === 'none') return accepted(host);
  clearAlarm(turn, 'evacuation-stuck', host.id);
  endTasks(turn, host.id, ['host.maintenance'], 'cancelled', 'left maintenance');
  record(turn, { code: 'maintenance-left', subject: ['host', host.id], message: `${host.name} takes guests again.` });
  return accepted(becomeMaintenance(turn, host, 'none'));
}

/** By hand, as for a host that the pool's limit of silent hosts has spared. */
export function fenceHost(turn: FleetTurn, request: Of<'host.fence'>): Result<Host> {
  const found = find(turn, 'host', request.host);
  if (!found.ok) return found;
  const host = found.value;
  if (isOff(host)) return accepted(host);
  if (host.fenceDevice === null) return refused('fence-failed', `${host.name} has no fence device.`);
  if (host.state === 'joining' || host.state === 'suspect')
    return refused('host-not-online', `${host.name} is ${host.state}; wait until it is online or failed.`);
  fence(turn, { ...host, stateReason: `fenced by ${turn.actor}` });
  return accepted(turn.fleet.hosts.get(host.id)!);
}

export function removeHost(turn: FleetTurn, request: Of<'host.remove'>): Result<null> {
  const found = find(turn, 'host', request.host);
  if (!found.ok) return found;
  const host = found.value;
  const guests = turn.fleet.guestsOn.get(host.id)?.size ?? 0;
  if (guests > 0) return refused('in-use', `${host.name} holds ${guests} guests; put it into maintenance first.`);
  const rule = [...turn.fleet.rules.values()].find((each) => each.hostIds.includes(host.id));
  if (rule) return refused('in-use', `Rule ${rule.name} speaks of ${host.name}; remove the rule first.`);
  if (host.maintenance !== 'in' && !isOff(host) && host.state !== 'failed')
    return refused('in-use', `${host.name} is ${host.state}; put it into maintenance before it is removed.`);
  remove(turn, 'host', host.id);
  turn.fleet.views.delete(host.id);
  record(turn, {
    code: 'host-removed',
    subject: ['host', host.id],
    message: `${host.name} was removed from the inventory.`,
  });
  return accepted(null);
}
