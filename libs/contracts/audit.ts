import { auditOutcomes, type AuditEvent } from '@argosy/domain/access';
import { z } from 'zod';
import { describes } from './describes';

const textOrNull = z.string().nullable();

/** As the database keeps it: ids count up in the order of writing. */
export const auditEventSchema = describes<AuditEvent & { readonly id: number }>()(
  z.object({
    id: z.number(),
    at: z.number(),
    actor: textOrNull,
    tokenId: textOrNull,
    address: textOrNull,
    method: textOrNull,
    route: z.string(),
    subject: textOrNull,
    outcome: z.enum(auditOutcomes),
    status: z.int().nullable(),
    code: textOrNull,
    dropped: z.int(),
  }),
);
