import type { Duplex } from 'node:stream';
import type { Fleet } from '@argosy/control/fleet-types';
import type { FleetWrite, Lease } from '@argosy/control/ports/fleet-store';
import type { Guest } from '@argosy/domain/entities';
import type { FleetRequest } from '@argosy/domain/fleet-request';
import type { HostReport } from '@argosy/domain/host-report';
import type { Result } from '@argosy/domain/refusal';
import type { Instant } from '@argosy/domain/units';
import type { AccessStore } from '@argosy/inventory/access-store';
import type { AuditStore } from '@argosy/inventory/audit-store';
import type { FleetQueries } from '@argosy/inventory/fleet-queries';
import type { MomentStore } from '@argosy/inventory/moment-store';
import type { AuditTrail } from '../audit-trail';
import type { ImageUploads } from '../images/image-uploads';
import type { Simulations } from '../simulations';
import type { UsageHistory } from '../usage-history';
import type { ControllerMetrics } from './metrics';

export interface FleetGateway {
  /** Through the leader's brain; refusals are values. `store-unavailable` / `not-leader` (details.leaderUrl) likewise. */
  request(actor: string, request: FleetRequest): Promise<Result<unknown>>;
  readonly leading: boolean;
  leaderUrl(): string | null;
  /** Rows as the brain has them now (fresher than the database). */
  readonly fleet: Readonly<Fleet>;
  /** Committed writes, in order, for the stream. */
  onCommitted(listener: (writes: readonly FleetWrite[], at: Instant) => void): () => void;
  /** The inventory was read anew: writes may have been committed that nobody was told of. */
  onReloaded(listener: () => void): () => void;
  onReport(listener: (report: HostReport) => void): () => void;
  console(guest: Guest): GuestConsole;
  /** What an agent gets at registration besides its assignments. */
  agentAccess(hostId: string): {
    readonly redisUrl: string;
    readonly hostKey: string;
    readonly migrationSecret: string;
  };
}

export interface GuestConsole {
  write(text: string): Promise<Result<null>>;
  tail(maximumBytes: number): Promise<Result<{ text: string }>>;
  /** RFB with its VMM, as it is now: after a migration it is another one. */
  screen(): Promise<Result<Duplex>>;
}

/** What the process knows of itself and of what it stands on. */
export interface ServerFacts {
  readonly version: string;
  readonly controllerId: string;
  readonly startedAt: Instant;
  /** The fleet's time. */
  readonly now: () => Instant;
  /** null: this is no lab. */
  readonly lab: { readonly folder: string; readonly hosts: readonly string[] } | null;
  /** The lease as last seen, or null: nobody holds it, or the database is away. */
  lease(): Lease | null;
  /** Reject, or never answer, when what they ask is away. */
  readonly probes: { database(): Promise<unknown>; redis(): Promise<unknown> };
}

/** All bounds of the edge; `defaultHttpLimits` has the usual ones. */
export interface HttpLimits {
  readonly bodyBytes: number;
  /** Of one user; of one address that names no token, and of one that joins. */
  readonly requestsPerSecond: number;
  readonly requestBurst: number;
  /** Open at a time, whatever they say. */
  readonly connections: number;
  /** Of one address; a bad token costs a look-up in the database. */
  readonly failedLoginsPerSecond: number;
  readonly failedLoginBurst: number;
  readonly requestDeadlineMs: number;
  readonly streams: number;
  readonly streamsPerUser: number;
  /** A reader that is further behind than this is cut off. */
  readonly streamBacklogBytes: number;
  readonly streamHeartbeatMs: number;
  /** What a reader that comes back may have missed. Its bytes must fit into `streamBacklogBytes`. */
  readonly streamHistoryMessages: number;
  readonly streamHistoryBytes: number;
}

export interface HttpPorts {
  readonly gateway: FleetGateway;
  readonly queries: FleetQueries;
  readonly moments: Pick<MomentStore, 'moment'>;
  readonly access: AccessStore;
  readonly audit: AuditTrail;
  readonly auditStore: Pick<AuditStore, 'list'>;
  readonly usageHistory: Pick<UsageHistory, 'of' | 'heat'>;
  readonly simulations: Simulations;
  readonly uploads: ImageUploads;
  readonly server: ServerFacts;
  readonly metrics: ControllerMetrics;
  readonly limits: HttpLimits;
  readonly now: () => Instant;
  readonly logError: (message: string, error: unknown) => void;
}
