import type { Handlers } from '../answer';
import type { Health } from '../health';
import type { ServerFacts } from '../ports';

export function serverHandlers(server: ServerFacts, health: Health) {
  return {
    'lab.get': async () => {
      const { database, redis } = await health.check();
      const { version, controllerId, startedAt, lab } = server;
      const leader = database === 'up' ? server.lease() : null;
      return { ok: true, value: { version, controller: controllerId, startedAt, leader, database, redis, lab } };
    },
  } satisfies Partial<Handlers>;
}
