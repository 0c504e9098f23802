import type { Host, Pool } from '@argosy/domain/entities';
import type { FenceDevice } from '@argosy/domain/fence-device';
import { sentence } from '@argosy/domain/units';
import type { FleetEvent } from '../fleet-types';
import { datastoreHeartbeatMs, fenceRetryMs, heartbeatMs, takeoverGraceMs } from '../defaults';
import { provedByLease } from './leases';
import {
  becomeHost,
  clearAlarm,
  type FleetTurn,
  isHeard,
  nextAttempt,
  poolOf,
  raiseAlarm,
  record,
  settled,
  viewOf,
} from './turn';

type FenceResult = Extract<FleetEvent, { kind: 'fence-result' }>;

export function fencePool(turn: FleetTurn, pool: Pool): void {
  const hosts = [...turn.fleet.hosts.values()].filter((host) => host.poolId === pool.id);
  const lost = hosts.filter((host) => isToBeFenced(turn, host));
  if (lost.length === 0) return endMassSilence(turn, pool);
  const { maximumSilentHosts } = pool.failure;
  const silent = [...lost, ...hosts.filter((host) => wentWith(turn, host, lost))];
  const doubtful = hosts.filter((host) => isDoubtful(turn, pool, host));
  if (failuresAtOnce(hosts, silent, doubtful) > maximumSilentHosts) {
    if (lost.some((host) => host.state === 'failed')) raiseMassSilence(turn, pool, silent);
    goOnFencing(turn, lost);
  } else if (isJustOver(turn, pool)) goOnFencing(turn, lost);
  else if (failuresAtOnce(hosts, [...silent, ...doubtful], doubtful) > maximumSilentHosts) goOnFencing(turn, lost);
  else {
    endMassSilence(turn, pool);
    for (const host of lost) fence(turn, host);
  }
}

function raiseMassSilence(turn: FleetTurn, pool: Pool, silent: readonly Host[]): void {
  const { now } = turn;
  turn.fleet.outstanding.set(massSilenceKey(pool), {
    incarnation: 0,
    sentAt: now,
    notAfter: now + takeoverGraceMs,
    attempt: 1,
  });
  raiseAlarm(turn, {
    code: 'mass-silence',
    severity: 'error',
    subject: ['pool', pool.id],
    message: `${silent.length} hosts of ${pool.name} are silent at once, more than the ${pool.failure.maximumSilentHosts} that the pool allows outside one failure domain: a network or power fault is likelier than so many dead hosts, so none is fenced. Fence by hand, or raise failure.maximumSilentHosts.`,
    details: { hosts: silent.map((host) => host.name) },
  });
}

/** Whatever silenced them ends for one before it ends for the next: the last of them are not fenced for being slower. */
function isJustOver({ fleet, now }: FleetTurn, pool: Pool): boolean {
  return now <= (fleet.outstanding.get(massSilenceKey(pool))?.notAfter ?? 0);
}

function endMassSilence(turn: FleetTurn, pool: Pool): void {
  settled(turn, massSilenceKey(pool));
  clearAlarm(turn, 'mass-silence', pool.id);
}

function massSilenceKey({ id }: Pool): string {
  return `mass-silence:${id}`;
}

function goOnFencing(turn: FleetTurn, lost: readonly Host[]): void {
  for (const host of lost) if (host.state === 'fencing') fence(turn, host);
}

function isToBeFenced(turn: FleetTurn, host: Host): boolean {
  return (
    (host.state === 'failed' || host.state === 'fencing') &&
    host.standby !== 'switching-off' &&
    !isWorkedAt(turn, host) &&
    !provedByLease(turn, host)
  );
}

