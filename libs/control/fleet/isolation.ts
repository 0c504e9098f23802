import { areSamePolicies, isolationOf } from '../isolation-policy';
import { type FleetTurn, isHeard, order, poolOf, settled } from './turn';

/** A host that would act otherwise than its pool wants is told, until its report says that it knows. */
export function tellIsolation(turn: FleetTurn, hostId: string): void {
  const host = turn.fleet.hosts.get(hostId);
  const report = turn.fleet.views.get(hostId)?.report;
  if (!host || !report || report.incarnation !== host.incarnation || !isHeard(host)) return;
  const wanted = isolationOf(poolOf(turn.fleet, host));
  if (report.isolation !== null && areSamePolicies(report.isolation, wanted))
    return settled(turn, `isolation:${host.id}`);
  order(turn, `isolation:${host.id}`, host, { kind: 'host.isolation', policy: wanted });
}
