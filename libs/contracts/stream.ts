import { z } from 'zod';
import { oneOf, strictBody } from './fields';
import * as responses from './responses';
import * as storage from './storage-schemas';

/** How much of what is used a reader is told: of a large fleet the guests' figures are most of all that is sent. */
export const usageDetails = ['all', 'hosts', 'none'] as const;
export type UsageDetail = (typeof usageDetails)[number];
export const streamQuery = strictBody({
  usage: oneOf(usageDetails)
    .default('all')
    .describe('all: what hosts use, with each of their guests; hosts: without the guests; none: nothing of it.'),
});

/** GET it with a token in the Authorization header; server-sent events, each a `StreamMessage` as JSON. */
export const streamPath = '/api/v1/events/stream';

/** Every kind of row that the fleet has, by the name under which the stream and the store speak of it. */
export const entitySchemas = {
  pool: responses.poolSchema,
  host: responses.hostSchema,
  guest: responses.guestSchema,
  image: responses.imageSchema,
  datastore: storage.datastoreSchema,
  diskOperation: storage.diskOperationSchema,
  snapshot: storage.snapshotSchema,
  rule: responses.ruleSchema,
  migration: responses.migrationSchema,
  recommendation: responses.recommendationSchema,
  balanceRun: responses.balanceRunSchema,
  drill: responses.drillSchema,
  roll: responses.rollSchema,
  task: responses.taskSchema,
  alarm: responses.alarmSchema,
} as const;
export type EntityName = keyof typeof entitySchemas;

const id = z.string();

function put<Name extends EntityName>(entity: Name) {
  return z.object({ id, kind: z.literal('put'), entity: z.literal(entity), row: entitySchemas[entity] });
}

/**
 * One server-sent event; `id` is its SSE id. `put` carries the whole row. `open` and `close` are of placements. `record`
 * is something that happened. `usage` is what a host was just heard to use. `reset` comes first when the stream cannot
 * continue from the Last-Event-ID that was sent: read everything anew.
 */
export const streamMessageSchema = z.union([
  z.discriminatedUnion('entity', [
    put('pool'),
    put('host'),
    put('guest'),
    put('image'),
    put('datastore'),
    put('diskOperation'),
    put('snapshot'),
    put('rule'),
    put('migration'),
    put('recommendation'),
    put('balanceRun'),
    put('drill'),
    put('roll'),
    put('task'),
    put('alarm'),
  ]),
  z.object({
    id,
    kind: z.literal('remove'),
    entity: z.enum(Object.keys(entitySchemas) as [EntityName, ...EntityName[]]),
    row: z.object({ id: z.string() }),
  }),
  z.object({ id, kind: z.literal('open'), entity: z.literal('placement'), row: responses.placementSchema }),
  z.object({
    id,
    kind: z.literal('close'),
    entity: z.literal('placement'),
    row: z.object({ guestId: z.string(), epoch: z.number(), to: z.number(), endReason: z.string() }),
  }),
  z.object({ id, kind: z.literal('record'), entity: z.literal('event'), row: responses.recordSchema }),
  z.object({ id, kind: z.literal('usage'), entity: z.literal('host'), row: responses.hostUsageSchema }),
  z.object({ id, kind: z.literal('reset'), entity: z.literal('fleet'), row: z.object({ reason: z.string() }) }),
]);
export type StreamMessage = z.output<typeof streamMessageSchema>;
