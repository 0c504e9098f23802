import { eventSeverities, subjectKinds } from '@argosy/domain/entities';
import { auditOutcomes, roles, type Role } from '@argosy/domain/access';
import { z } from 'zod';
import * as answers from './answers';
import { auditEventSchema } from './audit';
import * as bodies from './bodies';
import { oneOf, pageQuery, queryFlag, queryInstant, referenceField, strictBody, textField } from './fields';
import * as pools from './pool-schemas';
import * as responses from './responses';
import { uploadRoutes } from './image-uploads';
import { consoleRoutes } from './console-routes';
import { simulationRoutes } from './simulation-routes';
import { usageRoutes } from './usage-routes';
import * as storage from './storage-schemas';
import { hostAssignmentsSchema } from './telemetry';

export const apiPrefix = '/api/v1';

/** A WebSocket that speaks RFB with a guest's screen: `guest.screen` answers with the ticket in its place, good once. */
export const screenPath = `${apiPrefix}/screens/:ticket`;

/** `join`: with a join token, or with the credential of a host that has joined. */
export type Access = Role | 'join';

export interface Route {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Below `apiPrefix`; a segment that begins with ':' is a parameter. */
  readonly path: string;
  readonly summary: string;
  readonly tag: string;
  /** The least role that may call it. */
  readonly access: Access;
  /** 202: accepted into the fleet's desired state; the control loop goes on from there. 204 has no body. */
  readonly status: 200 | 201 | 202 | 204;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  readonly response?: z.ZodType;
}

const reference = (description: string) => referenceField.describe(description);
const pool = strictBody({ pool: reference('A pool, by its id or its name.') });
const host = strictBody({ host: reference('A host, by its id or its name.') });
const guest = strictBody({ guest: reference('A guest, by its id or its name.') });
const id = strictBody({
  id: reference('Its id; images, datastores, rules and users have a name that serves as well.'),
});
const ofPool = reference('Only of this pool, by its id or its name.').optional();
const ofHost = reference('Only of this host, by its id or its name.').optional();
const ofGuest = reference('Only of this guest, by its id or its name.').optional();
const active = queryFlag.optional().describe('true: only what has not ended; false: only what has. Without it, both.');
const open = queryFlag.optional().describe('true: only what is still open; false: only what is not. Without it, both.');
const instantOf = (description: string) =>
  queryInstant.optional().describe(`${description} As 2026-03-01T14:05:00Z, or milliseconds since 1970.`);
const guestSnapshot = strictBody({
  guest: reference('A guest, by its id or its name.'),
  snapshot: reference('One of its snapshots, by its id or its name.'),
});
const keepDisk = strictBody({
  keepDisk: queryFlag.default(false).describe('true: its files stay on the datastore. Without it they are deleted.'),
});
const inPool = strictBody({ pool: ofPool });
const page = strictBody(pageQuery);
const eventQuery = strictBody({
  subjectKind: oneOf(subjectKinds).optional().describe('Only events that speak of such a thing.'),
  subject: reference('Only events that speak of this one, by its id or its name.').optional(),
  code: textField(100).optional().describe('Only events with this code.'),
  severity: oneOf(eventSeverities).optional().describe('Only events of this severity and graver ones.'),
  since: instantOf('Only events at this instant or later.'),
  until: instantOf('Only events at this instant or earlier.'),
  ...pageQuery,
});
const auditQuery = strictBody({
  actor: textField(200).optional().describe('Only what this user did, or a host: "host h1".'),
  route: textField(100).optional().describe('Only calls of this route, like "guest.stop".'),
  outcome: oneOf(auditOutcomes).optional().describe('Only what came out like this.'),
  since: instantOf('Only calls at this instant or later.'),
  until: instantOf('Only calls at this instant or earlier.'),
  ...pageQuery,
});

/**
 * Every REST route. The controller makes its handlers and the OpenAPI document from this table, and the command line its
 * calls; the name is the operation's id. Pools, hosts, guests, images, datastores and rules are named by id or by name.
 */
