import type { HostAssignments, HostRegistration, HostReport } from '@argosy/domain/host-report';
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

export const hostReportSchema = describes<HostReport>()(
  z.object({
    hostId: z.string(),
    incarnation: z.int(),
    sequence: z.int(),
    sentAt: z.number(),
    capacity: hostCapacitySchema,
    guests: z.array(guestObservationSchema),
    migrations: z.array(migrationObservationSchema),
    isolation: z.union([isolationPolicySchema, z.null()]),
    cpuMillicores: z.number(),
    refusals: z.array(z.object({ commandId: z.string(), at: z.number(), refusal: refusalSchema })),
  }),
);

/** One agent process may stand for many hosts, and sends what they all report in one message. */
export const hostReportsMessageSchema = z.object({
  kind: z.literal('host-reports'),
  reports: z.array(hostReportSchema),
});

/** A controller's own heartbeat, on the channel of the reports: while it does not come back, silence proves nothing. */
export const controllerHeartbeatSchema = z.object({
  kind: z.literal('controller-heartbeat'),
  controllerId: z.string(),
  sequence: z.int(),
  sentAt: z.number(),
});
export type ControllerHeartbeat = z.output<typeof controllerHeartbeatSchema>;

export const telemetryMessageSchema = z.discriminatedUnion('kind', [
  hostReportsMessageSchema,
  controllerHeartbeatSchema,
]);
export type TelemetryMessage = z.output<typeof telemetryMessageSchema>;

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
    guests: z.array(z.object({ guestId: z.string(), epoch: z.int() })),
    migrations: z.array(
      z.object({ migrationId: z.string(), guestId: z.string(), epoch: z.int(), role: z.enum(['source', 'target']) }),
    ),
  }),
);
