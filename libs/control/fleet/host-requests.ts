import type { Host } from '@argosy/domain/entities';
import type { FenceDevice } from '@argosy/domain/fence-device';
import type { FleetRequest } from '@argosy/domain/fleet-request';
import type { HostAssignments, HostRegistration } from '@argosy/domain/host-report';
import { accepted, refused, type Result } from '@argosy/domain/refusal';
import { fenceDeadlinesMs } from '../defaults';
import { described, fence, secretId } from './fencing';
import { isRelocation } from './moving-disks';
import { isolationOf } from '../isolation-policy';
import { leaveQueue, setDegraded } from './hosts';
import { find } from './lookup';
import { hasReturned } from './standby';
import { beginTask, endTasks } from './tasks';
import {
  becomeHost,
  becomeMaintenance,
  clearAlarm,
  type FleetTurn,
  isOff,
  poolOf,
  put,
  record,
  remove,
  viewOf,
} from './turn';

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
  const { peerAddress, queue, capacity, capabilities } = registration;
  const named = namedByAgent(registration);
  if (!named.ok) return named;
  const fenceDevices = [
    ...named.value,
    ...(known?.fenceDevices ?? []).filter(
      (each) => each.setBy === 'administrator' && each.name !== named.value[0]?.name,
    ),
  ];
  const base: Host = known ?? {
    id: fleet.newId(),
    name: registration.hostName,
    poolId: pool.value.id,
    state: 'joining',
    stateReason: '',
    maintenance: 'none',
    standby: 'none',
    incarnation: 0,
    peerAddress,
    queue,
    capacity,
    capabilities,
    failureDomain: null,
    failoverOnly: false,
    degraded: null,
    quarantined: false,
    failures: [],
    fenceDevices,
    createdAt: turn.now,
  };
  const incarnation = base.incarnation + 1;
  const host = becomeHost(turn, base, 'online', '', {
    incarnation,
    peerAddress,
    queue,
    capacity,
    capabilities,
    fenceDevices,
    standby: 'none',
  });
  if (known) leaveQueue(turn, known, queue);
  hasReturned(turn, host);
  const view = viewOf(fleet, host.id);
  Object.assign(view, {
    heardAt: turn.now,
    beats: null,
    lease: null,
    offSince: null,
    report: null,
    guests: new Map(),
    migrations: new Map(),
  });
  for (const code of ['agent-silent', 'host-failed', 'fence-failed', 'no-fence-device', 'watchdog-silent'])
    clearAlarm(turn, code, host.id);
  record(turn, {
    code: known ? 'host-returned' : 'host-joined',
    subject: ['host', host.id],
    message: `${host.name} ${known ? 'is back' : 'joined'} as incarnation ${incarnation}: ${capacity.cpuMillicores} millicores, ${capacity.memoryMiB} MiB, ${capabilities.driver} on ${capabilities.accelerator}.`,
  });
  return accepted(assignmentsOf(turn, host));
}

/** An agent names a power switch, and nothing that would have the controller run a program or open a connection for it. */
function namedByAgent({ hostName, fenceDevice }: HostRegistration): Result<readonly FenceDevice[]> {
  if (fenceDevice === null) return accepted([]);
  const [, address] = /^chassis:(.+)$/.exec(fenceDevice) ?? [];
  if (address === undefined)
    return refused(
      'invalid-request',
      `The agent of ${hostName} names the fence device ${JSON.stringify(fenceDevice)}; it may name chassis:<path of a socket>. Set others with argosy host fence-device add ${hostName}.`,
    );
  const device = { name: 'chassis', kind: 'chassis', address, options: {}, secretNames: [], setBy: 'agent' } as const;
  return accepted([{ ...device, deadlineMs: fenceDeadlinesMs.chassis }]);
}

export function updateHost(turn: FleetTurn, request: Of<'host.update'>): Result<Host> {
  const found = find(turn, 'host', request.host);
  if (!found.ok) return found;
  const { degraded, ...settings } = request.settings;
  const marked =
    degraded === undefined || degraded === (found.value.degraded?.reason ?? null)
      ? found.value
      : setDegraded(turn, found.value, degraded === null ? null : { by: 'administrator', reason: degraded });
  const row: Host = { ...marked, ...settings, ...(settings.quarantined === false ? { failures: [] } : {}) };
  put(turn, 'host', row);
  if (!row.quarantined) clearAlarm(turn, 'host-quarantined', row.id);
  record(turn, {
    code: 'host-updated',
    subject: ['host', row.id],
    message: `${row.name} was changed.`,
    details: { settings: request.settings },
  });
  return accepted(row);
}

const secretLike = /passw|secret|token/;

