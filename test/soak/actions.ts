import type { Random } from '@argosy/simulator/random';
import { signal } from '../fleet/lab-processes';
import { diskActions } from './disk-actions';
import { failureActions } from './failure-actions';
import {
  type Action,
  ask,
  askMs,
  between,
  countEnds,
  kill,
  mayWrite,
  pickGuest,
  pickHost,
  start,
  supervise,
  thaw,
} from './moves';
import { rollActions } from './roll-actions';

/** What may happen, and how often. Faults leave a repair behind, which comes after a while or when the soak rests. */
export const actions: readonly Action[] = [
  {
    weight: 10,
    run: async (soak) => {
      const [guest, host] = [pickGuest(soak), pickHost(soak)];
      const call = { params: { guest: guest.name }, body: { host: host.name } };
      const writing = await mayWrite(soak, guest);
      return `${writing}migrate ${guest.name} to ${host.name}: ${await ask(soak, 'guest.migrate', call)}`;
    },
  },
  {
    weight: 2,
    run: async (soak) => {
      const { items } = await soak.fleet.api.call('migration.list', { query: { limit: 20 } }, askMs);
      const open = items.find(({ endedAt }) => endedAt === null);
      return open ? `cancel ${open.id}: ${await ask(soak, 'migration.cancel', { params: { id: open.id } })}` : null;
    },
  },
  {
    weight: 3,
    run: async (soak) => {
      const [guest, load] = [pickGuest(soak), soak.random.below(400)];
      const call = { params: { guest: guest.name }, body: { text: `load ${load}\n` } };
      return `load ${guest.name} ${load}: ${await ask(soak, 'guest.console-write', call)}`;
    },
  },
  {
    weight: 4,
    run: async (soak) => {
      const host = pickHost(soak);
      return kill(host.agentPid()) ? `kill the agent of ${host.name}` : null;
    },
  },
  {
    weight: 3,
    run: async (soak) => {
      const guest = pickGuest(soak);
      const vmms = guest.guest.vmms();
      if (vmms.length === 0) return null;
      const victim = soak.random.pick(vmms);
      guest.ends += 1;
      kill(victim.pid);
      return `kill the VMM of ${guest.name} on ${victim.host.name} (epoch ${victim.epoch} of ${vmms.length})`;
    },
  },
  {
    weight: 1,
    run: async (soak) => {
      const guest = pickGuest(soak);
      const [older, newer] = guest.guest.vmms().sort((left, right) => left.epoch - right.epoch);
      if (!older || !newer) return null;
      signal(newer.pid, 'SIGSTOP');
      const frozenMs = between(soak.random, 1_000, 20_000);
      soak.repairs.after(
        frozenMs,
        `freeze ${guest.name}`,
        `${guest.name}'s copy on ${newer.host.name} thaws`,
        async () => thaw(newer.pid),
      );
      return `freeze the newer copy of ${guest.name} on ${newer.host.name} for ${frozenMs} ms`;
    },
  },
  {
    weight: 3,
    run: async (soak) => {
      const host = pickHost(soak);
      // The pool allows one silent host; of more it would rightly fence none.
      if (soak.repairs.isBroken('host')) return null;
      await countEnds(soak, host);
      await host.power('off');
      await countEnds(soak, host);
      const backMs = between(soak.random, 4_000, 20_000);
      soak.repairs.after(backMs, 'host', `${host.name} on`, () => host.power('on'));
      return `cut the power of ${host.name} for ${backMs} ms`;
    },
  },
  {
    weight: 2,
    run: async (soak) => {
      const leader = await soak.fleet.leader();
      if (soak.repairs.isBroken('controller')) return null;
      await leader.kill();
      const backMs = between(soak.random, 100, 8_000);
      soak.repairs.after(backMs, 'controller', `${leader.name} back`, () => supervise(leader));
      return `kill the leading controller ${leader.name} for ${backMs} ms`;
    },
  },
  {
    weight: 2,
    run: async (soak) => {
      if (soak.repairs.isBroken('controller')) return null;
      const leader = await soak.fleet.leader();
      const { pid } = leader;
      signal(pid, 'SIGSTOP');
      const backMs = between(soak.random, 500, 8_000);
      soak.repairs.after(backMs, 'controller', `${leader.name} wakes`, async () => signal(pid, 'SIGCONT'));
      return `stop the leading controller ${leader.name} for ${backMs} ms`;
    },
  },
  {
    weight: 2,
    run: async (soak) => {
      if (soak.repairs.isBroken('Redis')) return null;
      await soak.fleet.redis.kill();
      const backMs = between(soak.random, 100, 8_000);
      soak.repairs.after(backMs, 'Redis', 'Redis back', () => soak.fleet.redis.start());
      return `kill Redis for ${backMs} ms`;
    },
  },
  {
    weight: 1,
    run: async (soak) => {
      if (soak.repairs.isBroken('Redis')) return null;
      await soak.jobs.empty();
      return 'empty Redis';
    },
  },
  {
    weight: 2,
    run: async (soak) => {
      if (soak.repairs.isBroken('database')) return null;
      await soak.fleet.postgres.kill();
      const backMs = between(soak.random, 100, 8_000);
      soak.repairs.after(backMs, 'database', 'PostgreSQL back', () => soak.fleet.postgres.start());
      return `kill PostgreSQL for ${backMs} ms`;
    },
  },
  {
    weight: 2,
    run: async (soak) => {
      const guest = pickGuest(soak);
      if (guest.wanted === 'stopped') return null;
      guest.ends += 1;
      guest.wanted = 'stopped';
      const force = soak.random.below(2) === 0;
      const answer = await ask(soak, 'guest.stop', { params: { guest: guest.name }, body: { force } });
      const backMs = between(soak.random, 500, 15_000);
      soak.repairs.after(backMs, `stop ${guest.name}`, `${guest.name} starts`, () => start(soak, guest));
      return `stop ${guest.name}${force ? ' by force' : ''} for ${backMs} ms: ${answer}`;
    },
  },
  {
    weight: 1,
    run: async (soak) => {
      const guest = pickGuest(soak);
      guest.ends += 1;
      return `restart ${guest.name}: ${await ask(soak, 'guest.restart', { params: { guest: guest.name } })}`;
    },
  },
  {
    weight: 2,
    run: async (soak) => {
      const host = pickHost(soak);
      if (soak.repairs.isBroken('maintenance')) return null;
      const params = { host: host.name };
      const answer = await ask(soak, 'host.enter-maintenance', { params });
      const backMs = between(soak.random, 2_000, 15_000);
      soak.repairs.after(backMs, 'maintenance', `${host.name} leaves maintenance`, async () => {
        await soak.fleet.api.call('host.exit-maintenance', { params });
      });
      return `maintenance of ${host.name} for ${backMs} ms: ${answer}`;
    },
  },
  {
    weight: 1,
    run: async (soak) => {
      const guest = pickGuest(soak);
      const isCrash = soak.random.below(2) === 0;
      const host = pickHost(soak);
      if (isCrash) guest.ends += 1;
      const body = isCrash ? { drill: 'guest-crash', guest: guest.name } : { drill: 'agent-loss', host: host.name };
      return `drill ${JSON.stringify(body)}: ${await ask(soak, 'drill.run', { body })}`;
    },
  },
  {
    weight: 2,
    run: async (soak) => {
      const { random } = soak;
      const body = {
        settings: {
          balance: { threshold: 1 + random.below(5), coolDownMs: random.below(5_000) },
          migration: {
            postCopy: random.below(3) === 0,
            encrypted: random.below(4) !== 0,
            bandwidthMiBPerSecond: random.pick([8, 32, 200, 10_240]),
            concurrentPerHost: 1 + random.below(3),
          },
        },
      };
      const answer = await ask(soak, 'pool.update', { params: { pool: 'pool' }, body });
      return `settings ${JSON.stringify(body.settings)}: ${answer}`;
    },
  },
  ...diskActions,
  ...failureActions,
  ...rollActions,
];

const totalWeight = actions.reduce((sum, { weight }) => sum + weight, 0);

export function pickAction(random: Random): Action {
  let draw = random.below(totalWeight);
  for (const action of actions) {
    draw -= action.weight;
    if (draw < 0) return action;
  }
  throw new Error('the weights do not add up');
}
