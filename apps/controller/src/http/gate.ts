import type { Access } from '@argosy/contracts/routes';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { CallContext, EdgeRefusal } from './answer';
import { note } from './audit';
import type { Authentication } from './authentication';

/** Every route says in its `config` who may call it: a role, an agent that joins, or everyone without any token. */
export interface RouteConfig {
  readonly name: string;
  readonly access: Access | 'everyone';
  /** It goes on with what was recorded when it began: the audit trail has it only when it is refused. */
  readonly isPart?: boolean;
}

const admitted = new WeakMap<FastifyRequest, CallContext>();

/** What a route is registered with; the compiler asks for all of it. */
export function routeConfig(name: string, access: RouteConfig['access'], isPart = false): { config: RouteConfig } {
  return { config: { name, access, isPart } };
}

export function configOf(request: FastifyRequest): RouteConfig | undefined {
  return request.routeOptions.config as unknown as RouteConfig | undefined;
}

/** Who calls. Only for routes that are not for everyone: the gate has let them in. */
export function callerOf(request: FastifyRequest): CallContext {
  const context = admitted.get(request);
  if (!context) throw new Error(`${request.url} is answered without having passed the gate`);
  return context;
}

/**
 * Stands before every route that is registered after it, and before a body is read. A route that does not say who may
 * call it keeps the controller from starting.
 */
export function addGate(
  server: FastifyInstance,
  authentication: Authentication,
  sendRefusal: (reply: FastifyReply, refusal: EdgeRefusal) => FastifyReply,
): void {
  server.addHook('onRoute', ({ method, url, config }) => {
    if ((config as Partial<RouteConfig> | undefined)?.access === undefined)
      throw new Error(`the route ${String(method)} ${url} does not say who may call it`);
  });
  server.addHook('onRequest', async (request, reply) => {
    const access = configOf(request)?.access ?? 'everyone';
    if (access === 'everyone') {
      const refused = authentication.admitStranger(request.ip);
      return refused && !refused.ok ? sendRefusal(reply, refused.refusal) : undefined;
    }
    const { authorization } = request.headers;
    const { answer, caller } = await authentication.admit({ authorization, address: request.ip }, access);
    note(request, { isAdmitted: answer.ok, ...(caller && { caller }) });
    if (!answer.ok) return sendRefusal(reply, answer.refusal);
    admitted.set(request, answer.value);
  });
}