export function addFenceDevice(turn: FleetTurn, request: Of<'host.add-fence-device'>): Result<Host> {
  const found = find(turn, 'host', request.host);
  if (!found.ok) return found;
  const host = found.value;
  const { name, kind, address, options = {}, secrets = {}, position } = request.device;
  const bare = Object.keys(options).find((key) => secretLike.test(key) && !key.endsWith('_script'));
  if (bare !== undefined)
    return refused(
      'invalid-request',
      `Option ${bare} looks like a secret: give it under secrets, where nobody reads it.`,
    );
  const device: FenceDevice = {
    name,
    kind,
    address,
    options,
    secretNames: Object.keys(secrets).sort(),
    deadlineMs: request.device.deadlineMs ?? fenceDeadlinesMs[kind],
    setBy: 'administrator',
  };
  const others = host.fenceDevices.filter((each) => each.name !== name);
  const index = (position ?? (host.fenceDevices.findIndex((each) => each.name === name) + 1 || others.length + 1)) - 1;
  const row = { ...host, fenceDevices: [...others.slice(0, index), device, ...others.slice(index)] };
  put(turn, 'host', row);
  forgetSecrets(turn, host, name);
  if (device.secretNames.length > 0) put(turn, 'fenceSecret', { id: secretId(host.id, name), values: secrets });
  record(turn, {
    code: 'fence-device-set',
    subject: ['host', host.id],
    message: `${host.name} is fenced by ${row.fenceDevices.map(described).join(', then ')}.`,
  });
  clearAlarm(turn, 'no-fence-device', host.id);
  return accepted(row);
}

export function removeFenceDevice(turn: FleetTurn, request: Of<'host.remove-fence-device'>): Result<Host> {
  const found = find(turn, 'host', request.host);
  if (!found.ok) return found;
  const host = found.value;
  const fenceDevices = host.fenceDevices.filter((each) => each.name !== request.device);
  if (fenceDevices.length === host.fenceDevices.length)
    return refused(
      'unknown-fence-device',
      `${host.name} has no fence device ${JSON.stringify(request.device)}. It has: ${host.fenceDevices.map((each) => each.name).join(', ') || 'none'}.`,
    );
  const row = { ...host, fenceDevices };
  put(turn, 'host', row);
  forgetSecrets(turn, host, request.device);
  record(turn, {
    code: 'fence-device-removed',
    subject: ['host', host.id],
    message: `${host.name} is not fenced by ${request.device} any more; ${fenceDevices.length === 0 ? 'nothing can prove it off' : `left: ${fenceDevices.map(described).join(', then ')}`}.`,
  });
  return accepted(row);
}

function forgetSecrets(turn: FleetTurn, host: Host, deviceName: string): void {
  const id = secretId(host.id, deviceName);
  if (turn.fleet.fenceSecrets.has(id)) remove(turn, 'fenceSecret', id);
}

function assignmentsOf(turn: FleetTurn, host: Host): HostAssignments {
  const { fleet } = turn;
  const guests = [...(fleet.guestsOn.get(host.id) ?? [])].flatMap((id) => fleet.guests.get(id) ?? []);
  const migrations = [...fleet.migrations.values()].filter(
    (each) => !isRelocation(each) && (each.sourceHostId === host.id || each.targetHostId === host.id),
  );
  return {
    hostId: host.id,
    incarnation: host.incarnation,
    term: fleet.term,
    isolation: isolationOf(poolOf(fleet, host)),
    at: turn.now,
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
  if (host.fenceDevices.length === 0) return refused('fence-failed', `${host.name} has no fence device.`);
  if (host.state === 'joining' || host.state === 'suspect')
    return refused('host-not-online', `${host.name} is ${host.state}; wait until it is online or failed.`);
  fence(turn, { ...host, stateReason: `fenced by ${turn.actor}` });
  return accepted(turn.fleet.hosts.get(host.id)!);
}

/** Of what a host that nobody knows any more can be or do. */
const alarmsOfHost = [
  'host-quarantined',
  'host-degraded',
  'watchdog-silent',
  'record-behind',
  'unknown-guest',
  'guest-claimed',
];

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
  const own = [...turn.fleet.datastores.values()].find((each) => each.hostId === host.id);
  if (own) return refused('in-use', `Datastore ${own.name} is on ${host.name}; remove the datastore first.`);
  for (const { name } of host.fenceDevices) forgetSecrets(turn, host, name);
  for (const code of alarmsOfHost) clearAlarm(turn, code, host.id);
  leaveQueue(turn, host, null);
  remove(turn, 'host', host.id);
  turn.fleet.views.delete(host.id);
  record(turn, {
    code: 'host-removed',
    subject: ['host', host.id],
    message: `${host.name} was removed from the inventory.`,
  });
  return accepted(null);
}
