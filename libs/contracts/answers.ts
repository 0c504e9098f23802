import { roles } from '@argosy/domain/access';
import type { EvacuationPlan } from '@argosy/domain/entities';
import { refusalCodes } from '@argosy/domain/refusal';
import { z } from 'zod';
import { describes } from './describes';
import { referenceField, strictBody } from './fields';
import { guestSchema, hostSchema, orNull, poolSchema, ruleSchema } from './responses';

// Answers that are no rows of the inventory: what the controller says of itself, and what is found out when it is asked.

const instant = z.number();
const text = z.string();

export const leaseSchema = z.object({ term: z.number(), holder: text, url: text, held: z.boolean(), at: instant });

export const whoamiSchema = z.object({ name: text, role: z.enum(roles), tokenId: text });

export const labSchema = z.object({
  version: text,
  controller: text,
  startedAt: instant,
  /** null: nobody leads, or the database is away. */
  leader: orNull(leaseSchema),
  database: z.enum(['up', 'down']),
  redis: z.enum(['up', 'down']),
  /** null: this is no lab, and its hosts were started by somebody else. */
  lab: orNull(z.object({ folder: text, hosts: z.array(text) })),
});

/** Whether a host of the guest's pool would take it now; `rejection` null: it would. */
export const guestHostSchema = z.object({
  hostId: text,
  hostName: text,
  isCurrent: z.boolean(),
  /** Where it would go if nobody named a host. */
  isBest: z.boolean(),
  rejection: orNull(z.object({ check: text, code: z.enum(refusalCodes), reason: text })),
});

const ofGuest = z.object({ guestId: text, reason: text });
export const evacuationPlanSchema = describes<EvacuationPlan>()(
  z.object({
    hostId: text,
    moves: z.array(z.object({ guestId: text, toHostId: text })),
    stuck: z.array(ofGuest),
    staying: z.array(ofGuest),
  }),
);

/** Whether a guest's disk could be moved there now, the guest staying where it is. */
export const guestDatastoreSchema = z.object({
  datastoreId: text,
  datastoreName: text,
  isCurrent: z.boolean(),
  refusal: orNull(z.object({ code: z.enum(refusalCodes), message: text })),
});

/** What a guest asks of its host's processors, what of it is due to it, and what it gets. */
export const guestProcessorsSchema = z.object({
  reservationMillicores: z.number(),
  /** null: no limit. */
  limitMillicores: orNull(z.number()),
  shares: z.number(),
  /** As balancing weighs it: smoothed, and at most the limit. */
  demandMillicores: z.number(),
  /** All of the demand, but where its pool is asked for more than it has. */
  entitlementMillicores: z.number(),
  /** null: it does not run, or was not heard of yet. */
  usedMillicores: orNull(z.number()),
  /** 0 to 1: how much of what it now wants and is entitled to it has used. */
  metShare: orNull(z.number()),
});

/** The fleet's rows as they were; where guests were, the placements of that instant say. */
export const momentSchema = z.object({
  at: instant,
  /** What was changed or removed before that is not known: such rows are as they were then, or missing. */
  keptSince: instant,
  pools: z.array(poolSchema),
  hosts: z.array(hostSchema),
  /** Their state, epoch and host are of some later time. */
  guests: z.array(guestSchema.omit({ cloudInitBytes: true })),
  rules: z.array(ruleSchema),
  /** The latest sample before the instant. null: none was kept. */
  demand: orNull(
    z.object({
      at: instant,
      guests: z.array(z.object({ guestId: text, cpuMillicores: z.number(), dirtyBytesPerSecond: z.number() })),
    }),
  ),
});

export const usageHistoryQuery = strictBody({
  host: referenceField.describe('This host, by its id or its name.').optional(),
  guest: referenceField.describe('This guest, by its id or its name.').optional(),
});

const pointShape = { everyMs: z.number().describe('Each point is the mean of so long.'), at: z.array(instant) };
const pointsOf = (what: string) =>
  z.array(orNull(z.number())).describe(`${what} One for each of \`at\`; null: not known.`);

/** Oldest first. The controller that answers has an hour of it, or as much as it has run. */
export const usageHistorySchema = z.object({
  ...pointShape,
  usedMillicores: pointsOf('What it used.'),
  wantedMillicores: pointsOf('What it would have used with no neighbour.'),
});
export const usageHeatSchema = z.object({
  ...pointShape,
  hosts: z.array(z.object({ hostId: text, usedPermille: pointsOf('Of what the host has.') })),
});

/** `path`: of a WebSocket, good once and for ten seconds. It shows the guest as it is on this host, and ends with it there. */
export const screenSchema = z.object({
  path: text.describe(
    'Of a WebSocket (RFC 6455), subprotocol binary, that speaks RFB (RFC 6143). Good once, and for ten seconds.',
  ),
  hostId: text,
  epoch: z.number(),
});

export const consoleSchema = z.object({ text });
