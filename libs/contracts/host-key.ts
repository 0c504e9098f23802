import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Instant } from '@argosy/domain/units';

/**
 * Each host has one key, which only its agent and the controllers know. With it the agent signs its reports and the
 * controllers their commands, and what is asked of an agent over a direct connection is proved by what is made of it. No
 * controller has to keep it: it is made of the fleet's secret and the host's id, by HMAC-SHA256 as all else here.
 */
export type HostKey = string;

/** What a signature is for: one made for another purpose does not hold. */
export type Purpose =
  | 'host'
  | 'migrations'
  | 'report'
  | 'host-heartbeat'
  | 'command'
  | 'heartbeat'
  | 'controller'
  | 'source'
  | 'client'
  | 'server';

export function sign(key: string, purpose: Purpose, text: string): string {
  return createHmac('sha256', key).update(`${purpose}\n${text}`).digest('base64url');
}

export function isSigned(key: string, purpose: Purpose, text: string, signature: string): boolean {
  const [given, expected] = [Buffer.from(signature), Buffer.from(sign(key, purpose, text))];
  return given.length === expected.length && timingSafeEqual(given, expected);
}

export function hostKeyOf(fleetSecret: string, hostId: string): HostKey {
  return sign(fleetSecret, 'host', hostId);
}

/** Agents make the keys of migrations' streams of it: see the decision on those. It opens nothing else. */
export function migrationSecretOf(fleetSecret: string): string {
  return sign(fleetSecret, 'migrations', '');
}

/** The one hand-over that a source may ask for: of this guest, to this epoch, in this migration, until then. */
export interface HandOver {
  readonly migrationId: string;
  readonly guestId: string;
  readonly epoch: number;
  readonly notAfter: Instant;
}

/** Who may ask something of an agent: any controller; or the source of one migration, for its hand-over alone. */
export type PeerRole = { readonly as: 'controller' } | ({ readonly as: 'source' } & HandOver);

/** What whoever asks needs to know; its agent makes it anew of its own key. */
export function peerTicket(hostKey: HostKey, role: PeerRole): string {
  if (role.as === 'controller') return sign(hostKey, 'controller', '');
  const { migrationId, guestId, epoch, notAfter } = role;
  return sign(hostKey, 'source', JSON.stringify([migrationId, guestId, epoch, notAfter]));
}

/**
 * A released source asks until it is answered, whatever its target's host or network goes through meanwhile: longer than
 * anybody would leave that so, and not for ever.
 */
const handOverLifeMs = 7 * 24 * 3_600_000;

/** Where an agent listens, with the ticket by which the source of that migration may ask there. */
export function addressWithTicket(
  address: string,
  hostKey: HostKey,
  handOver: Omit<HandOver, 'notAfter'> & { readonly now: Instant },
): string {
  const { now, ...what } = handOver;
  const notAfter = Math.ceil(now) + handOverLifeMs;
  return `${address}#${notAfter}#${peerTicket(hostKey, { as: 'source', ...what, notAfter })}`;
}

export function splitTicket(text: string): {
  readonly address: string;
  readonly notAfter: Instant;
  readonly ticket: string;
} {
  const [address = '', notAfter = '0', ticket = ''] = text.split('#');
  return { address, notAfter: Number(notAfter), ticket };
}