/** Proved off already, but last heard when one of these was: what silenced them silenced it. */
function wentWith({ fleet }: FleetTurn, host: Host, lost: readonly Host[]): boolean {
  if (host.state !== 'fenced' || host.standby !== 'none') return false;
  const heardAt = fleet.views.get(host.id)?.heardAt ?? null;
  if (heardAt === null) return false;
  return lost.some(({ id }) => {
    const other = fleet.views.get(id)?.heardAt ?? null;
    return other !== null && Math.abs(heardAt - other) <= 1.5 * heartbeatMs;
  });
}

/**
 * Not given up yet, but silent for so long on both channels that it may have fallen silent together with one that is: hosts
 * report at different moments of a second. It is heard again within that time, or given up as well; until then nobody
 * can say how many they are.
 */
function isDoubtful(turn: FleetTurn, { failure }: Pool, host: Host): boolean {
  if ((!isHeard(host) && host.state !== 'disconnected') || host.standby !== 'none') return false;
  if (host.maintenance === 'in' && (turn.fleet.guestsOn.get(host.id)?.size ?? 0) === 0) return false;
  const { heardAt, datastoreHeardAt } = viewOf(turn.fleet, host.id);
  if (heardAt === null && host.state !== 'disconnected') return true;
  const silentMs = (at: number | null): number => turn.now - Math.max(at ?? 0, turn.fleet.silenceSince);
  return (
    silentMs(heardAt) >= Math.max(failure.failedAfterMs, 2 * heartbeatMs) - 1.1 * heartbeatMs &&
    silentMs(datastoreHeardAt) >= failure.datastoreSilentAfterMs - datastoreHeartbeatMs
  );
}

/** Empty and in maintenance: whoever restarts it knows, and there is nothing on it to be saved by cutting its power. */
function isWorkedAt({ fleet }: FleetTurn, host: Host): boolean {
  return host.maintenance === 'in' && host.state === 'failed' && (fleet.guestsOn.get(host.id)?.size ?? 0) === 0;
}

/**
 * Hosts of one failure domain fail together, and are one failure. But where nobody else is heard, the fault may as well be
 * on this side, and each of them counts.
 */
function failuresAtOnce(hosts: readonly Host[], silent: readonly Host[], doubtful: readonly Host[]): number {
  const sizes = new Map<string, number>();
  for (const { failureDomain } of silent)
    if (failureDomain !== null) sizes.set(failureDomain, (sizes.get(failureDomain) ?? 0) + 1);
  const [domain, size] = [...sizes].sort((a, b) => b[1] - a[1])[0] ?? [null, 1];
  const othersHeard = hosts.some((host) => host.failureDomain !== domain && isHeard(host) && !doubtful.includes(host));
  return domain !== null && othersHeard ? silent.length - size + 1 : silent.length;
}

/**
 * Asks the host's fence devices to cut its power, one after the other in their order, and from the first again, until one
 * confirms. One that refuses is followed by the next at once; one that says nothing, after its own deadline.
 */
export function fence(turn: FleetTurn, host: Host): void {
  const { fleet } = turn;
  const key = keyOf(host);
  const device = deviceOfAttempt(host, (fleet.outstanding.get(key)?.attempt ?? 0) + 1);
  if (device === undefined) {
    raiseAlarm(turn, {
      code: 'no-fence-device',
      severity: 'error',
      subject: ['host', host.id],
      message: `${host.name} has no fence device. ${whatGuestsAwait(turn, host)}`,
    });
    return;
  }
  const attempt = nextAttempt(turn, key, host.incarnation, device.deadlineMs);
  if (attempt === null) return;
  if (host.state !== 'fencing') becomeHost(turn, host, 'fencing', host.stateReason);
  record(turn, {
    code: 'fence-asked',
    severity: host.standby === 'none' ? 'warning' : 'information',
    subject: ['host', host.id],
    message: `${host.name} (incarnation ${host.incarnation}) is fenced by ${described(device)}, attempt ${attempt}: ${host.stateReason}.`,
    details: { device: device.name, attempt },
  });
  turn.effects.push({
    kind: 'fence',
    action: 'off',
    hostId: host.id,
    hostName: host.name,
    incarnation: host.incarnation,
    term: fleet.term,
    device,
    secrets: fleet.fenceSecrets.get(secretId(host.id, device.name))?.values ?? {},
  });
}

