import * as bodies from '@argosy/contracts/bodies';
import { edgeErrorStatus, errorBodySchema, refusalStatus } from '@argosy/contracts/errors';
import { fleetRoutes } from '@argosy/contracts/fleet-routes';
import { auditEventSchema } from '@argosy/contracts/audit';
import * as answers from '@argosy/contracts/answers';
import * as policies from '@argosy/contracts/policy-schemas';
import * as responses from '@argosy/contracts/responses';
import * as simulations from '@argosy/contracts/simulation-schemas';
import * as storage from '@argosy/contracts/storage-schemas';
import { apiPrefix, routeNames, routes, type Access, type Route } from '@argosy/contracts/routes';
import { streamMessageSchema, streamPath, streamQuery } from '@argosy/contracts/stream';
import { hostAssignmentsSchema } from '@argosy/contracts/telemetry';
import { z } from 'zod';
import { isBodyRequired } from './parse-call';

type Json = { readonly [key: string]: unknown };

/** Schemas that stand in the document under a name of their own; the others stand where they are used. */
const named = {
  Alarm: responses.alarmSchema,
  BalancePolicy: policies.balancePolicySchema,
  BalanceRun: responses.balanceRunSchema,
  Datastore: storage.datastoreSchema,
  Snapshot: storage.snapshotSchema,
  Drill: responses.drillSchema,
  DriverCapabilities: responses.driverCapabilitiesSchema,
  Error: errorBodySchema,
  Event: responses.eventSchema,
  AuditEvent: auditEventSchema,
  FailurePolicy: policies.failurePolicySchema,
  Guest: responses.guestSchema,
  GuestObservation: responses.guestObservationSchema,
  Host: responses.hostSchema,
  HostAssignments: hostAssignmentsSchema,
  HostCapabilities: responses.hostCapabilitiesSchema,
  HostUsage: responses.hostUsageSchema,
  Image: responses.imageSchema,
  JoinToken: responses.joinTokenSchema,
  Lab: answers.labSchema,
  Migration: responses.migrationSchema,
  MigrationPolicy: policies.migrationPolicySchema,
  NewGuest: bodies.newGuestBody,
  NewImage: bodies.newImageBody,
  NewRule: bodies.newRuleBody,
  Placement: responses.placementViewSchema,
  Pool: responses.poolSchema,
  PoolSettings: bodies.poolSettingsBody,
  Recommendation: responses.recommendationSchema,
  Rule: responses.ruleSchema,
  Simulation: simulations.simulationSchema,
  StreamMessage: streamMessageSchema,
  Task: responses.taskSchema,
  Token: responses.tokenSchema,
  User: responses.userSchema,
} as const satisfies Record<string, z.ZodType>;

const tags: Readonly<Record<string, string>> = {
  pools: 'Clusters of hosts under one policy.',
  hosts: 'What guests run on, its state and its use.',
  guests: 'Virtual machines.',
  placements: 'Which guest ran where, and when.',
  images: 'What guests boot from.',
  datastores: 'Where images and disks are kept.',
  rules: 'Which guests belong together, apart or spread over failure domains, and on which hosts.',
  migrations: 'Guests that move while they run.',
  balance: 'Recommendations, and what led to them.',
  simulations: 'What would be, by the same brain on a virtual clock.',
  drills: 'Failures that are predicted, caused and measured.',
  events: 'What happened, what is under way and what needs attention.',
  access: 'Users and tokens.',
  agents: 'What hosts ask for themselves.',
  server: 'The controller itself.',
};

const schemaNames = z.registry<{ id: string }>();
for (const [id, schema] of Object.entries(named)) schemaNames.add(schema, { id });

type Overridden = Parameters<NonNullable<NonNullable<Parameters<typeof z.toJSONSchema>[1]>['override']>>[0];

/** Descriptions stand in zod's own registry, and names in ours. */
function describe({ zodSchema, jsonSchema }: Overridden): void {
  const description = z.globalRegistry.get(zodSchema)?.description;
  if (description !== undefined) jsonSchema.description = description;
}

/** Fields may be added to answers later, so no client may be made that refuses them; a body's unknown fields are refused. */
function describeOpen(context: Overridden): void {
  describe(context);
  if (context.jsonSchema.additionalProperties === false) delete context.jsonSchema.additionalProperties;
}

/** Collects the schemas that others refer to, and makes references to them. */
class Components {
  readonly schemas: Record<string, unknown> = {};

  ofInput(schema: z.ZodType): Json {
    return this.take(z.toJSONSchema(schema, { metadata: schemaNames, io: 'input', override: describe }));
  }

  ofOutput(schema: z.ZodType): Json {
    return this.take(z.toJSONSchema(schema, { metadata: schemaNames, io: 'output', override: describeOpen }));
  }

  private take(schema: object): Json {
    const { $schema: _dialect, $defs = {}, ...rest } = withReferences(schema) as Record<string, unknown>;
    Object.assign(this.schemas, $defs);
    return rest;
  }
}

function withReferences(schema: object): unknown {
  const text = JSON.stringify(schema).replaceAll('"$ref":"#/$defs/', '"$ref":"#/components/schemas/');
  return JSON.parse(text) as unknown;
}

/** The codes of each status: a caller looks at the code, and what it may be is said here. */
const codesOf = new Map<number, string[]>();
for (const [code, status] of Object.entries({ ...edgeErrorStatus, ...refusalStatus }))
  codesOf.set(status, [...(codesOf.get(status) ?? []), code].sort());

const alwaysPossible = [401, 403, 429, 500, 503];
const fromTheBrain = [404, 409, 422, 502, 504, 507];

