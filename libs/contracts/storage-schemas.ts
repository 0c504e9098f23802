import { type DiskWork, diskWorkPhases, type DiskWorkResult } from '@argosy/domain/disk-work';
import type { Datastore, DiskOperation, Snapshot } from '@argosy/domain/storage';
import { displays } from '@argosy/domain/entities';
import type { DiskRecovery } from '@argosy/domain/fleet-request';
import type * as report from '@argosy/domain/host-report';
import { snapshotTransitions } from '@argosy/domain/lifecycle';
import { z } from 'zod';
import { describes } from './describes';
import { machineSchema, migrationProgressSchema, orNull, refusalSchema, statesOf } from './responses';

const instant = z.number();
const text = z.string();

const onGuest = { guestId: text, epoch: orNull(z.number()), diskPath: text };
export const diskWorkSchema = describes<DiskWork>()(
  z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('remove'), folder: text, basePaths: z.array(text) }),
    z.object({
      kind: z.literal('clone'),
      ...onGuest,
      snapshotId: orNull(text),
      clonePath: text,
      imagePath: orNull(text),
      basePath: orNull(text),
    }),
    z.object({
      kind: z.literal('relocate'),
      ...onGuest,
      copyPath: text,
      newDiskPath: text,
      backingPath: orNull(text),
      bandwidthMiBPerSecond: z.number(),
    }),
    z.object({ kind: z.literal('take'), copyPath: text, newDiskPath: text }),
    z.object({
      kind: z.literal('settle'),
      copyPath: text,
      newDiskPath: text,
      // Written before there was one.
      mayWriteSince: orNull(z.number()).default(null),
    }),
    z.object({
      kind: z.literal('discard'),
      folder: text,
      copyPath: text,
      newDiskPath: text,
      copyEpoch: z.number(),
    }),
    z.object({ kind: z.literal('snapshot'), ...onGuest, snapshotId: text, memoryPath: orNull(text) }),
    z.object({ kind: z.literal('delete-snapshot'), ...onGuest, snapshotId: text, memoryPath: orNull(text) }),
    z.object({
      kind: z.literal('revert'),
      diskPath: text,
      snapshotId: text,
      memoryPath: orNull(text),
      restorePath: orNull(text),
    }),
    z.object({ kind: z.literal('suspend'), guestId: text, epoch: z.number(), diskPath: text, memoryPath: text }),
  ]),
);
export const diskWorkResultSchema = describes<DiskWorkResult>()(
  z.object({ pauseMs: orNull(z.number()), memoryBytes: orNull(z.number()), moved: orNull(z.boolean()) }),
);

export const datastoreSchema = describes<Datastore>()(
  z.object({
    id: text,
    name: text,
    path: text,
    shared: z.boolean(),
    hostId: orNull(text),
    alarmUsedShare: z.number(),
    use: orNull(
      z.object({
        totalBytes: z.number(),
        freeBytes: z.number(),
        growthBytesPerSecond: orNull(z.number()),
        at: instant,
      }),
    ),
    createdAt: instant,
  }),
);

export const diskRecoverySchema = describes<DiskRecovery>()(
  z.object({
    guestId: text,
    datastoreId: text,
    abandonedDatastoreId: text,
    since: orNull(instant),
    until: instant,
    loses: text,
  }),
);

export const diskOperationSchema = describes<DiskOperation>()(
  z.object({
    id: text,
    guestId: text,
    guestName: text,
    datastoreId: text,
    hostId: orNull(text),
    work: diskWorkSchema,
    requestedBy: text,
    createdAt: instant,
  }),
);

export const snapshotSchema = describes<Snapshot>()(
  z.object({
    id: text,
    guestId: text,
    name: text,
    state: statesOf(snapshotTransitions),
    memoryPath: orNull(text),
    memoryMachine: orNull(machineSchema),
    memoryMiB: z.number(),
    vcpus: z.number(),
    display: z.enum(displays),
    pauseMs: orNull(z.number()),
    memoryBytes: orNull(z.number()),
    createdAt: instant,
  }),
);

export const datastoreObservationSchema = describes<report.DatastoreObservation>()(
  z.object({
    datastoreId: text,
    totalBytes: orNull(z.number()),
    freeBytes: orNull(z.number()),
    at: instant,
    refusal: orNull(refusalSchema),
  }),
);

export const diskWorkObservationSchema = describes<report.DiskWorkObservation>()(
  z.object({
    operationId: text,
    phase: z.enum(diskWorkPhases),
    // An agent of an earlier release does not tell it.
    progress: orNull(migrationProgressSchema).default(null),
    result: diskWorkResultSchema,
    refusal: orNull(refusalSchema),
  }),
);