/** Where a pool lets guests of a host that is cut off run on, no lease is ever a proof, and an administrator may not know it. */
function whatGuestsAwait(turn: FleetTurn, host: Host): string {
  const { isolationResponse, failure } = poolOf(turn.fleet, host);
  const proofs: string[] = [];
  if (host.fenceDevices.length > 0) proofs.push('a device confirms');
  if (isolationResponse !== 'keep-running') proofs.push("its watchdog's lease has run out, if that was armed");
  if (failure.lockIsProof) proofs.push("another host gets their disks' locks");
  const wait = `Its guests wait until ${[...proofs, 'it returns'].join(', or ')}.`;
  if (isolationResponse !== 'keep-running') return wait;
  return `${wait} Its pool keeps the guests of a host that is cut off running, so no watchdog's lease proves it off.`;
}

/** Nothing more is asked of its devices. */
export function settleFence(turn: FleetTurn, host: Host): void {
  settled(turn, keyOf(host));
  clearAlarm(turn, 'fence-failed', host.id);
}

function keyOf(host: Host): string {
  return `fence:${host.id}`;
}

export function secretId(hostId: string, deviceName: string): string {
  return `${hostId}/${deviceName}`;
}

function deviceOfAttempt({ fenceDevices }: Host, attempt: number): FenceDevice | undefined {
  return fenceDevices[(attempt - 1) % fenceDevices.length];
}

export function described({ kind, name }: FenceDevice): string {
  return kind === name ? kind : `${name} (${kind})`;
}

/** True: the host is proved off, and its guests may be started elsewhere. */
export function takeFenceResult(turn: FleetTurn, { hostId, incarnation, device: name, result }: FenceResult): boolean {
  const host = turn.fleet.hosts.get(hostId);
  if (!host || host.incarnation !== incarnation || host.state !== 'fencing') return false;
  const device = host.fenceDevices.find((each) => each.name === name);
  if (result.ok) {
    settled(turn, keyOf(host));
    viewOf(turn.fleet, host.id).offSince = turn.now;
    becomeHost(turn, host, 'fenced', host.stateReason);
    clearAlarm(turn, 'fence-failed', host.id);
    record(turn, {
      code: 'host-fenced',
      severity: 'warning',
      subject: ['host', host.id],
      message: `${host.name} is proved off by ${device ? described(device) : name}.`,
    });
    return true;
  }
  const reason = sentence(result.refusal.message);
  record(turn, {
    code: 'fence-refused',
    severity: 'warning',
    subject: ['host', host.id],
    message: `${device ? described(device) : name} did not prove ${host.name} off: ${reason}`,
    details: { device: name, code: result.refusal.code },
  });
  raiseAlarm(turn, {
    code: 'fence-failed',
    severity: 'error',
    subject: ['host', host.id],
    message: `${host.name} could not be fenced: ${reason} It is tried again. ${whatGuestsAwait(turn, host)}`,
  });
  askNextDevice(turn, host, name);
  return false;
}

/** The next device has its turn at once; after the last, the first has it again when some time has passed. */
function askNextDevice(turn: FleetTurn, host: Host, refusedBy: string): void {
  const { outstanding } = turn.fleet;
  const sent = outstanding.get(keyOf(host));
  if (!sent || deviceOfAttempt(host, sent.attempt)?.name !== refusedBy) return;
  const isLast = sent.attempt % host.fenceDevices.length === 0;
  const notAfter = isLast ? Math.max(turn.now, sent.sentAt + fenceRetryMs) : turn.now - 1;
  outstanding.set(keyOf(host), { ...sent, notAfter });
  if (!isLast) fence(turn, host);
}
