import { alarmsUntilSeen } from '@argosy/domain/alarms';
import type * as entity from '@argosy/domain/entities';
import type { IsolationPolicy } from '@argosy/domain/policies';
import type { Image } from '@argosy/domain/storage';
import type { Roll } from '@argosy/domain/roll';
import { eventSeverities, displays, probeKinds, ruleKinds, subjectKinds } from '@argosy/domain/entities';
import { isolationResponses, restartPriorities } from '@argosy/domain/policies';
import { firmwares, imageFormats } from '@argosy/domain/storage';
import { drillKinds, drillPhases, hostNetworks, type Drill } from '@argosy/domain/drill';
import { roles, type User } from '@argosy/domain/access';
import { fenceDeviceKinds, type FenceDevice } from '@argosy/domain/fence-device';
import type * as report from '@argosy/domain/host-report';
import { migrationPhases, observedGuestStates } from '@argosy/domain/host-report';
import {
  drillTransitions,
  guestTransitions,
  hostTransitions,
  maintenanceTransitions,
  standbyTransitions,
  migrationTransitions,
  recommendationTransitions,
  rollStepTransitions,
  rollTransitions,
  taskTransitions,
} from '@argosy/domain/lifecycle';
import { refusalCodes, type Refusal } from '@argosy/domain/refusal';
import { z } from 'zod';
import { describes } from './describes';
import { balancePolicySchema, failurePolicySchema, migrationPolicySchema, powerPolicySchema } from './policy-schemas';

export function statesOf<State extends string>(transitions: Record<State, unknown>) {
  return z.enum(Object.keys(transitions) as [State, ...State[]]);
}

/** Milliseconds since 1970. */
const instant = z.number();
const text = z.string();
export const orNull = <Schema extends z.ZodType>(schema: Schema) => z.union([schema, z.null()]);

export const refusalSchema = describes<Refusal>()(
  z.object({
    code: z.enum(refusalCodes),
    message: text,
    details: z.record(z.string(), z.unknown()).exactOptional(),
  }),
);

export const isolationPolicySchema = describes<IsolationPolicy>()(
  z.object({ response: z.enum(isolationResponses), isolatedAfterMs: z.number(), leaseMs: z.number() }),
);

export const poolSchema = describes<entity.Pool>()(
  z.object({
    id: text,
    name: text,
    balance: balancePolicySchema,
    migration: migrationPolicySchema,
    failure: failurePolicySchema,
    power: powerPolicySchema,
    network: z.object({ subnet: text, gateway: orNull(text) }),
    isolationResponse: z.enum(isolationResponses),
    createdAt: instant,
  }),
);

export const hostCapacitySchema = describes<entity.HostCapacity>()(
  z.object({ cpuMillicores: z.number(), memoryMiB: z.number() }),
);

export const driverCapabilitiesSchema = describes<entity.DriverCapabilities>()(
  z.object({
    driver: text,
    version: text,
    accelerator: text,
    acceleratorReason: text,
    machineType: text,
    cpuModel: text,
    guestArchitectures: z.array(text),
    liveMigration: z.boolean(),
    postCopy: z.boolean(),
    facts: z.array(z.object({ name: text, value: text, reason: text })),
  }),
);

export const machineSchema = z.object({ driver: text, accelerator: text, machineType: text, cpuModel: text });

export const fenceDeviceSchema = describes<FenceDevice>()(
  z.object({
    name: text,
    kind: z.enum(fenceDeviceKinds),
    address: text,
    options: z.record(z.string(), text),
    secretNames: z.array(text),
    deadlineMs: z.number(),
    setBy: z.enum(['agent', 'administrator']),
  }),
);

export const hostSchema = describes<entity.Host>()(
  z.object({
    id: text,
    name: text,
    poolId: text,
    state: statesOf(hostTransitions),
    stateReason: text,
    maintenance: statesOf(maintenanceTransitions),
    standby: statesOf(standbyTransitions),
    incarnation: z.number(),
    peerAddress: text,
    queue: text,
    capacity: hostCapacitySchema,
    capabilities: orNull(driverCapabilitiesSchema),
    failureDomain: orNull(text),
    failoverOnly: z.boolean(),
    degraded: orNull(z.object({ by: z.enum(['administrator', 'health-check']), reason: text })),
    quarantined: z.boolean(),
    failures: z.array(instant),
    fenceDevices: z.array(fenceDeviceSchema),
    createdAt: instant,
  }),
);

export const imageSchema = describes<Image>()(
  z.object({
    id: text,
    name: text,
    format: z.enum(imageFormats),
    architecture: text,
    firmware: z.enum(firmwares),
    kernelPath: orNull(text),
    initrdPath: orNull(text),
    kernelArguments: orNull(text),
    diskPath: orNull(text),
    datastoreId: text,
    minimumMemoryMiB: z.number(),
    createdAt: instant,
  }),
);

export const guestProbeSchema = describes<entity.GuestProbe>()(
  z.object({ kind: z.enum(probeKinds), port: z.number(), path: text, status: z.number() }),
);

