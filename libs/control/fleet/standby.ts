import type { Host } from '@argosy/domain/entities';
import type { FleetRequest } from '@argosy/domain/fleet-request';
import { canBecome, type StandbyState, standbyTransitions } from '@argosy/domain/lifecycle';
import { accepted, refused, type Result } from '@argosy/domain/refusal';
import { sentence } from '@argosy/domain/units';
import type { FleetEvent } from '../fleet-types';
import { powerOnRetryMs } from '../defaults';
import { described, fence, secretId, settleFence } from './fencing';
import { find } from './lookup';
import { beginTask, endTasks } from './tasks';
import {
  becomeHost,
  clearAlarm,
  type FleetTurn,
  isOff,
  nextAttempt,
  put,
  raiseAlarm,
  record,
  settled,
  viewOf,
} from './turn';

type Of<Kind extends FleetRequest['kind']> = Extract<FleetRequest, { kind: Kind }>;
type FenceResult = Extract<FleetEvent, { kind: 'fence-result' }>;

function become(turn: FleetTurn, host: Host, standby: StandbyState): Host {
  if (!canBecome(standbyTransitions, host.standby, standby))
    throw new Error(`Standby of ${host.name} cannot go from ${host.standby} to ${standby}.`);
  const row: Host = { ...host, standby };
  put(turn, 'host', row);
  return row;
}

/** By hand, whatever the pool's policy: an administrator knows of loads to come. */
export function setStandby(turn: FleetTurn, request: Of<'host.standby'>): Result<Host> {
  const found = find(turn, 'host', request.host);
  if (!found.ok) return found;
  const host = found.value;
  if (!request.enter) {
    if (host.standby === 'entering') return accepted(stay(turn, host, `asked for by ${turn.actor}`));
    if (host.standby === 'in') return accepted(leaveStandby(turn, host, `asked for by ${turn.actor}`));
    return accepted(host);
  }
  if (host.standby !== 'none') return accepted(host);
  if (host.state !== 'online')
    return refused('host-not-online', `${host.name} is ${host.state}: only a host that is online can be emptied.`);
  if (host.fenceDevices.length === 0)
    return refused(
      'fence-failed',
      `${host.name} has no fence device, by which it could be switched off and on again: argosy host fence-device add ${host.name}.`,
    );
  return accepted(enterStandby(turn, host, `asked for by ${turn.actor}`));
}

export function enterStandby(turn: FleetTurn, host: Host, reason: string): Host {
  beginTask(turn, 'host.standby', ['host', host.id]);
  record(turn, {
    code: 'standby-entering',
    subject: ['host', host.id],
    message: `${host.name} is emptied and switched off to save power: ${reason}.`,
  });
  return become(turn, host, 'entering');
}

/** Whatever has been moved away by then stays where it is. */
export function stay(turn: FleetTurn, host: Host, reason: string): Host {
  clearAlarm(turn, 'evacuation-stuck', host.id);
  endTasks(turn, host.id, ['host.standby'], 'cancelled', reason);
  record(turn, {
    code: 'standby-cancelled',
    subject: ['host', host.id],
    message: `${host.name} stays on: ${reason}.`,
  });
  return become(turn, host, 'none');
}

export function leaveStandby(turn: FleetTurn, host: Host, reason: string): Host {
  record(turn, {
    code: 'standby-leaving',
    subject: ['host', host.id],
    message: `${host.name} is switched on: ${reason}.`,
  });
  return become(turn, host, 'leaving');
}

/** What is on its way goes on from whatever state it was left in: by a leader before, or by the host itself. */
export function followStandby(turn: FleetTurn, host: Host): void {
  if (host.standby === 'entering') return follow(turn, host);
  if (host.standby === 'switching-off') {
    if (isOff(host)) return void become(turn, host, 'in');
    if (host.state === 'fencing') return fence(turn, host);
    // Heard again although it was to be off: somebody has switched it on.
    return void become(turn, host, 'none');
  }
  if (host.standby === 'leaving') switchOn(turn, host);
}

