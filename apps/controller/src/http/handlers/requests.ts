import { fleetRoutes, type FleetRouteName } from '@argosy/contracts/fleet-routes';
import { guestSchema } from '@argosy/contracts/responses';
import { routes, type Route, type RouteInput } from '@argosy/contracts/routes';
import type { Guest, Recommendation } from '@argosy/domain/entities';
import type { FleetRequest } from '@argosy/domain/fleet-request';
import { accepted, refused, type Result } from '@argosy/domain/refusal';
import type { AnswerOf, Handler, Handlers } from '../answer';
import type { HttpPorts } from '../ports';
import { withDeadline } from '../deadline';
import { seekRow } from '../references';
import { shownGuest } from '../shown';

/** Routes whose handlers have more to do than to ask the brain. */
type SpecialRoute = 'agent.register' | 'host.remove' | 'balance.run' | 'recommendation.apply';
type PlainRoute = Exclude<FleetRouteName, SpecialRoute>;
const plainRoutes = Object.keys(fleetRoutes).filter((name) => !isSpecial(name)) as PlainRoute[];

function isSpecial(name: string): boolean {
  const special: readonly string[] = [
    'agent.register',
    'host.remove',
    'balance.run',
    'recommendation.apply',
  ] satisfies SpecialRoute[];
  return special.includes(name);
}

export type Ask = (actor: string, request: FleetRequest) => Promise<Result<unknown>>;

/**
 * Asks the brain, and not for ever. After the deadline nobody knows whether it was done, which the sentence says; the
 * caller reads, and asks again if it was not.
 */
export function askWithin({ gateway, limits }: Pick<HttpPorts, 'gateway' | 'limits'>): Ask {
  return (actor, request) => {
    const { requestDeadlineMs } = limits;
    const late = `There was no answer to ${request.kind} within ${requestDeadlineMs} ms; see whether it was done before you ask again.`;
    return withDeadline(gateway.request(actor, request), requestDeadlineMs, refused('deadline-passed', late));
  };
}

/** What is asked of the fleet's brain: the answer is the route's response, by the contract in fleet-routes. */
export function requestHandlers(ports: Pick<HttpPorts, 'gateway' | 'limits' | 'access'>) {
  const ask = askWithin(ports);

  function plain<Name extends PlainRoute>(name: Name): Handler<Name> {
    const toRequest = fleetRoutes[name] as unknown as (input: RouteInput<Name>) => FleetRequest;
    const isGuest = (routes[name] as Route).response === guestSchema;
    return async (call) => {
      const answer = await ask(call.caller.name, toRequest(call));
      const shown = answer.ok && isGuest ? accepted(shownGuest(answer.value as Guest)) : answer;
      return shown as AnswerOf<Name>;
    };
  }
  const plainHandlers = Object.fromEntries(plainRoutes.map((name) => [name, plain(name)])) as unknown as {
    readonly [Name in PlainRoute]: Handler<Name>;
  };

  async function recommendations(actor: string, request: FleetRequest) {
    const answer = (await ask(actor, request)) as Result<readonly Recommendation[]>;
    return answer.ok ? { ok: true as const, value: { items: answer.value, nextCursor: null } } : answer;
  }

  return {
    ...plainHandlers,
    'host.remove': async (call) => {
      const host = seekRow(ports.gateway.fleet, 'host', call.params.host);
      const answer = (await ask(call.caller.name, fleetRoutes['host.remove'](call))) as Result<null>;
      // Its agent could come back with it, and the host would be there again.
      if (answer.ok && host) await ports.access.revokeCredential(host.name);
      return answer;
    },
    'balance.run': (call) => recommendations(call.caller.name, fleetRoutes['balance.run'](call)),
    'recommendation.apply': (call) => recommendations(call.caller.name, fleetRoutes['recommendation.apply'](call)),
  } satisfies Partial<Handlers>;
}
