import type { FleetRequest } from '@argosy/domain/fleet-request';
import type { RouteInput, RouteName } from './routes';

/**
 * The routes that are requests to the fleet's brain, and which. What the brain answers is the route's response: the
 * entity, nothing for a removal, HostAssignments for a registration, the recommendations for those that were applied.
 */
export const fleetRoutes = {
  'pool.create': ({ body }) => ({ kind: 'pool.create', ...body }),
  'pool.update': ({ params, body }) => ({ kind: 'pool.update', ...params, ...body }),
  'pool.remove': ({ params }) => ({ kind: 'pool.remove', ...params }),
  'pool.tolerance': ({ params }) => ({ kind: 'pool.tolerance', ...params }),
  'host.evacuation': ({ params }) => ({ kind: 'host.evacuation', ...params }),
  'host.enter-maintenance': ({ params }) => ({ kind: 'host.maintenance', ...params, enter: true }),
  'host.exit-maintenance': ({ params }) => ({ kind: 'host.maintenance', ...params, enter: false }),
  'host.enter-standby': ({ params }) => ({ kind: 'host.standby', ...params, enter: true }),
  'host.exit-standby': ({ params }) => ({ kind: 'host.standby', ...params, enter: false }),
  'host.fence': ({ params }) => ({ kind: 'host.fence', ...params }),
  'pool.roll': ({ params, body }) => ({ kind: 'pool.roll', ...params, ...body }),
  'pool.roll-stop': ({ params }) => ({ kind: 'pool.roll-stop', ...params }),
  'host.update': ({ params, body }) => ({ kind: 'host.update', ...params, settings: body }),
  'alarm.acknowledge': ({ params }) => ({ kind: 'alarm.acknowledge', alarm: params.id }),
  'host.add-fence-device': ({ params, body }) => ({ kind: 'host.add-fence-device', ...params, device: body }),
  'host.remove-fence-device': ({ params }) => ({ kind: 'host.remove-fence-device', ...params }),
  'host.remove': ({ params }) => ({ kind: 'host.remove', ...params }),
  'guest.create': ({ body }) => ({ kind: 'guest.create', guest: body }),
  'guest.clone': ({ params, body }) => ({ kind: 'guest.clone', ...params, clone: body }),
  'guest.make-template': ({ params }) => ({ kind: 'guest.template', ...params, isTemplate: true }),
  'guest.undo-template': ({ params }) => ({ kind: 'guest.template', ...params, isTemplate: false }),
  'guest.update': ({ params, body }) => ({ kind: 'guest.update', ...params, settings: body }),
  'guest.remove': ({ params, query }) => ({ kind: 'guest.remove', ...params, keepDisk: query.keepDisk }),
  'guest.start': ({ params }) => ({ kind: 'guest.power', ...params, desired: 'running' }),
  'guest.stop': ({ params, body }) => ({ kind: 'guest.power', ...params, desired: 'stopped', ...body }),
  'guest.restart': ({ params }) => ({ kind: 'guest.restart', ...params }),
  'guest.pause': ({ params }) => ({ kind: 'guest.power', ...params, desired: 'paused' }),
  'guest.resume': ({ params }) => ({ kind: 'guest.power', ...params, desired: 'running' }),
  'guest.suspend': ({ params }) => ({ kind: 'guest.power', ...params, desired: 'suspended' }),
  'snapshot.take': ({ params, body }) => ({ kind: 'snapshot.take', ...params, ...body }),
  'snapshot.revert': ({ params }) => ({ kind: 'snapshot.revert', ...params }),
  'snapshot.remove': ({ params }) => ({ kind: 'snapshot.remove', ...params }),
  'guest.migrate': ({ params, body }) => ({ kind: 'guest.migrate', ...params, ...body }),
  'guest.recover': ({ params, body }) => ({ kind: 'guest.recover', ...params, ...body }),
  'image.create': ({ body }) => ({ kind: 'image.create', image: body }),
  'image.remove': ({ params }) => ({ kind: 'image.remove', image: params.id }),
  'datastore.create': ({ body }) => ({ kind: 'datastore.create', datastore: body }),
  'datastore.update': ({ params, body }) => ({ kind: 'datastore.update', datastore: params.id, settings: body }),
  'datastore.remove': ({ params }) => ({ kind: 'datastore.remove', datastore: params.id }),
  'rule.create': ({ body }) => ({ kind: 'rule.create', rule: body }),
  'rule.remove': ({ params }) => ({ kind: 'rule.remove', rule: params.id }),
  'migration.cancel': ({ params }) => ({ kind: 'migration.cancel', migration: params.id }),
  'balance.run': ({ body }) => ({ kind: 'balance.run', ...body }),
  'recommendation.apply': ({ body }) => ({ kind: 'recommendation.apply', ...body }),
  'drill.run': ({ body }) => ({ kind: 'drill.run', ...body }),
  'agent.register': ({ body: { credentialHash: _, poolName = '', ...host } }) => ({
    kind: 'host.register',
    registration: { ...host, poolName },
  }),
} as const satisfies { readonly [Name in RouteName]?: (input: RouteInput<Name>) => FleetRequest };
export type FleetRouteName = keyof typeof fleetRoutes;

type Asked = ReturnType<(typeof fleetRoutes)[FleetRouteName]>['kind'];
/** Does not compile when a request has no route. */
const everyRequestHasARoute: Exclude<FleetRequest['kind'], Asked> extends never ? true : never = true;
void everyRequestHasARoute;
