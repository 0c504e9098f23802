import type * as entity from '@argosy/domain/entities';
import { z } from 'zod';
import { describes } from './describes';
import { orNull } from './responses';

const text = z.string();

export const lossToleranceSchema = describes<entity.LossTolerance>()(
  z.object({
    poolId: text,
    tolerated: z.number(),
    isExact: z.boolean(),
    witness: orNull(z.object({ hostIds: z.array(text), guestIds: z.array(text) })),
    unprotectedGuestIds: z.array(text),
    explanation: text,
  }),
);