// A table reads better with a route in two or three lines than in eleven.
// prettier-ignore
export const routes = {
  'pool.list': {
    method: 'GET', path: '/pools', tag: 'pools', access: 'viewer', status: 200,
    summary: 'List the pools', response: responses.pageOf(responses.poolSchema),
  },
  'pool.get': {
    method: 'GET', path: '/pools/:pool', tag: 'pools', access: 'viewer', status: 200,
    summary: 'Get a pool', params: pool, response: responses.poolSchema,
  },
  'pool.create': {
    method: 'POST', path: '/pools', tag: 'pools', access: 'administrator', status: 201,
    summary: 'Create a pool', body: bodies.newPoolBody, response: responses.poolSchema,
  },
  'pool.update': {
    method: 'PATCH', path: '/pools/:pool', tag: 'pools', access: 'administrator', status: 200,
    summary: "Change a pool's name or policies", params: pool, body: bodies.poolUpdateBody, response: responses.poolSchema,
  },
  'pool.remove': {
    method: 'DELETE', path: '/pools/:pool', tag: 'pools', access: 'administrator', status: 204,
    summary: 'Remove an empty pool', params: pool,
  },
  'pool.tolerance': {
    method: 'GET', path: '/pools/:pool/tolerance', tag: 'pools', access: 'viewer', status: 200,
    summary: 'Say how many hosts a pool can lose as it stands, and which loss would be too much', params: pool,
    response: pools.lossToleranceSchema,
  },

  'pool.roll': {
    method: 'POST', path: '/pools/:pool/roll', tag: 'pools', access: 'administrator', status: 202,
    summary: 'Take the hosts of a pool through maintenance in rounds, with a command on each; or plan that',
    params: pool, body: bodies.rollBody, response: responses.rollSchema,
  },
  'pool.roll-list': {
    method: 'GET', path: '/pools/:pool/rolls', tag: 'pools', access: 'viewer', status: 200,
    summary: 'List the rolls of a pool, newest first', params: pool, query: page,
    response: responses.pageOf(responses.rollSchema),
  },
  'pool.roll-stop': {
    method: 'DELETE', path: '/pools/:pool/roll', tag: 'pools', access: 'administrator', status: 202,
    summary: 'Finish the hosts that are begun, and begin no others', params: pool, response: responses.rollSchema,
  },

  'host.list': {
    method: 'GET', path: '/hosts', tag: 'hosts', access: 'viewer', status: 200,
    summary: 'List the hosts', query: inPool, response: responses.pageOf(responses.hostSchema),
  },
  'host.get': {
    method: 'GET', path: '/hosts/:host', tag: 'hosts', access: 'viewer', status: 200,
    summary: 'Get a host', params: host, response: responses.hostSchema,
  },
  'host.capabilities': {
    method: 'GET', path: '/hosts/:host/capabilities', tag: 'hosts', access: 'viewer', status: 200,
    summary: 'Say what a host can run, on what, and why', params: host, response: responses.hostCapabilitiesSchema,
  },
  'host.evacuation': {
    method: 'GET', path: '/hosts/:host/evacuation', tag: 'hosts', access: 'viewer', status: 200,
    summary: 'Say where the guests of a host would go if it were emptied now, all of them together', params: host,
    response: answers.evacuationPlanSchema,
  },
  'host.enter-maintenance': {
    method: 'POST', path: '/hosts/:host/maintenance', tag: 'hosts', access: 'operator', status: 202,
    summary: 'Evacuate a host and keep guests off it', params: host, response: responses.hostSchema,
  },
  'host.exit-maintenance': {
    method: 'DELETE', path: '/hosts/:host/maintenance', tag: 'hosts', access: 'operator', status: 202,
    summary: 'Let guests onto a host again', params: host, response: responses.hostSchema,
  },
  'host.enter-standby': {
    method: 'POST', path: '/hosts/:host/standby', tag: 'hosts', access: 'operator', status: 202,
    summary: 'Evacuate a host and switch it off, to save power', params: host, response: responses.hostSchema,
  },
  'host.exit-standby': {
    method: 'DELETE', path: '/hosts/:host/standby', tag: 'hosts', access: 'operator', status: 202,
    summary: 'Switch a host on again that is off to save power', params: host, response: responses.hostSchema,
  },
  'host.fence': {
    method: 'POST', path: '/hosts/:host/fence', tag: 'hosts', access: 'administrator', status: 202,
    summary: "Cut a host's power, and prove it", params: host, response: responses.hostSchema,
  },
  'host.update': {
    method: 'PATCH', path: '/hosts/:host', tag: 'hosts', access: 'administrator', status: 200,
    summary: "Change a host's settings", params: host, body: bodies.hostSettingsBody, response: responses.hostSchema,
  },
  'host.add-fence-device': {
    method: 'POST', path: '/hosts/:host/fence-devices', tag: 'hosts', access: 'administrator', status: 201,
    summary: 'Give a host a fence device, or replace the one of that name', params: host,
    body: bodies.newFenceDeviceBody, response: responses.hostSchema,
  },
  'host.remove-fence-device': {
    method: 'DELETE', path: '/hosts/:host/fence-devices/:device', tag: 'hosts', access: 'administrator', status: 200,
    summary: 'Take a fence device from a host',
    params: strictBody({ ...host.shape, device: reference('A fence device of the host, by its name.') }),
    response: responses.hostSchema,
  },
  'host.remove': {
    method: 'DELETE', path: '/hosts/:host', tag: 'hosts', access: 'administrator', status: 204,
    summary: 'Forget a host that has no guests', params: host,
  },

  'guest.list': {
    method: 'GET', path: '/guests', tag: 'guests', access: 'viewer', status: 200,
    summary: 'List the guests', query: strictBody({ pool: ofPool, host: ofHost }),
    response: responses.pageOf(responses.guestSchema),
  },
  'guest.get': {
    method: 'GET', path: '/guests/:guest', tag: 'guests', access: 'viewer', status: 200,
    summary: 'Get a guest', params: guest, response: responses.guestSchema,
  },
  'guest.hosts': {
    method: 'GET', path: '/guests/:guest/hosts', tag: 'guests', access: 'viewer', status: 200,
    summary: 'Say which hosts of its pool would take a guest now, and why the others would not', params: guest,
    query: strictBody({ datastore: reference('As it would be with its disk there, by id or name.').optional() }),
    response: responses.pageOf(answers.guestHostSchema),
  },
  'guest.datastores': {
    method: 'GET', path: '/guests/:guest/datastores', tag: 'guests', access: 'viewer', status: 200,
    summary: "Say to which datastores a guest's disk could be moved now, and why not to the others", params: guest,
    response: responses.pageOf(answers.guestDatastoreSchema),
  },
  'guest.processors': {
    method: 'GET', path: '/guests/:guest/processors', tag: 'guests', access: 'viewer', status: 200,
    summary: 'Say what a guest asks of processors, what of it it is entitled to and what it gets', params: guest,
    response: answers.guestProcessorsSchema,
  },
  'guest.create': {
    method: 'POST', path: '/guests', tag: 'guests', access: 'operator', status: 201,
    summary: 'Create a guest', body: bodies.newGuestBody, response: responses.guestSchema,
  },
  'guest.update': {
    method: 'PATCH', path: '/guests/:guest', tag: 'guests', access: 'operator', status: 200,
    summary: "Change a guest's settings", params: guest, body: bodies.guestSettingsBody, response: responses.guestSchema,
  },
  'guest.remove': {
    method: 'DELETE', path: '/guests/:guest', tag: 'guests', access: 'operator', status: 204,
    summary: 'Remove a stopped guest and its files', params: guest, query: keepDisk,
  },
  'guest.start': {
    method: 'POST', path: '/guests/:guest/start', tag: 'guests', access: 'operator', status: 202,
    summary: 'Start a guest', params: guest, response: responses.guestSchema,
  },
  'guest.stop': {
    method: 'POST', path: '/guests/:guest/stop', tag: 'guests', access: 'operator', status: 202,
    summary: 'Stop a guest', params: guest, body: bodies.stopBody, response: responses.guestSchema,
  },
  'guest.restart': {
    method: 'POST', path: '/guests/:guest/restart', tag: 'guests', access: 'operator', status: 202,
    summary: 'Stop a guest and start it again', params: guest, response: responses.guestSchema,
  },
  'guest.pause': {
    method: 'POST', path: '/guests/:guest/pause', tag: 'guests', access: 'operator', status: 202,
    summary: 'Pause a guest', params: guest, response: responses.guestSchema,
  },
  'guest.resume': {
    method: 'POST', path: '/guests/:guest/resume', tag: 'guests', access: 'operator', status: 202,
    summary: 'Let a paused guest run on', params: guest, response: responses.guestSchema,
  },
  'guest.suspend': {
    method: 'POST', path: '/guests/:guest/suspend', tag: 'guests', access: 'operator', status: 202,
    summary: 'Write the memory of a running guest to a file, and end its VMM; a start goes on from there', params: guest, response: responses.guestSchema,
  },
  'snapshot.list': {
    method: 'GET', path: '/guests/:guest/snapshots', tag: 'guests', access: 'viewer', status: 200,
    summary: "List a guest's snapshots, newest first", params: guest, response: responses.pageOf(storage.snapshotSchema),
  },
  'snapshot.take': {
    method: 'POST', path: '/guests/:guest/snapshots', tag: 'guests', access: 'operator', status: 202,
    summary: 'Take a snapshot of a guest, with its memory if it runs', params: guest, body: bodies.newSnapshotBody, response: storage.snapshotSchema,
  },
  'snapshot.revert': {
    method: 'POST', path: '/guests/:guest/snapshots/:snapshot/revert', tag: 'guests', access: 'operator', status: 202,
    summary: 'Take a stopped guest back to a snapshot', params: guestSnapshot, response: responses.guestSchema,
  },
  'snapshot.remove': {
    method: 'DELETE', path: '/guests/:guest/snapshots/:snapshot', tag: 'guests', access: 'operator', status: 204,
    summary: 'Remove a snapshot', params: guestSnapshot,
  },
  'guest.clone': {
    method: 'POST', path: '/guests/:guest/clone', tag: 'guests', access: 'operator', status: 202,
    summary: "Make a guest from another's disk, as it is now or at a snapshot", params: guest, body: bodies.newCloneBody, response: responses.guestSchema,
  },
  'guest.make-template': {
    method: 'POST', path: '/guests/:guest/template', tag: 'guests', access: 'operator', status: 200,
    summary: 'Let a stopped guest be a template, from which guests are made', params: guest, response: responses.guestSchema,
  },
  'guest.undo-template': {
    method: 'DELETE', path: '/guests/:guest/template', tag: 'guests', access: 'operator', status: 200,
    summary: 'Let a template be a guest again', params: guest, response: responses.guestSchema,
  },
  'guest.migrate': {
    method: 'POST', path: '/guests/:guest/migrate', tag: 'guests', access: 'operator', status: 202,
    summary: 'Migrate a running guest, to a given host or the best one, with its disk or without; or its disk alone', params: guest, body: bodies.migrateBody, response: responses.migrationSchema,
  },
  'guest.recover': {
    method: 'POST', path: '/guests/:guest/recover', tag: 'guests', access: 'administrator', status: 202,
    summary: 'Let a guest go on from the disk that it left, where the place that its disk was moving to is lost; with planOnly, say what would be lost', params: guest, body: bodies.recoverBody, response: storage.diskRecoverySchema,
  },
  ...consoleRoutes,
  'guest.placements': {
    method: 'GET', path: '/guests/:guest/placements', tag: 'placements', access: 'viewer', status: 200,
    summary: 'List where a guest has been, newest first', params: guest, query: page, response: responses.pageOf(responses.placementViewSchema),
  },

  'placement.list': {
    method: 'GET', path: '/placements', tag: 'placements', access: 'viewer', status: 200,
    summary: 'Say where every guest was at an instant (without one: now)',
    query: strictBody({ at: instantOf('The instant that is asked for.'), guest: ofGuest, host: ofHost, ...pageQuery }),
    response: responses.pageOf(responses.placementViewSchema),
  },

  'moment.get': {
    method: 'GET', path: '/moment', tag: 'placements', access: 'viewer', status: 200,
    summary: 'Say what pools, hosts, guests and rules were at an instant (without one: now), and what guests asked for',
    query: strictBody({ at: instantOf('The instant that is asked for.') }), response: answers.momentSchema,
  },

  'image.list': {
    method: 'GET', path: '/images', tag: 'images', access: 'viewer', status: 200,
    summary: 'List the images', response: responses.pageOf(responses.imageSchema),
  },
  'image.get': {
    method: 'GET', path: '/images/:id', tag: 'images', access: 'viewer', status: 200,
    summary: 'Get an image', params: id, response: responses.imageSchema,
  },
  'image.create': {
    method: 'POST', path: '/images', tag: 'images', access: 'operator', status: 201,
    summary: 'Make an image of files on a datastore', body: bodies.newImageBody, response: responses.imageSchema,
  },
  'image.remove': {
    method: 'DELETE', path: '/images/:id', tag: 'images', access: 'operator', status: 204,
    summary: 'Remove an image that no guest uses', params: id,
  },
  ...uploadRoutes,

  'datastore.list': {
    method: 'GET', path: '/datastores', tag: 'datastores', access: 'viewer', status: 200,
    summary: 'List the datastores', response: responses.pageOf(storage.datastoreSchema),
  },
  'datastore.get': {
    method: 'GET', path: '/datastores/:id', tag: 'datastores', access: 'viewer', status: 200,
    summary: 'Get a datastore', params: id, response: storage.datastoreSchema,
  },
  'datastore.create': {
    method: 'POST', path: '/datastores', tag: 'datastores', access: 'administrator', status: 201,
    summary: 'Create a datastore', body: bodies.newDatastoreBody, response: storage.datastoreSchema,
  },
  'datastore.update': {
    method: 'PATCH', path: '/datastores/:id', tag: 'datastores', access: 'administrator', status: 200,
    summary: "Change a datastore's name or alarm", params: id, body: bodies.datastoreSettingsBody, response: storage.datastoreSchema,
  },
  'datastore.remove': {
    method: 'DELETE', path: '/datastores/:id', tag: 'datastores', access: 'administrator', status: 204,
    summary: 'Forget a datastore on which nothing is kept', params: id,
  },

  'rule.list': {
    method: 'GET', path: '/rules', tag: 'rules', access: 'viewer', status: 200,
    summary: 'List the rules', query: inPool, response: responses.pageOf(responses.ruleSchema),
  },
  'rule.get': {
    method: 'GET', path: '/rules/:id', tag: 'rules', access: 'viewer', status: 200,
    summary: 'Get a rule', params: id, response: responses.ruleSchema,
  },
  'rule.create': {
    method: 'POST', path: '/rules', tag: 'rules', access: 'operator', status: 201,
    summary: 'Create a rule', body: bodies.newRuleBody, response: responses.ruleSchema,
  },
  'rule.remove': {
    method: 'DELETE', path: '/rules/:id', tag: 'rules', access: 'operator', status: 204,
    summary: 'Remove a rule', params: id,
  },

  'migration.list': {
    method: 'GET', path: '/migrations', tag: 'migrations', access: 'viewer', status: 200,
    summary: 'List the migrations, newest first',
    query: strictBody({ guest: ofGuest, active, ...pageQuery }),
    response: responses.pageOf(responses.migrationSchema),
  },
  'migration.get': {
    method: 'GET', path: '/migrations/:id', tag: 'migrations', access: 'viewer', status: 200,
    summary: 'Get a migration with its steps', params: id, response: responses.migrationSchema,
  },
  'migration.cancel': {
    method: 'POST', path: '/migrations/:id/cancel', tag: 'migrations', access: 'operator', status: 202,
    summary: 'Cancel a migration, until its switch-over', params: id, response: responses.migrationSchema,
  },

  'balance.run': {
    method: 'POST', path: '/balance-runs', tag: 'balance', access: 'operator', status: 201,
    summary: 'Look at the balance of a pool now, and say what to move', body: bodies.balanceBody,
    response: responses.pageOf(responses.recommendationSchema),
  },
  'balance.list': {
    method: 'GET', path: '/balance-runs', tag: 'balance', access: 'viewer', status: 200,
    summary: 'List the balance runs, newest first', query: strictBody({ pool: ofPool, ...pageQuery }),
    response: responses.pageOf(responses.balanceRunSchema),
  },
  'recommendation.list': {
    method: 'GET', path: '/recommendations', tag: 'balance', access: 'viewer', status: 200,
    summary: 'List the recommendations, newest first',
    query: strictBody({ pool: ofPool, open, ...pageQuery }),
    response: responses.pageOf(responses.recommendationSchema),
  },
  'recommendation.apply': {
    method: 'POST', path: '/recommendations/apply', tag: 'balance', access: 'operator', status: 202,
    summary: 'Apply one, some or all recommendations', body: bodies.applyRecommendationsBody,
    response: responses.pageOf(responses.recommendationSchema),
  },

  'drill.run': {
    method: 'POST', path: '/drills', tag: 'drills', access: 'administrator', status: 202,
    summary: 'Predict a failure, cause it, and measure the recovery', body: bodies.drillBody, response: responses.drillSchema,
  },
  'drill.list': {
    method: 'GET', path: '/drills', tag: 'drills', access: 'viewer', status: 200,
    summary: 'List the drills, newest first', query: page, response: responses.pageOf(responses.drillSchema),
  },
  'drill.get': {
    method: 'GET', path: '/drills/:id', tag: 'drills', access: 'viewer', status: 200,
    summary: 'Get a drill with its timeline and verdict', params: id, response: responses.drillSchema,
  },

  ...simulationRoutes,

  'event.list': {
    method: 'GET', path: '/events', tag: 'events', access: 'viewer', status: 200,
    summary: 'List what happened, newest first',
    query: eventQuery, response: responses.pageOf(responses.eventSchema),
  },
  'task.list': {
    method: 'GET', path: '/tasks', tag: 'tasks', access: 'viewer', status: 200,
    summary: 'List the tasks, newest first', query: strictBody({ active, ...pageQuery }),
    response: responses.pageOf(responses.taskSchema),
  },
  'task.get': {
    method: 'GET', path: '/tasks/:id', tag: 'tasks', access: 'viewer', status: 200,
    summary: 'Get a task', params: id, response: responses.taskSchema,
  },
  'alarm.list': {
    method: 'GET', path: '/alarms', tag: 'alarms', access: 'viewer', status: 200,
    summary: 'List the alarms, newest first', query: strictBody({ open, ...pageQuery }),
    response: responses.pageOf(responses.alarmSchema),
  },
  'alarm.acknowledge': {
    method: 'POST', path: '/alarms/:id/acknowledge', tag: 'alarms', access: 'operator', status: 200,
    summary: 'Say that an alarm of something that has happened was seen', params: id, response: responses.alarmSchema,
  },
  ...usageRoutes,

  'user.list': {
    method: 'GET', path: '/users', tag: 'access', access: 'administrator', status: 200,
    summary: 'List the users', response: responses.pageOf(responses.userSchema),
  },
  'user.create': {
    method: 'POST', path: '/users', tag: 'access', access: 'administrator', status: 201,
    summary: 'Create a user', body: bodies.newUserBody, response: responses.userSchema,
  },
  'user.update': {
    method: 'PATCH', path: '/users/:id', tag: 'access', access: 'administrator', status: 200,
    summary: "Change a user's role", params: id, body: bodies.userUpdateBody, response: responses.userSchema,
  },
  'user.remove': {
    method: 'DELETE', path: '/users/:id', tag: 'access', access: 'administrator', status: 204,
    summary: 'Remove a user and their tokens', params: id,
  },
  'token.list': {
    method: 'GET', path: '/tokens', tag: 'access', access: 'viewer', status: 200,
    summary: "List one's own tokens (an administrator: all)", response: responses.pageOf(responses.tokenSchema),
  },
  'token.create': {
    method: 'POST', path: '/tokens', tag: 'access', access: 'viewer', status: 201,
    summary: 'Create a token; its secret is shown this once', body: bodies.newTokenBody, response: responses.newTokenSchema,
  },
  'token.revoke': {
    method: 'DELETE', path: '/tokens/:id', tag: 'access', access: 'viewer', status: 204,
    summary: 'Revoke a token', params: id,
  },
  'join-token.list': {
    method: 'GET', path: '/join-tokens', tag: 'access', access: 'administrator', status: 200,
    summary: 'List the tokens with which hosts may join', response: responses.pageOf(responses.joinTokenSchema),
  },
  'join-token.create': {
    method: 'POST', path: '/join-tokens', tag: 'access', access: 'administrator', status: 201,
    summary: 'Create a token with which one host, this host or any number may join', body: bodies.newJoinTokenBody, response: responses.newJoinTokenSchema,
  },
  'join-token.revoke': {
    method: 'DELETE', path: '/join-tokens/:id', tag: 'access', access: 'administrator', status: 204,
    summary: 'Revoke a join token', params: id,
  },
  'audit.list': {
    method: 'GET', path: '/audit', tag: 'access', access: 'administrator', status: 200,
    summary: 'List who did what over the API, and who was denied, newest first',
    query: auditQuery, response: responses.pageOf(auditEventSchema),
  },
  'agent.register': {
    method: 'POST', path: '/agents/register', tag: 'agents', access: 'join', status: 200,
    summary: 'Join a host, or bring back one whose agent started again', body: bodies.registerBody,
    /**
     * `redisUrl` is where its orders and reports go; `hostKey` signs them, and proves who asks on direct connections. `migrationSecret` is for
     * the keys of migrations' streams.
     */
    response: z.object({
      assignments: hostAssignmentsSchema,
      redisUrl: z.string(),
      hostKey: z.string(),
      migrationSecret: z.string(),
    }),
  },

  'lab.get': {
    method: 'GET', path: '/lab', tag: 'server', access: 'viewer', status: 200,
    summary: 'Say what this controller is, who leads, and what lab it runs', response: answers.labSchema,
  },
  whoami: {
    method: 'GET', path: '/whoami', tag: 'server', access: 'viewer', status: 200,
    summary: 'Say whose token this is', response: answers.whoamiSchema,
  },
} as const satisfies Record<string, Route>;

