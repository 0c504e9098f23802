import { displays } from '@argosy/domain/entities';
import { firmwares, imageFormats } from '@argosy/domain/storage';
import type { GuestSpecification } from '@argosy/domain/guest-specification';
import type { HostCommand, HostOrder } from '@argosy/domain/host-command';
import { z } from 'zod';
import { describes } from './describes';
import { migrationPolicySchema } from './policy-schemas';
import { isolationPolicySchema } from './responses';
import { diskWorkSchema } from './storage-schemas';

const text = z.string().min(1);
const textOrNull = z.union([text, z.null()]);
const epoch = z.int().min(0);

export const guestSpecificationSchema = describes<GuestSpecification>()(
  z.object({
    guestId: text,
    name: text,
    vcpus: z.int().min(1),
    memoryMiB: z.int().min(1),
    architecture: text,
    cpuShares: z.int().min(1),
    cpuLimitMillicores: z.union([z.int().min(1), z.null()]),
    display: z.enum(displays),
    boot: z.object({
      format: z.enum(imageFormats),
      firmware: z.enum(firmwares),
      kernelPath: textOrNull,
      initrdPath: textOrNull,
      kernelArguments: z.union([z.string(), z.null()]),
      backingDiskPath: textOrNull,
      datastorePath: text,
    }),
    diskPath: text,
    diskMade: z.boolean(),
    diskMiB: z.int().min(0),
    memoryPath: textOrNull,
    cloudInit: z.union([z.string(), z.null()]),
    network: z.object({ macAddress: text, address: text, prefixLength: z.int().min(1).max(32), gateway: textOrNull }),
  }),
);

export const hostOrderSchema = describes<HostOrder>()(
  z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('host.isolation'), policy: isolationPolicySchema }),
    z.object({ kind: z.literal('host.report') }),
    z.object({ kind: z.literal('host.run'), runId: text, command: text }),
    z.object({
      kind: z.literal('guest.start'),
      guest: guestSpecificationSchema,
      epoch,
      hostMemoryMiB: z.int().min(0),
    }),
    z.object({ kind: z.literal('guest.stop'), guestId: text, epoch, graceMs: z.number().min(0) }),
    z.object({ kind: z.literal('guest.kill'), guestId: text, epoch, reason: text }),
    z.object({ kind: z.literal('guest.pause'), guestId: text, epoch }),
    z.object({ kind: z.literal('guest.resume'), guestId: text, epoch }),
    z.object({
      kind: z.literal('guest.limit'),
      guestId: text,
      epoch,
      cpuShares: z.int().min(1),
      cpuLimitMillicores: z.union([z.int().min(1), z.null()]),
    }),
    z.object({
      kind: z.literal('migration.prepare'),
      migrationId: text,
      guest: guestSpecificationSchema,
      epoch,
      hostMemoryMiB: z.int().min(0),
      policy: migrationPolicySchema,
      disk: z.union([z.object({ copyPath: text, backingPath: textOrNull }), z.null()]),
    }),
    z.object({
      kind: z.literal('migration.start'),
      migrationId: text,
      guestId: text,
      epoch,
      targetEpoch: epoch,
      targetUri: text,
      targetPeerAddress: text,
      policy: migrationPolicySchema,
      disk: z.union([z.object({ uri: text, backingPath: textOrNull }), z.null()]),
    }),
    z.object({ kind: z.literal('migration.cancel'), migrationId: text, guestId: text }),
    z.object({ kind: z.literal('migration.grant'), migrationId: text, guestId: text, epoch }),
    z.object({ kind: z.literal('migration.release'), migrationId: text, guestId: text }),
    z.object({
      kind: z.literal('datastore.watch'),
      datastores: z.array(z.object({ datastoreId: text, path: text })),
    }),
    z.object({ kind: z.literal('disk.work'), operationId: text, work: diskWorkSchema }),
    z.object({ kind: z.literal('disk.cancel'), operationId: text, work: diskWorkSchema }),
    z.object({ kind: z.literal('disk.forget'), operationId: text }),
  ]),
);

export const hostCommandSchema = describes<HostCommand>()(
  z.object({
    commandId: text,
    hostId: text,
    incarnation: z.int().min(0),
    term: z.int().min(0),
    notAfter: z.number(),
    order: hostOrderSchema,
  }),
);

/** A command as JSON, signed with the key of its host: whoever reaches Redis can put jobs on any queue. */
export const signedCommandSchema = z.object({ text: z.string(), signature: z.string() });
export type SignedCommand = z.output<typeof signedCommandSchema>;

/**
 * Every job there is. `attempts` 1: a job is a doorbell, and the control loop rings again by itself when it does not see
 * what it asked for.
 */
export const jobs = { 'host.command': { attempts: 1, payload: signedCommandSchema } } as const;
export type JobName = keyof typeof jobs;
export type JobPayload<Name extends JobName> = z.output<(typeof jobs)[Name]['payload']>;
