import type { Host } from '@argosy/domain/entities';

/** Its guests are moved elsewhere, whatever the pool's automation level. */
export function isBeingEmptied(host: Host | undefined): boolean {
  return host?.maintenance === 'entering' || host?.standby === 'entering' || (host?.degraded ?? null) !== null;
}
