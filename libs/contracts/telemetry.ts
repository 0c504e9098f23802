import type { HostAssignments, HostHeartbeat, HostRegistration, HostReport } from '@argosy/domain/host-report';
import { z } from 'zod';
import { describes } from './describes';
import {
  driverCapabilitiesSchema,
  guestObservationSchema,
  hostCapacitySchema,
  isolationPolicySchema,
  migrationObservationSchema,
  refusalSchema,
} from './responses';
import { datastoreObservationSchema, diskWorkObservationSchema } from './storage-schemas';

export const hostReportSchema = describes<HostReport>()(
  z.object({
    hostId: z.string(),
    incarnation: z.int(),
    sequence: z.int(),
    sentAt: z.number(),
    capacity: hostCapacitySchema,
    term: z.int(),
    queue: z.string(),
    guests: z.array(guestObservationSchema),
    migrations: z.array(migrationObservationSchema),
    run: z.union([z.object({ runId: z.string(), status: z.union([z.int(), z.null()]), output: z.string() }), z.null()]),
    health: z.union([z.string(), z.null()]).exactOptional(),
    isolation: z.union([isolationPolicySchema, z.null()]),
    datastores: z.array(datastoreObservationSchema),
    diskWork: z.array(diskWorkObservationSchema),
    cpuMillicores: z.number(),
    refusals: z.array(z.object({ commandId: z.string(), at: z.number(), refusal: refusalSchema })),
  }),
);

/** What is signed of it: the host is named beside the signature. */
export const hostHeartbeatSchema = describes<HostHeartbeat>()(
  z.object({ hostId: z.string(), incarnation: z.int(), sequence: z.int(), count: z.int() }),
);

/** A controller's own heartbeat, on the channel of the reports: while it does not come back, silence proves nothing. */
export const controllerHeartbeatSchema = z.object({
  controllerId: z.string(),
  sequence: z.int(),
  sentAt: z.number(),
});
export type ControllerHeartbeat = z.output<typeof controllerHeartbeatSchema>;

/**
 * What goes over the channel. `text` is the report or the controller's heartbeat as JSON; `signature` is of this very text,
 * with the host's key or (of a controller) with the fleet's secret, because whoever reaches Redis can say anything there. Hosts'
 * heartbeats are signed one by one, each with its host's key, over `heartbeatText`.
 */
export const telemetryMessageSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('host-report'), hostId: z.string(), text: z.string(), signature: z.string() }),
  z.object({
    kind: z.literal('host-heartbeats'),
    heartbeats: z.array(hostHeartbeatSchema.extend({ signature: z.string() })),
  }),
  z.object({ kind: z.literal('controller-heartbeat'), text: z.string(), signature: z.string() }),
]);
export type TelemetryMessage = z.output<typeof telemetryMessageSchema>;

export function heartbeatText({ hostId, incarnation, sequence, count }: HostHeartbeat): string {
  return `${hostId} ${incarnation} ${sequence} ${count}`;
}

export const hostRegistrationSchema = describes<HostRegistration>()(
  z.object({
    hostName: z.string(),
    poolName: z.string(),
    peerAddress: z.string(),
    queue: z.string(),
    capacity: hostCapacitySchema,
    capabilities: driverCapabilitiesSchema,
    fenceDevice: z.union([z.string(), z.null()]),
  }),
);

export const hostAssignmentsSchema = describes<HostAssignments>()(
  z.object({
    hostId: z.string(),
    incarnation: z.int(),
    term: z.int(),
    isolation: isolationPolicySchema,
    at: z.number(),
    guests: z.array(z.object({ guestId: z.string(), epoch: z.int() })),
    migrations: z.array(
      z.object({ migrationId: z.string(), guestId: z.string(), epoch: z.int(), role: z.enum(['source', 'target']) }),
    ),
  }),
);
