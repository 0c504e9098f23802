import type { BalancePolicy, FailurePolicy, MigrationPolicy, PowerPolicy } from '@argosy/domain/policies';
import { admissionPolicies, automationLevels, powerAutomations, restartReadiness } from '@argosy/domain/policies';
import { z } from 'zod';
import { describes } from './describes';

export const balancePolicySchema = describes<BalancePolicy>()(
  z.object({
    automation: z.enum(automationLevels),
    threshold: z.number(),
    intervalMs: z.number(),
    coolDownMs: z.number(),
    cpuSafetyShare: z.number(),
    memoryRatio: z.number(),
    vcpuRatio: z.number(),
  }),
);

export const migrationPolicySchema = describes<MigrationPolicy>()(
  z.object({
    autoConverge: z.boolean(),
    postCopy: z.boolean(),
    encrypted: z.boolean(),
    bandwidthMiBPerSecond: z.number(),
    downtimeLimitMs: z.number(),
    copyDeadlineMs: z.number(),
    concurrentPerHost: z.number(),
  }),
);

export const failurePolicySchema = describes<FailurePolicy>()(
  z.object({
    suspectAfterMs: z.number(),
    failedAfterMs: z.number(),
    datastoreSilentAfterMs: z.number(),
    maximumSilentHosts: z.number(),
    isolatedAfterMs: z.number(),
    watchdogLeaseMs: z.number(),
    lockIsProof: z.boolean(),
    restartReady: z.enum(restartReadiness),
    restartWaitMs: z.number(),
    guestMonitoringMs: z.number(),
    guestRestarts: z.number(),
    poolRestarts: z.number(),
    hostFailures: z.number(),
    budgetWindowMs: z.number(),
    admission: z.enum(admissionPolicies),
    toleratedHostFailures: z.number(),
    reservedCpuShare: z.number(),
    reservedMemoryShare: z.number(),
  }),
);

export const powerPolicySchema = describes<PowerPolicy>()(
  z.object({
    automation: z.enum(powerAutomations),
    offShare: z.number(),
    onShare: z.number(),
    lowForMs: z.number(),
  }),
);