export type RouteName = keyof typeof routes;
export const routeNames = Object.keys(routes) as RouteName[];

type Output<Name extends RouteName, Part extends 'params' | 'query' | 'body' | 'response'> =
  (typeof routes)[Name] extends Record<Part, infer Schema extends z.ZodType> ? z.output<Schema> : undefined;
type Input<Name extends RouteName, Part extends 'params' | 'query' | 'body'> =
  (typeof routes)[Name] extends Record<Part, infer Schema extends z.ZodType> ? z.input<Schema> : undefined;

/** What a handler is given, parsed: a part that the route does not have is undefined. */
export interface RouteInput<Name extends RouteName> {
  readonly params: Output<Name, 'params'>;
  readonly query: Output<Name, 'query'>;
  readonly body: Output<Name, 'body'>;
}
/** What a caller gives, before parsing: defaults may be left out. */
export interface RouteCall<Name extends RouteName> {
  readonly params: Input<Name, 'params'>;
  readonly query: Input<Name, 'query'>;
  readonly body: Input<Name, 'body'>;
}
export type RouteResponse<Name extends RouteName> = Output<Name, 'response'>;

export function mayCall(role: Role, access: Access): boolean {
  return access !== 'join' && roles.indexOf(role) >= roles.indexOf(access);
}

/** '/guests/:guest' with { guest: 'db' } becomes '/api/v1/guests/db'. */
export function routeUrl(path: string, params: Readonly<Record<string, string>> = {}): string {
  const filled = path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
  return `${apiPrefix}${filled}`;
}