function follow(turn: FleetTurn, host: Host): void {
  const { fleet } = turn;
  if (host.state !== 'online') return void stay(turn, host, `it is ${host.state}`);
  if (fleet.alarms.has(`evacuation-stuck/${host.id}`)) return void stay(turn, host, 'its guests find no other place');
  if (!isBare(turn, host)) return;
  become(turn, host, 'switching-off');
  // The same device and the same proof as for a host that has failed: what it confirms is that nothing of it runs.
  fence(turn, { ...fleet.hosts.get(host.id)!, stateReason: 'it is empty, and switched off to save power' });
}

/** No guest is recorded there, none is seen there, nothing is on its way there, and nothing is done for anybody there. */
function isBare({ fleet }: FleetTurn, host: Host): boolean {
  const isGoal = [...fleet.migrations.values()].some(
    ({ sourceHostId, targetHostId }) => sourceHostId === host.id || targetHostId === host.id,
  );
  return (
    !isGoal &&
    (fleet.guestsOn.get(host.id)?.size ?? 0) === 0 &&
    (fleet.views.get(host.id)?.guests.size ?? 0) === 0 &&
    ![...fleet.diskOperations.values()].some(({ hostId }) => hostId === host.id)
  );
}

/** True: its device has proved it off, as it was asked to. A refusal is told and tried again as any fence. */
export function takeSwitchedOff(turn: FleetTurn, { hostId, incarnation, device: name, result }: FenceResult): boolean {
  const host = turn.fleet.hosts.get(hostId);
  if (!result.ok || host?.standby !== 'switching-off' || host.incarnation !== incarnation || host.state !== 'fencing')
    return false;
  const device = host.fenceDevices.find((each) => each.name === name);
  settleFence(turn, host);
  viewOf(turn.fleet, host.id).offSince = turn.now;
  become(turn, becomeHost(turn, host, 'fenced', 'switched off to save power'), 'in');
  endTasks(turn, host.id, ['host.standby'], 'succeeded', 'off');
  record(turn, {
    code: 'host-in-standby',
    subject: ['host', host.id],
    message: `${host.name} is off to save power, by ${device ? described(device) : name}.`,
  });
  return true;
}

function switchOn(turn: FleetTurn, host: Host): void {
  const { fleet } = turn;
  const sent = fleet.outstanding.get(keyOf(host));
  const device = host.fenceDevices[(sent?.attempt ?? 0) % Math.max(1, host.fenceDevices.length)];
  if (device === undefined) return;
  if (nextAttempt(turn, keyOf(host), host.incarnation, powerOnRetryMs) === null) return;
  turn.effects.push({
    kind: 'fence',
    action: 'on',
    hostId: host.id,
    hostName: host.name,
    incarnation: host.incarnation,
    term: fleet.term,
    device,
    secrets: fleet.fenceSecrets.get(secretId(host.id, device.name))?.values ?? {},
  });
}

function keyOf(host: Host): string {
  return `power-on:${host.id}`;
}

/** That it is on is seen when its agent registers. */
export function takeSwitchedOn(turn: FleetTurn, { hostId, device: name, result }: FenceResult): void {
  const host = turn.fleet.hosts.get(hostId);
  if (!host || host.standby !== 'leaving' || result.ok) return;
  const device = host.fenceDevices.find((each) => each.name === name);
  raiseAlarm(turn, {
    code: 'power-on-failed',
    severity: 'error',
    subject: ['host', host.id],
    message: `${host.name} could not be switched on by ${device ? described(device) : name}: ${sentence(result.refusal.message)} It is tried again.`,
  });
}

/** Its agent has registered: whoever switched it on, it takes guests. */
export function hasReturned(turn: FleetTurn, host: Host): void {
  settled(turn, keyOf(host));
  clearAlarm(turn, 'power-on-failed', host.id);
  clearAlarm(turn, 'power-recommended', host.id);
  endTasks(turn, host.id, ['host.standby'], 'cancelled', 'the host is on');
}
