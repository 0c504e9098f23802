import { fleetRoutes } from '@argosy/contracts/fleet-routes';
import type { HostAssignments } from '@argosy/domain/host-report';
import type { Result } from '@argosy/domain/refusal';
import { refuse, type Answer, type Handlers } from '../answer';
import type { HttpPorts } from '../ports';
import { findRow } from '../references';
import { askWithin } from './requests';

interface Newcomer {
  readonly hostName: string;
  readonly poolName: string;
}

/** How hosts join, and come back. */
export function agentHandlers(ports: Pick<HttpPorts, 'access' | 'gateway' | 'limits'>) {
  const { access, gateway } = ports;
  const ask = askWithin(ports);

  /** Value: the credential that a join token was exchanged for; null when it came with one. */
  async function admit(secret: string, { hostName, poolName }: Newcomer): Promise<Answer<string | null>> {
    const owner = await access.hostOfCredential(secret);
    if (owner === hostName) return { ok: true, value: null };
    if (owner !== null)
      return refuse(
        'forbidden',
        `This credential speaks for host ${owner}; host ${hostName} needs a join token of its own.`,
      );
    const joined = await access.join(secret, hostName, poolName);
    if (joined) return { ok: true, value: joined.credential };
    return refuse(
      'unauthenticated',
      `This is no valid join token for pool ${poolName} and no credential of host ${hostName}: it is unknown, used up, run out or for another pool. An administrator makes a new one with POST /api/v1/join-tokens.`,
    );
  }

  return {
    'agent.register': async (call) => {
      const { hostName, poolName } = call.body;
      // Looked at first: a token that was used up for nothing would be lost.
      const pool = findRow(gateway.fleet, 'pool', poolName);
      if (!pool.ok) return pool;
      const admitted = await admit(call.secret, { hostName, poolName: pool.value.name });
      if (!admitted.ok) return admitted;
      const credential = admitted.value;
      const answer = (await ask(`host ${hostName}`, fleetRoutes['agent.register'](call))) as Result<HostAssignments>;
      if (answer.ok) return { ok: true, value: { assignments: answer.value, credential, ...gateway.agentAccess } };
      if (credential === null) return answer;
      // The token is used up by now: the agent keeps what it was exchanged for, and tries again with that.
      const { code, message, details } = answer.refusal;
      return refuse(code, message, { ...details, credential });
    },
  } satisfies Partial<Handlers>;
}