function errorStatuses(name: string, route: Route): number[] {
  const statuses = new Set(alwaysPossible);
  if (route.params) statuses.add(404);
  if (route.params || route.query || route.body) statuses.add(400);
  if (route.body) for (const status of [413, 415]) statuses.add(status);
  if (name in fleetRoutes) for (const status of fromTheBrain) statuses.add(status);
  if (name === 'simulation.start' || name === 'drill.predict') for (const status of fromTheBrain) statuses.add(status);
  if (route.tag === 'access' || name.startsWith('guest.console')) for (const status of [404, 409]) statuses.add(status);
  return [...statuses].sort((left, right) => left - right);
}

const errorReferences = (statuses: readonly number[]) =>
  Object.fromEntries(statuses.map((status) => [String(status), { $ref: `#/components/responses/Error${status}` }]));

const content = (schema: Json, type = 'application/json') => ({ content: { [type]: { schema } } });

function errorResponses(components: Components): Json {
  const schema = components.ofOutput(errorBodySchema);
  const entries = [...codesOf].map(([status, codes]) => {
    const description = codes.length === 1 ? `Code ${codes[0]}.` : `One of the codes ${codes.join(', ')}.`;
    return [`Error${status}`, { description, ...content(schema) }];
  });
  return Object.fromEntries(entries) as Json;
}

function parameters(components: Components, schema: z.ZodObject | undefined, place: 'path' | 'query'): Json[] {
  if (!schema) return [];
  const { properties = {}, required = [] } = components.ofInput(schema) as {
    properties?: Record<string, Record<string, unknown>>;
    required?: readonly string[];
  };
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: place,
    description: description ?? '',
    required: place === 'path' || required.includes(name),
    schema: rest,
  }));
}

function security(access: Access): Json[] {
  return [access === 'join' ? { joinToken: [] } : { token: [] }];
}

function who(access: Access): string {
  return access === 'join'
    ? 'For agents, with a join token or with the credential that it was exchanged for.'
    : `Needs the role ${access}${access === 'administrator' ? '' : ' or a higher one'}.`;
}

const statusWords = { 200: 'Done.', 201: 'Made.', 202: 'Accepted: the control loop goes on from here.', 204: 'Done.' };

function operation(components: Components, name: string, route: Route): Json {
  const done = {
    description: statusWords[route.status],
    ...(route.response && content(components.ofOutput(route.response))),
  };
  return {
    operationId: name,
    tags: [route.tag],
    summary: route.summary,
    description: who(route.access),
    security: security(route.access),
    parameters: [...parameters(components, route.params, 'path'), ...parameters(components, route.query, 'query')],
    ...(route.body && {
      requestBody: { required: isBodyRequired(route.body), ...content(components.ofInput(route.body)) },
    }),
    responses: { [route.status]: done, ...errorReferences(errorStatuses(name, route)) },
  };
}

/** Routes that stand in no table, because they answer with no JSON of the fleet. */
function otherPaths(components: Components): Json {
  const text = { type: 'string' };
  const health = z.object({
    status: z.enum(['ok', 'degraded']),
    leading: z.boolean(),
    database: z.enum(['up', 'down']),
    redis: z.enum(['up', 'down']),
    at: z.int().describe("The fleet's time, in ms since 1970 (UTC)"),
  });
  const open = { tags: ['server'], security: [] };
  const wrongMethod = errorReferences([405]);
  const report = content(components.ofOutput(health));
  return {
    [streamPath]: {
      get: {
        operationId: 'event.stream',
        tags: ['events'],
        summary: 'Follow every change, as server-sent events',
        description: `${who('viewer')} Each event's data is a StreamMessage. Open the stream first, then read what there is.`,
        security: security('viewer'),
        parameters: [
          ...parameters(components, streamQuery, 'query'),
          {
            name: 'Last-Event-ID',
            in: 'header',
            required: false,
            description: 'The id of the last event that arrived: what came after it is sent, or a reset.',
            schema: text,
          },
        ],
        responses: {
          200: {
            description: 'Events without end.',
            ...content(components.ofOutput(streamMessageSchema), 'text/event-stream'),
          },
          ...errorReferences([400, ...alwaysPossible]),
        },
      },
    },
    '/health': {
      get: {
        ...open,
        operationId: 'health',
        summary: 'Say whether the controller and what it stands on work',
        responses: {
          200: { description: 'All is well.', ...report },
          503: { description: 'Something is away.', ...report },
          ...wrongMethod,
        },
      },
    },
    '/metrics': {
      get: {
        operationId: 'metrics',
        tags: ['server'],
        summary: 'Give figures to Prometheus',
        description: who('viewer'),
        security: security('viewer'),
        responses: {
          200: { description: "Prometheus' text form.", ...content(text, 'text/plain') },
          ...errorReferences(alwaysPossible),
        },
      },
    },
  };
}

/** The OpenAPI 3.1 document of every route, made from the table of routes. */
export function openApiDocument(): Json {
  const components = new Components();
  const paths: Record<string, Record<string, unknown>> = {};
  for (const name of routeNames) {
    const route: Route = routes[name];
    const path = `${apiPrefix}${route.path.replace(/:(\w+)/g, '{$1}')}`;
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(components, name, route) };
  }
  const others = otherPaths(components);
  const errors = errorResponses(components);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Argosy',
      version: '1',
      description:
        'Runs a fleet of virtual machines: placement, live migration, balancing and failover. Errors carry a stable code and a sentence.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'This controller.' }],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    paths: { ...paths, ...others },
    components: {
      schemas: components.schemas,
      responses: errors,
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: "A user's token." },
        joinToken: { type: 'http', scheme: 'bearer', description: "A join token, or an agent's credential." },
      },
    },
  };
}