/** Of its cloud-init data only how much there is: they hold secrets. */
export type GuestView = Omit<entity.Guest, 'cloudInit'> & { readonly cloudInitBytes: number | null };

export const guestSchema = describes<GuestView>()(
  z.object({
    id: text,
    name: text,
    poolId: text,
    imageId: text,
    datastoreId: text,
    vcpus: z.number(),
    memoryMiB: z.number(),
    diskMiB: z.number(),
    cpuReservationMillicores: z.number(),
    cpuLimitMillicores: orNull(z.number()),
    cpuShares: z.number(),
    restartPriority: z.enum(restartPriorities),
    display: z.enum(displays),
    cloudInitBytes: orNull(z.number()),
    address: text,
    macAddress: text,
    desired: z.enum(['running', 'stopped', 'paused', 'suspended']),
    state: statesOf(guestTransitions),
    stateReason: text,
    memoryPath: orNull(text),
    memoryMachine: orNull(machineSchema),
    epoch: z.number(),
    reservedEpoch: z.number(),
    hostId: orNull(text),
    createdAt: instant,
    movedAt: orNull(instant),
    failedStarts: z.number(),
    retryAt: orNull(instant),
    restarts: z.array(instant),
    lostAt: orNull(instant),
    probe: orNull(guestProbeSchema),
    isTemplate: z.boolean(),
    clonedFrom: orNull(text),
    diskMade: z.boolean(),
    basePaths: z.array(text),
  }),
);

export const ruleSchema = describes<entity.Rule>()(
  z.object({
    id: text,
    name: text,
    poolId: text,
    kind: z.enum(ruleKinds),
    guestIds: z.array(text),
    hostIds: z.array(text),
    createdAt: instant,
  }),
);

const placementShape = {
  guestId: text,
  hostId: text,
  epoch: z.number(),
  from: instant,
  to: orNull(instant),
  reason: text,
  endReason: orNull(text),
};
export const placementSchema = describes<entity.Placement>()(z.object(placementShape));

/** With the names that guest and host had when it began: a removed guest's history stays readable. */
export const placementViewSchema = z.object({ ...placementShape, guestName: orNull(text), hostName: orNull(text) });

export const migrationProgressSchema = describes<entity.MigrationProgress>()(
  z.object({
    transferredBytes: z.number(),
    remainingBytes: z.number(),
    totalBytes: z.number(),
    bytesPerSecond: z.number(),
    dirtyBytesPerSecond: z.number(),
    iteration: z.number(),
    expectedEndMs: orNull(z.number()),
  }),
);

export const migrationSchema = describes<entity.Migration>()(
  z.object({
    id: text,
    guestId: text,
    sourceHostId: text,
    targetHostId: text,
    sourceDatastoreId: orNull(text),
    targetDatastoreId: orNull(text),
    epoch: z.number(),
    step: statesOf(migrationTransitions),
    reason: text,
    requestedBy: text,
    progress: orNull(migrationProgressSchema),
    downtimeMs: orNull(z.number()),
    guestSeenDowntimeMs: orNull(z.number()),
    failure: orNull(text),
    steps: z.array(z.object({ step: statesOf(migrationTransitions), at: instant })),
    createdAt: instant,
    endedAt: orNull(instant),
  }),
);

export const recommendationSchema = describes<entity.Recommendation>()(
  z.object({
    id: text,
    balanceRunId: orNull(text),
    poolId: text,
    guestId: text,
    fromHostId: orNull(text),
    toHostId: text,
    priority: z.number(),
    reason: text,
    gain: z.number(),
    cost: z.number(),
    projected: z.array(
      z.object({
        hostId: text,
        cpuBefore: z.number(),
        cpuAfter: z.number(),
        memoryBeforeMiB: z.number(),
        memoryAfterMiB: z.number(),
      }),
    ),
    state: statesOf(recommendationTransitions),
    createdAt: instant,
  }),
);

export const balanceRunSchema = describes<entity.BalanceRun>()(
  z.object({
    id: text,
    poolId: text,
    at: instant,
    imbalanceBefore: z.number(),
    imbalanceAfter: z.number(),
    recommendationCount: z.number(),
    explanation: text,
  }),
);

const objective = z.number().exactOptional();
export const drillObjectivesSchema = describes<Drill['objectives']>()(
  z.object({ inject: objective, detect: objective, fence: objective, restart: objective, alive: objective }),
);

export const drillSchema = describes<Drill>()(
  z.object({
    id: text,
    kind: z.enum(drillKinds),
    poolId: text,
    hostId: orNull(text),
    guestId: orNull(text),
    impairment: orNull(
      z.object({
        networks: z.array(z.enum(hostNetworks)),
        durationMs: z.number(),
        delayMs: z.number(),
        lossShare: z.number(),
      }),
    ),
    state: statesOf(drillTransitions),
    objectives: drillObjectivesSchema,
    phases: z.array(
      z.object({
        name: z.enum(drillPhases),
        predictedMs: orNull(z.number()),
        measuredMs: orNull(z.number()),
        objectiveMs: orNull(z.number()),
        met: orNull(z.boolean()),
      }),
    ),
    outages: z.array(
      z.object({
        guestId: text,
        guestName: text,
        predictedMs: orNull(z.number()),
        outageMs: orNull(z.number()),
        fromHostId: text,
        toHostId: orNull(text),
      }),
    ),
    verdict: orNull(z.enum(['met', 'missed'])),
    explanation: text,
    requestedBy: text,
    createdAt: instant,
    injectedAt: orNull(instant),
    endedAt: orNull(instant),
  }),
);

