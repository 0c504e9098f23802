import { fleetRoutes } from '@argosy/contracts/fleet-routes';
import type { HostAssignments } from '@argosy/domain/host-report';
import type { RouteInput } from '@argosy/contracts/routes';
import type { Result } from '@argosy/domain/refusal';
import { refuse, type Handlers } from '../answer';
import type { HttpPorts } from '../ports';
import { findRow, listRows, seekRow } from '../references';
import { askWithin } from './requests';

type Registration = RouteInput<'agent.register'>['body'];

const takenName = (hostName: string) =>
  refuse(
    'name-taken',
    `A host named ${hostName} has joined already. Give this one another name; or, if it is the same host and has lost its state folder, an administrator makes a join token for it alone: argosy join-token create --host ${hostName}`,
  );

/** How hosts join, and come back. */
export function agentHandlers(ports: Pick<HttpPorts, 'access' | 'gateway' | 'limits'>) {
  const { access, gateway } = ports;
  const ask = askWithin(ports);

  async function admit(secret: string, { hostName, credentialHash }: Registration, poolName: string) {
    const owner = await access.hostOfCredential(secret);
    if (owner === hostName) return null;
    if (owner !== null)
      return refuse(
        'forbidden',
        `This credential speaks for host ${owner}; host ${hostName} needs a join token of its own.`,
      );
    if (credentialHash === undefined)
      return refuse(
        'unauthenticated',
        `This is no credential of host ${hostName}. To join with a join token, send "credentialHash" as well.`,
      );
    const joining = await access.join(secret, { hostName, poolName, credentialHash });
    if (joining === 'joined') return null;
    if (joining === 'taken') return takenName(hostName);
    return refuse(
      'unauthenticated',
      `This is no valid join token for host ${hostName} in pool ${poolName} and no credential of this host: it is unknown, used up, run out, or for another host or pool. An administrator makes a new one with POST /api/v1/join-tokens.`,
    );
  }

  /** What the agent was not told, the fleet knows: where the host is, what its token is for, or that there is one pool only. */
  async function poolNameOf(secret: string, { hostName, poolName }: Registration): Promise<string | null> {
    if (poolName !== undefined) return poolName;
    const pools = listRows(gateway.fleet, 'pool');
    const known = seekRow(gateway.fleet, 'host', hostName);
    return (
      pools.find(({ id }) => id === known?.poolId)?.name ??
      (await access.poolOfJoinToken(secret)) ??
      (pools.length === 1 ? pools[0]!.name : null)
    );
  }

  return {
    'agent.register': async (call) => {
      const { hostName } = call.body;
      const poolName = await poolNameOf(call.secret, call.body);
      if (poolName === null)
        return refuse(
          'invalid-request',
          `Say which pool host ${hostName} joins ("poolName"; argosy agent join --pool): its token does not say.`,
        );
      // Looked at first: a token that was used up for nothing would be lost.
      const pool = findRow(gateway.fleet, 'pool', poolName);
      if (!pool.ok) return pool;
      const refusal = await admit(call.secret, call.body, pool.value.name);
      if (refusal) return refusal;
      const request = fleetRoutes['agent.register']({ ...call, body: { ...call.body, poolName } });
      const answer = (await ask(`host ${hostName}`, request)) as Result<HostAssignments>;
      if (!answer.ok) return answer;
      const assignments = answer.value;
      return { ok: true, value: { assignments, ...gateway.agentAccess(assignments.hostId) } };
    },
  } satisfies Partial<Handlers>;
}
