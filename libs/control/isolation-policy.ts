import type { Pool } from '@argosy/domain/entities';
import type { IsolationPolicy } from '@argosy/domain/policies';

/** What a pool wants of a host that is cut off, as the host is told it. */
export function isolationOf({ isolationResponse, failure }: Pool): IsolationPolicy {
  return { response: isolationResponse, isolatedAfterMs: failure.isolatedAfterMs, leaseMs: failure.watchdogLeaseMs };
}

export function areSamePolicies(one: IsolationPolicy, other: IsolationPolicy): boolean {
  return (
    one.response === other.response && one.isolatedAfterMs === other.isolatedAfterMs && one.leaseMs === other.leaseMs
  );
}
