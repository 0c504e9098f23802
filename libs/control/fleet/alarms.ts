import { alarmsUntilSeen } from '@argosy/domain/alarms';
import type { Alarm } from '@argosy/domain/entities';
import type { FleetRequest } from '@argosy/domain/fleet-request';
import { accepted, refused, type Result } from '@argosy/domain/refusal';
import { clearAlarm, type FleetTurn } from './turn';

/** An alarm of a state goes when the state does; one of something that has happened, when somebody says that it was seen. */
export function acknowledgeAlarm(
  turn: FleetTurn,
  request: Extract<FleetRequest, { kind: 'alarm.acknowledge' }>,
): Result<Alarm> {
  const alarm = [...turn.fleet.alarms.values()].find(({ id }) => id === request.alarm);
  if (!alarm)
    return refused(
      'unknown-alarm',
      `There is no open alarm ${JSON.stringify(request.alarm)}: it is over, or never was.`,
    );
  if (!alarmsUntilSeen.has(alarm.code))
    return refused(
      'in-use',
      `Alarm ${alarm.code} is of something that still is so, and goes by itself when it is over. What can be acknowledged: ${[...alarmsUntilSeen].join(', ')}.`,
    );
  clearAlarm(turn, alarm.code, alarm.subjectId);
  return accepted({ ...alarm, clearedAt: turn.now });
}
