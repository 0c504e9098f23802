import { randomBytes } from 'node:crypto';

/** A name that no other process has had: what was meant for an agent's process is not for the next one. */
export function agentQueue(agent: string): string {
  return `agent-${agent}-${randomBytes(6).toString('hex')}`;
}

/** Others may keep queues of their own in the same Redis. */
export function isAgentQueue(name: string): boolean {
  return /^agent-.+-[0-9a-f]{12}$/.test(name);
}
