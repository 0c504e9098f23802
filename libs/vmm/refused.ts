import { refused } from '@argosy/domain/refusal';
import type { Refusal, RefusalCode } from '@argosy/domain/refusal';

/** Carries a refusal through awaiting code to the edge of the driver, where it becomes a value again. */
export class Refused extends Error {
  constructor(readonly refusal: Refusal) {
    super(refusal.message);
  }
}

export function refuse(code: RefusalCode, message: string, details?: Readonly<Record<string, unknown>>): Refused {
  return new Refused(refused(code, message, details).refusal);
}

export function handingOver(name: string): Refused {
  return refuse('guest-busy', `${name} is being taken elsewhere at this moment; try again at once.`);
}