export const rollSchema = describes<Roll>()(
  z.object({
    id: text,
    poolId: text,
    command: text,
    state: statesOf(rollTransitions),
    hosts: z.array(
      z.object({
        hostId: text,
        round: z.number(),
        step: statesOf(rollStepTransitions),
        since: instant,
        output: text,
      }),
    ),
    requestedBy: text,
    failure: orNull(text),
    createdAt: instant,
    endedAt: orNull(instant),
  }),
);

export const taskSchema = describes<entity.Task>()(
  z.object({
    id: text,
    name: text,
    subjectKind: z.enum(subjectKinds),
    subjectId: text,
    requestedBy: text,
    state: statesOf(taskTransitions),
    progressShare: orNull(z.number()),
    result: orNull(text),
    createdAt: instant,
    endedAt: orNull(instant),
  }),
);

const recordShape = {
  at: instant,
  code: text,
  severity: z.enum(eventSeverities),
  subjectKind: z.enum(subjectKinds),
  subjectId: text,
  message: text,
  actor: text,
  details: z.record(z.string(), z.unknown()),
};
export const recordSchema = describes<entity.FleetRecord>()(z.object(recordShape));
/** A record as the database keeps it: ids count up in the order of writing. */
export const eventSchema = z.object({ id: z.number(), ...recordShape });

export const alarmSchema = describes<entity.Alarm>()(
  z.object({
    id: text,
    code: text,
    subjectKind: z.enum(subjectKinds),
    subjectId: text,
    severity: z.enum(eventSeverities),
    message: text,
    raisedAt: instant,
    clearedAt: orNull(instant),
  }),
);
/** Whether `alarm.acknowledge` takes it: an alarm of a state goes when the state does. */
export const endsWhenSeen = ({ code }: Pick<entity.Alarm, 'code'>): boolean => alarmsUntilSeen.has(code);

export const userSchema = describes<User>()(
  z.object({ id: text, name: text, role: z.enum(roles), createdAt: instant }),
);

/** Of a token only its beginning is ever shown again, so that people can tell theirs apart. */
export const tokenSchema = z.object({
  id: text,
  userId: text,
  description: text,
  prefix: text,
  createdAt: instant,
  expiresAt: orNull(instant),
  lastUsedAt: orNull(instant),
});
export const newTokenSchema = tokenSchema.extend({ secret: text });

export const joinTokenSchema = z.object({
  id: text,
  poolName: orNull(text),
  hostName: orNull(text),
  description: text,
  prefix: text,
  reusable: z.boolean(),
  createdAt: instant,
  expiresAt: orNull(instant),
  usedAt: orNull(instant),
});
export const newJoinTokenSchema = joinTokenSchema.extend({ secret: text });

export const guestUsageSchema = describes<report.GuestUsage>()(
  z.object({
    cpuMillicores: z.number(),
    cpuDemandMillicores: z.number(),
    residentMiB: z.number(),
    dirtyBytesPerSecond: orNull(z.number()),
    diskBytes: orNull(z.number()),
    vmmSilentMs: z.number(),
  }),
);

export const guestObservationSchema = describes<report.GuestObservation>()(
  z.object({
    guestId: text,
    epoch: z.int().min(0),
    state: z.enum(observedGuestStates),
    usage: orNull(guestUsageSchema),
    heartbeat: orNull(z.object({ count: z.number(), work: z.number(), at: instant, firstAt: instant })),
    refusal: orNull(refusalSchema),
    limits: orNull(z.object({ cpuShares: z.number(), cpuLimitMillicores: orNull(z.number()) })).exactOptional(),
  }),
);

export const migrationObservationSchema = describes<report.MigrationObservation>()(
  z.object({
    migrationId: text,
    guestId: text,
    role: z.enum(['source', 'target']),
    epoch: z.int().min(0),
    phase: z.enum(migrationPhases),
    uri: orNull(text),
    diskUri: orNull(text),
    progress: orNull(migrationProgressSchema),
    downtimeMs: orNull(z.number()),
    heartbeatAt: orNull(instant),
    refusal: orNull(refusalSchema),
  }),
);

/** What a host was last heard to use: the live view, of which the database keeps nothing. */
export const hostUsageSchema = z.object({
  hostId: text,
  heardAt: orNull(instant),
  capacity: hostCapacitySchema,
  cpuMillicores: z.number(),
  guests: z.array(guestObservationSchema),
});
export type HostUsage = z.output<typeof hostUsageSchema>;

export const hostCapabilitiesSchema = z.object({
  hostId: text,
  hostName: text,
  drivers: z.array(driverCapabilitiesSchema),
});

/** Every list has this form; `nextCursor` is null on the last page. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), nextCursor: z.union([z.string(), z.null()]) });
}
