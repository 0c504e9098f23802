import type { Instant } from './units';

export const roles = ['viewer', 'operator', 'administrator'] as const;
export type Role = (typeof roles)[number];

export interface User {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly createdAt: Instant;
}

/** `denied`: not let in, 401 and 403; `refused`: any other 4xx; `dropped`: not of a call, but how many are left out. */
export const auditOutcomes = ['done', 'denied', 'refused', 'failed', 'dropped'] as const;
export type AuditOutcome = (typeof auditOutcomes)[number];

/** A call of the API: who did what, from where, and what came of it. Never what was sent with it. */
export interface AuditEvent {
  readonly at: Instant;
  /** A user's name, or "host h1". null: nobody that is known. */
  readonly actor: string | null;
  readonly tokenId: string | null;
  readonly address: string | null;
  readonly method: string | null;
  readonly route: string;
  /** As the caller named it, or as what was made is named. */
  readonly subject: string | null;
  readonly outcome: AuditOutcome;
  readonly status: number | null;
  readonly code: string | null;
  /** How many calls are left out of the record since it was last said; 0 but in events with that outcome. */
  readonly dropped: number;
}
