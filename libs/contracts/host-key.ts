import { createHmac, timingSafeEqual } from 'node:crypto';

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

/** Who may ask something of an agent: any controller; or the source of one migration, for its hand-over alone. */
export type PeerRole = { readonly as: 'controller' } | { readonly as: 'source'; readonly migrationId: string };

/** What whoever asks needs to know; its agent makes it anew of its own key. */
export function peerTicket(hostKey: HostKey, role: PeerRole): string {
  return role.as === 'controller' ? sign(hostKey, 'controller', '') : sign(hostKey, 'source', role.migrationId);
}

/** Where an agent listens, with the ticket by which whoever is told of it may ask there. */
export function addressWithTicket(address: string, ticket: string): string {
  return `${address}#${ticket}`;
}

export function splitTicket(text: string): { readonly address: string; readonly ticket: string } {
  const [address = '', ticket = ''] = text.split('#');
  return { address, ticket };
}
