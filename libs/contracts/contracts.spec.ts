import { refusalCodes } from '@argosy/domain/refusal';
import { z } from 'zod';
import { drillBody, newGuestBody, newRuleBody, poolUpdateBody } from './bodies';
import { describes } from './describes';
import { invalidRequest, refusalStatus } from './errors';
import { fleetRoutes } from './fleet-routes';
import { hostCommandSchema } from './jobs';
import { mayCall, routeNames, routes, routeUrl, type Route } from './routes';

function explain(schema: z.ZodType, body: unknown): string {
  const parsed = schema.safeParse(body);
  return parsed.success ? 'accepted' : invalidRequest(parsed.error, 'body').refusal.message;
}

const guest = { name: 'db', pool: 'lab', image: 'tiny' };

describe('bodies', () => {
  test('a minimal guest is accepted as it is', () => {
    expect(newGuestBody.parse(guest)).toEqual(guest);
  });

  test.each([
    [{ ...guest, memoryMiB: 8 }, 'memoryMiB must be a whole number from 16 to 4194304 MiB'],
    [{ ...guest, memoryMiB: '64' }, 'memoryMiB must be a whole number from 16 to 4194304 MiB'],
    [{ ...guest, memoryMiB: 64.5 }, 'memoryMiB must be a whole number from 16 to 4194304 MiB'],
    [{ ...guest, vcpus: 0 }, 'vcpus must be a whole number from 1 to 512'],
    [{ ...guest, cpuLimitMillicores: 1 }, /^cpuLimitMillicores must be a whole number from 10 to 512000/],
    [{ ...guest, name: 'Db_1' }, /^name must be 1 to 63 lower-case letters, digits and hyphens/],
    [
      { ...guest, restartPriority: 'urgent' },
      'restartPriority must be one of highest, high, medium, low, lowest, disabled',
    ],
    [{ name: 'db', pool: 'lab' }, 'image must be given, or a template instead: one of the two'],
    [{ ...guest, memory: 64 }, /^the body "memory" is not known here; the fields are name, pool, image,/],
    [undefined, /^the body must be an object with the fields name, pool, image/],
    ['guest', /^the body must be an object/],
  ])('%j is refused in a sentence', (body, sentence) => {
    const message = explain(newGuestBody, body);
    if (typeof sentence === 'string') expect(message).toBe(sentence);
    else expect(message).toMatch(sentence);
  });

  test('every fault of a body is named, not only the first', () => {
    expect(explain(newGuestBody, { ...guest, vcpus: 0, memoryMiB: 1 })).toMatch(/vcpus .*; memoryMiB /);
  });

  test('an unknown key deep inside is named with its place', () => {
    expect(explain(poolUpdateBody, { settings: { balance: { treshold: 3 } } })).toBe(
      'settings.balance "treshold" is not known here; the fields are automation, threshold, intervalMs, coolDownMs, cpuSafetyShare, memoryRatio, vcpuRatio',
    );
  });

  test('a rule between guests needs two of them and no host', () => {
    const rule = { name: 'r', pool: 'lab', kind: 'apart', guests: ['a'] };
    expect(explain(newRuleBody, rule)).toMatch(/^guests must name at least two guests/);
    expect(explain(newRuleBody, { ...rule, guests: ['a', 'b'], hosts: ['h1'] })).toMatch(/^hosts must be left out/);
    expect(explain(newRuleBody, { ...rule, kind: 'must-run-on' })).toMatch(/^hosts must name at least one host/);
  });

  test('a drill needs what it breaks', () => {
    expect(explain(drillBody, { drill: 'host-loss' })).toMatch(/^host must be given/);
    expect(explain(drillBody, { drill: 'guest-crash' })).toMatch(/^guest must be given/);
  });
});

describe('routes', () => {
  test('no two share a method and a path', () => {
    const keys = Object.values(routes).map((route) => `${route.method} ${route.path.replace(/:\w+/g, ':')}`);
    expect(new Set(keys).size).toBe(keys.length);
  });

  test('the parameters of a path are those of its schema', () => {
    for (const name of routeNames) {
      const route: Route = routes[name];
      const inPath = [...route.path.matchAll(/:(\w+)/g)].map((match) => match[1]);
      expect({ name, params: Object.keys(route.params?.shape ?? {}) }).toEqual({ name, params: inPath });
    }
  });

  test('each has a response unless its status says that there is none', () => {
    for (const name of routeNames) {
      const route: Route = routes[name];
      expect({ name, has: route.response !== undefined }).toEqual({ name, has: route.status !== 204 });
    }
  });

  test('every schema can stand in an OpenAPI document', () => {
    for (const name of routeNames) {
      const route: Route = routes[name];
      for (const schema of [route.params, route.query, route.body]) if (schema) z.toJSONSchema(schema, { io: 'input' });
      if (route.response) z.toJSONSchema(route.response, { io: 'output' });
    }
  });

  test('what only reads may be called by a viewer, and nothing that a viewer may call changes the fleet', () => {
    for (const name of Object.keys(fleetRoutes) as (keyof typeof fleetRoutes)[]) {
      const { access, method } = routes[name];
      if (access !== 'join') expect({ name, may: mayCall('viewer', access) }).toEqual({ name, may: method === 'GET' });
    }
    expect(mayCall('administrator', 'operator')).toBe(true);
    expect(mayCall('administrator', 'join')).toBe(false);
  });

  test('a url has its parameters escaped', () => {
    expect(routeUrl(routes['guest.get'].path, { guest: 'a/b' })).toBe('/api/v1/guests/a%2Fb');
  });

  test('an instant is read with its zone only', () => {
    const { query } = routes['placement.list'];
    expect(query.parse({ at: '2026-03-01T14:05:00Z' })).toMatchObject({ at: Date.UTC(2026, 2, 1, 14, 5), limit: 100 });
    expect(query.parse({ at: '0' })).toMatchObject({ at: 0 });
    expect(explain(query, { at: '14:05' })).toMatch(/^at must be an instant like/);
    expect(explain(query, { limit: '5000' })).toBe('limit must be a whole number from 1 to 1000');
  });
});

test('every refusal has an HTTP status of its kind', () => {
  for (const code of refusalCodes) expect(refusalStatus[code]).toBeGreaterThanOrEqual(400);
});

test('a command with an unknown order is refused', () => {
  const command = {
    commandId: 'c',
    hostId: 'h',
    incarnation: 1,
    term: 1,
    notAfter: 5,
    order: { kind: 'guest.stop', guestId: 'g', epoch: 1, graceMs: 0 },
  };
  expect(hostCommandSchema.parse(command)).toEqual(command);
  expect(hostCommandSchema.safeParse({ ...command, order: { kind: 'guest.explode' } }).success).toBe(false);
});

test('a schema that lacks a field of its type does not compile', () => {
  // @ts-expect-error `name` is missing.
  describes<{ id: string; name: string }>()(z.object({ id: z.string() }));
  // @ts-expect-error `name` may be absent in one and not in the other.
  describes<{ readonly name?: string }>()(z.object({ name: z.string() }));
  describes<{ readonly names: readonly string[] }>()(z.object({ names: z.array(z.string()) }));
});
