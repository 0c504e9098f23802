import { z } from 'zod';

/**
 * What is asked of an agent over a direct connection: by another agent in a migration's hand-over, by the controller for
 * a guest's console and screen. One JSON object a line; each request has an id, and its answer the same one.
 */
export const peerCallSchema = z.union([
  z.object({
    kind: z.literal('grant'),
    migrationId: z.string(),
    guestId: z.string(),
    epoch: z.int(),
    sourceDead: z.boolean(),
    typed: z.string().max(4096).default(''),
  }),
  z.object({ kind: z.literal('console-write'), guestId: z.string(), epoch: z.int(), text: z.string().max(4096) }),
  z.object({
    kind: z.literal('console-tail'),
    guestId: z.string(),
    epoch: z.int(),
    maximumBytes: z.int().min(1).max(1_048_576),
  }),
  /** Once it is granted, the connection is the screen's: RFB, both ways, until either side ends it. */
  z.object({ kind: z.literal('screen'), guestId: z.string(), epoch: z.int() }),
  /** A drill's fault: the agent kills itself, or a guest's VMM, with no word to anybody. */
  z.object({ kind: z.literal('die'), what: z.literal('agent') }),
  z.object({ kind: z.literal('die'), what: z.literal('guest'), guestId: z.string(), epoch: z.int() }),
]);
export type PeerCall = z.output<typeof peerCallSchema>;

export const peerAnswerSchema = z.object({ kind: z.enum(['granted', 'destroyed', 'not-ready']) });

/**
 * How a connection begins: the agent sends a challenge, the caller says who it is, proves that it has the ticket for that,
 * and challenges in turn; the agent proves that it is the one for which the ticket was made. Calls may follow at once.
 */
export const peerChallengeSchema = z.object({ challenge: z.string() });
export const peerHelloSchema = z.object({
  role: z.union([
    z.object({ as: z.literal('controller') }),
    z.object({
      as: z.literal('source'),
      migrationId: z.string(),
      guestId: z.string(),
      epoch: z.int(),
      notAfter: z.int(),
    }),
  ]),
  proof: z.string(),
  challenge: z.string(),
});
export const peerWelcomeSchema = z.object({ proof: z.string() });
export const peerRequestLineSchema = z.object({ id: z.int(), call: peerCallSchema });
export const peerAnswerLineSchema = z.object({ id: z.int(), answer: z.unknown() });
